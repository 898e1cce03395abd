package dockertls

import (
	"crypto/tls"
	"net"
	"sync"
)

// A gatheringConn lies beneath TLS. crypto/tls writes each record on its own, of
// 16 KiB at most; those of one large Write, as uploads make them, go out at once:
// that makes uploads more than half as fast again (docs/performance.md).
type gatheringConn struct {
	net.Conn
	buffers *sync.Pool // of *[]byte, the Config's: idle connections hold none

	mu      sync.Mutex
	records *[]byte // nil: nothing is gathered
	wrote   bool    // since gathering began
	failed  error   // of sending what was gathered: TLS may take it for sent
}

const (
	maxRecord   = 16 << 10 // bytes of text in one; what fits into it is not gathered
	maxGathered = 70 << 10
)

func (g *gatheringConn) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.failed != nil: // records are missing: what follows them is of no use
		return 0, g.failed
	case g.records == nil:
		return g.Conn.Write(b)
	}
	if len(*g.records)+len(b) > maxGathered {
		if err := g.flush(); err != nil {
			return 0, err
		}
	}
	*g.records = append(*g.records, b...)
	return len(b), nil
}

func (g *gatheringConn) gather() {
	g.mu.Lock()
	defer g.mu.Unlock()
	buffer, ok := g.buffers.Get().(*[]byte)
	if !ok {
		buffer = new(make([]byte, 0, maxGathered))
	}
	g.records, g.wrote = buffer, false
}

// release sends what was gathered, and tells whether anything was sent.
func (g *gatheringConn) release() (wrote bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.flush()
	g.buffers.Put(g.records)
	g.records = nil
	return g.wrote, g.failed
}

// flush is called with the mutex held.
func (g *gatheringConn) flush() error {
	if len(*g.records) == 0 || g.failed != nil {
		return g.failed
	}
	n, err := g.Conn.Write(*g.records)
	g.wrote = g.wrote || n > 0
	*g.records = (*g.records)[:0]
	g.failed = err
	return err
}

// A gatheringWriter writes to TLS.
type gatheringWriter struct {
	*tls.Conn
	below *gatheringConn
	mu    sync.Mutex // of large writes
}

// Write reports at least a byte if any was sent: then the other side may have
// seen a part, and nobody may send it all again elsewhere.
func (w *gatheringWriter) Write(b []byte) (int, error) {
	if len(b) <= maxRecord {
		return w.Conn.Write(b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.below.gather()
	n, err := w.Conn.Write(b)
	wrote, flushErr := w.below.release()
	switch {
	case flushErr == nil:
		return n, err
	case wrote:
		return 1, flushErr
	}
	return 0, flushErr
}

// Close does not wait for a Write that the other side holds up, nor does that of
// crypto/tls; but that one takes a Write for done that still sends.
func (w *gatheringWriter) Close() error {
	if w.mu.TryLock() {
		defer w.mu.Unlock()
		return w.Conn.Close()
	}
	err := w.below.Conn.Close()
	_ = w.Conn.Close() // so that TLS knows
	return err
}

// CloseWrite sends what is being written first.
func (w *gatheringWriter) CloseWrite() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Conn.CloseWrite()
}
