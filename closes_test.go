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
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A cut is where, and how, a server ends its side.
type cut struct {
	after int  // bytes
	reset bool // by RST instead of FIN
}

// A cuttingConn ends after so many bytes of the server's.
type cuttingConn struct {
	*net.TCPConn
	cut     cut
	written int
}

var errCut = errors.New("cut")

func (c *cuttingConn) Write(b []byte) (int, error) {
	fits := min(len(b), c.cut.after-c.written)
	n, err := c.TCPConn.Write(b[:fits])
	c.written += n
	if err == nil && fits < len(b) {
		err = errCut
	}
	return n, err
}

// end closes as the cut says. With FIN it reads on until the client closes:
// what is not read would make a RST of it.
func (c *cuttingConn) end() {
	if c.cut.reset {
		c.SetLinger(0)
		c.TCPConn.Close()
		return
	}
	c.CloseWrite()
	io.Copy(io.Discard, c.TCPConn)
	c.TCPConn.Close()
}

const wholeAnswer = "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK"

// A cuttingServer ends every connection at the cut of the moment, and knows how
// much it wrote on the latest.
type cuttingServer struct {
	address string
	cut     atomic.Pointer[cut]
	wrote   atomic.Int64
}

const uncut = 1 << 30

func startCutting(t *testing.T, serve func(net.Conn)) *cuttingServer {
	s := new(cuttingServer)
	s.cut.Store(&cut{after: uncut})
	s.address = script(t, func(conn net.Conn) {
		conn.SetDeadline(time.Now().Add(time.Minute))
		c := &cuttingConn{TCPConn: conn.(*net.TCPConn), cut: *s.cut.Load()}
		if c.cut.after == 0 {
			c.Read(make([]byte, 1)) // a connection without a byte is not what is meant
		}
		serve(c)
		s.wrote.Store(int64(c.written))
		c.end()
	})
	return s
}

// answerOnce answers a request.
func answerOnce(conn net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		io.WriteString(conn, wholeAnswer)
	}
}

// sweep cuts at every step of so many bytes, at the first ones and at the last
// ones, by FIN and by RST. A use must succeed if nothing is missing, and only then.
func (s *cuttingServer) sweep(t *testing.T, what string, cfg *dockertls.Config, step int, judge func(cut, error)) {
	t.Helper()
	s.cut.Store(&cut{after: uncut})
	s.wrote.Store(0)
	check(t, readWhole(t.Context(), cfg))
	for s.wrote.Load() == 0 {
		time.Sleep(time.Millisecond) // the server has it in a moment
	}
	whole := int(s.wrote.Load())
	var cuts []cut
	for after := 0; after <= whole; after++ {
		if *repeats < 20 && after%step != 0 && after > 12 && after < whole-8 {
			continue
		}
		cuts = append(cuts, cut{after, false}, cut{after, true})
	}
	kinds := map[dockertls.Kind]int{}
	repeatTimes(t, fmt.Sprintf("%s, %d bytes", what, whole), len(cuts), mostHeap, func(i int) {
		s.cut.Store(&cuts[i])
		start := time.Now()
		err := everyUse(t.Context(), cfg, i/2)
		dockertls.CheckMessage(t, err)
		if took := time.Since(start); took > longestUse {
			t.Errorf("%s: %+v: it took %v", what, cuts[i], took)
		}
		e, _ := errors.AsType[*dockertls.Error](err)
		switch {
		case cuts[i].after == whole && !cuts[i].reset && err != nil:
			t.Errorf("%s: %+v: got %v, want success", what, cuts[i], err)
		case cuts[i].after < whole && err == nil:
			t.Errorf("%s: %+v: success, of %d bytes", what, cuts[i], whole)
		case e != nil:
			kinds[e.Kind]++
		}
		judge(cuts[i], err)
	})
	t.Logf("%v", kinds)
}

