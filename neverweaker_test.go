package dockertls

import (
	"cmp"
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	combinations    = flag.Int("combinations", 2_000, "how many combinations TestNeverWeaker draws; 200000 for its long form")
	combinationSeed = flag.Uint64("seed", 0, "seed of TestNeverWeaker; 0: another one each time")
)

// TestNeverWeaker draws settings, files and servers by chance, uses what Resolve
// makes of them in all ways there are, and looks at the wire: where TLS was asked for
// nothing else leaves; where a server was to be verified, none that does not gets to
// see a request; and no secret is told anywhere. What was asked for it knows from the
// rules (neverweaker_model_test.go), not from the library.
//
// The long form: go test -run TestNeverWeaker -combinations 200000 -timeout 1h .
func TestNeverWeaker(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a Dialer cannot stand in for the default pipe of Windows: run this on another system")
	}
	seed := cmp.Or(*combinationSeed, rand.Uint64())
	p := newProver(t, seed)
	start := time.Now()
	workers := min(4*runtime.GOMAXPROCS(0), 32) // some of them wait
	var next atomic.Int64
	var running sync.WaitGroup
	for range workers {
		w := &prover{weakPKI: p.weakPKI, seed: seed, tally: tally{}, desk: &desk{t.TempDir(), map[string]string{}}, shared: new(Resolver)}
		running.Go(func() {
			for i := next.Add(1); i <= int64(*combinations) && !t.Failed(); i = next.Add(1) {
				w.prove(t, uint64(i))
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.tally.merge(w.tally)
		})
	}
	running.Wait()
	t.Logf("%d combinations in %v, -seed %d\n%s", p.tally["all"], time.Since(start).Round(time.Millisecond), seed, p.tally)
	if !t.Failed() && *combinations >= 1_000 {
		p.tally.wantShares(t)
	}
}

// A prover runs combinations, one after the other.
type prover struct {
	*weakPKI
	seed   uint64
	desk   *desk
	shared *Resolver

	mu    sync.Mutex
	tally tally
}

func newProver(t *testing.T, seed uint64) *prover {
	return &prover{weakPKI: newWeakPKI(t), seed: seed, tally: tally{}}
}

func (p *prover) prove(t *testing.T, index uint64) {
	c := newCombination(p.seed, index)
	wrong, conns, err := p.try(t.Context(), c)
	if err != nil {
		t.Errorf("-seed %d, combination %d: the test itself: %v\n%s", p.seed, index, err, c)
		return
	}
	p.tally.add(c, ask(c), conns)
	if wrong != "" && c.rows()["direct"] != "" && !p.again(t, c) {
		t.Logf("-seed %d, combination %d: not seen again, so it was another process that connected: %s\n%s", p.seed, index, wrong, c)
		return
	}
	if wrong == "" {
		return
	}
	small, why := p.shrink(t.Context(), c, wrong)
	v := ask(small)
	t.Errorf("-seed %d, combination %d: %s\nasked for: %v, name %q, authorities %v and %v\nsmallest combination, which fails with: %s\n%s\nas drawn:\n%s",
		p.seed, index, wrong, v.asking, v.name, v.roots[0], v.roots[1], why, small, c)
}

// again tells whether a combination fails once more, where it is not known who made the
// connections.
func (p *prover) again(t *testing.T, c combination) bool {
	for range 5 {
		if wrong, _, _ := p.try(t.Context(), c); wrong != "" {
			return true
		}
	}
	return false
}

// try runs one combination. What is wrong is "" if nothing is.
func (p *prover) try(ctx context.Context, c combination) (wrong string, conns []*heard, err error) {
	w, err := newWire(c.rows(), p.weakPKI)
	if err != nil {
		return "", nil, err
	}
	u := &using{building: &building{rows: c.rows(), desk: p.desk, wire: w, pki: p.weakPKI}, clients: map[string]*http.Client{}, written: filepath.Join(p.desk.dir, "written")}
	err = u.run(ctx, p.shared)
	conns, finishErr := w.finish()
	err = cmp.Or(err, finishErr, os.RemoveAll(u.written))
	if err != nil {
		return "", nil, err
	}
	u.saying.Lock() // a late look at material may still speak
	defer u.saying.Unlock()
	return judge(ask(c), conns, u.said.Bytes(), p.secrets), conns, nil
}
