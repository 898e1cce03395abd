package dockertls

import (
	"context"
	"crypto/tls"
	"net"
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

	renewal sync.Mutex // held while the connection is renewed
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
		if g := p.config.latest(p.ctx); g != p.inner.Load().seen.generation {
			if err := p.renew(g); err != nil {
				return 0, err
			}
		}
	}
	n, err := p.inner.Load().Write(b)
	p.requests.advance(b[:n])
	return n, err
}

// renew puts a new connection in the place of the old one.
func (p *pooledConn) renew(g *generation) error {
	p.renewal.Lock()
	defer p.renewal.Unlock()
	conn, err := p.config.opened(p.config.openTLS(p.ctx, g, true))
	if err != nil {
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
// answers no request, and if it ends while it is renewed, that is no harm.
func (p *pooledConn) Read(b []byte) (int, error) {
	for {
		conn := p.inner.Load()
		n, err := conn.Read(b)
		if err != nil {
			p.awaitRenewal()
		}
		if p.inner.Load() == conn {
			return n, err
		}
	}
}

func (p *pooledConn) awaitRenewal() {
	p.renewal.Lock()
	defer p.renewal.Unlock()
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
