package dockertls

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"encoding/pem"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// defaultReloadInterval is that of Options.ReloadInterval.
const defaultReloadInterval = time.Second

// settleTime is how long a file must have been left alone before it counts as
// written to its end.
const settleTime = 50 * time.Millisecond

// A follower finds out whether there is new TLS material. It looks when a
// connection is made and has nothing that runs in between. Material in use is
// replaced by a whole set only; until there is one, what was last in use stays.
type follower struct {
	plan     tlsPlan
	owner    *Resolver
	supply   func(context.Context) (Material, error) // nil: nobody supplies material
	source   string                                  // of supply
	interval time.Duration                           // negative: never
	expiry   expiryWatch

	looked    atomic.Int64 // when, in nanoseconds
	mu        sync.Mutex   // held while looking; guards what follows
	complaint string       // what was last reported to be wrong
}

// latest is the generation for a new connection, after a look at the material
// if there has been none for a while. Who comes while another one looks does not
// wait.
func (c *Config) latest(ctx context.Context) *generation {
	f := c.follower
	if f == nil || !f.due(time.Now()) || !f.mu.TryLock() {
		return c.current()
	}
	events := c.look(ctx)
	f.mu.Unlock()
	for _, e := range events {
		c.report(e)
	}
	return c.current()
}

func (f *follower) due(now time.Time) bool {
	return f.interval >= 0 && now.UnixNano()-f.looked.Load() >= int64(f.interval)
}

// look replaces the generation if there is a new one, and returns what there is
// to report. The caller holds the mutex.
func (c *Config) look(ctx context.Context) []Event {
	f, old := c.follower, c.current()
	now := time.Now()
	f.looked.Store(now.UnixNano())
	var events []Event
	next, err := f.next(ctx, old)
	switch {
	case err != nil && err.Detail != f.complaint:
		f.complaint = err.Detail
		c.counters.reloadFailures.Add(1)
		err.Host = c.Host()
		events = append(events, Event{Type: EventReloadFailed, Generation: old.number, Err: err})
	case next != nil:
		f.complaint = ""
		c.generation.Store(next)
		c.counters.reloads.Add(1)
		events = append(events, Event{Type: EventReloaded, Generation: next.number})
	case err == nil:
		f.complaint = "" // back to what is in use
	}
	for _, e := range f.expiry.due(c.Expiries(), now) {
		events = append(events, Event{Type: EventExpiry, Generation: c.current().number, Expiry: e})
	}
	return events
}

// next is the generation that follows on g; nil, nil if there is none, or not yet.
func (f *follower) next(ctx context.Context, g *generation) (*generation, *Error) {
	for range 3 {
		m, err := f.read(ctx, g.material)
		switch {
		case err == errNotYet, err == nil && m.same(g.material):
			return nil, nil
		case err != nil:
			return nil, err
		}
		next, err := f.plan.generation(g.number+1, m)
		err = cmp.Or(err, m.cutOff(g.material))
		switch {
		case m.settling(g.material):
			return nil, nil
		case err != nil:
			return nil, err
		case m.isNow():
			return next, nil
		}
		// It changed while it was read: the parts may be of different sets.
	}
	return nil, nil
}

// errNotYet says that there is no telling at the moment.
var errNotYet = new(Error)

// read reads the parts again, as far as that is possible.
func (f *follower) read(ctx context.Context, old material) (material, *Error) {
	m := old
	if f.supply != nil {
		if err := f.supplied(ctx, &m); err != nil {
			return m, err
		}
	}
	for _, p := range []struct {
		role
		*part
	}{{roleCA(), &m.ca}, {roleCert(), &m.cert}, {roleKey(), &m.key}} {
		if !p.part.followed() {
			continue
		}
		read, err := f.owner.readPart(p.role, p.part.path, p.part.source)
		switch {
		case err == nil && read.kept == nil:
			return m, fail(FileUnreadable, p.part.source, "%s is no regular file any more", p.part.path)
		case err == nil:
			*p.part = read
		case p.part.found || err.Kind != p.missing:
			return m, err
		}
	}
	return m, nil
}

