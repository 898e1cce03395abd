package dockertls_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// startRefusing starts a daemon that lets every client shake hands under TLS
// 1.3, and then refuses its certificate.
func startRefusing(t *testing.T, more ...dockertlstest.Option) (*dockertlstest.Daemon, dockertls.Options) {
	t.Helper()
	d := dockertlstest.Start(t, append(more, dockertlstest.ClientCertRefused)...)
	return d, d.Options()
}

// The rejection comes after the handshake, and in most uploads after the first
// writes. It has to come back as itself, always, and without a second
// connection.
func TestLateRejection(t *testing.T) {
	t.Parallel()
	for tickets, options := range map[bool][]dockertlstest.Option{true: nil, false: {dockertlstest.NoSessionTickets()}} {
		for _, size := range []int{0, 1 << 10, 1 << 20, 32 << 20} {
			t.Run(fmt.Sprintf("tickets %t, %d bytes", tickets, size), func(t *testing.T) {
				t.Parallel()
				d, opts := startRefusing(t, options...)
				cfg := resolve(t, opts)
				const serial, parallel, each = 20, 16, 2
				for range serial {
					wantKind(t, send(cfg, bytes.NewReader(make([]byte, size))), dockertls.ClientCertRejected, `"CN=client"`)
				}
				var all sync.WaitGroup
				for range parallel {
					all.Go(func() {
						for range each {
							wantKind(t, send(cfg, bytes.NewReader(make([]byte, size))), dockertls.ClientCertRejected)
						}
					})
				}
				all.Wait()
				if got := d.Connections(); got != serial+parallel*each {
					t.Errorf("%d connections for %d requests", got, serial+parallel*each)
				}
			})
		}
	}
}

// send uploads a body on a connection of its own.
func send(cfg *dockertls.Config, body io.Reader) error {
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Post(cfg.URL("/images/load"), "application/x-tar", body)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// net/http waits for the body's Read that is under way, and no longer.
func TestLateRejectionOfASlowBody(t *testing.T) {
	t.Parallel()
	d, opts := startRefusing(t)
	body, end := io.Pipe()
	defer end.Close()
	go func() {
		for i := 0; i < 100; i++ {
			if _, err := end.Write([]byte("drip")); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	start := time.Now()
	wantKind(t, send(resolve(t, opts), body), dockertls.ClientCertRejected)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := d.Connections(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

// A stream that only writes learns the reason too.
func TestLateRejectionOfAWriter(t *testing.T) {
	t.Parallel()
	_, opts := startRefusing(t, dockertlstest.NoSessionTickets())
	conn, err := resolve(t, opts).Dial(t.Context())
	check(t, err)
	defer conn.Close()
	for range 1000 {
		if _, err = conn.Write(make([]byte, 32<<10)); err != nil {
			break
		}
	}
	wantKind(t, err, dockertls.ClientCertRejected)
	_, err = conn.Read(make([]byte, 1))
	wantKind(t, err, dockertls.ClientCertRejected)
}

// A forwarder that closes its client as soon as it cannot send to the server
// loses what the server said last. One more connection, which only listens,
// finds it out: at most one a second, whatever the number of requests.
func TestLateRejectionThatGotLost(t *testing.T) {
	t.Parallel()
	d, opts := startRefusing(t)
	opts.Dialer = lossy{d.Addr()}.dial
	cfg := resolve(t, opts)
	const requests = 24
	start := time.Now()
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			wantKind(t, send(cfg, bytes.NewReader(make([]byte, 4<<20))), dockertls.ClientCertRejected)
		})
	}
	all.Wait()
	asked := d.Connections() - requests
	if most := 1 + int(time.Since(start)/time.Second); asked < 1 || asked > most {
		t.Errorf("%d more connections in %v", asked, time.Since(start))
	}
	if got := len(d.Requests()); got != 0 {
		t.Errorf("%d requests were answered", got)
	}
}

// A lossy forwarder passes on what the server says with a delay, and nothing of
// it any more once the server does not read.
type lossy struct{ target string }

func (l lossy) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	server, err := new(net.Dialer).DialContext(ctx, "tcp", l.target)
	if err != nil {
		return nil, err
	}
	client, ours, err := tcpPair()
	if err != nil {
		server.Close()
		return nil, err
	}
	cut := func() { ours.SetLinger(0); ours.Close(); server.Close() }
	go func() {
		defer cut()
		io.Copy(server, onlyReader{ours})
	}()
	go func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := server.Read(buf)
			time.Sleep(100 * time.Millisecond)
			if _, failed := ours.Write(buf[:n]); err != nil || failed != nil {
				ours.CloseWrite()
				return
			}
		}
	}()
	return client, nil
}

// onlyReader keeps io.Copy from ways of its own.
type onlyReader struct{ io.Reader }

