package dockertls

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// defaultReloadInterval is that of Options.ReloadInterval.
const defaultReloadInterval = time.Second

// A follower finds out whether there is new TLS material. It looks when a
// connection is made or a request begins on a kept one, and has nothing that runs
// in between. Material in use is replaced by a whole set only; until there is
// one, what was last in use stays.
type follower struct {
	plan     tlsPlan
	owner    *Resolver
	supply   func(context.Context) (Material, error) // nil: nobody supplies material
	source   string                                  // of supply
	interval time.Duration                           // negative: never
	born     time.Time                               // on the monotonic clock

	looked atomic.Int64 // when the last look began, in nanoseconds since born

	mu        sync.Mutex // held while looking; guards what follows
	complaint string     // what was last told to be wrong
	expiry    expiryWatch
}

// latest is the generation for a new connection, after a look at the material
// if there has been none for a while. Who comes while another one looks does not
// wait for it.
func (c *Config) latest(ctx context.Context) *generation {
	f := c.follower
	if f == nil || !f.due() || !f.mu.TryLock() {
		return c.current()
	}
	if f.supply == nil {
		_ = c.lookOnce(ctx, false) // what fails is told to the logger and OnEvent
		return c.current()
	}
	// The caller's function may hang, which must not fail a connection. This
	// ends with the function, at the latest when supplyLimit ends its context.
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.lookOnce(context.WithoutCancel(ctx), false)
	}()
	patience := time.NewTimer(supplyPatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
	return c.current()
}

// supplyPatience is how long a connection waits for Options.Material.
const supplyPatience = 250 * time.Millisecond

// due tells whether it is time to look, also for nothing but expiry.
func (f *follower) due() bool {
	interval := f.interval
	if interval < 0 {
		interval = defaultReloadInterval
	}
	return time.Since(f.born)-time.Duration(f.looked.Load()) >= interval
}

// lookOnce looks, and tells what there is to tell. The caller has locked the
// mutex, which is unlocked before anybody is told.
func (c *Config) lookOnce(ctx context.Context, forced bool) *Error {
	events, err := c.look(ctx, forced)
	for _, e := range events {
		c.report(e)
	}
	return err
}

func (c *Config) look(ctx context.Context, forced bool) (events []Event, err *Error) {
	f := c.follower
	defer f.mu.Unlock()
	f.looked.Store(int64(time.Since(f.born)))
	if f.interval >= 0 || forced {
		events, err = c.replace(ctx)
	}
	for _, e := range f.expiry.due(c.current().expiries(), time.Now()) {
		events = append(events, Event{Type: EventExpiry, Generation: c.current().number, Expiry: e})
	}
	return events, err
}

// replace takes new material into use, if there is a whole set.
func (c *Config) replace(ctx context.Context) ([]Event, *Error) {
	f, old := c.follower, c.current()
	next, err := f.next(ctx, old)
	switch {
	case err == errNotYet, err != nil && ctx.Err() != nil && errors.Is(err.Err, ctx.Err()):
		return nil, err // nothing is known to be wrong
	case err != nil:
		err.Host = c.Host()
		events := f.complain(err, old.number)
		c.counters.reloadFailures.Add(uint64(len(events)))
		return events, err
	}
	f.complaint = ""
	if next == nil {
		return nil, nil
	}
	c.generation.Store(next)
	c.counters.reloads.Add(1)
	return []Event{{Type: EventReloaded, Generation: next.number}}, nil
}

// Reload looks at files and Options.Material at once, also with a negative
// ReloadInterval, and returns what is wrong with them: an [*Error] of one of the
// kinds of [Resolve]. What was in use stays then. It waits for files that are just
// being written, until ctx ends.
func (c *Config) Reload(ctx context.Context) error {
	if c.follower == nil {
		return nil
	}
	for {
		err := errNotYet // while another one looks
		if c.follower.mu.TryLock() {
			err = c.lookUntil(ctx)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != errNotYet:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settleTime):
		}
	}
}