// Wherever a server hangs up: an error that says so, at once.
func TestClosesOfTLS(t *testing.T) {
	if !alone(t) {
		return
	}
	// Ed25519, because its signatures are all of one length.
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{Key: dockertlstest.Ed25519})
	pair := ca.Issue(dockertlstest.CertSpec{Names: []string{"127.0.0.1"}, Server: true, Key: dockertlstest.Ed25519}).Certificate()
	client := ca.ClientPair("client")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, mutual := range []bool{false, true} {
			server := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: version, MaxVersion: version}
			opts := dockertls.Options{TLSVerify: new(true), CA: ca.PEM(), DisableResumption: true}
			if mutual {
				server.ClientAuth = tls.RequireAnyClientCert
				opts.Cert, opts.Key = client.CertPEM, client.KeyPEM
			}
			s := startCutting(t, func(conn net.Conn) { answerOnce(tls.Server(conn, server)) })
			opts.Host = "tcp://" + s.address
			what := fmt.Sprintf("%s, client certificate %t", tls.VersionName(version), mutual)
			s.sweep(t, what, resolve(t, opts), 17, func(c cut, err error) {
				if err != nil && !errors.Is(err, dockertls.ConnectionReset) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: %+v: got %v", what, c, err)
				}
			})
		}
	}
}

func TestClosesOfHTTP(t *testing.T) {
	if !alone(t) {
		return
	}
	s := startCutting(t, answerOnce)
	cfg := resolve(t, dockertls.Options{Host: "tcp://" + s.address})
	s.sweep(t, "plain", cfg, 7, func(c cut, err error) {
		if c.after == 0 && !errors.Is(err, dockertls.ConnectionReset) && !errors.Is(err, dockertls.TLSRequired) {
			t.Errorf("%+v: got %v", c, err)
		}
	})
}

// A proxy that hangs up is blamed, not the daemon, until the tunnel stands.
func TestClosesOfProxies(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair().Certificate()
	const established = "HTTP/1.1 200 Connection established\r\n\r\n"
	const chosen, connected = "\x05\x00", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	daemon := overTLS(pair, tls.VersionTLS13, answerOnce)
	connect := func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		if _, err := io.WriteString(conn, established); err == nil {
			daemon(conn)
		}
	}
	socks := func(conn net.Conn) {
		for _, says := range []string{chosen, connected} {
			if _, err := conn.Read(make([]byte, 1<<10)); err != nil {
				return
			}
			if _, err := io.WriteString(conn, says); err != nil {
				return
			}
		}
		daemon(conn)
	}
	for scheme, serve := range map[string]func(net.Conn){"http": connect, "socks5": socks, "https": overTLS(pair, tls.VersionTLS13, connect)} {
		opening := map[string]int{"http": len(established), "socks5": len(chosen + connected)}[scheme]
		s := startCutting(t, serve)
		cfg := resolve(t, dockertls.Options{Host: "tcp://127.0.0.1:2376", TLSVerify: new(true), CA: ca.PEM(), DisableResumption: true,
			Proxy: func(*url.URL) (*url.URL, error) { return url.Parse(scheme + "://user:hunter2@" + s.address) }})
		s.sweepProxy(t, scheme, cfg, opening)
	}
}

// sweepProxy is a sweep as far as the proxy itself speaks: the rest is the
// daemon's, if anybody's. Signatures differ in length, so that there is no whole.
func (s *cuttingServer) sweepProxy(t *testing.T, scheme string, cfg *dockertls.Config, opening int) {
	t.Helper()
	most, step := opening, 1
	if opening == 0 {
		most, step = 1500, 37
	}
	kinds := map[dockertls.Kind]int{}
	repeatTimes(t, "proxy "+scheme, 2*(most/step+1), mostHeap, func(i int) {
		c := cut{after: i / 2 * step, reset: i%2 == 1}
		s.cut.Store(&c)
		start := time.Now()
		err := useOnce(t.Context(), cfg, i/2)
		dockertls.CheckMessage(t, err)
		e, _ := errors.AsType[*dockertls.Error](err)
		switch took := time.Since(start); {
		case e == nil || took > longestUse || strings.Contains(fmt.Sprintf("%+v", err), "hunter2"):
			t.Errorf("%s: %+v: got %+v after %v", scheme, c, err, took)
		case c.after < opening && e.Kind != dockertls.ProxyFailed:
			t.Errorf("%s: %+v: got %v", scheme, c, err)
		default:
			kinds[e.Kind]++
		}
	})
	t.Logf("%v", kinds)
}

// useOnce makes a request, or dials, in turn: a check would go on to look around.
func useOnce(ctx context.Context, cfg *dockertls.Config, i int) error {
	if i%2 == 0 {
		return readWhole(ctx, cfg)
	}
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /_ping HTTP/1.1\r\nHost: daemon\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
