package bench

import (
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// A Side is what one side needs for one call.
type Side struct {
	Timing
	Count
}

// A Timing is the time of a call.
type Timing struct {
	Time time.Duration // median
	// Ratio is that of the time to the first side's in each round: the lower
	// quartile, the median and the upper quartile.
	Ratio [3]float64
}

// A Count is of the memory that a call allocates, with the goroutines that work for it.
type Count struct {
	Allocs, Bytes int64
}

// Measure times the sides, and counts what they allocate.
func Measure(rounds int, sides ...func() error) ([]Side, error) {
	timings, err := timeAll(rounds, sides)
	if err != nil {
		return nil, err
	}
	counts, err := countAll(sides)
	if err != nil {
		return nil, err
	}
	return join(timings, counts), nil
}

func join(timings []Timing, counts []Count) []Side {
	sides := make([]Side, len(timings))
	for i := range sides {
		sides[i] = Side{timings[i], counts[i]}
	}
	return sides
}

// timeAll runs the sides in turn, round after round, so that a busy machine is
// busy for all.
func timeAll(rounds int, sides []func() error) ([]Timing, error) {
	calls, err := callsNeeded(sides)
	if err != nil {
		return nil, err
	}
	times, err := takeTurns(rounds, calls, sides)
	if err != nil {
		return nil, err
	}
	var timings []Timing
	for _, t := range times {
		timings = append(timings, Timing{quartile(t, 2), ratios(t, times[0])})
	}
	return timings, nil
}

// callsNeeded warms the sides up, and returns how many calls make a measurement:
// so many that neither the clock nor waking up matters.
func callsNeeded(sides []func() error) (int, error) {
	const length = 5 * time.Millisecond
	var calls int
	for _, run := range sides {
		call, err := clock(run, 20)
		if err != nil {
			return 0, err
		}
		calls = max(calls, 1+int(length/max(call, 1)))
	}
	return calls, nil
}

// takeTurns returns the times of each side, round by round.
func takeTurns(rounds, calls int, sides []func() error) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(sides))
	for round := range rounds {
		for _, i := range order(round, len(sides)) {
			t, err := clock(sides[i], calls)
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], t)
		}
	}
	return times, nil
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

// clock returns the mean time of a call.
func clock(run func() error, calls int) (time.Duration, error) {
	start := time.Now()
	for range calls {
		if err := run(); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / time.Duration(calls), nil
}

// countAll counts exactly: on one processor and without collecting garbage,
// because both would empty a [sync.Pool] now and then.
func countAll(sides []func() error) ([]Count, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var counts []Count
	for _, run := range sides {
		count, err := countLeast(run)
		if err != nil {
			return nil, err
		}
		counts = append(counts, count)
	}
	return counts, nil
}

// countLeast returns the least of several counts: chance only adds to them. An
// answer that comes early, for example, makes net/http start a timer.
func countLeast(run func() error) (Count, error) {
	least := Count{math.MaxInt64, math.MaxInt64}
	for range 15 {
		runtime.GC() // now, not later
		c, err := count(run)
		if err != nil {
			return Count{}, err
		}
		least = Count{min(least.Allocs, c.Allocs), min(least.Bytes, c.Bytes)}
	}
	return least, nil
}

func count(run func() error) (Count, error) {
	if _, err := clock(run, 3); err != nil { // fills the pools
		return Count{}, err
	}
	const calls = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := clock(run, calls)
	runtime.ReadMemStats(&after)
	return Count{
		Allocs: perCall(after.Mallocs-before.Mallocs, calls),
		Bytes:  perCall(after.TotalAlloc-before.TotalAlloc, calls),
	}, err
}

// perCall rounds up: what only some calls allocate must show.
func perCall(total uint64, calls int64) int64 { return (int64(total) + calls - 1) / calls }

// ratios returns the quartiles of the ratio of two sides' times.
func ratios(times, reference []time.Duration) [3]float64 {
	var r []float64
	for i := range times {
		r = append(r, float64(times[i])/float64(reference[i]))
	}
	return [3]float64{quartile(r, 1), quartile(r, 2), quartile(r, 3)}
}

// quartile returns the first, second or third.
func quartile[T time.Duration | float64](values []T, n int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)*n/4]
}
