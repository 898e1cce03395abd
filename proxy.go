package dockertls

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"
)

// maxProxyAnswer bounds the header of a proxy's answer to CONNECT.
const maxProxyAnswer = 64 << 10

// dialProxy opens a connection to the endpoint through the proxy.
func (c *Config) dialProxy(ctx context.Context) (net.Conn, error) {
	switch c.proxy.Scheme {
	case "socks5", "socks5h":
		return c.dialSOCKS(ctx)
	}
	raw, err := c.connect(ctx, schemeTCP, proxyAddress(c.proxy))
	if err != nil {
		return nil, c.proxyFailure(err)
	}
	conn := raw
	if c.proxy.Scheme == schemeHTTPS {
		conn, err = c.proxyTLS(ctx, raw)
	}
	if err == nil {
		err = c.tunnel(ctx, conn)
	}
	if err != nil {
		raw.Close()
		if ctx.Err() != nil {
			return nil, c.failure(ctx, err)
		}
		return nil, c.proxyFailure(err)
	}
	return conn, nil
}

func proxyAddress(u *url.URL) string { return hostPort(u) }

// proxyTLS speaks TLS with the proxy itself. It is trusted as the daemon would
// be, which is what docker does, but never sees the client certificate.
func (c *Config) proxyTLS(ctx context.Context, raw net.Conn) (net.Conn, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.tls != nil {
		cfg = c.tls.Clone()
		cfg.Certificates = nil
	}
	cfg.ServerName = c.proxy.Hostname()
	conn := tls.Client(raw, cfg)
	return conn, handshake(ctx, conn)
}

// tunnel asks the proxy for a tunnel to the endpoint (RFC 9110, 9.3.6).
func (c *Config) tunnel(ctx context.Context, conn net.Conn) error {
	limited, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(limited, func() { conn.Close() })
	answer, err := c.askTunnel(conn)
	if !stop() {
		return limited.Err()
	}
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", answer.Status)
	}
	return nil
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
	limited, cancel := context.WithTimeout(ctx, connectTimeout+handshakeTimeout)
	defer cancel()
	var auth *proxy.Auth
	if user := c.proxy.User; user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	forward := &keepConn{dial: c.connect}
	dialer, err := proxy.SOCKS5(schemeTCP, proxyAddress(c.proxy), auth, forward)
	if err != nil {
		return nil, c.proxyFailure(err)
	}
	if _, err := dialer.(proxy.ContextDialer).DialContext(limited, schemeTCP, c.endpoint.address); err != nil {
		if ctx.Err() != nil {
			return nil, c.failure(ctx, err)
		}
		return nil, c.proxyFailure(err)
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
func (c *Config) proxyFailure(err error) *Error {
	return &Error{
		Kind: ProxyFailed, Host: c.Host(), Source: c.proxySource, Err: err,
		Detail: fmt.Sprintf("the proxy %s (%s) does not let us through", c.proxy.Redacted(), c.proxySource),
		Hint:   fmt.Sprintf("if the daemon is to be reached directly, add %s to NO_PROXY", c.endpoint.serverName),
	}
}
