package faulttest

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// haproxyTLS answers every request on a port with TLS. Further lines are
// options of its bind line.
func haproxyTLS(t testing.TB, s server) endpoint {
	t.Helper()
	dir := tempDir(t)
	bind := "ssl crt " + writeFile(t, dir, "server.pem", bytes.Join([][]byte{s.pair.CertPEM, s.pair.KeyPEM}, nil))
	if s.clientCA != nil {
		option := "ca-file"
		if s.unnamed {
			option = "ca-verify-file"
		}
		bind += " verify required " + option + " " + writeFile(t, dir, "client-ca.pem", s.clientCA)
	}
	if s.only12() {
		bind += " ssl-max-ver TLSv1.2"
	}
	bind += " " + strings.Join(s.extra, " ")
	return haproxy(t, "mode http\n  bind %s "+bind+"\n  http-request return status 200 content-type text/plain string OK\n")
}

// haproxyPlain does it without TLS.
func haproxyPlain(t testing.TB, _ server) endpoint {
	t.Helper()
	return haproxy(t, "mode http\n  bind %s\n  http-request return status 200 content-type text/plain string OK\n")
}

// haproxyForward passes connections on to a port.
func haproxyForward(t testing.TB, to string) endpoint {
	t.Helper()
	return haproxy(t, "mode tcp\n  bind %s\n  server daemon "+to+"\n")
}

// haproxy starts one with a section of configuration that has %s for the address.
func haproxy(t testing.TB, section string) endpoint {
	t.Helper()
	path := programtest.Find(t, "haproxy", "haproxy")
	dir := tempDir(t)
	return listen(t, func(addr string) *exec.Cmd {
		// noreuseport: otherwise two would share a port, and answer for each other.
		config := "global\n  noreuseport\n  nbthread 1\n" +
			"defaults\n  timeout connect 10s\n  timeout client 1m\n  timeout server 1m\n" +
			"listen test\n  " + fmt.Sprintf(section, addr)
		return exec.Command(path, "-db", "-f", writeFile(t, dir, "haproxy.cfg", []byte(config)))
	})
}
