package dockertls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Dial opens the raw stream to the endpoint, as exec and attach need it: the
// same TLS, through the same proxy as requests. The result has CloseWrite, for
// half-close (with a Dialer of the caller's, in plain mode: if its connections
// have it). The context bounds connecting and the handshake, not the stream.
// Over ssh it returns at once, and the first Read shows what failed.
//
// Errors that are understood are an [*Error] of one of the kinds of reaching,
// speaking, trusting and being trusted, from [DNS] to [ClientCertNotYet]; those
// of the context come as themselves. Under TLS 1.3 a daemon refuses a client
// certificate only after the handshake: the first Read shows that, or a Write
// that fails. The end of the stream is io.EOF.
func (c *Config) Dial(ctx context.Context) (net.Conn, error) {
	if !c.secured() {
		return c.opened(c.dialEndpoint(ctx, false))
	}
	return c.opened(c.dialTLS(ctx, false))
}

// opened counts a connection, or why there is none.
func (c *Config) opened(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		c.failed(err)
		return nil, err
	}
	c.counters.connections.Add(1)
	if c.logger != nil {
		c.logConnection(conn)
	}
	return conn, nil
}

// peerAddress is "" if it is not known, as may be behind a Dialer.
func peerAddress(conn net.Conn) string {
	address := conn.RemoteAddr()
	if address == nil {
		return ""
	}
	return address.String()
}

func (c *Config) logConnection(conn net.Conn) {
	attrs := []slog.Attr{slog.String("host", c.Host()), slog.String("address", peerAddress(conn))}
	if secured, ok := conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := secured.ConnectionState()
		attrs = append(attrs, slog.String("tls", tls.VersionName(state.Version)), slog.Bool("resumed", state.DidResume))
	}
	c.log(slog.LevelDebug, "connected", attrs...)
}

// failed counts a failure of a connection.
func (c *Config) failed(err error) {
	c.counters.failed(err)
	if c.logger == nil {
		return
	}
	if e, ok := errors.AsType[*Error](err); ok {
		c.log(slog.LevelDebug, "a connection failed", slog.Any("err", e))
		return
	}
	c.log(slog.LevelDebug, "a connection failed", slog.String("host", c.Host()), slog.String("err", err.Error()))
}

// dialTransport is DialContext of a transport. net/http asks it for an HTTP
// proxy or for the endpoint; clients that hijack ask for the endpoint even if
// there is a proxy, and get the tunnel.
func (c *Config) dialTransport(ctx context.Context, _, address string) (net.Conn, error) {
	switch {
	case c.secured():
		return nil, c.mismatch("an unencrypted connection to " + address)
	case !c.endpoint.isTCP(), sameAddress(address, c.endpoint.address):
		return c.opened(c.dialEndpoint(ctx, true))
	case c.forwards() && sameAddress(address, hostPort(c.proxy)):
		conn, err := c.connect(ctx, schemeTCP, address)
		return c.opened(c.forwarding(ctx, conn, err))
	}
	return nil, c.mismatch("a connection to " + address)
}

// forwarding watches a connection to a proxy that forwards plain HTTP.
func (c *Config) forwarding(ctx context.Context, conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, c.proxyFailure(ctx, StageConnect, err)
	}
	watched := c.newConn(conn, nil, true)
	watched.toProxy = true
	return watched.plain(), nil
}

// dialTransportTLS is DialTLSContext of a transport. In plain mode net/http
// asks it for an https proxy.
func (c *Config) dialTransportTLS(ctx context.Context, _, address string) (net.Conn, error) {
	switch {
	case !c.secured() && c.proxy != nil && sameAddress(address, hostPort(c.proxy)):
		conn, err := c.connectProxy(ctx)
		return c.opened(c.forwarding(ctx, conn, err))
	case !c.secured() || !sameAddress(address, c.endpoint.address):
		return nil, c.mismatch("a connection to " + address)
	}
	return c.opened(c.dialTLS(ctx, true))
}

// route is Proxy of a transport, which net/http asks before it looks for a
// connection: the place to refuse requests that are not for this endpoint.
func (c *Config) route(req *http.Request) (*url.URL, error) {
	u := req.URL
	switch {
	case u.Scheme != c.scheme():
		return nil, c.mismatch("a request to " + u.Scheme + "://" + u.Host)
	case !c.endpoint.isTCP():
		return nil, nil
	case u.Host != c.endpoint.address && !sameAddress(hostPort(u), c.endpoint.address): // the usual form costs nothing
		return nil, c.mismatch("a request to " + u.Scheme + "://" + u.Host)
	case !c.forwards():
		return nil, nil
	case u.Opaque != "":
		return nil, c.mismatch("a request for " + u.Opaque)
	case req.Host != "" && !sameAddress(hostPort(&url.URL{Scheme: u.Scheme, Host: req.Host}), c.endpoint.address):
		// This is where the proxy would send it.
		return nil, c.mismatch("a request with the Host " + req.Host)
	}
	proxy := *c.proxy
	return &proxy, nil
}

