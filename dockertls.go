package dockertls

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Mode is how a connection is secured.
type Mode int

// The modes of Docker's client.
const (
	Plain     Mode = iota // no TLS: in the clear over tcp; sockets, pipes and ssh need none
	Encrypted             // TLS, nobody verified the server (--tls)
	Verified              // TLS, the server was verified (--tlsverify)
	Mutual                // TLS, the server was verified, and there is a client certificate
)

// String returns "plain", "encrypted", "verified" or "mutual".
func (m Mode) String() string {
	switch m {
	case Plain:
		return "plain"
	case Encrypted:
		return "encrypted"
	case Verified:
		return "verified"
	case Mutual:
		return "mutual"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// MarshalText returns what String returns.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// A Config is the decision where to connect, and how: what [Resolve] makes of
// the settings. It is safe for concurrent use, and shares nothing with another
// Config (those of one [Resolver] share what was read from equal files).
//
// The decision does not change, but certificates and key are followed: they are
// looked at when a connection is made or a request begins, at most once in
// Options.ReloadInterval, and a new connection uses what is there, once that is a
// whole set and matches. A cert.pem and key.pem that come into the certificate
// folder later count as well; the system's roots and a context's list of files
// stay as they were.
// Until then, and whatever is wrong with it, what was last in use stays; the
// failure is told to Options.Logger and OnEvent, once. Kept connections of a
// transport change over with their next request, and no request fails because of
// it; streams keep what they began with. Nothing runs in between.
type Config struct {
	endpoint    endpoint
	context     string
	source      string   // of the address
	renamed     bool     // the server name is not the address's own
	certDir     string   // where default files are looked for; "" for none
	certDirFrom string   // the setting that says so
	proxy       *url.URL // nil: none
	proxySource string
	proxyInCode bool     // chosen by Options.Proxy
	dialer      dialFunc // nil: net.Dialer
	settings    []Setting
	warnings    []Warning
	places      *places                   // nil if the environment does not count
	elsewhere   []string                  // where other daemons keep their sockets
	shown       atomic.Pointer[handshake] // the latest
	inquiry     inquiry

	generation atomic.Pointer[generation] // of TLS material, the current; nil in plain mode
	follower   *follower                  // nil in plain mode
	counters   counters
	buffers    sync.Pool    // of gatheringConn
	logger     *slog.Logger // may be nil
	onEvent    func(Event)  // may be nil

	answeredPlain atomic.Bool // the endpoint has spoken plain HTTP
}

// Host returns the address with scheme and port, "tcp://ubuntuvm:2376",
// "unix:///var/run/docker.sock" or, as it was written, "ssh://me@ubuntuvm", for
// DOCKER_HOST and for WithHost of moby's client (before WithHTTPClient; over ssh
// it works in no other order). It is never https: the mode decides on TLS.
func (c *Config) Host() string { return c.endpoint.String() }

// Mode returns how connections are secured.
func (c *Config) Mode() Mode {
	return c.current().mode()
}

// Context returns the name of the docker context in use, "default" for none.
func (c *Config) Context() string { return c.context }

// URL returns the address of an API path, which may carry a query:
// "https://ubuntuvm:2376/_ping". The base path of the address, if it has one,
// comes first. On a socket or pipe the host is api.moby.localhost, over ssh
// docker.example.com, as in docker: names that nobody looks up.
func (c *Config) URL(path string) string { return c.endpoint.url(c.scheme(), path) }

func (c *Config) scheme() string {
	if c.secured() {
		return schemeHTTPS
	}
	return schemeHTTP
}

// TLSConfig returns the configuration of TLS connections, the caller's own
// copy, or nil in plain mode. RootCAs and ServerName are set; InsecureSkipVerify
// is true in mode [Encrypted] only. TLS 1.2 is the minimum, and there is no ALPN.
// RootCAs is nil if the system's roots verify.
//
// It follows a new client certificate, by GetClientCertificate, but no new CA:
// for that ask again, or use [Config.Dial] and [Config.Transport]. It resumes no
// sessions; with a ClientSessionCache of the caller's, a server goes on seeing
// the client certificate of the session.
func (c *Config) TLSConfig() *tls.Config {
	if !c.secured() {
		return nil
	}
	cfg := c.current().config()
	cfg.GetClientCertificate = c.clientCertificate
	if cfg.RootCAs != nil {
		cfg.RootCAs = cfg.RootCAs.Clone()
	}
	for i, cert := range cfg.Certificates { // the generation's connections share the chain
		cfg.Certificates[i].Certificate = slices.Clone(cert.Certificate)
	}
	return cfg
}

// Limits of a transport. Streams (logs, events, attach) have none, but TCP's
// keep-alive ends those whose other side is gone.
const (
	connectTimeout   = 9 * time.Second // so that who promises an answer in 10 s can keep it
	handshakeTimeout = 9 * time.Second
	idleTimeout      = 30 * time.Second
	idleConnections  = 6
	maxHeader        = 1 << 20 // bytes of an answer's header
	// net/http sends a body in chunks of 32 KiB: each is one Write with its header.
	writeBuffer = 33 << 10
)

// Transport returns a new transport with its own pool of connections, for
// [net/http.Client] and for the clients of Docker's API. The caller keeps it,
// may change it, and should call CloseIdleConnections in the end.
//
// It reaches this Config's endpoint only: requests with another scheme or host,
// by redirect or otherwise, fail with [EndpointMismatch] before anything is
// dialled. On a socket, a pipe or over ssh every host name stands for it. TLS is
// done with this Config's settings, whatever becomes of the transport's
// TLSClientConfig, which is there for clients that look at it, or dial with it.
// It verifies by a callback, VerifyConnection, so that those clients get an
// [*Error] too: to copy it in part use [Config.TLSConfig], which does without.
//
// A library that replaces the transport's Proxy and DialContext (moby's WithHost
// does, if it comes after WithHTTPClient) takes these guards away: TLS stays, but
// redirects must be refused by the client, as that of HTTPClient does.
//
// Errors of its connections that are understood are an [*Error] of one of the
// kinds of reaching, speaking, trusting and being trusted. Before Go 1.27
// Response.TLS is nil; the package documentation says why, and where the state
// of TLS is to be found.
func (c *Config) Transport() *http.Transport {
	t := &http.Transport{
		Proxy:                  c.route,
		DialContext:            c.dialTransport,
		DisableCompression:     !c.endpoint.isTCP(),
		MaxIdleConns:           idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        writeBuffer,
		// Without this net/http would prepare for HTTP/2 and leave a TLS
		// configuration in a plain transport, which clients take for TLS.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	if c.secured() || c.forwards() && c.proxy.Scheme == schemeHTTPS {
		t.DialTLSContext = c.dialTransportTLS
	}
	t.TLSClientConfig = c.transportTLS() // nil in plain mode
	return t
}

// HTTPClient returns a client with a new [Config.Transport]. It has no time
// limit of its own, because API calls may stream for hours: use contexts.
// Redirects to another endpoint fail, even if another library replaces parts of
// the transport (moby's WithHost does).
func (c *Config) HTTPClient() *http.Client {
	return &http.Client{Transport: c.Transport(), CheckRedirect: c.checkRedirect}
}

// maxRedirects is net/http's own limit, which goes with CheckRedirect.
const maxRedirects = 10

func (c *Config) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	_, err := c.route(req)
	return err
}

// String is a short summary in one line, without secrets.
func (c *Config) String() string {
	s := fmt.Sprintf("%s (%s), %s", c.Host(), c.source, c.Mode())
	if c.proxy != nil {
		s += fmt.Sprintf(", proxy %s (%s)", redactURL(c.proxy), c.proxySource)
	}
	return oneLine(s)
}

// LogValue makes slog print the summary's parts under their own names.
func (c *Config) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("host", c.Host()), slog.String("source", c.source),
		slog.String("context", c.context), slog.String("mode", c.Mode().String()),
	}
	if c.proxy != nil {
		attrs = append(attrs, slog.String("proxy", redactURL(c.proxy)))
	}
	return slog.GroupValue(attrs...)
}
