package dockertls

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzProxyAddress: whatever the proxy variables hold, they are refused with an
// error, ignored with a warning, or there is a proxy that net/http would dial at
// the same address. A password in them is never shown. NO_PROXY=* is obeyed, and
// loopback addresses are reached directly.
func FuzzProxyAddress(f *testing.F) {
	for _, proxy := range []string{"", "proxy", "proxy:3128", "http://proxy", "https://proxy:1", "socks5://proxy", "socks5h://me:{P}@proxy", "http://me:{P}@proxy",
		"http://me:{P}/x@proxy", "me:{P}@proxy:1", "://me:{P}@proxy", "ftp://proxy", "http://[::1]:1", "http://\x1b[2J", "http://b\u00fccher", "http://proxy/{P}@x?y#z", ":", "http://proxy:x"} {
		f.Add("tcp://box", proxy, "", "")
		f.Add("tcp://box", "", proxy, "1")
		f.Add("tcp://127.0.0.1:1", proxy, proxy, "")
		f.Add("unix:///x", proxy, proxy, "1")
	}
	ca := newTestCA(f, "ca", nil)
	f.Fuzz(func(t *testing.T, host, plain, secured, tls string) {
		if strings.Contains(host, passwordIn) {
			return
		}
		hide := func(s string) string { return strings.ReplaceAll(s, passwordIn, password) }
		environ := []string{envHost + "=" + host, "HTTP_PROXY=" + hide(plain), "HTTPS_PROXY=" + hide(secured)}
		opts := Options{}
		if tls != "" {
			opts = Options{TLSVerify: new(true), CA: pemOf(ca.cert)}
		}
		env := fromEnv(environ, func() string { return "" })
		cfg, err := resolveFuzzed(t, environ, opts, env)
		if hasPassword(plain, false) || hasPassword(secured, false) {
			checkHidden(t, cfg, err, env)
		}
		if cfg == nil {
			return
		}
		checkProxy(t, cfg)
		direct, directErr := Resolve(opts, fromEnv(append(environ, "NO_PROXY=*"), func() string { return "" }))
		check(t, directErr)
		if direct.proxy != nil {
			t.Errorf("%s, although NO_PROXY is *", direct)
		}
	})
}

// checkProxy compares the address of a proxy with the one net/http dials.
func checkProxy(t *testing.T, cfg *Config) {
	t.Helper()
	if cfg.proxy == nil {
		return
	}
	if ip := net.ParseIP(cfg.endpoint.serverName); !cfg.endpoint.isTCP() || cfg.endpoint.serverName == "localhost" || ip != nil && ip.IsLoopback() {
		t.Errorf("a proxy for %s", cfg)
	}
	var dialled string
	stop := errors.New("stop")
	transport := &http.Transport{Proxy: http.ProxyURL(cfg.proxy), DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = address
		return nil, stop
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.URL("/_ping"), nil)
	check(t, err)
	if _, err := transport.RoundTrip(req); dialled != "" && !sameAddress(dialled, hostPort(cfg.proxy)) {
		t.Errorf("%s: net/http dials %q, we %q (%v)", cfg, dialled, hostPort(cfg.proxy), err)
	}
}

// A fuzzedProxy gives given answers, and only if they let the client through it
// is a daemon that speaks TLS from there on.
type fuzzedProxy struct {
	answer  []byte
	granted bool
	talk    func(conn net.Conn, answer []byte) error // until the client is let through
	daemon  tls.Certificate
}

func (p fuzzedProxy) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		server.SetDeadline(time.Now().Add(10 * time.Second))
		p.serve(server)
	}()
	return client, nil
}

func (p fuzzedProxy) serve(conn net.Conn) {
	if !p.granted {
		go io.Copy(io.Discard, conn)
		conn.Write(p.answer)
		return
	}
	if p.talk(conn, p.answer) != nil {
		return
	}
	secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{p.daemon}})
	if _, err := http.ReadRequest(bufio.NewReader(secured)); err == nil {
		io.WriteString(secured, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
	}
}

// grantsTunnel tells whether an answer to CONNECT is a 200, which docker wants,
// and ends with its header (RFC 9110, 9.3.6).
func grantsTunnel(answer []byte) bool {
	in := bufio.NewReader(bytes.NewReader(answer))
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		return false
	}
	rest, _ := io.ReadAll(in)
	return len(rest) == 0
}

