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
		f.Add("tcp://127.0.0.1.:1", proxy, proxy, "") // a name, not an address: DNS is asked for it
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
	host, _, err := net.SplitHostPort(cfg.endpoint.address)
	check(t, err)
	if ip := net.ParseIP(host); !cfg.endpoint.isTCP() || host == "localhost" || ip != nil && ip.IsLoopback() {
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
	answer []byte
	daemon *tls.Certificate                         // nil: nothing more comes
	talk   func(conn net.Conn, answer []byte) error // until the client is let through
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
	if p.daemon == nil {
		go io.Copy(io.Discard, conn)
		conn.Write(p.answer)
		return
	}
	if p.talk(conn, p.answer) != nil {
		return
	}
	secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*p.daemon}})
	if _, err := http.ReadRequest(bufio.NewReader(secured)); err == nil {
		io.WriteString(secured, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
	}
}

// readTunnel reads an answer to CONNECT: whether it lets us through, which docker
// takes 200 for, what its status is, and what is behind it (RFC 9110, 9.3.6).
func readTunnel(answer []byte) (granted bool, status int, rest []byte) {
	in := bufio.NewReader(bytes.NewReader(answer))
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return false, 0, nil
	}
	rest, _ = io.ReadAll(in)
	return resp.StatusCode == http.StatusOK, resp.StatusCode, rest
}

// talkTunnel reads a CONNECT and answers it.
func talkTunnel(conn net.Conn, answer []byte) error {
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return err
	}
	_, err := conn.Write(answer)
	return err
}

// readSOCKS reads the answers of a SOCKS 5 proxy to a user with a password (RFC
// 1928 and 1929).
func readSOCKS(answer []byte) (granted bool, status int, rest []byte) {
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
			return false, 0, nil
		}
	default:
		return false, 0, nil
	}
	if string(take(3)) != "\x05\x00\x00" {
		return false, 0, nil
	}
	var length int
	switch kind := string(take(1)); kind {
	case "\x01":
		length = net.IPv4len
	case "\x03":
		if n := take(1); len(n) == 1 {
			length = int(n[0])
		} else {
			return false, 0, nil
		}
	case "\x04":
		length = net.IPv6len
	default:
		return false, 0, nil
	}
	return len(take(length+2)) == length+2, 0, answer
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
// through, the daemon behind it is reached, and what is behind the answer is the
// stream's, to the last byte; if not, the error is the proxy's, with the status of
// its answer. It can be shown, and has no password.
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
		p := fuzzedProxy{answer: answer, talk: talkTunnel}
		address, read := "http://me:"+password+"@proxy.test", readTunnel
		if socks {
			p.talk, address, read = talkSOCKS, "socks5://me:"+password+"@proxy.test", readSOCKS
		}
		granted, status, rest := read(answer)
		opts := Options{Host: "tcp://daemon.test", Dialer: p.dial, Proxy: func(*url.URL) (*url.URL, error) { return url.Parse(address) }}
		cfg, err := Resolve(opts)
		check(t, err)
		checkStream(t, cfg, granted, status, rest)
		if granted && len(rest) == 0 {
			p.daemon = &daemon
		}
		opts.Dialer, opts.TLSVerify, opts.CA = p.dial, new(true), pemOf(ca.cert)
		cfg, err = Resolve(opts)
		check(t, err)
		checkThrough(t, cfg, granted, status, rest)
	})
}

// checkStream opens a stream in the clear, and reads it to its end.
func checkStream(t *testing.T, cfg *Config, granted bool, status int, rest []byte) {
	t.Helper()
	conn, err := cfg.Dial(t.Context())
	if (err == nil) != granted {
		t.Fatalf("the proxy let us through: %t, and yet: %v", granted, err)
	}
	if err != nil {
		checkBlamed(t, err, granted, status)
		return
	}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	if err != nil {
		if len(rest) == 0 || rest[0] != recordAlert { // that is TLS, where nothing of the kind was spoken
			t.Errorf("%q, read as %q: %v", rest, got, err)
		}
	} else if !bytes.Equal(got, rest) {
		t.Errorf("behind the answer is %q, and %q was read", rest, got)
	}
}

// checkThrough makes a request in TLS.
func checkThrough(t *testing.T, cfg *Config, granted bool, status int, rest []byte) {
	t.Helper()
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Get(cfg.URL("/_ping"))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if (err == nil) != (granted && len(rest) == 0) {
		t.Errorf("the proxy let us through: %t, with %q behind its answer, and yet: %+v", granted, rest, err)
	}
	if err != nil {
		checkBlamed(t, err, granted, status)
	}
}

// checkBlamed checks who is said to have failed, and how.
func checkBlamed(t *testing.T, err error, granted bool, status int) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok && granted && errors.Is(err, io.ErrClosedPipe): // where TCP has EPIPE
		return
	case !ok:
		t.Fatalf("not explained: %v", err)
	case (e.Kind == ProxyFailed) == granted, !granted && e.Evidence.Status != status:
		t.Errorf("the proxy let us through: %t (%d), and yet: %+v, status %d", granted, status, e, e.Evidence.Status)
	}
	CheckMessage(t, e)
	checkHidden(t, nil, e, err)
}
