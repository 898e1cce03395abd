package dockertls_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/proxytest"
)

// exchange attaches to a container, sends input, closes that side, and wants
// all of it back before the stream ends.
func exchange(conn net.Conn, input string) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("%T has no CloseWrite", conn)
	}
	const request = "POST /containers/x/attach HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, struct{ io.Reader }{strings.NewReader(input)}) // by conn's ReadFrom, if it has one
		written <- errors.Join(err, half.CloseWrite())
	}()
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	output, err := io.ReadAll(reader)
	if err := errors.Join(err, <-written); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols || string(output) != input {
		return fmt.Errorf("%s, with %d bytes of output for %d of input", answer.Status, len(output), len(input))
	}
	return nil
}

// A tracker dials, and keeps an eye on the connections.
type tracker struct {
	mu    sync.Mutex
	conns []*trackedConn
}

type trackedConn struct {
	*net.TCPConn
	closed, limited atomic.Bool
}

func (tr *tracker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{TCPConn: conn.(*net.TCPConn)}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.conns = append(tr.conns, tracked)
	return tracked, nil
}

func (c *trackedConn) Close() error {
	c.closed.Store(true)
	return c.TCPConn.Close()
}

func (c *trackedConn) SetDeadline(d time.Time) error {
	c.limited.Store(!d.IsZero())
	return c.TCPConn.SetDeadline(d)
}

// wantOpen checks that there was one connection, which is open without deadline.
func (tr *tracker) wantOpen(t *testing.T) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.conns) != 1 || tr.conns[0].closed.Load() || tr.conns[0].limited.Load() {
		t.Errorf("%d connections, want one, open, without deadline", len(tr.conns))
	}
}

// wantClosed checks that there were connections, and all are closed.
func (tr *tracker) wantClosed(t *testing.T) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	open := slices.ContainsFunc(tr.conns, func(c *trackedConn) bool { return !c.closed.Load() })
	if len(tr.conns) == 0 || open {
		t.Errorf("%d connections, open: %t", len(tr.conns), open)
	}
}

// proxyKinds are the ways through a proxy; "" is none.
func proxyKinds() []proxytest.Options {
	user := url.UserPassword("us:er", "p@ss word")
	return []proxytest.Options{
		{}, {Scheme: "http"}, {Scheme: "http", User: user}, {Scheme: "https", User: user},
		{Scheme: "socks5"}, {Scheme: "socks5", User: url.UserPassword("user", "p@ss word")}, {Scheme: "socks5h"},
	}
}

// through sends the connections of opts through a proxy to the daemon.
func through(t *testing.T, opts *dockertls.Options, ca *dockertlstest.CA, o proxytest.Options, d *dockertlstest.Daemon) *proxytest.Proxy {
	t.Helper()
	if o.Scheme == "" {
		return nil
	}
	o.Target = d.Addr()
	if o.Scheme == "https" {
		o.Server = ca.ServerPair()
	}
	p := proxytest.Start(t, o)
	opts.Proxy = p.Choose
	return p
}

// Streams can be closed on one side, which is how attach ends, whatever stands
// between. The context of the dial does not bound them.
func TestDialHalfClose(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	input := strings.Repeat("0123456789abcdef", 64<<10) // a megabyte
	for _, tt := range []struct {
		name string
		mode dockertlstest.Mode
		edit func(*dockertlstest.Daemon)
	}{
		{"plain", dockertlstest.Plain, func(*dockertlstest.Daemon) {}},
		{"TLS 1.2", dockertlstest.MutualTLS, upTo(tls.VersionTLS12)},
		{"TLS 1.3", dockertlstest.MutualTLS, upTo(tls.VersionTLS13)},
	} {
		for _, kind := range proxyKinds() {
			if kind.Scheme == "https" && tt.mode == dockertlstest.Plain {
				continue // it is verified with the system's roots: TestPlainThroughHTTPSProxy
			}
			t.Run(fmt.Sprintf("%s, proxy %s %s", tt.name, kind.Scheme, kind.User), func(t *testing.T) {
				t.Parallel()
				d, opts := startDaemon(t, tt.mode, ca, tt.edit)
				through(t, &opts, ca, kind, d)
				track := new(tracker)
				for _, dialer := range []func(context.Context, string, string) (net.Conn, error){nil, track.dial} {
					opts.Dialer = dialer
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					conn, err := resolve(t, opts).Dial(ctx)
					cancel()
					check(t, err)
					defer conn.Close()
					if dialer != nil {
						track.wantOpen(t)
					}
					check(t, exchange(conn, input))
					check(t, conn.Close())
				}
				track.wantClosed(t)
			})
		}
	}
	t.Run("unix", func(t *testing.T) {
		t.Parallel()
		d := dockertlstest.NewSocketDaemon(filepath.Join(t.TempDir(), "docker.sock"))
		defer d.Close()
		conn, err := resolve(t, dockertls.Options{Host: d.Host()}).Dial(t.Context())
		check(t, err)
		defer conn.Close()
		check(t, exchange(conn, input))
	})
}

