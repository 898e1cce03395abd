package clients

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

const clientName = "alice"

// A target is a stand-in and how it is reached.
type target struct {
	*dockertlstest.Daemon
	opts dockertls.Options
	mode dockertls.Mode
}

func (tg target) resolve(t *testing.T) *dockertls.Config {
	t.Helper()
	cfg := resolve(t, tg.opts)
	if cfg.Mode() != tg.mode {
		t.Fatalf("mode %v, want %v", cfg.Mode(), tg.mode)
	}
	return cfg
}

// wantSecured: the daemon saw requests, all of them secured as decided.
func (tg target) wantSecured(t *testing.T) {
	t.Helper()
	wantName := ""
	if tg.mode == dockertls.Mutual {
		wantName = clientName
	}
	requests := tg.Requests()
	if len(requests) == 0 {
		t.Error("the daemon saw no requests")
	}
	for _, r := range requests {
		if (r.TLS != nil) != (tg.mode != dockertls.Plain) {
			t.Errorf("%s %s: TLS %v in mode %v", r.Method, r.Path, r.TLS != nil, tg.mode)
		}
		if r.ClientName() != wantName {
			t.Errorf("%s %s: client %q, want %q", r.Method, r.Path, r.ClientName(), wantName)
		}
	}
}

// eachTarget runs a test against a new stand-in of every kind.
func eachTarget(t *testing.T, test func(t *testing.T, tg target)) {
	for name, start := range map[string]func(*testing.T) target{
		"plain":     startPlain,
		"socket":    startSocket,
		"encrypted": startEncrypted,
		"verified":  startVerified,
		"mutual":    startMutual,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func startPlain(t *testing.T) target {
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	t.Cleanup(d.Close)
	return target{d, dockertls.Options{Host: d.Host()}, dockertls.Plain}
}

func startSocket(t *testing.T) target {
	d := dockertlstest.NewSocketDaemon(filepath.Join(shortDir(t), "docker.sock"))
	t.Cleanup(d.Close)
	return target{d, dockertls.Options{Host: d.Host()}, dockertls.Plain}
}

func startEncrypted(t *testing.T) target {
	d := dockertlstest.NewDaemon(dockertlstest.TLS, dockertlstest.NewCA())
	t.Cleanup(d.Close)
	return target{d, dockertls.Options{Host: d.Host(), TLS: new(true)}, dockertls.Encrypted}
}

func startVerified(t *testing.T) target {
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewDaemon(dockertlstest.TLS, ca)
	t.Cleanup(d.Close)
	return target{d, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CA: ca.PEM()}, dockertls.Verified}
}

func startMutual(t *testing.T) target {
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	t.Cleanup(d.Close)
	pair := ca.ClientPair(clientName)
	opts := dockertls.Options{
		Host: d.Host(), TLSVerify: new(true),
		CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM,
	}
	return target{d, opts, dockertls.Mutual}
}

// startForeign starts a daemon whose certificate the client's CA did not issue.
func startForeign(t *testing.T) target {
	tg := startVerified(t)
	tg.opts.CA = dockertlstest.NewCA().PEM()
	return tg
}

func resolve(t *testing.T, opts dockertls.Options) *dockertls.Config {
	t.Helper()
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return cfg
}

// firstBytes returns the address of a server that hangs up after the first byte
// of a connection, and a function that returns these bytes.
func firstBytes(t *testing.T) (host string, seen func() []byte) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan []byte, 1)
	go func() {
		var all []byte
		defer func() { done <- all }()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			first := make([]byte, 1)
			if _, err := conn.Read(first); err == nil {
				all = append(all, first...)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return "tcp://" + l.Addr().String(), func() []byte {
		l.Close()
		return <-done
	}
}

// wantHandshakes: several connections, each of which began with TLS.
func wantHandshakes(t *testing.T, first []byte) {
	t.Helper()
	const handshake = 22
	if len(first) < 2 || bytes.Count(first, []byte{handshake}) != len(first) {
		t.Errorf("connections began with %v, want %d only", first, handshake)
	}
}

// random returns more than the buffers on the way hold.
func random(t *testing.T) []byte {
	t.Helper()
	data := make([]byte, 1<<20)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	return data
}

// wantEcho compares what came back, which is too long to print.
func wantEcho(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("got %d bytes back, want the same %d", len(got), len(want))
	}
}

func readAll(t *testing.T, r io.ReadCloser, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// shortDir: the path of a socket has a hundred bytes only, which TempDir with
// the test's name in it may exceed.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
