// Package proxytest starts HTTP and SOCKS 5 proxies for tests. A proxy leads
// every address to one daemon, and remembers what it was asked for.
package proxytest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/conntest"
)

// Options say what kind of proxy to start.
type Options struct {
	// Scheme is "http", "https", "socks5" or "socks5h".
	Scheme string

	// Target is the address, host:port, that every tunnel and request leads to.
	Target string

	// User must be shown, if it is set. The proxy's URL contains it.
	User *url.Userinfo

	// Server is the certificate of an https proxy, which asks its clients for
	// one, and accepts any or none.
	Server *dockertlstest.Pair
}

// A Request is what the proxy was asked for.
type Request struct {
	Verb       string // the HTTP method, "CONNECT" for every tunnel
	Target     string // of a tunnel host:port, else the absolute URI
	User       string // "user:password", if shown
	ClientCert bool   // the client showed a certificate to the proxy
}

// A Proxy runs until the test ends.
type Proxy struct {
	URL *url.URL

	options Options
	server  *conntest.Server

	mu       sync.Mutex
	requests []Request
}

// Start starts a proxy on the loopback interface.
func Start(t testing.TB, o Options) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		URL:     &url.URL{Scheme: o.Scheme, User: o.User, Host: listener.Addr().String()},
		options: o,
	}
	serve := p.serveHTTP
	if strings.HasPrefix(o.Scheme, "socks5") {
		serve = p.serveSOCKS
	}
	p.server = conntest.Serve(listener, serve)
	t.Cleanup(p.server.Close)
	return p
}

// Choose is for Options.Proxy, which counts for loopback addresses too.
func (p *Proxy) Choose(*url.URL) (*url.URL, error) { return p.URL, nil }

// Requests returns what the proxy was asked for so far.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Connections returns how many are open, those to the daemon included.
func (p *Proxy) Connections() int { return p.server.Open() }

func (p *Proxy) record(r Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
}

// accepts tells whether credentials are the ones that the proxy wants.
func (p *Proxy) accepts(credentials string) bool {
	user := p.options.User
	if user == nil {
		return true
	}
	password, _ := user.Password()
	return credentials == user.Username()+":"+password
}

func (p *Proxy) serveHTTP(conn net.Conn) {
	var clientCert bool
	if p.options.Scheme == "https" {
		server := tls.Server(conn, &tls.Config{
			Certificates: []tls.Certificate{p.options.Server.Certificate()},
			ClientAuth:   tls.RequestClientCert,
		})
		if err := server.Handshake(); err != nil {
			return
		}
		clientCert = len(server.ConnectionState().PeerCertificates) > 0
		conn = server
	}
	client := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(client)
		if err != nil {
			return
		}
		credentials := basicAuth(req.Header.Get("Proxy-Authorization"))
		p.record(Request{Verb: req.Method, Target: req.RequestURI, User: credentials, ClientCert: clientCert})
		switch {
		case !p.accepts(credentials):
			io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		case req.Method == http.MethodConnect:
			p.tunnel(conn, client, "HTTP/1.1 200 Connection established\r\n\r\n")
			return
		default:
			if p.forward(conn, req) != nil {
				return
			}
		}
	}
}

func basicAuth(header string) string {
	encoded, _ := strings.CutPrefix(header, "Basic ")
	credentials, _ := base64.StdEncoding.DecodeString(encoded)
	return string(credentials)
}

// forward answers one request from the daemon. After an error there is no other.
func (p *Proxy) forward(conn net.Conn, req *http.Request) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", p.options.Target)
		},
	}
	req.RequestURI = ""
	req.Header.Del("Proxy-Authorization")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		_, err = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return err
	}
	defer resp.Body.Close()
	if err := resp.Write(conn); err != nil || !resp.Close {
		return err
	}
	return io.EOF // which may be all that ends the answer
}

