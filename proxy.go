package dockertls

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"
)

// maxProxyAnswer bounds the header of a proxy's answer to CONNECT.
const maxProxyAnswer = 64 << 10

func isSOCKS(proxy *url.URL) bool { return proxy.Scheme == "socks5" || proxy.Scheme == "socks5h" }

// dialProxy opens a connection to the endpoint through the proxy.
func (c *Config) dialProxy(ctx context.Context) (net.Conn, error) {
	if isSOCKS(c.proxy) {
		return c.dialSOCKS(ctx)
	}
	conn, err := c.connectProxy(ctx)
	if err != nil {
		return nil, err
	}
	if err := within(ctx, handshakeTimeout, func(ctx context.Context) error { return c.tunnel(ctx, conn) }); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// connectProxy opens a connection to an HTTP proxy. With an https proxy it
// speaks TLS: the proxy is trusted as the daemon would be, which is what docker
// does, but it never sees the client certificate.
func (c *Config) connectProxy(ctx context.Context) (net.Conn, error) {
	raw, err := c.connect(ctx, schemeTCP, hostPort(c.proxy))
	if err != nil || c.proxy.Scheme != schemeHTTPS {
		return raw, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: asciiHost(c.proxy.Hostname())}
	if c.secured() {
		cfg.RootCAs, cfg.InsecureSkipVerify = c.current().pool, !c.current().verify
	}
	conn := tls.Client(raw, cfg)
	if err := within(ctx, handshakeTimeout, conn.HandshakeContext); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// tunnel asks the proxy for a tunnel to the endpoint (RFC 9110, 9.3.6).
func (c *Config) tunnel(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	answer, err := c.askTunnel(conn)
	switch {
	case !stop():
		return ctx.Err()
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return proxyRefusal(answer.StatusCode)
	}
	return nil
}

// A proxyRefusal is the status of an answer to CONNECT. The words are the
// standard's: the proxy's own may be anything.
type proxyRefusal int

func (r proxyRefusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("it answered %d %s", int(r), http.StatusText(int(r))))
}

func (c *Config) askTunnel(conn net.Conn) (*http.Response, error) {
	req := &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: c.endpoint.address},
		Host:   c.endpoint.address,
		Header: http.Header{},
	}
	if user := c.proxy.User; user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	// Byte by byte, so that nothing of the stream behind the answer is swallowed.
	header := io.LimitReader(oneByte{conn}, maxProxyAnswer)
	return http.ReadResponse(bufio.NewReader(header), req)
}

// oneByte keeps a buffered reader from reading ahead.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(b []byte) (int, error) { return o.r.Read(b[:min(len(b), 1)]) }

// dialSOCKS goes through a SOCKS 5 proxy (RFC 1928).
func (c *Config) dialSOCKS(ctx context.Context) (net.Conn, error) {
	var auth *proxy.Auth
	if user := c.proxy.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	forward := &keepConn{dial: c.connect}
	dialer, err := proxy.SOCKS5(schemeTCP, hostPort(c.proxy), auth, forward)
	if err != nil {
		return nil, err
	}
	err = within(ctx, connectTimeout+handshakeTimeout, func(ctx context.Context) error {
		_, err := dialer.(proxy.ContextDialer).DialContext(ctx, schemeTCP, c.endpoint.address)
		return err
	})
	if err != nil {
		if forward.conn != nil {
			forward.conn.Close()
		}
		return nil, err
	}
	return forward.conn, nil
}

// keepConn keeps the connection itself: what the SOCKS dialer returns around
// it has no CloseWrite, and nothing else to offer.
type keepConn struct {
	dial dialFunc
	conn net.Conn
}

func (k *keepConn) Dial(network, address string) (net.Conn, error) {
	return k.DialContext(context.Background(), network, address)
}

func (k *keepConn) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var err error
	k.conn, err = k.dial(ctx, network, address)
	return k.conn, err
}

// proxyFailure says that it is the proxy that failed, not the daemon.
func (c *Config) proxyFailure(ctx context.Context, stage Stage, err error) error {
	switch {
	case err == nil:
		return nil
	case contextError(ctx) != nil:
		return c.failure(ctx, scene{}, err)
	}
	e := c.proxyError(err)
	return scene{cfg: c, stage: stage}.complete(e, err)
}

func (c *Config) proxyError(err error) *Error {
	e := c.blameProxy("")
	e.Detail += c.explainProxy(e, err)
	refusal, _ := errors.AsType[proxyRefusal](err)
	e.Evidence.Status = int(refusal)
	if refusal == http.StatusProxyAuthRequired {
		e.hint("give the proxy's address a user and password that it knows")
	}
	return e
}

// blameProxy is an error about the proxy.
func (c *Config) blameProxy(why string) *Error {
	e := &Error{Kind: ProxyFailed, Source: c.proxySource}
	e.Detail = fmt.Sprintf("the proxy %s (%s) failed: %s", redactURL(c.proxy), c.proxySource, why)
	if !c.proxyInCode {
		e.hint("if the daemon is to be reached directly, add %s to NO_PROXY", c.endpoint.serverName)
	}
	return e
}

// explainProxy says why the proxy failed. The explanation is not part of the
// chain: its kind would speak of the daemon.
func (c *Config) explainProxy(e *Error, err error) string {
	if refusal, ok := errors.AsType[proxyRefusal](err); ok {
		return refusal.Error()
	}
	if said := socksRefusal(err); said != "" {
		return said
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known.Detail
	}
	there := &Config{settings: c.settings, endpoint: endpoint{network: schemeTCP, address: hostPort(c.proxy)}}
	there.generation.Store(c.generation.Load())
	s := scene{cfg: there, stage: cmp.Or(dialStage(err), StageProxy)}
	if why := s.explain(err); why != nil {
		e.Evidence.Server, e.Evidence.Waited = why.Evidence.Server, why.Evidence.Waited
		return strings.ReplaceAll(why.Detail, "the server", "the proxy")
	}
	return "it does not let us through"
}

// socksRefusal says in our words how a SOCKS proxy refused, "" if it did not.
// x/net has no types for that; the texts are its own (RFC 1928, 6).
func socksRefusal(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Err == nil || !strings.HasPrefix(op.Op, "socks") || dialStage(err) == StageConnect {
		return ""
	}
	text := op.Err.Error()
	for _, known := range [...]struct{ text, said string }{
		{"general SOCKS server failure", "it has a failure of its own"},
		{"connection not allowed by ruleset", "this connection is not allowed by its rules"},
		{"network unreachable", "the daemon's network is unreachable from there"},
		{"host unreachable", "the daemon's host is unreachable from there"},
		{"connection refused", "the daemon's address refused it, nobody listens there"},
		{"TTL expired", "its way to the daemon is too long"},
		{"username/password authentication failed", "it does not accept the user and password"},
		{"no acceptable authentication methods", "it wants to know who asks (user and password)"},
		{"unexpected protocol version", "what answers there is no SOCKS 5 proxy"},
	} {
		if strings.HasSuffix(text, known.text) || strings.HasPrefix(text, known.text) {
			return known.said
		}
	}
	return ""
}