// forwards tells whether net/http hands requests to a proxy for forwarding.
// Everything else goes through a tunnel of our own, with our time limits.
func (c *Config) forwards() bool {
	return !c.secured() && c.proxy != nil && !isSOCKS(c.proxy)
}

func (c *Config) mismatch(what string) *Error {
	return &Error{Kind: EndpointMismatch, Host: c.Host(), Detail: oneLine("this transport does not serve " + what),
		Hint: "it reaches " + c.URL("") + " only: resolve another Config for another daemon"}
}

func sameAddress(a, b string) bool { return strings.EqualFold(a, b) }

// hostPort is the address net/http dials for a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{schemeHTTP: "80", schemeHTTPS: "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(asciiHost(u.Hostname()), port)
}

// dialEndpoint opens the unencrypted connection, through the proxy if there is one.
func (c *Config) dialEndpoint(ctx context.Context, http bool) (net.Conn, error) {
	conn, err := c.dialRaw(ctx)
	if err != nil {
		return nil, err
	}
	return c.newConn(conn, nil, http).plain(), nil
}

// dialRaw opens the connection that TLS or HTTP is spoken on.
func (c *Config) dialRaw(ctx context.Context) (net.Conn, error) {
	if c.proxy != nil {
		conn, err := c.dialProxy(ctx)
		return conn, c.proxyFailure(ctx, StageProxy, err)
	}
	conn, err := c.connectEndpoint(ctx)
	return conn, c.failure(ctx, scene{cfg: c, stage: StageConnect}, err)
}

func (c *Config) connectEndpoint(ctx context.Context) (net.Conn, error) {
	if c.usesSSH() {
		return dialSSH(ctx, c.endpoint.ssh)
	}
	return c.connect(ctx, c.endpoint.network, c.endpoint.address)
}

// connect opens a connection within connectTimeout.
func (c *Config) connect(ctx context.Context, network, address string) (net.Conn, error) {
	dial := c.dialer
	switch {
	case network == schemeNpipe:
		dial = dialPipe
	case dial == nil:
		dial = (&net.Dialer{KeepAliveConfig: keepAlive()}).DialContext
	}
	var conn net.Conn
	var lookup lookupWatch
	err := within(lookup.watch(ctx), connectTimeout, func(ctx context.Context) (err error) {
		for conn, err = dial(ctx, network, address); isQueueFull(err) && pause(ctx); {
			conn, err = dial(ctx, network, address)
		}
		return err
	})
	if err != nil {
		return nil, lookup.blame(err)
	}
	return conn, nil
}

// keepAlive makes a stream notice within a minute that the other side is gone,
// and keeps firewalls from forgetting it.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}
}

// isQueueFull tells that a unix socket's daemon is busy at the moment. Over TCP
// the system itself tries again.
func isQueueFull(err error) bool { return errors.Is(err, syscall.EAGAIN) }

// pause waits a moment, and tells whether there is time left.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(20 * time.Millisecond):
		return true
	}
}

// A lookupWatch knows whether a name is being resolved.
type lookupWatch struct{ running atomic.Bool }

func (l *lookupWatch) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { l.running.Store(true) },
		DNSDone:  func(info httptrace.DNSDoneInfo) { l.running.Store(info.Err != nil) },
	})
}

// blame makes the end of a time limit one of the name server, if that was asked
// and had not answered.
func (l *lookupWatch) blame(err error) error {
	if limit, ok := err.(limitError); ok && l.running.Load() {
		limit.lookup = true
		return limit
	}
	return err
}

// within runs f with a limit of our own, and tells its end from the context's.
func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f(limited)
	if err != nil && limited.Err() != nil && contextError(ctx) == nil {
		return limitError{limit: limit}
	}
	return err
}

// contextError is ctx.Err, but does not wait for the context's timer to fire:
// who dials may notice the deadline first.
func contextError(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// failure explains an error of connecting, unless it is the context's own.
func (c *Config) failure(ctx context.Context, s scene, err error) error {
	if err == nil {
		return nil
	}
	if own := contextError(ctx); own != nil {
		return fmt.Errorf("dockertls: %s: %w", c.Host(), own)
	}
	return orCause(s.explain(err), err)
}
