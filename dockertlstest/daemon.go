package dockertlstest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Mode says how a daemon speaks and whom it checks.
type Mode int

const (
	// Plain is a daemon without TLS.
	Plain Mode = iota

	// TLS is a daemon started with --tls --tlsverify=false: the connection is
	// encrypted, and the daemon neither asks for a client's certificate nor
	// looks at one.
	TLS

	// MutualTLS is a daemon started with --tlsverify: it requires a client
	// certificate that its CA has signed.
	MutualTLS
)

// String returns the name of the constant.
func (m Mode) String() string {
	names := []string{"Plain", "TLS", "MutualTLS"}
	if m < 0 || int(m) >= len(names) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return names[m]
}

// Daemon stands in for dockerd on the loopback interface or a unix socket. It
// answers a small part of the Docker API:
//
//	HEAD, GET  /_ping
//	GET        /version, /info
//	POST       /images/load, /images/create
//	GET        /containers/{id}/json, /exec/{id}/json
//	POST       /containers/{id}/exec
//	POST       /containers/{id}/attach, /exec/{id}/start
//
// each also below a version such as /v1.41. The last two take over the
// connection, as dockerd does for a container with a terminal, and send back
// what they read until the client closes its side. Containers and execs of any
// id exist. Everything else is answered with dockerd's error 404. [Handle] and
// [Stream] put something else in their place.
//
// [Start] makes one for a test, [New] for a program, and both know how to fail.
// The fields may be set between [NewUnstartedDaemon] and [Daemon.Start], not later.
type Daemon struct {
	// Listener is where the daemon is reached. A test that needs another one,
	// such as the address of a daemon closed before, closes this one and
	// puts its own here.
	Listener net.Listener

	// Server is the certificate served in the TLS modes. Default: the
	// ServerPair of the CA given to the constructor.
	Server *Pair

	// ClientCA signs the client certificates accepted by MutualTLS. Default:
	// the CA given to the constructor.
	ClientCA *CA

	// TLSConfig, if set, has the last word on the configuration to serve with.
	TLSConfig func(*tls.Config)

	// Handler, if set, replaces the built-in API. Requests are recorded all the same.
	Handler http.Handler

	// ErrorLog receives the server's complaints, such as failed handshakes.
	// Default: they are dropped.
	ErrorLog *log.Logger

	mode     Mode
	ca       *CA
	access   access
	editTLS  func(*tls.Config) // what the options ask for
	routes   []route
	stream   func(net.Conn, *http.Request)
	misdeeds map[Stage]misdeed

	server *http.Server
	done   <-chan struct{} // Close has begun
	cancel context.CancelFunc
	// running counts the loops, the connections and the handlers. The handlers
	// count on their own because a connection stops counting once it is taken
	// over, while its handler goes on.
	running sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	open     map[*tap]net.Conn // what to close: the tap itself, or TLS above it
	log      []*entry
	requests []Request
	changed  chan struct{} // closed, and replaced, when the log or requests change
}

// Request is what a daemon saw of one request.
type Request struct {
	Method   string
	Path     string // with the version, without the query
	RawQuery string
	Host     string // the Host header
	Header   http.Header
	TLS      *tls.ConnectionState // nil on a plain connection

	// Connection tells on which connection it came: 1 is the first.
	Connection int
}

// ClientName returns the common name in the certificate that the client showed,
// and "" if it showed none.
func (r Request) ClientName() string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}

// NewDaemon starts a daemon on a free port of 127.0.0.1. In the TLS modes it
// serves a certificate of ca and, with MutualTLS, accepts the clients of ca;
// Plain needs no ca. The caller must close it.
func NewDaemon(mode Mode, ca *CA) *Daemon {
	d := NewUnstartedDaemon(mode, ca)
	d.Start()
	return d
}

// NewUnstartedDaemon is like [NewDaemon], but the daemon does not answer before
// [Daemon.Start], so that its fields can be set. Its address is known already.
// The ca may be nil if the fields make up for it.
func NewUnstartedDaemon(mode Mode, ca *CA) *Daemon {
	return newDaemon(mode, ca, "tcp", "127.0.0.1:0")
}

// NewSocketDaemon starts a plain daemon on a unix socket. The path should be
// absolute, and shorter than a hundred bytes, which is what systems allow.
func NewSocketDaemon(path string) *Daemon {
	d := newDaemon(Plain, nil, "unix", path)
	d.Start()
	return d
}

