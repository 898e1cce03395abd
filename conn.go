package dockertls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// verdictLimit is how long a failed write waits for what the peer has to say.
// After the failure that lies in the receive buffer already, or never comes.
const verdictLimit = 2 * time.Second

// A conn is an open connection to the endpoint. Until the peer's first answer
// it is watched: an answer that is no daemon's becomes an [*Error], and a write
// that fails waits for the reader, because the reason of the failure (the alert
// that refuses a client certificate, above all) can only be read. net/http would
// close the connection before anybody has seen it.
//
// From the first answer on it costs one atomic load, and does nothing more than
// to explain a connection that breaks off.
type conn struct {
	net.Conn // *tls.Conn, or what TCP or a socket gave
	config   *Config
	seen     *handshake // nil without TLS
	http     bool       // HTTP is spoken on it, from the first byte on
	toProxy  bool       // it leads to a proxy that forwards plain HTTP

	answered  atomic.Bool // the first answer was read, and handed out whole
	wrote     atomic.Bool
	bodiless  atomic.Bool   // the first request was HEAD: no body follows, whatever the answer announces
	halfEnded atomic.Bool   // by our CloseWrite
	closed    chan struct{} // by our Close
	closing   atomic.Bool

	// turn is held by the one that reads the first answer, and guards:
	turn chan struct{}
	head []byte // of the answer: read, but not handed out yet
	fate error  // what came in place of an answer; it stays
}

func (c *Config) newConn(inner net.Conn, seen *handshake, http bool) *conn {
	return &conn{Conn: inner, config: c, seen: seen, http: http, closed: make(chan struct{}), turn: make(chan struct{}, 1)}
}

// A tlsConn is what TLS connections look like from outside. It is no *tls.Conn:
// net/http would take that for its own, and nobody could explain the errors of
// its Read.
type tlsConn struct {
	*conn
	inner *tls.Conn
}

// ConnectionState is that of the TLS connection.
func (c tlsConn) ConnectionState() tls.ConnectionState { return c.inner.ConnectionState() }

// NetConn returns the connection below TLS, as that of *tls.Conn does.
func (c tlsConn) NetConn() net.Conn { return c.inner.NetConn() }

func (c tlsConn) CloseWrite() error { return c.endWriting(c.inner) }

// A halfCloser can end its own direction of a stream.
type halfCloser interface{ CloseWrite() error }

type halfConn struct {
	*conn
	inner halfCloser
}

func (c halfConn) CloseWrite() error { return c.endWriting(c.inner) }

func (c *conn) endWriting(inner halfCloser) error {
	c.halfEnded.Store(true)
	return inner.CloseWrite()
}

// plain keeps CloseWrite only where there is one: callers look for it.
func (c *conn) plain() net.Conn {
	if half, ok := c.Conn.(halfCloser); ok {
		return halfConn{c, half}
	}
	return c
}

func (c *conn) Close() error {
	if !c.closing.Swap(true) {
		close(c.closed)
	}
	return c.Conn.Close()
}

func (c *conn) Read(b []byte) (int, error) {
	if !c.answered.Load() {
		return c.readFirst(b)
	}
	n, err := c.Conn.Read(b)
	return n, c.brokenOff(err)
}

func (c *conn) Write(b []byte) (int, error) {
	if c.answered.Load() {
		n, err := c.Conn.Write(b)
		return n, c.brokenOff(err)
	}
	if !c.wrote.Swap(true) {
		c.bodiless.Store(bytes.HasPrefix(b, []byte("HEAD ")))
	}
	n, err := c.Conn.Write(b)
	return n, c.reasonFor(err)
}

// ReadFrom lets uploads use the connection's own way of copying.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	c.wrote.Store(true)
	n, err := io.Copy(c.Conn, r)
	if c.answered.Load() {
		return n, c.brokenOff(err)
	}
	return n, c.reasonFor(err)
}

// readFirst reads the first answer, and passes judgement on it.
func (c *conn) readFirst(b []byte) (int, error) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	switch {
	case c.fate != nil:
		return 0, c.fate
	case c.answered.Load(): // another reader was first
		n, err := c.Conn.Read(b)
		return n, c.brokenOff(err)
	case len(b) == 0:
		return 0, nil
	case c.head == nil && len(b) >= answerSize: // as net/http reads
		n, err := c.readAnswer(b)
		c.answered.Store(err == nil)
		return n, err
	case c.head == nil:
		head := make([]byte, answerSize)
		n, err := c.readAnswer(head)
		if err != nil {
			return 0, err
		}
		c.head = head[:n]
	}
	n := copy(b, c.head)
	if c.head = c.head[n:]; len(c.head) == 0 {
		c.head = nil
		c.answered.Store(true)
	}
	return n, nil
}