// talkTunnel reads a CONNECT and answers it.
func talkTunnel(conn net.Conn, answer []byte) error {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return err
	}
	_, err := conn.Write(answer)
	return err
}

// grantsSOCKS tells whether answers are those of a SOCKS 5 proxy that lets a user
// with a password through (RFC 1928 and 1929), and nothing more.
func grantsSOCKS(answer []byte) bool {
	take := func(n int) []byte {
		n = min(n, len(answer))
		taken := answer[:n]
		answer = answer[n:]
		return taken
	}
	switch method := string(take(2)); method {
	case "\x05\x00":
	case "\x05\x02":
		if string(take(2)) != "\x01\x00" {
			return false
		}
	default:
		return false
	}
	if string(take(3)) != "\x05\x00\x00" {
		return false
	}
	length := 0
	switch kind := string(take(1)); kind {
	case "\x01":
		length = net.IPv4len
	case "\x03":
		if n := take(1); len(n) == 1 {
			length = int(n[0])
		}
	case "\x04":
		length = net.IPv6len
	}
	return length > 0 && len(take(length+2)) == length+2 && len(answer) == 0
}

// talkSOCKS reads what a client says, which does not wait for all of the answer.
func talkSOCKS(conn net.Conn, answer []byte) error {
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(answer)
		wrote <- err
	}()
	var err error
	take := func(n byte) []byte {
		b := make([]byte, n)
		_, readErr := io.ReadFull(conn, b)
		err = errors.Join(err, readErr)
		return b
	}
	take(take(2)[1]) // methods
	if answer[1] == 2 {
		take(take(2)[1]) // user
		take(take(1)[0]) // password
	}
	take(take(5)[4] + 2) // host and port
	return errors.Join(err, <-wrote)
}

// FuzzProxyAnswer: an HTTP or a SOCKS proxy answers with any bytes. If they let us
// through, the daemon behind it is reached, and not a byte of it is lost; if not,
// the error is the proxy's or tells of a broken handshake, can be shown, and has no
// password.
func FuzzProxyAnswer(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 407 \x1b[31m\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200", "HTTP/1.1 302 Found\r\nLocation: http://x\r\n\r\n",
	} {
		f.Add([]byte(answer), false)
	}
	for _, answer := range []string{
		"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50", "\x05\x02\x01\x00\x05\x00\x00\x03\x03box\x00\x50", "\x05\x00\x05\x00\x00\x04aaaaaaaaaaaaaaaa\x00\x50", "\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50\x15\x03\x01\x00\x02\x02\x28",
		"\x05\xff", "\x05\x02\x01\x01", "\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "\x04", "\x05\x00\x05\x00\x00\x09", "\x05\x01", "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		f.Add([]byte(answer), true)
	}
	ca := newTestCA(f, "ca", nil)
	cert, key := ca.pair("daemon", newTestKey(f), func(c *x509.Certificate) {
		c.DNSNames, c.ExtKeyUsage = []string{"daemon.test"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	daemon, err := tls.X509KeyPair(cert, key)
	check(f, err)
	f.Fuzz(func(t *testing.T, answer []byte, socks bool) {
		p := fuzzedProxy{answer, grantsTunnel(answer), talkTunnel, daemon}
		address := "http://me:" + password + "@proxy.test"
		if socks {
			p.granted, p.talk = grantsSOCKS(answer), talkSOCKS
			address = "socks5://me:" + password + "@proxy.test"
		}
		cfg, err := Resolve(Options{Host: "tcp://daemon.test", TLSVerify: new(true), CA: pemOf(ca.cert), Dialer: p.dial,
			Proxy: func(*url.URL) (*url.URL, error) { return url.Parse(address) }})
		check(t, err)
		checkThrough(t, cfg, p.granted)
	})
}

// checkThrough checks that a request gets through if it may, and what is said if not.
func checkThrough(t *testing.T, cfg *Config, granted bool) {
	t.Helper()
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Get(cfg.URL("/_ping"))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if (err == nil) != granted {
		t.Errorf("the proxy let us through: %t, and yet: %+v", granted, err)
	}
	if err == nil {
		return
	}
	e, ok := errors.AsType[*Error](err)
	if errors.Is(err, io.ErrClosedPipe) { // where TCP has EPIPE
		return
	}
	if !ok {
		t.Fatalf("not explained: %v", err)
	}
	CheckMessage(t, e)
	checkHidden(t, nil, e, err)
}
