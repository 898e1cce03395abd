package dockertls

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A pooledConn is a TLS connection in a transport's pool. When there is new
// material, the next request on it goes over a new connection, which takes the
// place of the old one inside: net/http offers no way to take one connection out
// of a pool, least of all out of a copy of the transport that a client made for
// itself. Requests and streams that are under way end on the connection that
// they began on.
type pooledConn struct {
	config *Config
	inner  atomic.Pointer[tlsConn]
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu       sync.Mutex // of writing; guards what follows
	requests requestFrames

	renewal sync.Mutex // held from the look for new material until the connection is renewed
	failure error      // of the renewal; guarded by it

	upgrade upgradeWatch
}

func newPooledConn(c *Config, conn tlsConn) *pooledConn {
	p := &pooledConn{config: c}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.inner.Store(&conn)
	return p
}

// Write writes a part of a request. The first part of one is the moment to renew
// the connection: net/http writes it only after the last answer was read.
func (p *pooledConn) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.requests.between() {
		if err := p.follow(); err != nil {
			return 0, err
		}
	} else if p.upgrade.refused.Load() && p.config.latest(p.ctx) != p.inner.Load().seen.generation {
		return 0, errUpgradeRefused
	}
	// Before it is written: the answer may come at once. If writing fails, nothing
	// more is written.
	p.requests.advance(b)
	p.upgrade.asked.Store(p.requests.streams())
	return p.inner.Load().Write(b)
}

// follow puts a new connection in the place of the old one, if there is new
// material.
func (p *pooledConn) follow() error {
	p.renewal.Lock()
	defer p.renewal.Unlock()
	g := p.config.latest(p.ctx)
	if g == p.inner.Load().seen.generation {
		return nil
	}
	conn, err := p.config.opened(p.config.openTLS(p.ctx, g, true))
	if err != nil {
		p.failure = err
		return err
	}
	p.config.counters.renewals.Add(1)
	fresh := conn.(tlsConn)
	old := p.inner.Swap(&fresh)
	if p.ctx.Err() != nil { // Close may have missed it
		fresh.Close()
	}
	_ = old.Close() // Read goes on with the new one, whatever the old one says
	return nil
}

// Read reads from the connection of the moment. What an old one still says
// answers no request, also while it is being renewed, and if that fails: its peer
// may be the one that is no longer trusted. If it ends, that is no harm.
func (p *pooledConn) Read(b []byte) (int, error) {
	for {
		conn := p.inner.Load()
		n, err := conn.Read(b)
		switch failure := p.awaitRenewal(); {
		case failure != nil:
			return 0, failure
		case p.inner.Load() == conn:
			p.upgrade.read(b[:n])
			return n, err
		}
	}
}

func (p *pooledConn) awaitRenewal() error {
	p.renewal.Lock()
	defer p.renewal.Unlock()
	return p.failure
}

// errUpgradeRefused ends a connection that cannot be renewed: net/http takes
// another one for the request.
var errUpgradeRefused = errors.New("dockertls: there is new TLS material, and a connection on which an upgrade was refused is not renewed")

// An upgradeWatch finds out whether a stream was asked for, and refused. Then
// requests follow where none were expected.
type upgradeWatch struct {
	asked   atomic.Bool
	refused atomic.Bool
	status  []byte // the beginning of the answer; the reader's
}

// read takes note of what was read. An answer that is not plainly a change of
// protocols counts as none.
func (u *upgradeWatch) read(b []byte) {
	const switching = "HTTP/1.1 101"
	missing := len(switching) - len(u.status)
	if missing == 0 || !u.asked.Load() {
		return
	}
	u.status = append(u.status, b[:min(len(b), missing)]...)
	u.refused.Store(!strings.HasPrefix(switching, string(u.status)))
}

// Close closes the connection.
func (p *pooledConn) Close() error {
	p.cancel()
	return p.inner.Load().Close()
}

// ConnectionState is that of the TLS connection of the moment.
func (p *pooledConn) ConnectionState() tls.ConnectionState { return p.inner.Load().ConnectionState() }

// NetConn returns the connection below TLS, as that of *tls.Conn does.
func (p *pooledConn) NetConn() net.Conn { return p.inner.Load().NetConn() }

// CloseWrite ends our direction of an upgraded stream.
func (p *pooledConn) CloseWrite() error { return p.inner.Load().CloseWrite() }

func (p *pooledConn) LocalAddr() net.Addr                { return p.inner.Load().LocalAddr() }
func (p *pooledConn) RemoteAddr() net.Addr               { return p.inner.Load().RemoteAddr() }
func (p *pooledConn) SetDeadline(t time.Time) error      { return p.inner.Load().SetDeadline(t) }
func (p *pooledConn) SetReadDeadline(t time.Time) error  { return p.inner.Load().SetReadDeadline(t) }
func (p *pooledConn) SetWriteDeadline(t time.Time) error { return p.inner.Load().SetWriteDeadline(t) }