func newDaemon(mode Mode, ca *CA, network, address string) *Daemon {
	listener, err := net.Listen(network, address)
	check(err)
	return &Daemon{
		Listener: listener,
		mode:     mode,
		ca:       ca,
		access:   access{mode: mode},
		stream:   echo,
		open:     map[*tap]net.Conn{},
		changed:  make(chan struct{}),
	}
}

// Start lets an unstarted daemon answer.
func (d *Daemon) Start() {
	if d.server != nil {
		panic("dockertlstest: daemon already started")
	}
	var config *tls.Config
	if d.mode != Plain {
		config = d.tlsConfig()
		d.watchHellos(config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.done, d.cancel = ctx.Done(), cancel
	admitted := &admission{Listener: d.Listener, conns: make(chan net.Conn), closed: make(chan struct{})}
	d.server = &http.Server{
		Handler:     d.recorded(d.misbehaving(cmp.Or(d.Handler, apiHandler(d.routes, d.stream)))),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, tapKey{}, tapOf(conn))
		},
		ConnState: d.connState,
		ErrorLog:  cmp.Or(d.ErrorLog, log.New(io.Discard, "", 0)),
		// Not nil, so that net/http does not add HTTP/2: dockerd has none.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	d.running.Go(func() { d.server.Serve(admitted) })
	d.running.Go(func() { d.accept(admitted, config) })
}

func (d *Daemon) tlsConfig() *tls.Config {
	config := &tls.Config{
		Certificates: []tls.Certificate{d.serverPair().Certificate()},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}
	if d.mode == MutualTLS {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = d.clientCAs()
	}
	if d.editTLS != nil {
		d.editTLS(config)
	}
	if d.TLSConfig != nil {
		d.TLSConfig(config)
	}
	return config
}

func (d *Daemon) serverPair() *Pair {
	if d.Server != nil {
		return d.Server
	}
	if d.ca == nil {
		panic("dockertlstest: " + d.mode.String() + " needs a CA or Daemon.Server")
	}
	return d.ca.ServerPair()
}

func (d *Daemon) clientCAs() *x509.CertPool {
	ca := cmp.Or(d.ClientCA, d.ca)
	if ca == nil {
		panic("dockertlstest: MutualTLS needs a CA or Daemon.ClientCA")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.PEM())
	return pool
}

// Host returns the address as DOCKER_HOST wants it: "tcp://127.0.0.1:1234" or
// "unix:///path". It is tcp in the TLS modes too.
func (d *Daemon) Host() string {
	return d.Listener.Addr().Network() + "://" + d.Addr()
}

// Addr returns the address for [net.Dial]: "127.0.0.1:1234" or the path of the socket.
func (d *Daemon) Addr() string {
	return d.Listener.Addr().String()
}

// Close stops the daemon: it closes the listener and every connection, those
// taken over included, and waits until nothing of the daemon runs any more. A
// Handler must return once its connection is closed or its request's context
// is done. Closing again does nothing.
func (d *Daemon) Close() {
	d.Listener.Close()
	defer d.access.remove()
	if d.server == nil {
		return
	}
	d.cancel()
	d.server.Close()
	d.closeConns()
	d.running.Wait()
}

// closeConns closes what http.Server.Close does not know: the connections taken
// over, and those that do not speak HTTP yet.
func (d *Daemon) closeConns() {
	d.mu.Lock()
	d.closed = true
	open := slices.Collect(maps.Values(d.open))
	d.mu.Unlock()
	for _, conn := range open {
		conn.Close()
	}
}

func (d *Daemon) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.running.Add(1)
	case http.StateHijacked, http.StateClosed:
		d.running.Done()
	}
}

// recorded notes each request before next sees it, so that a client which has
// its answer finds its request in [Daemon.Requests].
func (d *Daemon) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.running.Add(1)
		defer d.running.Done()
		d.record(r)
		next.ServeHTTP(w, r)
	})
}

func (d *Daemon) record(r *http.Request) {
	entry := r.Context().Value(tapKey{}).(*tap).entry
	d.note(func() {
		entry.seen.Requests++
		d.requests = append(d.requests, Request{
			Method:     r.Method,
			Path:       r.URL.Path,
			RawQuery:   r.URL.RawQuery,
			Host:       r.Host,
			Header:     r.Header.Clone(),
			TLS:        r.TLS,
			Connection: entry.number,
		})
	})
}