// tunnel sends the greeting, and then what comes from one side to the other,
// ends of streams included.
func (p *Proxy) tunnel(conn net.Conn, client io.Reader, greeting string) {
	daemon, err := net.Dial("tcp", p.options.Target)
	if err != nil {
		return
	}
	defer p.server.Forget(daemon)
	if !p.server.Keep(daemon) {
		return
	}
	if _, err := io.WriteString(conn, greeting); err != nil {
		return
	}
	var up sync.WaitGroup
	up.Go(func() {
		_, err := io.Copy(daemon, client)
		end(daemon, err)
	})
	_, err = io.Copy(conn, daemon)
	end(conn, err)
	up.Wait()
}

// end passes on the end of a stream, or that it broke off.
func end(conn net.Conn, err error) {
	if err != nil {
		conn.Close()
		return
	}
	conn.(interface{ CloseWrite() error }).CloseWrite()
}

// SOCKS 5 (RFC 1928, RFC 1929).
const (
	socksVersion    = 5
	socksNoAuth     = 0
	socksPassword   = 2
	socksRefused    = 0xff
	socksIPv4       = 1
	socksName       = 3
	socksIPv6       = 4
	socksSucceeded  = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	passwordVersion = 1
)

func (p *Proxy) serveSOCKS(conn net.Conn) {
	credentials, err := p.greet(conn)
	if err != nil {
		return
	}
	target, err := socksTarget(conn)
	if err != nil {
		return
	}
	p.record(Request{Verb: http.MethodConnect, Target: target, User: credentials})
	p.tunnel(conn, conn, socksSucceeded)
}

// greet agrees on how the client says who it is, and lets it.
func (p *Proxy) greet(conn net.Conn) (credentials string, err error) {
	version, methods, err := socksField(conn, 1)
	if err != nil || version != socksVersion {
		return "", errors.Join(err, errors.New("not SOCKS 5"))
	}
	method := byte(socksNoAuth)
	if p.options.User != nil {
		method = socksPassword
	}
	if !slices.Contains([]byte(methods), method) {
		conn.Write([]byte{socksVersion, socksRefused})
		return "", errors.New("no method in common")
	}
	if _, err := conn.Write([]byte{socksVersion, method}); err != nil || method == socksNoAuth {
		return "", err
	}
	_, user, err := socksField(conn, 1)
	if err != nil {
		return "", err
	}
	_, password, err := socksField(conn, 0)
	if err != nil {
		return "", err
	}
	credentials = user + ":" + password
	if !p.accepts(credentials) {
		p.record(Request{Verb: http.MethodConnect, User: credentials})
		conn.Write([]byte{passwordVersion, 1})
		return "", errors.New("wrong password")
	}
	_, err = conn.Write([]byte{passwordVersion, 0})
	return credentials, err
}

// socksField reads a prefix of so many bytes, one byte with a length, and so
// much text. It returns the first byte and the text.
func socksField(conn net.Conn, prefix int) (first byte, text string, err error) {
	head := make([]byte, prefix+1)
	if _, err := io.ReadFull(conn, head); err != nil {
		return 0, "", err
	}
	rest := make([]byte, head[prefix])
	_, err = io.ReadFull(conn, rest)
	return head[0], string(rest), err
}

// socksTarget reads the address that the client asks for.
func socksTarget(conn net.Conn) (string, error) {
	head := make([]byte, 4) // version, command, reserved, kind of address
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", err
	}
	var host string
	switch head[3] {
	case socksName:
		_, name, err := socksField(conn, 0)
		if err != nil {
			return "", err
		}
		host = name
	case socksIPv4, socksIPv6:
		ip := make(net.IP, map[byte]int{socksIPv4: net.IPv4len, socksIPv6: net.IPv6len}[head[3]])
		if _, err := io.ReadFull(conn, ip); err != nil {
			return "", err
		}
		host = ip.String()
	default:
		return "", errors.New("unknown kind of address")
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(conn, port); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))), nil
}
