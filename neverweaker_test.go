package dockertls

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	combinations    = flag.Int("combinations", 3_000, "how many combinations TestNeverWeaker draws; 200000 for its long form")
	combinationSeed = flag.Uint64("seed", 0, "seed of TestNeverWeaker; 0: another one each time")
)

// TestNeverWeaker draws settings, files and servers by chance, uses what Resolve
// makes of them in all ways there are, and looks at the wire: where TLS was asked for
// nothing else leaves; where a server was to be verified, none that does not gets to
// see a request; and no secret is told anywhere. What was asked for it knows from the
// rules (neverweaker_model_test.go), not from the library.
//
// The long form: go test -run TestNeverWeaker -combinations 200000 -timeout 1h
func TestNeverWeaker(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a Dialer cannot stand in for the default pipe there")
	}
	seed := cmp.Or(*combinationSeed, rand.Uint64())
	p := newProver(t, seed)
	start := time.Now()
	workers := 4 * runtime.GOMAXPROCS(0) // some of them wait
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
	p.tally.add(ask(c), conns, c)
	if wrong == "" {
		return
	}
	small, why := p.shrink(t.Context(), c, wrong)
	v := ask(small)
	t.Errorf("-seed %d, combination %d: %s\nasked for: %v, name %q, authorities %v and %v\nsmallest combination, which fails with: %s\n%s\nas drawn:\n%s",
		p.seed, index, wrong, v.asking, v.name, v.roots[0], v.roots[1], why, small, c)
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

func (t tally) merge(other tally) {
	for what, n := range other {
		t[what] += n
	}
}

func (t tally) String() string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "%8d  %5.1f %%  %s\n", t[what], 100*float64(t[what])/float64(t["all"]), what)
	}
	return b.String()
}

// wantShares wants each kind of combination to be there often enough to prove something.
func (t tally) wantShares(tb testing.TB) {
	for what, percent := range map[string]float64{
		"asked: plain": 4, "asked: encrypted": 8, "asked: verified": 35, "asked: refused": 8, "asked: socket": 2,
	} {
		if share := 100 * float64(t[what]) / float64(t["all"]); share < percent {
			tb.Errorf("%s: only %.1f %% of the combinations, want %.1f", what, share, percent)
		}
	}
}
