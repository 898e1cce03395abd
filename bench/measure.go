package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// A side is one of those that are compared.
type side int

const (
	ours side = iota
	moby
	fsouza // go-dockerclient
	bare   // net/http with the tlsconfig of docker/go-connections
	again  // a second bare one: what chance does
	sides
)

// An action is what one side is measured at.
type action struct {
	side   side
	before func() error // comes before each run, and is not timed; nil for nothing
	run    func() error
}

// A pace is how often actions run.
type pace struct {
	rounds int
	warmup int           // runs that do not count
	length time.Duration // of a measurement at least; it is one run if that takes longer
}

// A sample is what a side needed for a run, round by round.
type sample struct{ wall, cpu []time.Duration }

// samples has those of all sides that took part.
type samples [sides]sample

// measure runs the sides in turn, round after round, so that a busy machine is
// busy for all.
func measure(p pace, actions []action) (*samples, error) {
	runs, err := p.runs(actions)
	if err != nil {
		return nil, err
	}
	var s samples
	for round := range p.rounds {
		for _, i := range order(round, len(actions)) {
			t, err := actions[i].clock(runs)
			if err != nil {
				return nil, err
			}
			to := &s[actions[i].side]
			to.wall, to.cpu = append(to.wall, t.wall), append(to.cpu, t.cpu)
		}
	}
	return &s, nil
}

// runs warms the sides up, and returns how many runs make a measurement: so many
// that neither the clock nor waking up matters.
func (p pace) runs(actions []action) (int, error) {
	runs := 1
	for _, a := range actions {
		t, err := a.clock(p.warmup)
		if err != nil {
			return 0, err
		}
		runs = max(runs, 1+int(p.length/max(t.wall, 1)))
	}
	return runs, nil
}

// order lets every side have every place, and run after every other one: what a
// side leaves behind, such as garbage, is met by all. It begins anew after 2n
// rounds.
func order(round, n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = (round + i) % n
	}
	if round/n%2 == 1 {
		slices.Reverse(places)
	}
	return places
}

type clocked struct{ wall, cpu time.Duration }

// clock returns the mean times of a run.
func (a action) clock(runs int) (clocked, error) {
	if a.before == nil {
		return clock(runs, a.run)
	}
	var sum clocked
	for range runs {
		if err := a.before(); err != nil {
			return sum, err
		}
		t, err := clock(1, a.run)
		if err != nil {
			return sum, err
		}
		sum.wall, sum.cpu = sum.wall+t.wall, sum.cpu+t.cpu
	}
	return clocked{sum.wall / time.Duration(runs), sum.cpu / time.Duration(runs)}, nil
}

func clock(runs int, run func() error) (clocked, error) {
	cpu, start := cpuTime(), time.Now()
	for range runs {
		if err := run(); err != nil {
			return clocked{}, err
		}
	}
	n := time.Duration(runs)
	return clocked{time.Since(start) / n, (cpuTime() - cpu) / n}, nil
}

// A count is of the memory that a run allocates, with the goroutines that work for it.
type count struct{ allocs, bytes int64 }

type counts [sides]count

// countAll counts exactly: on one processor and without collecting garbage,
// because both would empty a [sync.Pool] now and then.
func countAll(actions []action) (*counts, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var all counts
	for _, a := range actions {
		least, err := countLeast(a.run)
		if err != nil {
			return nil, err
		}
		all[a.side] = least
	}
	return &all, nil
}

// countLeast returns the least of several counts: chance only adds to them. An
// answer that comes early, for example, makes net/http start a timer.
func countLeast(run func() error) (count, error) {
	least := count{math.MaxInt64, math.MaxInt64}
	for range 15 {
		runtime.GC()                                 // now, not later
		if _, err := countRuns(3, run); err != nil { // fills the pools
			return count{}, err
		}
		c, err := countRuns(20, run)
		if err != nil {
			return count{}, err
		}
		least = count{min(least.allocs, c.allocs), min(least.bytes, c.bytes)}
	}
	return least, nil
}

func countRuns(runs int, run func() error) (count, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := clock(runs, run)
	runtime.ReadMemStats(&after)
	return count{
		allocs: perRun(after.Mallocs-before.Mallocs, runs),
		bytes:  perRun(after.TotalAlloc-before.TotalAlloc, runs),
	}, err
}

// perRun rounds up: what only some runs allocate must show.
func perRun(total uint64, runs int) int64 { return (int64(total) + int64(runs) - 1) / int64(runs) }

// quartiles are the lower one, the median and the upper one.
type quartiles [3]float64

func quartilesOf(values []float64) quartiles {
	sorted := slices.Sorted(slices.Values(values))
	var q quartiles
	for i := range q {
		q[i] = sorted[(len(sorted)-1)*(i+1)/4]
	}
	return q
}

// ratios are those of two sides in the same round.
func ratios(a, b []time.Duration) quartiles {
	var r []float64
	for i := range a {
		r = append(r, float64(a[i])/float64(max(b[i], 1)))
	}
	return quartilesOf(r)
}

func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[(len(times)-1)/2]
}
