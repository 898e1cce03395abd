package faulttest

import (
	"os/exec"
	"slices"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// opensslServer is openssl s_server, which answers requests with a page of its
// own. It serves one connection after the other.
func opensslServer(t testing.TB, s server) endpoint {
	t.Helper()
	path := findOpenssl(t)
	dir := tempDir(t)
	common := []string{"-www", "-cert", writeFile(t, dir, "server.pem", s.pair.CertPEM), "-cert_chain", writeFile(t, dir, "chain.pem", s.pair.CertPEM),
		"-key", writeFile(t, dir, "server-key.pem", s.pair.KeyPEM)}
	if s.clientCA != nil {
		option := "-CAfile"
		if s.unnamed {
			option = "-verifyCAfile"
		}
		common = append(common, option, writeFile(t, dir, "client-ca.pem", s.clientCA), "-Verify", "1", "-verify_return_error")
	}
	if s.only12() {
		common = append(common, "-no_tls1_3")
	}
	return listen(t, func(addr string) *exec.Cmd {
		return exec.Command(path, slices.Concat([]string{"s_server", "-accept", addr}, common, s.extra)...)
	})
}

func findOpenssl(t testing.TB) string {
	t.Helper()
	return programtest.Find(t, "openssl", "openssl")
}
