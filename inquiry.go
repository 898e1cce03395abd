package dockertls

import (
	"context"
	"crypto/tls"
	"sync"
	"time"
)

// Limits of asking again.
const (
	inquiryLimit = 3 * time.Second // for one connection
	inquiryPause = time.Second     // between two of them
)

// An inquiry finds out whether a daemon refuses our client certificate, when the
// words with which it did got lost on a connection that was written to (TLS 1.3;
// a proxy, or a system other than Linux, may lose them). It makes one connection,
// reads before it writes, and never sends a byte of a request.
type inquiry struct {
	mu    sync.Mutex
	at    time.Time // of the last connection's end
	found *Error    // what it showed; nil for nothing
	of    *generation
}

// askAgain returns what a connection that only listens is told, or nil. It is
// made at most once a second; who asks meanwhile gets the same answer.
func (c *Config) askAgain(closed <-chan struct{}) *Error {
	q := &c.inquiry
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.at) >= inquiryPause {
		g := c.current()
		found, finished := c.listen(closed, g)
		if !finished {
			return nil // the next one may ask
		}
		q.found, q.at, q.of = found, time.Now(), g
	}
	if q.found == nil || q.of != c.current() {
		return nil
	}
	return new(*q.found)
}

// listen waits for the daemon's verdict on our certificate: an alert, or a
// session ticket, which a daemon sends to clients that it accepts. It does not
// finish if who asked has closed its connection.
func (c *Config) listen(closed <-chan struct{}, g *generation) (found *Error, finished bool) {
	ctx, cancel := context.WithTimeout(context.Background(), inquiryLimit)
	defer cancel()
	tickets := &ticketWatch{cancel: cancel}
	cfg := g.config()
	cfg.ClientSessionCache = tickets
	conn, seen, err := c.handshake(ctx, g, cfg)
	if err != nil {
		return nil, true
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.NetConn().Close() })
	defer stop()
	go func() { // ends with ctx, which our return cancels
		select {
		case <-closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err = conn.Read(make([]byte, 1))
	select {
	case <-closed:
		return nil, false
	default:
	}
	if err == nil || alertOf(err) < 0 {
		return nil, true
	}
	return scene{cfg: c, seen: seen, stage: StageRequest, address: seen.address}.explain(err), true
}

// A ticketWatch ends the wait at the first session ticket. It keeps none.
type ticketWatch struct{ cancel context.CancelFunc }

func (ticketWatch) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func (t ticketWatch) Put(string, *tls.ClientSessionState) { t.cancel() }
