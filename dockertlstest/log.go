package dockertlstest

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"
)

// Connection is what a daemon saw of one connection.
type Connection struct {
	Accepted   time.Time
	Closed     time.Time // zero while it is open
	RemoteAddr string    // the client's end

	// ServerName is the name in the client's SNI: "" without TLS, and for
	// clients that connect by IP address.
	ServerName string

	// Secured says that the handshake of TLS succeeded, as the daemon sees it,
	// and HandshakeErr why it did not. A client may refuse the daemon a little
	// later. Both are zero without TLS, and before the handshake has ended.
	Secured      bool
	HandshakeErr error

	// TLSVersion is what the handshake agreed on, as in [crypto/tls]; 0 if it
	// did not come so far.
	TLSVersion uint16

	// Client is the certificate that the client showed, accepted or not; nil
	// if it showed none.
	Client *x509.Certificate

	Requests int   // read so far
	Received int64 // bytes so far, those of TLS included
}

// ClientName returns the common name in the certificate that the client showed,
// and "" if it showed none.
func (c Connection) ClientName() string {
	if c.Client == nil {
		return ""
	}
	return c.Client.Subject.CommonName
}

// Connections returns how many connections the daemon has accepted so far,
// those with a failed handshake included. [Daemon.ConnectionLog] tells more.
func (d *Daemon) Connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.log)
}

// ConnectionLog returns the connections so far, in the order in which they were
// accepted. A daemon may learn of the end of a handshake a little later than
// its client: [Daemon.WaitConnection] waits for it.
func (d *Daemon) ConnectionLog() []Connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	log := make([]Connection, len(d.log))
	for i, e := range d.log {
		log[i] = e.snapshot()
	}
	return log
}

// snapshot is called with the mutex held.
func (e *entry) snapshot() Connection {
	seen := e.seen
	seen.Received = e.received.Load()
	return seen
}

// waitLimit bounds how long a test waits for something that does not come.
const waitLimit = 10 * time.Second

// WaitConnection waits for the n-th connection, counted from 1, and returns what
// is known once its handshake has ended, well or not; without TLS, once it was
// accepted; and where the daemon is to fail earlier, once it does. After 10
// seconds without it the test fails at once.
func (d *Daemon) WaitConnection(t testing.TB, n int) Connection {
	t.Helper()
	var seen Connection
	if !d.wait(func() bool {
		if n > len(d.log) || !d.log[n-1].settled {
			return false
		}
		seen = d.log[n-1].snapshot()
		return true
	}) {
		t.Fatalf("dockertlstest: no connection %d in %v: %d were accepted", n, waitLimit, d.Connections())
	}
	return seen
}

// WaitRequest waits for the n-th request, counted from 1. It need not be
// answered. After 10 seconds without it the test fails at once.
func (d *Daemon) WaitRequest(t testing.TB, n int) Request {
	t.Helper()
	var seen Request
	if !d.wait(func() bool {
		if n > len(d.requests) {
			return false
		}
		seen = d.requests[n-1]
		return true
	}) {
		t.Fatalf("dockertlstest: no request %d in %v: there were %d", n, waitLimit, len(d.Requests()))
	}
	return seen
}

// wait asks, with the mutex held, after each change until the answer is yes.
func (d *Daemon) wait(ask func() bool) bool {
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	for {
		d.mu.Lock()
		yes, changed := ask(), d.changed
		d.mu.Unlock()
		if yes {
			return true
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		}
	}
}

// note changes the records, and wakes up whoever waits for that.
func (d *Daemon) note(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	close(d.changed)
	d.changed = make(chan struct{})
}

// Requests returns the requests so far, in the order of their arrival.
func (d *Daemon) Requests() []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.requests)
}
