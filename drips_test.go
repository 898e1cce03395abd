package dockertls_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A drippingConn says a byte a second, from some byte on.
type drippingConn struct {
	net.Conn
	after int
}

func (c *drippingConn) Write(b []byte) (int, error) {
	for i := range b {
		if c.after--; c.after < 0 {
			time.Sleep(time.Second)
		}
		if _, err := c.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// dripping is a peer that plays its part a byte a second.
func dripping(after int, play func(net.Conn)) peer {
	return func(conn net.Conn) { play(&drippingConn{conn, after}) }
}

// Whoever speaks, but a byte a second, is given up as soon as one who is silent.
// A daemon's answer may take as long as the caller's context allows; a check has
// an end of its own.
func TestDrips(t *testing.T) {
	needBubble(t)
	t.Parallel()
	since := time.Date(1999, time.December, 31, 0, 0, 0, 0, time.UTC) // the clocks of bubbles begin with the year 2000
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{NotBefore: since, NotAfter: time.Now().Add(time.Hour)})
	pair := ca.Issue(dockertlstest.CertSpec{Names: []string{"proxy.test", "daemon.test"}, Server: true, NotBefore: since}).Certificate()
	secured := overTLS(pair, tls.VersionTLS13, answerOnce)
	connect := func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	}
	socks := func(conn net.Conn) {
		for _, says := range []string{"\x05\x00", "\x05\x00\x00\x03\xff"} {
			conn.Read(make([]byte, 1<<10))
			conn.Write([]byte(says))
		}
		conn.Write(make([]byte, 1<<10))
	}
	for name, tt := range map[string]struct {
		play   peer
		tls    bool
		proxy  string
		kind   dockertls.Kind
		within time.Duration // 0: as long as the context
	}{
		"handshake":            {dripping(0, secured), true, "", dockertls.Timeout, 10 * time.Second},
		"half a handshake":     {dripping(600, secured), true, "", dockertls.Timeout, 10 * time.Second},
		"answer to CONNECT":    {dripping(0, connect), true, "http", dockertls.ProxyFailed, 10 * time.Second},
		"handshake of a proxy": {dripping(0, secured), true, "https", dockertls.ProxyFailed, 10 * time.Second},
		"SOCKS":                {dripping(0, socks), true, "socks5", dockertls.ProxyFailed, 19 * time.Second},
		"answer":               {dripping(0, answerOnce), false, "", "", 0},
		"answer behind TLS":    {overTLS(pair, tls.VersionTLS13, func(conn net.Conn) { answerOnce(&drippingConn{conn, 0}) }), true, "", "", 0},
	} {
		opts := dockertls.Options{Host: "tcp://daemon.test", Dialer: tt.play.dial, DisableResumption: true}
		if tt.tls {
			opts.TLSVerify, opts.CA = new(true), ca.PEM()
		}
		if tt.proxy != "" {
			opts.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(tt.proxy + "://proxy.test") }
		}
		cfg := resolve(t, opts)
		for i, use := range []string{"request", "Dial", "Check"} {
			t.Run(name+"/"+use, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					checkDrip(t, cfg, i, use == "Check", tt.kind, tt.within)
				})
			})
		}
	}
}

// checkDrip uses a peer that drips, and checks how that ends. Without a kind it
// is the caller's context that ends it, but for a check.
func checkDrip(t *testing.T, cfg *dockertls.Config, use int, isCheck bool, kind dockertls.Kind, within time.Duration) {
	t.Helper()
	const limit = 40 * time.Second
	const farewell = 5 * time.Second // crypto/tls gives it that long if nobody reads, and a pipe has no buffer
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	start := time.Now()
	err := useEach(ctx, cfg, use)
	took := time.Since(start)
	time.Sleep(2 * time.Second) // the peer sees that nobody listens
	most := within
	switch {
	case isCheck:
		wantKind(t, err, cmp.Or(kind, dockertls.Timeout))
		most = 31 * time.Second
	case kind == "":
		wantOwn(t, err, context.DeadlineExceeded)
		most = limit + farewell
	default:
		wantKind(t, err, kind, cfg.Host())
	}
	if took > most {
		t.Errorf("it took %v", took)
	}
}

// However slow each step is, a check as a whole keeps its limit.
func TestCheckOfSlowSteps(t *testing.T) {
	needBubble(t)
	t.Parallel()
	since := time.Date(1999, time.December, 31, 0, 0, 0, 0, time.UTC)
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{NotBefore: since, NotAfter: time.Now().Add(time.Hour)})
	pair := ca.Issue(dockertlstest.CertSpec{Names: []string{"proxy.test", "daemon.test"}, Server: true, NotBefore: since}).Certificate()
	const slow = 8 * time.Second
	slowly := func(play func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) { time.Sleep(slow); play(conn) }
	}
	daemon := slowly(overTLS(pair, tls.VersionTLS13, slowly(answerOnce)))
	proxy := peer(slowly(overTLS(pair, tls.VersionTLS13, func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		time.Sleep(slow)
		conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		daemon(conn)
	})))
	cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test", TLSVerify: new(true), CA: ca.PEM(),
		Proxy: func(*url.URL) (*url.URL, error) { return url.Parse("https://proxy.test") },
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(slow)
			return proxy.dial(ctx, network, address)
		}})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := cfg.Check(t.Context()).Error()
		took := time.Since(start)
		time.Sleep(time.Minute)
		wantKind(t, err, dockertls.Timeout, cfg.Host())
		if took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