// lookUntil is a look that the caller does not wait for any longer than ctx says,
// whatever Options.Material does. The caller has locked the mutex.
func (c *Config) lookUntil(ctx context.Context) *Error {
	if c.follower.supply == nil {
		return c.lookOnce(ctx, true)
	}
	done := make(chan *Error, 1)
	go func() { done <- c.lookOnce(ctx, true) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errNotYet
	}
}

// complain tells what is wrong, unless that was told last.
func (f *follower) complain(err *Error, inUse uint64) []Event {
	complaint := err.Detail
	if err.Err != nil {
		complaint += ": " + err.Err.Error()
	}
	if complaint == f.complaint {
		return nil
	}
	f.complaint = complaint
	return []Event{{Type: EventReloadFailed, Generation: inUse, Err: err}}
}

// errNotYet says that there is no telling at the moment.
var errNotYet = new(Error)

// next is the generation that follows on g, nil if there is none. Errors:
// errNotYet, and those of reading material.
func (f *follower) next(ctx context.Context, g *generation) (*generation, *Error) {
	m, err := f.read(ctx, g.material)
	if err != nil {
		return nil, err
	}
	if m.same(g.material) {
		return nil, nil
	}
	next, err := f.plan.generation(g.number+1, m)
	err = cmp.Or(err, m.cutOff(g.material))
	switch {
	case m.settling(g.material), !m.states().areNow():
		return nil, errNotYet // the parts may be of different sets, or not whole
	case err != nil:
		return nil, err
	}
	return next, nil
}

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
		if waits(p.part.path) {
			return m, fail(FileUnreadable, p.part.source, "%s: no regular file any more", p.part.path)
		}
		read, err := f.owner.readPart(p.role, p.part.path, p.part.source)
		switch {
		case err == nil:
			*p.part = read
		case p.part.found || err.Kind != p.missing:
			return m, err
		}
	}
	return m, nil
}

// waits tells whether a path leads to something like a pipe, whose other end may
// let readers wait, or is meant for another one.
func waits(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// supplied asks the function of the caller's.
func (f *follower) supplied(ctx context.Context, m *material) *Error {
	fresh, err := askMaterial(ctx, f.supply, f.source)
	if err != nil {
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
			p.part.keep(f.owner, p.data)
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
func (p part) followed() bool { return p.path != "" && (p.state != nil || !p.found) }

func (m material) parts() [3]part { return [3]part{m.ca, m.cert, m.key} }

// states are those of the parts that are regular files.
func (m material) states() (states fileStates) {
	for _, p := range m.parts() {
		if p.state != nil {
			states = append(states, p.state)
		}
	}
	return states
}

// same tells whether two sets mean the same.
func (m material) same(other material) bool {
	theirs := other.parts()
	for i, p := range m.parts() {
		if p.found != theirs[i].found || p.kept != theirs[i].kept || !sameSigner(p.signer, theirs[i].signer) {
			return false
		}
	}
	return true
}

// sameSigner compares what signers sign for: each call of the caller's function
// may make a new one for the same key.
func sameSigner(a, b crypto.Signer) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	public, ok := a.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public())
}

// settleTime is how long a file must have been left alone before it counts as
// written to its end.
const settleTime = 50 * time.Millisecond

// settling tells whether a file that is not as in old may still be written to.
func (m material) settling(old material) bool {
	before := old.parts()
	for i, p := range m.parts() {
		if p.state == nil || p.kept == before[i].kept {
			continue
		}
		if time.Since(p.state.info.ModTime()).Abs() < settleTime || time.Since(p.state.changed).Abs() < settleTime {
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
		if p.state != nil && p.kept != before[i].kept && endsInBlock(p.data()) {
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

// follower is what a new Config follows its material with.
func (r *resolution) follower(plan tlsPlan) *follower {
	f := &follower{plan: plan, owner: r.owner, source: r.supplySource, interval: defaultReloadInterval, born: r.now}
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
