package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
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
				dockerd := dockerdtest.Wrap(t, flavour)
				page.Run(t, docstest.Session{
					Dir:   root,
					Ways:  append(dockerWay(t), maker),
					Set:   map[string]string{"DIR": filepath.Join(t.TempDir(), "certs"), "PORT": freePort(t)},
					Path:  []string{dockerd.Dir},
					Ready: dockerd.Ready,
				})
			})
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(programtest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// dockerWay is the way with the docker command. Without it everything else is
// run all the same.
func dockerWay(t *testing.T) []string {
	t.Helper()
	_, err := programtest.LookPath("docker", "apt-get install docker.io")
	switch {
	case err == nil:
		return []string{"docker"}
	case os.Getenv("DOCKERTLS_REQUIRE") == "1":
		t.Fatal(err)
	}
	t.Logf("the page's docker commands are left out: %v", err)
	return nil
}

// The commands that mkcerts prints work as they are, save for the port and for the
// socket, which is the machine's own.
func TestPrintedCommands(t *testing.T) {
	for _, flavour := range dockerdtest.Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			dockerd := dockerdtest.Wrap(t, flavour)
			printed := mkcerts(t, "-o", filepath.Join(t.TempDir(), "docker's certs"), "localhost")
			page, err := docstest.Parse("the output of mkcerts", printedPage(printed, freePort(t)))
			if err != nil {
				t.Fatal(err)
			}
			results := page.Run(t, docstest.Session{Dir: "../..", Path: []string{dockerd.Dir}, Ready: dockerd.Ready})
			var modes []string
			for _, r := range results {
				if _, rest, found := strings.Cut(r.Output, " Endpoint:"); found {
					endpoint, _, _ := strings.Cut(rest, "\n")
					modes = append(modes, endpoint[strings.LastIndex(endpoint, " ")+1:])
				}
			}
			if diff := cmp.Diff([]string{"encrypted", "verified", "mutual", "mutual"}, modes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// printedPage makes a page of the commands in a text, with this repository's
// client in place of docker.
func printedPage(text, port string) string {
	text = strings.NewReplacer("\\\n", "", "-H unix:///var/run/docker.sock ", "", ":2376", ":"+port).Replace(text)
	var page strings.Builder
	for line := range strings.Lines(text) {
		command := strings.TrimSpace(line)
		switch word, rest, _ := strings.Cut(command, " "); word {
		case "dockerd":
			fmt.Fprintf(&page, "```sh server\n%s\n```\n", command)
		case "docker":
			fmt.Fprintf(&page, "```sh\ngo run ./examples/version %s\n```\n", rest)
		case "export":
			fmt.Fprintf(&page, "```sh\n%s\n```\n", command)
		}
	}
	return page.String() + "```sh\ngo run ./examples/version\n```\n"
}
