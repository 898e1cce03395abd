package clients

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
	"github.com/dockertls/dockertls/internal/programtest"
	"github.com/dockertls/dockertls/internal/sshtest"
	"github.com/moby/moby/client"
)

func TestMain(m *testing.M) {
	migrateMain()  // in a process of its own, one client for docs/migrating.md
	sshtest.Main() // on the other side of ssh this binary is docker
	os.Exit(m.Run())
}

// The recipes that work over ssh, for requests and streams.
func TestSSH(t *testing.T) {
	sshtest.Require(t)
	socket := filepath.Join(shortDir(t), "docker.sock")
	d := dockertlstest.NewSocketDaemon(socket)
	t.Cleanup(d.Close)
	s := sshtest.Start(t, sshtest.Options{Socket: socket})
	s.Use(t, sshtest.Client{})
	cfg := resolve(t, dockertls.Options{Host: s.Host("")})

	cli := mobyHostFirst(t, cfg)
	mobyPing(t, cli)
	mobyInfo(t, cli)
	mobyUpload(t, cli)
	mobyStreams(t, cli)

	other := dockerClientDialer(t, cfg)
	dockerClientCalls(t, other)
	dockerClientUpload(t, other)
	dockerClientStreams(t, other)
}

func TestSSHDockerd(t *testing.T) {
	dockerdtest.Require(t)
	sshtest.Require(t)
	root := dockerdtest.BusyboxTar(t)
	docker := programtest.Find(t, "docker", "docker.io")
	for _, flavour := range dockerdtest.Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			d := dockerdtest.Start(t, flavour, dockerdtest.Options{})
			s := sshtest.Start(t, sshtest.Options{Docker: "exec " + docker + ` "$@"`})
			s.Use(t, sshtest.Client{})
			cfg := resolve(t, dockertls.Options{Host: s.Host(d.Socket)})
			cli := mobyHostFirst(t, cfg)
			mobyPing(t, cli)
			mobyImages(t, cli, root)
			mobyContainers(t, cli)
			other := dockerClientDialer(t, cfg)
			dockerClientCalls(t, other)
			dockerClientContainers(t, other)
		})
	}
}

// What ssh says reaches the caller through both clients.
func TestSSHFailure(t *testing.T) {
	s := sshtest.Start(t, sshtest.Options{})
	s.Use(t, sshtest.Client{Known: "other"})
	cfg := resolve(t, dockertls.Options{Host: s.Host("")})
	cli := mobyHostFirst(t, cfg)
	_, pingErr := cli.Ping(t.Context(), client.PingOptions{})
	_, execErr := mobyExec(t, cli)
	for name, err := range map[string]error{
		"moby": pingErr, "moby, exec": execErr, "go-dockerclient": dockerClientDialer(t, cfg).Ping(),
	} {
		if !errors.Is(err, dockertls.SSHHostKey) || !errors.Is(err, dockertls.SSHFailed) {
			t.Errorf("%s: got %v, want %v", name, err, dockertls.SSHHostKey)
		}
	}
}

// moby's WithHost knows no ssh: after WithHTTPClient it takes the address for a name.
func TestSSHMobyHostLast(t *testing.T) {
	cli := mobyHostLast(t, resolve(t, dockertls.Options{Host: "ssh://me@box.invalid"}))
	if _, err := cli.Ping(t.Context(), client.PingOptions{}); err == nil || errors.Is(err, dockertls.SSHFailed) {
		t.Errorf("got %v: doc.go says otherwise", err)
	}
}