// A Dialer's connections that cannot be half-closed do not pretend to.
func TestDialWithoutHalfClose(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	defer server.Close()
	conn, err := resolve(t, dockertls.Options{
		Host:   "tcp://box",
		Dialer: func(context.Context, string, string) (net.Conn, error) { return client, nil },
	}).Dial(t.Context())
	check(t, err)
	defer conn.Close()
	if _, ok := conn.(interface{ CloseWrite() error }); ok {
		t.Errorf("%T has CloseWrite, and %T has not", conn, client)
	}
}

// A failed dial leaves no connection behind.
func TestFailedDialCloses(t *testing.T) {
	t.Parallel()
	ca, foreign := dockertlstest.NewCA(), dockertlstest.NewCA()
	for _, kind := range proxyKinds() {
		t.Run(fmt.Sprintf("proxy %s %s", kind.Scheme, kind.User), func(t *testing.T) {
			t.Parallel()
			d, opts := startDaemon(t, dockertlstest.TLS, ca, serving(foreign))
			through(t, &opts, ca, kind, d)
			track := new(tracker)
			opts.Dialer = track.dial
			conn, err := resolve(t, opts).Dial(t.Context())
			wantKind(t, err, dockertls.ServerUntrusted)
			if conn != nil {
				t.Errorf("got %v beside the error", conn)
			}
			track.wantClosed(t)
		})
	}
}

// A peer does with a connection as it likes until it is closed.
type peer func(net.Conn)

func (p peer) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		p(server)
	}()
	return client, nil
}

// says reads, and answers once, with nothing in the end.
func says(answer string) peer {
	return func(conn net.Conn) {
		if answer != "" {
			if _, err := conn.Read(make([]byte, 4<<10)); err != nil {
				return
			}
			go io.WriteString(conn, answer)
		}
		io.Copy(io.Discard, conn)
	}
}

// Whoever falls silent, and whenever: our own limit ends the wait with a kind;
// the caller's context ends it at once, as itself. Nothing stays behind, or
// the bubble would not end.
func TestSilence(t *testing.T) {
	needBubble(t)
	t.Parallel()
	// The clocks of bubbles begin with the year 2000.
	since := time.Date(1999, time.December, 31, 0, 0, 0, 0, time.UTC)
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{NotBefore: since, NotAfter: time.Now().Add(time.Hour)})
	pair := ca.Issue(dockertlstest.CertSpec{Names: []string{"proxy.test"}, Server: true, NotBefore: since}).Certificate()
	proxyTLS := func(next peer) peer {
		return func(conn net.Conn) { next(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}})) }
	}
	nobody := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	const established = "HTTP/1.1 200 OK\r\n\r\n"
	for _, tt := range []struct {
		name  string
		dial  func(context.Context, string, string) (net.Conn, error)
		tls   bool
		proxy string
		kind  dockertls.Kind
	}{
		{"connecting", nobody, false, "", dockertls.Timeout},
		{"connecting for TLS", nobody, true, "", dockertls.Timeout},
		{"handshake", says("").dial, true, "", dockertls.Timeout},
		{"half a handshake", says("\x16\x03\x03\x40").dial, true, "", dockertls.Timeout},
		{"connecting to a proxy", nobody, true, "http", dockertls.ProxyFailed},
		{"CONNECT", says("").dial, true, "http", dockertls.ProxyFailed},
		{"half an answer to CONNECT", says("HTTP/1.1 200 OK\r\nX-Drip: ").dial, true, "http", dockertls.ProxyFailed},
		{"handshake behind CONNECT", says(established).dial, true, "http", dockertls.Timeout},
		{"connecting to an https proxy", nobody, false, "https", dockertls.ProxyFailed},
		{"handshake with the proxy", says("").dial, true, "https", dockertls.ProxyFailed},
		{"handshake with the proxy, plain", says("").dial, false, "https", dockertls.ProxyFailed},
		{"CONNECT inside TLS", proxyTLS(says("")).dial, true, "https", dockertls.ProxyFailed},
		{"handshake behind CONNECT inside TLS", proxyTLS(says(established)).dial, true, "https", dockertls.Timeout},
		{"connecting to a SOCKS proxy", nobody, false, "socks5", dockertls.ProxyFailed},
		{"SOCKS", says("").dial, false, "socks5", dockertls.ProxyFailed},
		{"SOCKS address", says("\x05\x00").dial, true, "socks5h", dockertls.ProxyFailed},
	} {
		opts := dockertls.Options{Host: "tcp://daemon.test", Dialer: tt.dial}
		if tt.tls {
			opts.TLSVerify, opts.CA = new(true), ca.PEM()
		}
		if tt.proxy != "" {
			opts.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(tt.proxy + "://user:hunter2@proxy.test") }
		}
		cfg := resolve(t, opts)
		for use, run := range uses(cfg) {
			t.Run(tt.name+"/"+use, func(t *testing.T) {
				t.Parallel()
				checkSilence(t, cfg, run, tt.kind)
			})
		}
	}
}