// readAnswer reads as much of the answer as judgement needs, at least a byte.
// The caller holds the turn.
func (c *conn) readAnswer(head []byte) (n int, err error) {
	for {
		var m int
		m, err = c.Conn.Read(head[n:])
		if n += m; n == 0 && err == nil {
			continue
		}
		e, more := c.judge(head[:n], err)
		switch {
		case e != nil:
			c.fate = e
			return 0, e
		case n == 0:
			return 0, err
		case err != nil && more && c.http:
			if e := c.cutOff(err); e != nil {
				c.fate = e
				return 0, e
			}
			return n, nil
		case err != nil, !more, n == len(head):
			return n, nil // an error comes again
		}
	}
}

// cutOff explains the end in the middle of an answer's header.
func (c *conn) cutOff(err error) *Error {
	s := c.scene(StageRequest)
	s.halfway = true
	return c.blame(s.explain(err))
}

// judge tells whether what was read is no answer of a daemon, and whether more
// of it is needed to tell. An error only counts if nothing was read.
func (c *conn) judge(head []byte, err error) (e *Error, more bool) {
	if len(head) > 0 {
		e, more = c.scene(StageRequest).explainAnswer(head)
		return c.blame(e), more
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, false
	}
	if !c.http && errors.Is(err, io.EOF) {
		return nil, false // on a raw stream the end is the peer's right
	}
	if e = c.scene(StageRequest).explain(err); e.alertMayBeLost(c.seen) {
		if found := c.config.askAgain(c.closed); found != nil {
			e = found
		}
	}
	return c.blame(e), false
}

// blame says that it was the proxy, where the connection leads to one. That the
// daemon behind it speaks TLS, a proxy only passes on.
func (c *conn) blame(e *Error) *Error {
	if e == nil || !c.toProxy || e.Kind == ProxyFailed || e.Kind == TLSRequired {
		return e
	}
	blamed := c.config.proxyError(e)
	blamed.Host, blamed.Evidence = e.Host, e.Evidence
	blamed.Err = e.Err
	return blamed
}

// reasonFor waits, when a write failed before the first answer, for the reason.
func (c *conn) reasonFor(err error) error {
	if err == nil || !c.hasReason(err) {
		return err
	}
	timer := time.NewTimer(verdictLimit)
	defer timer.Stop()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-timer.C:
		return c.brokenOff(err)
	}
	if c.fate == nil && c.head == nil && !c.answered.Load() && !c.closing.Load() && hungUp(err) {
		// Nobody reads. The peer has hung up, so this does not block.
		head := make([]byte, answerSize)
		n, own := c.readAnswer(head)
		if own != nil {
			return own
		}
		c.head = head[:n]
	}
	if c.fate != nil {
		return c.fate
	}
	return c.brokenOff(err)
}

// hasReason tells whether a failed write was the peer's doing: then, or when
// the reader has closed the connection because of what it read, there is more
// to know.
func (c *conn) hasReason(err error) bool {
	return !c.halfEnded.Load() && (hungUp(err) || errors.Is(err, net.ErrClosed))
}

// hungUp tells whether a connection failed because the other side is gone.
func hungUp(err error) bool {
	var op *net.OpError
	if isSSHError(err) {
		return true
	}
	if errors.As(err, &op) && op.Op == "read" {
		return false // of what is being uploaded, not of the connection
	}
	return isReset(err) || errors.Is(err, syscall.EPIPE)
}

// brokenOff explains the end of a connection that had been in use.
func (c *conn) brokenOff(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	// Without its farewell TLS calls the end unexpected.
	cut := c.seen != nil && errors.Is(err, io.ErrUnexpectedEOF)
	if !cut && !isReset(err) && !errors.Is(err, syscall.EPIPE) && alertOf(err) < 0 && !isSSHError(err) {
		return err
	}
	s := c.scene(StageRequest)
	s.answered = c.answered.Load()
	if e := s.explain(err); e != nil {
		return e
	}
	return err
}

// scene is what this connection can say to a diagnosis.
func (c *conn) scene(stage Stage) scene {
	return scene{cfg: c.config, seen: c.seen, stage: stage, http: c.http, address: c.RemoteAddr().String(), wrote: c.wrote.Load(), bodiless: c.bodiless.Load()}
}

// alertMayBeLost tells whether the daemon may have refused the client in words
// that got lost: TLS 1.3, a certificate was asked for, and the end came without
// a reason.
func (e *Error) alertMayBeLost(seen *handshake) bool {
	return e != nil && e.Kind == ConnectionReset && seen != nil && seen.requested && seen.version >= tls.VersionTLS13
}
