package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/internal/dockerdtest"
	"github.com/dockertls/dockertls/internal/docstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// Every command of the page about certificates does what the page says, with
// files made in either way, and with each daemon.
func TestCertificatesPage(t *testing.T) {
	const root = "../.."
	page := docstest.Read(t, filepath.Join(root, "docs", "certificates.md"))
	page.CheckLinks(t)
	makers := []string{"mkcerts", "openssl"}
	if diff := cmp.Diff([]string{"docker", makers[0], makers[1]}, page.Ways()); diff != "" {
		t.Error(diff)
	}
	for _, flavour := range dockerdtest.Flavours() {
		for _, maker := range makers {
			t.Run(string(flavour)+"/"+maker, func(t *testing.T) {
				t.Parallel()
				programtest.Find(t, "openssl", "openssl")
				_, port, _ := net.SplitHostPort(programtest.FreeAddr(t))
				dockerd := dockerdtest.Wrap(t, flavour)
				page.Run(t, docstest.Session{
					Dir:   root,
					Ways:  append(dockerWay(), maker),
					Set:   map[string]string{"DIR": filepath.Join(t.TempDir(), "certs"), "PORT": port},
					Path:  []string{dockerd.Dir},
					Ready: dockerd.Ready,
				})
			})
		}
	}
}

// dockerWay is the way with the docker command, where there is one. It may be
// missing: its package is large, and what it shows is not ours.
func dockerWay() []string {
	if _, err := exec.LookPath("docker"); err != nil {
		return nil
	}
	return []string{"docker"}
}
