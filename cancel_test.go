package dockertls_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// promptly is how soon a use must end when its context does, on a busy machine.
const promptly = 2 * time.Second

// A cancelPoint is a step at which a context can end: the options that lead to
// a peer which falls silent there.
type cancelPoint struct {
	name string
	opts dockertls.Options
}

// silentAfter is a peer that plays its part, and then says nothing more. It
// tells reached that the client is there.
func silentAfter(t *testing.T, reached chan<- struct{}, play func(net.Conn) net.Conn) string {
	return script(t, func(conn net.Conn) {
		conn.SetDeadline(time.Now().Add(time.Minute))
		if conn = play(conn); conn == nil {
			return
		}
		if _, err := conn.Read(make([]byte, 1<<10)); err == nil {
			reached <- struct{}{}
			io.Copy(io.Discard, conn)
		}
	})
}

// cancelPoints are those behind a connection that was made.
func cancelPoints(t *testing.T, reached chan<- struct{}) []cancelPoint {
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair().Certificate()
	secured := dockertls.Options{Host: "tcp://127.0.0.1:2376", TLSVerify: new(true), CA: ca.PEM()}
	at := func(o dockertls.Options, play func(net.Conn) net.Conn) dockertls.Options {
		o.Host = "tcp://" + silentAfter(t, reached, play)
		return o
	}
	through := func(scheme string, play func(net.Conn) net.Conn) dockertls.Options {
		o, address := secured, silentAfter(t, reached, play)
		o.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(scheme + "://" + address) }
		return o
	}
	nothing := func(conn net.Conn) net.Conn { return conn }
	handshake := func(version uint16) func(conn net.Conn) net.Conn {
		return func(conn net.Conn) net.Conn {
			server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: version, MaxVersion: version})
			if server.Handshake() != nil {
				return nil
			}
			return server
		}
	}
	connect := func(conn net.Conn) net.Conn {
		http.ReadRequest(bufio.NewReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		return conn
	}
	socks := func(conn net.Conn) net.Conn {
		conn.Read(make([]byte, 1<<10))
		io.WriteString(conn, "\x05\x00")
		return conn
	}
	half := func(play func(net.Conn) net.Conn, text string) func(net.Conn) net.Conn {
		return func(conn net.Conn) net.Conn {
			if conn = play(conn); conn != nil {
				io.WriteString(conn, text)
			}
			return conn
		}
	}
	return []cancelPoint{
		{"the response, plain", at(dockertls.Options{}, nothing)},
		{"half a response, plain", at(dockertls.Options{}, half(nothing, "HTTP/1.1 200 OK\r\nX: "))},
		{"the handshake", at(secured, nothing)},
		{"half a handshake", at(secured, half(nothing, "\x16\x03\x03\x40"))},
		{"the response, TLS 1.2", at(secured, handshake(tls.VersionTLS12))},
		{"the response, TLS 1.3", at(secured, handshake(tls.VersionTLS13))},
		{"CONNECT", through("http", nothing)},
		{"half an answer to CONNECT", through("http", half(nothing, "HTTP/1.1 2"))},
		{"the handshake behind CONNECT", through("http", connect)},
		{"the handshake of a proxy", through("https", nothing)},
		{"CONNECT inside TLS", through("https", handshake(tls.VersionTLS13))},
		{"SOCKS", through("socks5", nothing)},
		{"SOCKS, the second answer", through("socks5", socks)},
	}
}

// useEach makes a request, dials and reads, or checks, in turn.
func useEach(ctx context.Context, cfg *dockertls.Config, i int) error {
	switch i % 3 {
	case 0:
		return readWhole(ctx, cfg)
	case 1:
		conn, err := cfg.Dial(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { conn.Close() }) // the context bounds the dialling only
		defer stop()
		io.WriteString(conn, "GET /_ping HTTP/1.1\r\nHost: daemon\r\n\r\n")
		_, err = io.Copy(io.Discard, conn)
		return errors.Join(ctx.Err(), err)
	}
	return cfg.Check(ctx).Error()
}