// tcpPair is both ends of a connection.
func tcpPair() (client, server *net.TCPConn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	a, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	b, err := listener.Accept()
	if err != nil {
		a.Close()
		return nil, nil, err
	}
	return a.(*net.TCPConn), b.(*net.TCPConn), nil
}

// Whoever closes a connection is not held up by a write that waits.
func TestCloseEndsTheWait(t *testing.T) {
	t.Parallel()
	opts := dockertls.Options{Host: "tcp://daemon.test", Dialer: peer(func(conn net.Conn) { io.Copy(io.Discard, conn) }).dial}
	conn, err := resolve(t, opts).Dial(t.Context())
	check(t, err)
	read := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	conn.Close()
	<-read
	start := time.Now()
	if _, err := conn.Write([]byte("x")); err == nil || time.Since(start) > 20*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

// What is uploaded may itself come from a connection that breaks off: that is
// not the daemon's doing.
func TestBrokenSourceOfAnUpload(t *testing.T) {
	t.Parallel()
	_, mutual := startDaemon(t, dockertlstest.MutualTLS, dockertlstest.NewCA())
	_, plain := startDaemon(t, dockertlstest.Plain, nil)
	for name, opts := range map[string]dockertls.Options{"TLS": mutual, "plain": plain} {
		for _, length := range []int64{-1, 1 << 20} {
			for _, kept := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, length %d, kept %t", name, length, kept), func(t *testing.T) {
					t.Parallel()
					cfg := resolve(t, opts)
					client := cfg.HTTPClient()
					defer client.CloseIdleConnections()
					if kept {
						_, err := fetch(t.Context(), client, cfg.URL("/_ping"))
						check(t, err)
					}
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.URL("/images/load"), brokenSource(t))
					check(t, err)
					req.ContentLength = length
					_, err = client.Do(req)
					wantSourcesError(t, err)
				})
			}
		}
		t.Run(name+", stream", func(t *testing.T) {
			t.Parallel()
			conn, err := resolve(t, opts).Dial(t.Context())
			check(t, err)
			defer conn.Close()
			_, err = io.Copy(conn, brokenSource(t))
			wantSourcesError(t, err)
		})
	}
}

func wantSourcesError(t *testing.T, err error) {
	t.Helper()
	if err == nil || behind[*dockertls.Error](err) {
		t.Errorf("got %v, want the source's own error", err)
	}
}

// brokenSource is a connection that was reset.
func brokenSource(t *testing.T) *net.TCPConn {
	t.Helper()
	source, other, err := tcpPair()
	check(t, err)
	t.Cleanup(func() { source.Close() })
	other.SetLinger(0)
	other.Close()
	return source
}

// A connection of a Dialer need not know whom it leads to (net.Conn).
func TestConnectionsWithoutAddress(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	for mode, on := range map[dockertlstest.Mode]*dockertlstest.CA{dockertlstest.Plain: nil, dockertlstest.MutualTLS: ca} {
		d, opts := startDaemon(t, mode, on)
		opts.Dialer = func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, d.Addr())
			return namelessConn{conn}, err
		}
		opts.Logger = slog.New(slog.DiscardHandler)
		cfg := resolve(t, opts)
		check(t, request(cfg))
		conn, err := cfg.Dial(t.Context())
		check(t, err)
		check(t, conn.Close())
		if report := cfg.Check(t.Context()); !report.Healthy {
			t.Errorf("%s: %v", mode, report)
		}
	}
}

type namelessConn struct{ net.Conn }

func (namelessConn) RemoteAddr() net.Addr { return nil }

// A deadline that is set while the first answer is judged counts.
func TestDeadlineDuringTheFirstAnswer(t *testing.T) {
	t.Parallel()
	restoring, changed := make(chan struct{}), make(chan struct{})
	answer := peer(func(conn net.Conn) {
		io.WriteString(conn, "x")
		io.Copy(io.Discard, conn)
	})
	cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test", Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := answer.dial(ctx, network, address)
		return &restoringConn{Conn: conn, restoring: restoring, changed: changed}, err
	}})
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	read := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		if err == nil {
			_, err = conn.Read(make([]byte, 1))
		}
		read <- err
	}()
	<-restoring
	check(t, conn.SetReadDeadline(time.Now().Add(-time.Second)))
	close(changed)
	select {
	case err := <-read:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Read does not end, although its deadline has passed")
	}
}

// A restoringConn stops while it is told for the first time to have no deadline.
type restoringConn struct {
	net.Conn
	once               sync.Once
	restoring, changed chan struct{}
}

func (c *restoringConn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		c.once.Do(func() {
			close(c.restoring)
			<-c.changed
		})
	}
	return c.Conn.SetReadDeadline(t)
}
