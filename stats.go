package dockertls

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
)

// Stats counts what a [Config] has done so far. It marshals as JSON, for expvar.
type Stats struct {
	Generation     uint64          `json:"generation"`      // of the TLS material in use, from 1; 0 in plain mode
	Connections    uint64          `json:"connections"`     // opened, the handshake included
	Handshakes     uint64          `json:"handshakes"`      // of TLS that succeeded
	Resumptions    uint64          `json:"resumptions"`     // those of them that resumed a session
	Renewals       uint64          `json:"renewals"`        // kept connections replaced because of new material
	Reloads        uint64          `json:"reloads"`         // new material taken into use
	ReloadFailures uint64          `json:"reload_failures"` // times that new material could not be used
	Failures       map[Kind]uint64 `json:"failures"`        // of connections, by kind; those not understood under "", without those of the caller's context
}

// Stats returns the counts at this moment. The handshakes of [Config.Check] are
// in them.
func (c *Config) Stats() Stats {
	n := &c.counters
	s := Stats{
		Generation: c.current().number, Connections: n.connections.Load(), Handshakes: n.handshakes.Load(),
		Resumptions: n.resumptions.Load(), Renewals: n.renewals.Load(), Reloads: n.reloads.Load(), ReloadFailures: n.reloadFailures.Load(),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Failures = map[Kind]uint64{} // {} in JSON, never null
	maps.Copy(s.Failures, n.failures)
	return s
}

type counters struct {
	connections, handshakes, resumptions, renewals, reloads, reloadFailures atomic.Uint64

	mu       sync.Mutex
	failures map[Kind]uint64
}

// shook counts a handshake.
func (n *counters) shook(resumed bool, err error) {
	if err != nil {
		return
	}
	n.handshakes.Add(1)
	if resumed {
		n.resumptions.Add(1)
	}
}

// failed counts a failure of a connection.
func (n *counters) failed(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return // the caller's own decision
	}
	var kind Kind
	if e, ok := errors.AsType[*Error](err); ok {
		kind = e.Kind
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failures == nil {
		n.failures = map[Kind]uint64{}
	}
	n.failures[kind]++
}