// supplied asks the function of the caller's.
func (f *follower) supplied(ctx context.Context, m *material) *Error {
	fresh, err := askMaterial(ctx, f.supply, f.source)
	switch {
	case err != nil && ctx.Err() != nil:
		return errNotYet // who connects has given up; the next one asks again
	case err != nil:
		return err
	}
	for _, p := range []struct {
		part *part
		data []byte
		name string
	}{{&m.ca, fresh.CA, "CA"}, {&m.cert, fresh.Cert, "Cert"}, {&m.key, fresh.Key, "Key"}} {
		switch {
		case !p.part.supplied || p.part.signer != nil:
		case len(p.data) == 0:
			return fail(MaterialUnavailable, f.source, "it no longer supplies %s", p.name)
		default:
			p.part.data = p.data
		}
	}
	if m.key.supplied && m.key.signer != nil {
		if fresh.Signer == nil {
			return fail(MaterialUnavailable, f.source, "it no longer supplies Signer")
		}
		m.key.signer = fresh.Signer
	}
	return nil
}

// followed tells whether a part is read again: it has a path, and is, or could
// come to be, a regular file.
func (p part) followed() bool { return p.path != "" && (p.kept != nil || !p.found) }

func (m material) parts() [3]part { return [3]part{m.ca, m.cert, m.key} }

// same tells whether two sets are the same.
func (m material) same(other material) bool {
	theirs := other.parts()
	for i, p := range m.parts() {
		if !p.same(theirs[i]) {
			return false
		}
	}
	return true
}

func (p part) same(other part) bool {
	if p.kept != nil && p.kept == other.kept {
		return true
	}
	return p.found == other.found && bytes.Equal(p.data, other.data) && sameSigner(p.signer, other.signer)
}

func sameSigner(a, b crypto.Signer) bool {
	if a == nil || b == nil || reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() {
		return a == b
	}
	public, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public())
}

// settling tells whether a file that is not as in old may still be written to.
func (m material) settling(old material) bool {
	before := old.parts()
	for i, p := range m.parts() {
		if p.kept == nil || p.kept == before[i].kept {
			continue
		}
		if time.Since(p.kept.state.Load().info.ModTime()).Abs() < settleTime {
			return true
		}
	}
	return false
}

// cutOff finds a file that is not as in old and ends in the middle of a PEM
// block: whoever writes it takes a long time. The blocks before that would do,
// and do for Resolve, as for docker; but half a bundle must not replace a whole one.
func (m material) cutOff(old material) *Error {
	before := old.parts()
	for i, ro := range [...]role{roleCA(), roleCert(), roleKey()} {
		p := m.parts()[i]
		if p.kept != nil && p.kept != before[i].kept && endsInBlock(p.data) {
			return fail(ro.invalid, p.source, "%s: the file ends in the middle of a PEM block", p.path)
		}
	}
	return nil
}

func endsInBlock(data []byte) bool {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		data = rest
	}
	return bytes.Contains(data, []byte("-----"))
}

// isNow tells whether the files are still those that were read.
func (m material) isNow() bool {
	for _, p := range m.parts() {
		if p.kept != nil && !p.kept.state.Load().matches(p.path) {
			return false
		}
	}
	return true
}

// follower is what a new Config follows its material with.
func (r *resolution) follower(plan tlsPlan) *follower {
	f := &follower{plan: plan, owner: r.owner, source: r.supplySource, interval: defaultReloadInterval}
	if r.supplying != nil {
		f.supply = r.supplying.Material
	}
	if c := r.first(fieldReloadInterval); c.set() {
		f.interval = c.layer.ReloadInterval
	}
	thresholds := defaultExpiryWarnings()
	if c := r.first(fieldExpiryWarnings); c.set() {
		thresholds = c.layer.ExpiryWarnings
	}
	f.expiry = newExpiryWatch(thresholds)
	f.looked.Store(r.now.UnixNano())
	return f
}

func (r *resolution) logger() *slog.Logger {
	if c := r.first(fieldLogger); c.set() {
		return c.layer.Logger
	}
	return nil
}

func (r *resolution) onEvent() func(Event) {
	if c := r.first(fieldOnEvent); c.set() {
		return c.layer.OnEvent
	}
	return nil
}
