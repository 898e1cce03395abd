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
	net.Conn // a gatheringWriter of TLS, or what TCP or a socket gave
	config   *Config
	seen     *handshake // nil without TLS
	http     bool       // HTTP is spoken on it, from the first byte on
	toProxy  bool       // it leads to a proxy that forwards plain HTTP

	answered  atomic.Bool // the first answer was read, and handed out whole
	wrote     atomic.Bool
	firstSent atomic.Int64  // when, in nanoseconds; 0 if nothing was
	bodiless  atomic.Bool   // the first request was HEAD: no body follows, whatever the answer announces
	halfEnded atomic.Bool   // by our CloseWrite
	closed    chan struct{} // by our Close
	closing   atomic.Bool
	broken    atomic.Pointer[Error]     // why it broke off after answers had come
	deadline  atomic.Pointer[time.Time] // for reading, as the caller set it, on the same clock; nil is none
	spare     atomic.Pointer[source]    // for the next ReadFrom

	// turn is held by the one that reads the first answer, also while it asks
	// again (inquiry), and guards what follows. answered becomes true only when
	// head has been handed out.
	turn   chan struct{}
	head   []byte // of the answer: read, but not handed out yet
	judged bool   // head was found to be an answer
	fate   error  // what came in place of an answer; it stays
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

// newTLSConn takes the outcome of shake.
func (c *Config) newTLSConn(inner *tls.Conn, seen *handshake, http bool) tlsConn {
	below := inner.NetConn().(*openingConn).gatheringConn
	return tlsConn{c.newConn(&gatheringWriter{Conn: inner, below: below}, seen, http), inner}
}

// ConnectionState is that of the TLS connection.
func (c tlsConn) ConnectionState() tls.ConnectionState { return c.inner.ConnectionState() }

// NetConn returns the connection below TLS, as that of *tls.Conn does.
func (c tlsConn) NetConn() net.Conn {
	return c.inner.NetConn().(*openingConn).Conn
}

func (c tlsConn) CloseWrite() error { return c.endWriting(c.conn.Conn.(halfCloser)) }

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
		c.firstSent.Store(time.Now().UnixNano())
		c.bodiless.Store(bytes.HasPrefix(b, []byte("HEAD ")))
	}
	n, err := c.Conn.Write(b)
	return n, c.reasonFor(err)
}

// ReadFrom lets uploads use the connection's own way of copying, where that is
// of use: from files. An error of the source is the source's.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if c.seen != nil { // TLS has no way of its own
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if !c.wrote.Swap(true) {
		c.firstSent.Store(time.Now().UnixNano())
	}
	src := c.spare.Swap(nil)
	if src == nil {
		src = new(source)
	}
	*src = source{Reader: r}
	var from io.Reader = src
	if isRegular(r) {
		from = r // which does not break off like a connection
	}
	n, err := io.Copy(c.Conn, from)
	failed := src.err
	*src = source{}
	c.spare.Store(src)
	if failed != nil {
		return n, failed
	}
	if c.answered.Load() {
		return n, c.brokenOff(err)
	}
	return n, c.reasonFor(err)
}

// A source remembers the error of what is uploaded.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// isRegular tells whether a reader is a file, or a part of one.
func isRegular(r io.Reader) bool {
	if limited, ok := r.(*io.LimitedReader); ok {
		r = limited.R
	}
	_, ok := r.(*os.File)
	return ok
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
	case len(c.head) == 0 && len(b) >= answerSize: // as net/http reads
		n, err := c.readAnswer(b, 0)
		if err == nil {
			c.accept()
		}
		return n, err
	case !c.judged:
		if err := c.fillHead(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.head)
	if c.head = c.head[n:]; len(c.head) == 0 {
		c.head = nil
		c.accept()
	}
	return n, nil
}

// accept ends the watch: there was an answer.
func (c *conn) accept() {
	c.answered.Store(true)
	if c.http && c.seen == nil && !c.toProxy {
		c.config.answeredPlain.Store(true)
	}
}

// fillHead reads the first answer into head, on from what is there. The caller
// holds the turn.
func (c *conn) fillHead() error {
	head := make([]byte, answerSize)
	n, err := c.readAnswer(head, copy(head, c.head))
	if err == nil {
		c.head, c.judged = head[:n], true
	}
	return err
}

// readAnswer reads as much of the answer as judgement needs, at least a byte,
// behind the n bytes that are there. The caller holds the turn.
func (c *conn) readAnswer(head []byte, n int) (int, error) {
	defer c.restoreDeadline()
	for {
		m, err := c.Conn.Read(head[n:])
		if n += m; n == 0 && err == nil {
			continue
		}
		e, more := c.judge(head[:n], err)
		if err != nil && e == nil && n > 0 && c.http && !hasHeader(head[:n]) {
			if isDeadline(err) {
				c.head = bytes.Clone(head[:n]) // the caller may go on later
				return 0, err
			}
			e = c.cutOff(err)
		}
		switch {
		case e != nil:
			c.fate = e
			c.config.failed(e)
			return 0, e
		case n == 0:
			return 0, err
		case err != nil, !more, n == len(head):
			return n, nil // an error comes again
		}
		c.limitBody(head[:n])
	}
}

