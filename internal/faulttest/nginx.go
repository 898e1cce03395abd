package faulttest

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// nginxTLS answers every request on a port with TLS. It lets every client
// finish the handshake, and refuses with an HTTP answer.
func nginxTLS(t testing.TB, s server) endpoint {
	t.Helper()
	dir := tempDir(t)
	lines := []string{
		"listen %s ssl",
		"ssl_certificate " + writeFile(t, dir, "server.pem", s.pair.CertPEM),
		"ssl_certificate_key " + writeFile(t, dir, "server-key.pem", s.pair.KeyPEM),
		"ssl_protocols " + nginxVersions(s),
	}
	if s.clientCA != nil {
		directive := "ssl_client_certificate "
		if s.unnamed {
			directive = "ssl_trusted_certificate "
		}
		lines = append(lines, "ssl_verify_client on", directive+writeFile(t, dir, "client-ca.pem", s.clientCA))
	}
	return nginx(t, append(lines, s.extra...)...)
}

func nginxVersions(s server) string {
	if s.only12() {
		return "TLSv1.2"
	}
	return "TLSv1.2 TLSv1.3"
}

// nginxPlain does it without TLS.
func nginxPlain(t testing.TB, _ server) endpoint {
	t.Helper()
	return nginx(t, "listen %s")
}

// nginx starts one with a server of these directives, in which %s is the address.
func nginx(t testing.TB, lines ...string) endpoint {
	t.Helper()
	path := programtest.Find(t, "nginx", "nginx")
	dir := tempDir(t)
	const config = `daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	server { %s; location / { return 200 OK; } }
}
`
	return listen(t, func(addr string) *exec.Cmd {
		server := fmt.Sprintf(strings.Join(lines, ";\n"), addr)
		file := writeFile(t, dir, "nginx.conf", fmt.Appendf(nil, config, server))
		return exec.Command(path, "-p", dir, "-e", "stderr", "-c", file)
	})
}