// cancelled checks that a use ends as itself, and soon, when its context is
// cancelled once it has come to a point, or passes its deadline there.
func cancelled(t *testing.T, what string, i int, reached <-chan struct{}, use func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	want := context.Canceled
	if i%2 == 1 {
		ctx, cancel = context.WithTimeout(t.Context(), 40*time.Millisecond)
		want = context.DeadlineExceeded
	}
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- use(ctx) }()
	arrived := false
	select {
	case <-reached:
		arrived = true
	case err := <-done:
		done <- err
	case <-time.After(20 * time.Second):
	}
	if i%2 == 0 {
		if !arrived {
			t.Errorf("%s: it never came there", what)
		}
		cancel()
	}
	<-ctx.Done()
	ended := time.Now()
	err := <-done
	if took := time.Since(ended); !errors.Is(err, want) || took > promptly {
		t.Errorf("%s: got %v (%T) after %v, want %v", what, err, err, took, want)
	}
	drain(reached, arrived, ctx)
}

// drain takes the word of a peer that was reached too late.
func drain(reached <-chan struct{}, arrived bool, ctx context.Context) {
	for !arrived {
		select {
		case <-reached:
			return
		case <-time.After(10 * time.Millisecond):
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// Wherever a use is when its context ends: that is what it returns, at once, and
// nothing stays behind.
func TestCancelledOnTheWay(t *testing.T) {
	if !alone(t) {
		return
	}
	reached := make(chan struct{}, 100)
	for _, point := range cancelPoints(t, reached) {
		cfg := resolve(t, point.opts)
		repeatTimes(t, "cancelled during "+point.name, 2**repeats, mostHeap, func(i int) {
			cancelled(t, fmt.Sprintf("%s (%d)", point.name, i), i, reached, func(ctx context.Context) error { return useEach(ctx, cfg, i/2) })
		})
	}
}

// A context that ends in the middle of a body ends the reading of it.
func TestCancelledInTheBody(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair().Certificate()
	reached := make(chan struct{}, 100)
	body := func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
		reached <- struct{}{}
		io.Copy(io.Discard, conn)
	}
	for _, opts := range []dockertls.Options{
		{Host: "tcp://" + script(t, body)},
		{Host: "tcp://" + script(t, overTLS(pair, tls.VersionTLS13, body)), TLSVerify: new(true), CA: ca.PEM()},
	} {
		cfg := resolve(t, opts)
		repeat(t, fmt.Sprintf("cancelled in the body, %s", cfg.Mode()), func(i int) {
			cancelled(t, "the body", i, reached, func(ctx context.Context) error { return readWhole(ctx, cfg) })
		})
	}
}

// A context that has ended before makes no connection.
func TestCancelledBefore(t *testing.T) {
	if !alone(t) {
		return
	}
	_, plain := startDaemon(t, dockertlstest.Plain, nil)
	d, mutual := startDaemon(t, dockertlstest.MutualTLS, dockertlstest.NewCA())
	for _, opts := range []dockertls.Options{plain, mutual} {
		cfg := resolve(t, opts)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		repeat(t, "cancelled before, "+cfg.Mode().String(), func(i int) {
			if err := useEach(ctx, cfg, i); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
	if got := len(d.Requests()); got != 0 {
		t.Errorf("%d requests", got)
	}
}

// A function that supplies material and hangs does not hold up who asks with a
// context, and its end is no news of the material.
func TestCancelledReload(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	material := materialOf(ca, ca.ClientPair("client"))
	for name, hang := range map[string]func(context.Context, <-chan struct{}){
		"heeds the context": func(ctx context.Context, _ <-chan struct{}) { <-ctx.Done() },
		"does not heed it":  func(_ context.Context, release <-chan struct{}) { <-release },
	} {
		hangs := false
		reached, release := make(chan struct{}, 100), make(chan struct{})
		var events eventLog
		cfg := resolve(t, dockertls.Options{Host: "tcp://127.0.0.1:2376", TLSVerify: new(true), OnEvent: events.add, ReloadInterval: -1, ExpiryWarnings: []time.Duration{},
			Material: func(ctx context.Context) (dockertls.Material, error) {
				if hangs {
					reached <- struct{}{}
					hang(ctx, release)
				}
				return material, ctx.Err()
			}})
		hangs = true
		repeat(t, "a supply that "+name, func(i int) {
			cancelled(t, name, i, reached, cfg.Reload)
			select {
			case release <- struct{}{}:
			case <-time.After(10 * time.Millisecond):
			}
		})
		if got, stats := events.all(), cfg.Stats(); len(got) != 0 || stats.ReloadFailures != 0 {
			t.Errorf("%s: told %v, counted %d", name, got, stats.ReloadFailures)
		}
		hangs = false
		check(t, cfg.Reload(t.Context()))
	}
}
