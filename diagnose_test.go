package dockertls_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// Errors of other people's transports are explained by their types.
func TestDiagnoseForeignErrors(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	secured, _ := startDaemon(t, dockertlstest.TLS, ca)
	plain, _ := startDaemon(t, dockertlstest.Plain, nil)
	closed := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	closed.Close()
	dir := shortDir(t)
	file := filepath.Join(dir, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	fetchBare := func(url string) error {
		_, err := fetch(t.Context(), &http.Client{Transport: new(http.Transport)}, url)
		return err
	}
	dialBare := func(network, address string) error {
		_, err := net.Dial(network, address)
		return fmt.Errorf("an agent: %w", err)
	}
	for _, tt := range []struct {
		name  string
		err   error
		kind  dockertls.Kind
		words string
	}{
		{"unknown authority", fetchBare("https://" + secured.Addr()), dockertls.ServerUntrusted, "dockertlstest CA"},
		{"plain server", fetchBare("https://" + plain.Addr()), dockertls.TLSNotOffered, "plain HTTP"},
		{"nobody listens", dialBare("tcp", closed.Addr()), dockertls.ConnectionRefused, "nobody listens"},
		{"no such name", dialBare("tcp", "no-such-host.invalid:1"), dockertls.DNS, "no-such-host.invalid"},
		{"no socket", dialBare("unix", filepath.Join(dir, "none")), dockertls.SocketMissing, "no such socket"},
		{"a file", dialBare("unix", file), dockertls.SocketMissing, "regular file"},
		{"a text", errors.New("Error response from daemon: Client sent an HTTP request to an HTTPS server."), dockertls.TLSRequired, "plain HTTP"},
	} {
		got := dockertls.Diagnose(tt.err)
		wantKind(t, got, tt.kind, tt.words)
		var e *dockertls.Error
		if !errors.As(got, &e) || !errors.Is(e.Err, tt.err) && tt.kind != dockertls.DNS {
			t.Errorf("%s: the cause is lost: %v", tt.name, got)
		}
	}
}

// What is not understood stays what it was.
func TestDiagnoseLeavesAlone(t *testing.T) {
	t.Parallel()
	cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{
		nil, errors.New("out of paper"), fmt.Errorf("pull: %w", context.Canceled), fmt.Errorf("pull: %w", context.DeadlineExceeded),
		ended.Err(), fs.ErrNotExist, syscall.ENOSPC, errors.New("Error response from daemon: No such container: box"),
	} {
		for _, got := range []error{dockertls.Diagnose(err), cfg.Diagnose(err)} {
			if got != err {
				t.Errorf("%v became %v", err, got)
			}
		}
	}
}

// An error has its parts for programs, in every form.
func TestErrorForms(t *testing.T) {
	t.Parallel()
	_, opts := startRefusing(t)
	cfg := resolve(t, opts)
	_, err := get(t, cfg, cfg.URL("/_ping"))
	var e *dockertls.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	ev := e.Evidence
	if ev.Stage != dockertls.StageRequest || ev.TLSVersion != "TLS 1.3" || ev.AlertCode != 42 || ev.Alert != "bad certificate" || !ev.Requested || !ev.Sent ||
		ev.Client == nil || ev.Client.Subject != "CN=client" || !ev.Client.NotAfter.After(time.Now()) || len(ev.Trusted) != 1 || "tcp://"+ev.Address != cfg.Host() {
		t.Errorf("evidence %+v", ev)
	}
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		t.Errorf("the cause is lost: %v", e.Err)
	}
	data, err := json.Marshal(e)
	check(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", e)
	for _, text := range []string{string(data), log.String()} {
		for _, want := range []string{`"kind":"client-cert-rejected"`, `"message":"tcp://`, `"hint":`, `"alert":"bad certificate"`, `CN=client`} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
	}
	if long := fmt.Sprintf("%+v", e); long != e.Error()+"\nhint: "+e.Hint || strings.Contains(e.Error(), "\n") {
		t.Errorf("%%+v is %q", long)
	}
}

// Clients act on what an error's text says; ours says nothing of the kind.
func TestMessagesAvoidTheCausesText(t *testing.T) {
	t.Parallel()
	closed := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	closed.Close()
	_, refused := startRefusing(t)
	noSuite := dockertlstest.Start(t, dockertlstest.NoCommonCipher).Options()
	for _, opts := range []dockertls.Options{
		{Host: closed.Host()}, {Host: "unix://" + filepath.Join(shortDir(t), "none")}, refused, noSuite,
		{Host: "tcp://no-such-host.invalid"},
	} {
		cfg := resolve(t, opts)
		_, err := get(t, cfg, cfg.URL("/_ping"))
		var e *dockertls.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", opts.Host, err)
			continue
		}
		for _, word := range []string{"connection refused", "dial unix", "bad certificate", "handshake failure", "malformed HTTP response", "no such host"} {
			if strings.Contains(e.Error(), word) {
				t.Errorf("%q says %q", e, word)
			}
		}
	}
}

// shortDir is for sockets, whose paths may not be long.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dtls")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
