package dockertls_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A rotten connection cannot be closed without an error, once spoilt.
type rotten struct {
	*net.TCPConn
	spoilt atomic.Bool
}

var errRotten = errors.New("rotten")

func (r *rotten) Write(b []byte) (int, error) {
	if r.spoilt.Load() {
		return 0, errRotten
	}
	return r.TCPConn.Write(b)
}

func (r *rotten) Close() error {
	err := r.TCPConn.Close()
	if r.spoilt.Load() {
		err = errRotten
	}
	return err
}

// Whatever becomes of the old connection, a request goes over the new one, even
// one that cannot be sent again.
func TestRenewalWhileTheOldConnectionFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(old *rotten){
		"it cannot be closed":         func(old *rotten) { old.spoilt.Store(true) },
		"it ends while it is renewed": func(old *rotten) { old.CloseRead() },
		"reading it fails meanwhile":  func(old *rotten) { old.SetReadDeadline(time.Unix(1, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ca, dir := startFollowing(t)
			var old *rotten
			opts := dockertls.Options{Host: s.daemon.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond,
				Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
					if ctx.Err() != nil {
						return nil, ctx.Err()
					}
					if old != nil {
						fail(old)
						time.Sleep(100 * time.Millisecond) // until the reader has noticed
					}
					conn, err := new(net.Dialer).DialContext(ctx, network, address)
					if err != nil || old != nil {
						return conn, err
					}
					old = &rotten{TCPConn: conn.(*net.TCPConn)}
					return old, nil
				}}
			cfg := resolve(t, opts)
			client := cfg.HTTPClient()
			defer client.CloseIdleConnections()
			kept := sighting{cfg, s.daemon}
			if got := kept.nameOver(t, client); got != "one" {
				t.Fatalf("the daemon sees %q", got)
			}
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
			lookAgain(t, cfg)
			body := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1<<20))}
			resp, err := client.Post(cfg.URL("/images/load"), "application/x-tar", body)
			check(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			check(t, err)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || cfg.Stats().Renewals != 1 {
				t.Errorf("%s, %+v", resp.Status, cfg.Stats())
			}
		})
	}
}

// lookAgain lets a Config find new material, without the daemon.
func lookAgain(t *testing.T, cfg *dockertls.Config) {
	t.Helper()
	before := cfg.Stats().Generation
	for start := time.Now(); cfg.Stats().Generation == before; time.Sleep(20 * time.Millisecond) {
		look(t, cfg)
		if time.Since(start) > 10*time.Second {
			t.Fatal("it finds nothing new")
		}
	}
}

// look makes a Config look for new material, and connects to nobody.
func look(t *testing.T, cfg *dockertls.Config) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if conn, err := cfg.Dial(ctx); err == nil {
		conn.Close()
	}
}

// When the old authority is no longer trusted, its server must not answer on the
// old connection what is to be asked on a new one.
func TestOldConnectionAnswersNothing(t *testing.T) {
	t.Parallel()
	distrusted, ca := dockertlstest.NewCA(), dockertlstest.NewCA()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	go func() {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		defer raw.Close()
		old := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{distrusted.ServerPair().Certificate()}, MinVersion: tls.VersionTLS12})
		if _, err := http.ReadRequest(bufio.NewReader(old)); err != nil {
			return
		}
		io.WriteString(old, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
		renewal, err := l.Accept()
		if err != nil {
			return
		}
		l.Close()
		io.WriteString(old, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
		time.Sleep(200 * time.Millisecond) // the answer is there, and the renewal fails only then
		renewal.Close()
	}()
	dir := t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, distrusted, distrusted.ClientPair("one")))
	cfg := resolve(t, dockertls.Options{Host: "tcp://" + l.Addr().String(), TLSVerify: new(true), CertPath: dir, ReloadInterval: -1})
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	_, err = fetch(t.Context(), client, cfg.URL("/info"))
	check(t, err)
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	check(t, cfg.Reload(t.Context()))
	if got, err := fetch(t.Context(), client, cfg.URL("/info")); err == nil {
		t.Errorf("the old connection answers: %s", got.Status)
	}
}

