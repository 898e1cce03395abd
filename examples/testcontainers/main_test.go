package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// A container runs on a daemon that only a client certificate in memory opens,
// while DOCKER_HOST names another one, and the environment stays as it is.
func TestRun(t *testing.T) {
	dockerdtest.Require(t)
	t.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // its image would have to be pulled
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	t.Setenv("HOME", t.TempDir())
	opts := startDockerd(t)
	before := fmt.Sprint(os.Environ())
	var stdout bytes.Buffer
	if err := run(t.Context(), opts, "dockertls-test", []string{"echo", "hello"}, &stdout); err != nil {
		t.Fatalf("%+v", err)
	}
	if !strings.Contains(stdout.String(), "hello\n") {
		t.Errorf("the container printed %q", stdout.String())
	}
	if fmt.Sprint(os.Environ()) != before {
		t.Error("the environment has changed")
	}
}

// startDockerd starts a daemon that wants client certificates, with an image.
func startDockerd(t *testing.T) dockertls.Options {
	t.Helper()
	ca, dir := dockertlstest.NewCA(), t.TempDir()
	server, client := ca.ServerPair("127.0.0.1"), ca.ClientPair("client")
	files := dockerdtest.Options{Mode: dockerdtest.TLSVerify, CAFile: filepath.Join(dir, "ca"),
		CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")}
	for path, data := range map[string][]byte{files.CAFile: ca.PEM(), files.CertFile: server.CertPEM, files.KeyFile: server.KeyPEM} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daemon := dockerdtest.Start(t, dockerdtest.Debian, files)
	opts := dockertls.Options{Host: daemon.TCPHost(), TLSVerify: new(true), CA: ca.PEM(), Cert: client.CertPEM, Key: client.KeyPEM}
	dockerdtest.NewAPI(t, resolve(t, opts)).Import(dockerdtest.BusyboxTar(t))
	return opts
}

func resolve(t *testing.T, opts dockertls.Options) *dockertls.Config {
	t.Helper()
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// ping asks the daemon behind a new relay, as a client does that knows sockets only.
func ping(t *testing.T, daemon *dockertlstest.Daemon) (status int, body string) {
	t.Helper()
	r, err := startRelay(resolve(t, daemon.Options()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if info, err := os.Stat(r.dir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(r.Host, "unix://"))
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://docker/_ping")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestRelay(t *testing.T) {
	daemon := dockertlstest.Start(t)
	if status, body := ping(t, daemon); status != http.StatusOK || body != "OK" || daemon.Requests()[0].ClientName() != "client" {
		t.Errorf("%d %s", status, body)
	}
}

// A failure is an answer, with the diagnosis in it: early ones, and the one that
// comes after the handshake.
func TestRelayDiagnoses(t *testing.T) {
	for fault, want := range map[dockertlstest.Fault]string{
		dockertlstest.ServerCAUnknown:   "hint: ",
		dockertlstest.ClientCertMissing: "requires a client certificate",
		dockertlstest.NotListening:      "nobody listens",
	} {
		status, body := ping(t, dockertlstest.Start(t, fault))
		if status != http.StatusBadGateway || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %q", fault, status, body, want)
		}
	}
}