// bodyWait is how long the header of an answer is held back for its body, where
// that tells who answers.
const bodyWait = 500 * time.Millisecond

// limitBody limits the wait for a body. That for the header is the caller's.
func (c *conn) limitBody(head []byte) {
	if hasHeader(head) {
		_ = c.Conn.SetReadDeadline(c.sooner(bodyWait))
	}
}

// sooner is the caller's deadline, or ours if that comes first.
func (c *conn) sooner(limit time.Duration) time.Time {
	ours := time.Now().Add(limit)
	if theirs := c.deadline.Load(); theirs != nil && theirs.Before(ours) {
		return *theirs
	}
	return ours
}

// restoreDeadline goes back to the caller's deadline, which may change meanwhile.
func (c *conn) restoreDeadline() {
	for {
		var t time.Time
		theirs := c.deadline.Load()
		if theirs != nil {
			t = *theirs
		}
		_ = c.Conn.SetReadDeadline(t)
		if c.deadline.Load() == theirs {
			return
		}
	}
}

func (c *conn) SetDeadline(t time.Time) error {
	c.keepDeadline(t)
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.keepDeadline(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) keepDeadline(t time.Time) {
	if t.IsZero() {
		c.deadline.Store(nil)
		return
	}
	c.deadline.Store(&t)
}

func isDeadline(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// cutOff explains the end in the middle of an answer's header.
func (c *conn) cutOff(err error) *Error {
	s := c.scene()
	s.halfway = true
	return c.blame(s.explain(err))
}

// judge tells whether what was read is no answer of a daemon, and whether more
// of it is needed to tell. An error only counts if nothing was read.
func (c *conn) judge(head []byte, err error) (e *Error, more bool) {
	if len(head) > 0 {
		e, more = c.scene().explainAnswer(head)
		return c.blame(e), more && c.http // a raw stream may begin as it likes, and stop there
	}
	if c.closing.Load() || errors.Is(err, net.ErrClosed) || isDeadline(err) {
		return nil, false // our own doing, or the peer's answer to it
	}
	if !c.http && errors.Is(err, io.EOF) {
		return nil, false // on a raw stream the end is the peer's right
	}
	if e = c.scene().explain(err); e.alertMayBeLost(c.seen) {
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
		// Nobody reads. The peer has hung up, so what it said last lies there.
		_ = c.Conn.SetReadDeadline(c.sooner(verdictLimit))
		_ = c.fillHead()
	}
	if e, ok := c.fate.(*Error); ok {
		return e
	}
	return c.brokenOff(err)
}

// hasReason tells whether a failed write was the peer's doing: then, or when
// the reader has closed the connection because of what it read, or has had TLS
// send an alert, there is more to know.
func (c *conn) hasReason(err error) bool {
	return !c.halfEnded.Load() && (hungUp(err) || errors.Is(err, net.ErrClosed) || isLocalAlert(err))
}

// isLocalAlert tells whether TLS has broken off because of what it read.
func isLocalAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "local error"
}

// hungUp tells whether a connection failed because the other side is gone.
func hungUp(err error) bool {
	return isSSHError(err) || isReset(err) || errors.Is(err, syscall.EPIPE)
}

// brokenOff explains the end of a connection that had been in use.
func (c *conn) brokenOff(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if e := c.broken.Load(); e != nil && errors.Is(err, net.ErrClosed) {
		return e // closed because of that
	}
	// Without its farewell TLS calls the end unexpected.
	early := c.seen != nil && errors.Is(err, io.ErrUnexpectedEOF)
	if !early && !hungUp(err) && alertOf(err) < 0 {
		return err
	}
	s := c.scene()
	s.answered = c.answered.Load()
	if e := c.blame(s.explain(err)); e != nil {
		if c.broken.CompareAndSwap(nil, e) {
			c.config.failed(e)
		}
		return e
	}
	return err
}

// scene is what this connection can say to a diagnosis.
func (c *conn) scene() scene {
	return scene{cfg: c.config, seen: c.seen, stage: StageRequest, http: c.http, address: peerAddress(c), wrote: c.wrote.Load(), bodiless: c.bodiless.Load(), soon: c.soon()}
}

// soon tells whether little time has passed since something was sent.
func (c *conn) soon() bool {
	sent := c.firstSent.Load()
	return sent == 0 || time.Since(time.Unix(0, sent)) < time.Second
}

// alertMayBeLost tells whether the daemon may have refused the client in words
// that got lost: TLS 1.3, a certificate was asked for, and the end came without
// a reason.
func (e *Error) alertMayBeLost(seen *handshake) bool {
	return e != nil && e.Kind == ConnectionReset && seen != nil && seen.requested && seen.version >= tls.VersionTLS13
}