// A connection on which a stream was asked for, but not granted, or whose request
// waited to be let on, does not stay with the old material.
func TestKeptConnectionWithoutAStreamFollows(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"upgrade refused": {"Connection": {"Upgrade"}, "Upgrade": {"tcp"}},
		"expect":          {"Expect": {"100-continue"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ca, dir := startFollowing(t)
			client := s.cfg.HTTPClient()
			defer client.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.cfg.URL("/images/load"), strings.NewReader("x"))
			check(t, err)
			req.Header = header
			resp, err := client.Do(req)
			check(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			check(t, err)
			resp.Body.Close()
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
			check(t, s.cfg.Reload(t.Context()))
			if got := s.nameOver(t, client); got != "two" {
				t.Errorf("the daemon sees %q", got)
			}
		})
	}
}

// A stream that was granted goes on with what it began with, whatever is new.
func TestGrantedStreamOutlivesRotation(t *testing.T) {
	t.Parallel()
	s, ca, dir := startFollowing(t)
	client := s.cfg.HTTPClient()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.cfg.URL("/containers/x/attach"), nil)
	check(t, err)
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"tcp"}}
	resp, err := client.Do(req)
	check(t, err)
	defer resp.Body.Close()
	stream, ok := resp.Body.(io.ReadWriter)
	if !ok {
		t.Fatalf("no stream: %s", resp.Status)
	}
	for range 2 {
		_, err := io.WriteString(stream, "hello")
		check(t, err)
		_, err = io.ReadFull(stream, make([]byte, 5))
		check(t, err)
		check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
		check(t, s.cfg.Reload(t.Context()))
	}
}

// A program that has a single connection, and makes no other one, follows too.
func TestOnlyKeptConnectionFollows(t *testing.T) {
	t.Parallel()
	s, ca, dir := startFollowing(t)
	client := s.cfg.HTTPClient()
	defer client.CloseIdleConnections()
	if got := s.nameOver(t, client); got != "one" {
		t.Fatalf("the daemon sees %q", got)
	}
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	for start := time.Now(); s.nameOver(t, client) != "two"; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the daemon still sees the old certificate")
		}
	}
	if stats := s.cfg.Stats(); stats.Connections != 2 || stats.Renewals != 1 {
		t.Errorf("%+v", stats)
	}
}

// A closer is a log that cancels once there is a new connection, and waits until
// that was noticed.
type closer struct {
	slog.Handler
	connections atomic.Int64
	cancel      context.CancelFunc
}

func (c *closer) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "connected" && c.connections.Add(1) == 2 {
		c.cancel()
		time.Sleep(200 * time.Millisecond)
	}
	return nil
}

// Who closes a connection at the moment when a new one is there to take its
// place closes both.
func TestCloseWhileRenewed(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	dir := t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
	ctx, cancel := context.WithCancel(t.Context())
	log := &closer{Handler: slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}), cancel: cancel}
	var dialled tracker
	cfg := resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond,
		Dialer: dialled.dial, Logger: slog.New(log)})
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	_, err := fetch(t.Context(), client, cfg.URL("/_ping"))
	check(t, err)
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	check(t, cfg.Reload(t.Context()))
	if _, err := fetch(ctx, client, cfg.URL("/_ping")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	time.Sleep(400 * time.Millisecond)
	if n := log.connections.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
	dialled.wantClosed(t)
}

// A configuration that was handed out follows on its own.
func TestHandedOutConfigFollows(t *testing.T) {
	t.Parallel()
	s, ca, dir := startFollowing(t)
	handedOut := s.cfg.TLSConfig()
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		n := s.daemon.Connections() + 1
		conn, err := tls.Dial("tcp", s.daemon.Addr(), handedOut)
		check(t, err)
		seen := s.daemon.WaitConnection(t, n)
		conn.Close()
		if seen.ClientName() == "two" {
			return
		}
		if time.Since(start) > 10*time.Second {
			t.Fatalf("the daemon sees %q", seen.ClientName())
		}
	}
}

// With a negative interval only Reload takes new material into use.
func TestNeverReloaded(t *testing.T) {
	t.Parallel()
	s, ca, dir := startFollowing(t)
	s.cfg = resolve(t, dockertls.Options{Host: s.daemon.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: -1})
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	time.Sleep(1200 * time.Millisecond) // longer than the default
	for range 3 {
		if got := s.name(t); got != "one" {
			t.Fatalf("the daemon sees %q", got)
		}
	}
	check(t, s.cfg.Reload(t.Context()))
	if got := s.name(t); got != "two" {
		t.Errorf("the daemon sees %q", got)
	}
}
