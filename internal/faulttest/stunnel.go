package faulttest

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// stunnelTLS takes the TLS off connections to a stand-in that has none.
func stunnelTLS(t testing.TB, s server) endpoint {
	t.Helper()
	path := programtest.Find(t, "stunnel4", "stunnel4")
	backend := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	t.Cleanup(backend.Close)

	dir := tempDir(t)
	lines := []string{
		"foreground = yes", "pid =", "debug = 5",
		"[tls]", "accept = %s", "connect = " + backend.Addr(),
		"cert = " + writeFile(t, dir, "server.pem", s.pair.CertPEM),
		"key = " + writeFile(t, dir, "server-key.pem", s.pair.KeyPEM),
	}
	if s.clientCA != nil {
		lines = append(lines, "requireCert = yes", "verifyChain = yes", "CAfile = "+writeFile(t, dir, "client-ca.pem", s.clientCA))
	}
	if s.only12() {
		lines = append(lines, "sslVersionMax = TLSv1.2")
	}
	lines = append(lines, s.extra...)
	return listen(t, func(addr string) *exec.Cmd {
		config := fmt.Appendf(nil, strings.Join(lines, "\n")+"\n", addr)
		return exec.Command(path, writeFile(t, dir, "stunnel.conf", config))
	})
}
