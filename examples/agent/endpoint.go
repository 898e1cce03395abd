package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/dockertls/dockertls"
)

// An endpoint is one daemon. It is checked by one goroutine, in watch; others
// ask for a snapshot.
type endpoint struct {
	name     string
	opts     dockertls.Options
	resolver *dockertls.Resolver // the agent's: endpoints with the same files share them
	pace     pace
	timeout  time.Duration
	log      *slog.Logger

	client *http.Client // for the work on this daemon; nil until cfg is there

	mu    sync.Mutex
	cfg   *dockertls.Config // nil until the settings can be used
	state state
}

// A state is what is known of an endpoint.
type state struct {
	Checks  uint64
	Checked time.Time // the end of the last check; zero before the first
	Took    time.Duration
	Since   time.Time        // of the last change
	Err     *dockertls.Error // nil if it is healthy
	Failed  map[dockertls.Kind]uint64
	Version string // of the daemon
}

func (s state) healthy() bool { return s.Checks > 0 && s.Err == nil }

// watch checks the endpoint until ctx ends.
func (e *endpoint) watch(ctx context.Context) {
	defer e.close()
	failures := 0
	for {
		failures++
		if e.check(ctx) {
			failures = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(e.pace.next(failures, rand.Float64())):
		}
	}
}

// close closes the connections that are kept for further requests.
func (e *endpoint) close() {
	if e.client != nil {
		e.client.CloseIdleConnections()
	}
}

// check checks once, and tells whether the daemon is healthy.
func (e *endpoint) check(ctx context.Context) bool {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	version, err := e.probe(limited)
	if ctx.Err() != nil {
		return false // the agent ends: this says nothing about the daemon
	}
	e.record(start, version, asError(err))
	return err == nil
}

// probe takes the settings into use, if they are not yet, tries the connection
// step by step, and then asks over one that is kept, as the work of an agent would.
func (e *endpoint) probe(ctx context.Context) (version string, err error) {
	if e.cfg == nil {
		if err := e.resolve(); err != nil {
			return "", err
		}
	}
	if err := e.cfg.Check(ctx).Error(); err != nil {
		return "", err
	}
	return e.version(ctx)
}

// resolve is tried again at each check until it succeeds. From then on the
// Config follows the files by itself.
func (e *endpoint) resolve() error {
	opts := e.opts
	opts.Logger = e.log // told of new certificates, of those that cannot be used, and of expiry, once each
	cfg, err := e.resolver.Resolve(opts)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings() {
		e.log.Warn(w.Message, "code", w.Code, "source", w.Source)
	}
	e.client = cfg.HTTPClient()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cfg = cfg
	return nil
}

// version stands for the work. The client was made once: it too follows new
// certificates.
func (e *endpoint) version(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.cfg.URL("/version"), nil)
	if err != nil {
		return "", err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return "", e.cfg.Diagnose(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", errors.New("GET /version: " + resp.Status)
	}
	// To the end, or the connection is not kept.
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", e.cfg.Diagnose(err)
	}
	var answer struct{ Version string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("GET /version: %w", err)
	}
	return answer.Version, nil
}

// asError makes an [dockertls.Error] of any failure: one that is not understood
// has no kind.
func asError(err error) *dockertls.Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*dockertls.Error](err); ok {
		return e
	}
	e := &dockertls.Error{Detail: err.Error(), Err: err}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Kind, e.Detail = dockertls.Timeout, "no answer within the check's time"
	}
	return e
}

// record takes down how a check ended, and logs a change.
func (e *endpoint) record(start time.Time, version string, err *dockertls.Error) {
	e.mu.Lock()
	s := &e.state
	changed := s.Checks == 0 || !same(s.Err, err)
	s.Checks++
	s.Checked, s.Took, s.Err = time.Now(), time.Since(start), err
	if changed {
		s.Since = s.Checked
	}
	if err == nil {
		s.Version = version
	} else {
		if s.Failed == nil {
			s.Failed = map[dockertls.Kind]uint64{}
		}
		s.Failed[err.Kind]++
	}
	e.mu.Unlock()
	switch {
	case changed && err != nil:
		e.log.Error("unhealthy", "err", err)
	case changed:
		e.log.Info("healthy", "daemon", e.cfg, "version", version)
	}
}

// same tells whether two diagnoses are the same one: texts may differ in an
// address or a time.
func same(a, b *dockertls.Error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind
}

// A snapshot is an endpoint at one moment.
type snapshot struct {
	state
	Name     string
	Host     string
	Stats    dockertls.Stats
	Expiries []dockertls.Expiry
}

func (e *endpoint) snapshot() snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := snapshot{state: e.state, Name: e.name}
	s.Failed = maps.Clone(s.Failed)
	if e.cfg != nil {
		s.Host, s.Stats, s.Expiries = e.cfg.Host(), e.cfg.Stats(), e.cfg.Expiries()
	}
	return s
}

// A pace says when to check again.
type pace struct{ interval, limit time.Duration }

// next doubles the interval with each failure after the first in a row, and
// spreads it by a tenth, so that endpoints do not keep step. The random number
// is from [0, 1).
func (p pace) next(failures int, random float64) time.Duration {
	d := p.interval
	for i := 1; i < failures && d < p.limit; i++ {
		d = min(2*d, p.limit)
	}
	return time.Duration(float64(d) * (0.9 + 0.2*random))
}
