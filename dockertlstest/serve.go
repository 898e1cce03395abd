package dockertlstest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// An admission is the listener of the HTTP server: of the connections that the
// real one accepts it gets those that have shaken hands, or tried to.
type admission struct {
	net.Listener // for its address
	conns        chan net.Conn
	closed       chan struct{}
	once         sync.Once
}

func (a *admission) Accept() (net.Conn, error) {
	select {
	case conn := <-a.conns:
		return conn, nil
	case <-a.closed:
		return nil, net.ErrClosed
	}
}

func (a *admission) Close() error {
	a.once.Do(func() { close(a.closed) })
	return nil
}

// accept runs until the listener is closed. Other errors, such as too many open
// files, may pass.
func (d *Daemon) accept(next *admission, config *tls.Config) {
	const pause = 5 * time.Millisecond
	for {
		raw, err := d.Listener.Accept()
		switch {
		case err == nil:
			conn := d.enter(raw)
			d.running.Go(func() { d.admit(conn, next, config) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-d.done:
				return
			case <-time.After(pause):
			}
		}
	}
}

// enter records a new connection.
func (d *Daemon) enter(raw net.Conn) *tap {
	conn := &tap{Conn: raw, daemon: d, entry: &entry{}}
	conn.entry.seen = Connection{Accepted: time.Now(), RemoteAddr: raw.RemoteAddr().String()}
	d.note(func() {
		d.log = append(d.log, conn.entry)
		conn.entry.number = len(d.log)
		d.open[conn] = conn
	})
	d.closeIfLate(conn)
	return conn
}

// closeIfLate closes a connection that arrives while the daemon closes.
func (d *Daemon) closeIfLate(conn net.Conn) {
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	if closed {
		conn.Close()
	}
}

// admit does the handshake, and hands the connection on even if that fails: how
// Go's server answers plain HTTP, the HTTP server knows.
func (d *Daemon) admit(conn *tap, next *admission, config *tls.Config) {
	if d.misbehave(OnAccept, conn, conn) {
		return
	}
	top, err := d.secure(conn, config)
	if err == nil && d.misbehave(AfterHandshake, conn, top) {
		return
	}
	d.note(func() { conn.entry.settled = true })
	select {
	case next.conns <- top:
	case <-next.closed:
		if err != nil { // as the HTTP server would put it
			d.server.ErrorLog.Printf("http: TLS handshake error from %s: %v", conn.RemoteAddr(), err)
		}
		top.Close()
	}
}

// secure does the handshake, and records how it ends. Without TLS there is none.
func (d *Daemon) secure(conn *tap, config *tls.Config) (net.Conn, error) {
	if config == nil {
		return conn, nil
	}
	secured := tls.Server(conn, config)
	d.note(func() {
		if d.open[conn] != nil {
			d.open[conn] = secured
		}
	})
	err := secured.Handshake()
	d.noteHandshake(conn.entry, secured.ConnectionState(), err)
	return secured, err
}

func (d *Daemon) noteHandshake(e *entry, state tls.ConnectionState, err error) {
	shown := state.PeerCertificates
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		shown = refused.UnverifiedCertificates
	}
	var client *x509.Certificate
	if len(shown) > 0 {
		client = shown[0]
	}
	d.note(func() {
		e.seen.TLSVersion, e.seen.Client = state.Version, client
		e.seen.Secured, e.seen.HandshakeErr = err == nil, err
	})
}

// errMisbehaved ends a handshake in whose course the connection was dealt with.
var errMisbehaved = errors.New("dockertlstest: failed as asked for, after the ClientHello")

// watchHellos notes the name that clients ask for. The callback is the one
// place where a handshake can be stopped once the ClientHello is there.
func (d *Daemon) watchHellos(config *tls.Config) {
	inner := config.GetConfigForClient
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		conn := hello.Conn.(*tap)
		d.note(func() { conn.entry.seen.ServerName = hello.ServerName })
		if d.misbehave(AfterHello, conn, conn) {
			return nil, errMisbehaved
		}
		if inner == nil {
			return nil, nil
		}
		return inner(hello)
	}
}

// A tap is a connection as the listener accepted it, below TLS. It counts what
// comes in.
type tap struct {
	net.Conn
	daemon *Daemon
	entry  *entry
}

// An entry is what the log has of a connection; the daemon's mutex guards all
// but the counter.
type entry struct {
	number   int
	seen     Connection
	settled  bool // nothing more will happen before the first request
	received atomic.Int64
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.entry.received.Add(int64(n))
	return n, err
}

func (t *tap) CloseWrite() error { return closeWrite(t.Conn) }

func (t *tap) Close() error {
	t.daemon.note(func() {
		delete(t.daemon.open, t)
		t.entry.settled = true
		if t.entry.seen.Closed.IsZero() {
			t.entry.seen.Closed = time.Now()
		}
	})
	return t.Conn.Close()
}

// closeWrite ends our direction of a stream.
func closeWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

type tapKey struct{}

// tapOf finds the tap below what the HTTP server has.
func tapOf(conn net.Conn) *tap {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return conn.(*tap)
}
