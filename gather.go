package dockertls

import (
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
	err     error   // of writing, since then
}

const (
	maxRecord   = 16 << 10 // bytes of text in one; what fits into it is not gathered
	maxGathered = 70 << 10
)

func (g *gatheringConn) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.records == nil {
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
	g.records, g.wrote, g.err = buffer, false, nil
}

// release sends what was gathered, and tells whether anything was sent.
func (g *gatheringConn) release() (wrote bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flush()
	g.buffers.Put(g.records)
	g.records = nil
	return g.wrote, g.err
}

// flush is called with the mutex held.
func (g *gatheringConn) flush() error {
	if len(*g.records) == 0 || g.err != nil {
		return g.err
	}
	var n int
	n, g.err = g.Conn.Write(*g.records)
	g.wrote = g.wrote || n > 0
	*g.records = (*g.records)[:0]
	return g.err
}

// A gatheringWriter writes to TLS.
type gatheringWriter struct {
	net.Conn // of TLS
	below    *gatheringConn
	mu       sync.Mutex // of large writes
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