// needBubble skips where package crypto gathers entropy by the clock, which stands
// still in a bubble of synctest: crypto/rand panics there.
func needBubble(t *testing.T) {
	t.Helper()
	if fips140.Enabled() {
		t.Skip("in FIPS mode crypto/rand does not work in a bubble of synctest: run it without")
	}
}

// checkSilence tries one use of a Config whose peer says nothing.
func checkSilence(t *testing.T, cfg *dockertls.Config, run func(context.Context) error, kind dockertls.Kind) {
	bubble := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test)
		})
	}
	bubble("our own limit", func(t *testing.T) {
		start := time.Now()
		wantKind(t, run(t.Context()), kind, cfg.Host())
		if waited := time.Since(start); waited > 20*time.Second {
			t.Errorf("waited for %s", waited)
		}
	})
	bubble("cancelled", func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- run(ctx) }()
		synctest.Wait() // until nothing moves any more
		cancel()
		wantOwn(t, <-done, context.Canceled)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited for %s", waited)
		}
	})
	bubble("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantOwn(t, run(ctx), context.Canceled)
	})
	bubble("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantOwn(t, run(ctx), context.DeadlineExceeded)
	})
}

func wantOwn(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || behind[*dockertls.Error](err) {
		t.Errorf("got %v (%T), want %v", err, err, want)
	}
}

// A connection's timer may run before the context's of the same deadline: the
// deadline is the caller's all the same.
func TestDeadlineIsTheCallers(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context, network, address string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
	}
	_, err := resolve(t, dockertls.Options{Host: "tcp://box", Dialer: silent}).Dial(lateContext{t.Context()})
	wantOwn(t, err, context.DeadlineExceeded)
	_, err = resolve(t, dockertls.Options{Host: "tcp://box", Dialer: silent}).Dial(t.Context())
	wantKind(t, err, dockertls.Timeout)
}

// A context that was cancelled stays cancelled when its deadline passes.
func TestCancelledBeforeTheDeadline(t *testing.T) {
	needBubble(t)
	t.Parallel()
	cfg := resolve(t, dockertls.Options{Host: "tcp://box", Dialer: says("").dial, TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		cancel()
		time.Sleep(2 * time.Second) // by the bubble's clock
		_, err := cfg.Dial(ctx)
		wantOwn(t, err, context.Canceled)
	})
}

// A lateContext has passed its deadline, and does not know yet.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A dial that is given up closes its connection: the peer sees it.
func TestCancelledHandshakeHangsUp(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	hungUp := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			defer conn.Close()
			if _, err = conn.Read(make([]byte, 1)); err == nil { // of its hello
				cancel()
				_, err = io.Copy(io.Discard, conn)
			}
		}
		hungUp <- err
	}()
	_, err = resolve(t, dockertls.Options{Host: "tcp://" + listener.Addr().String(), TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()}).Dial(ctx)
	wantOwn(t, err, context.Canceled)
	check(t, <-hungUp)
}

// The first bytes tell whether the daemon speaks TLS, and none of them is lost.
func TestPlainStreamIsUntouched(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"H", "\x15", "HTTP/1.0 400 Bad Request\r\n\r\nsomething else", "HTTP/1.1 200 OK\r\n\r\n\x15\x03\x01"} {
		conn, err := resolve(t, dockertls.Options{
			Host:   "tcp://box",
			Dialer: peer(func(conn net.Conn) { io.WriteString(conn, stream) }).dial,
		}).Dial(t.Context())
		check(t, err)
		got, err := io.ReadAll(conn)
		check(t, err)
		if !bytes.Equal(got, []byte(stream)) {
			t.Errorf("got %q, want %q", got, stream)
		}
		conn.Close()
	}
}

// As with every net.Conn, goroutines may read at once.
func TestPlainStreamConcurrentReads(t *testing.T) {
	t.Parallel()
	conn, err := resolve(t, dockertls.Options{
		Host:   "tcp://box",
		Dialer: peer(func(conn net.Conn) { io.WriteString(conn, "HTTP") }).dial,
	}).Dial(t.Context())
	check(t, err)
	defer conn.Close()
	var reading sync.WaitGroup
	for range len("HTTP") {
		reading.Go(func() {
			if n, err := conn.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Errorf("read %d bytes: %v", n, err)
			}
		})
	}
	reading.Wait()
}
