package main

import (
	"fmt"
	"time"
)

// A row says what the sides needed for the same thing.
type row struct {
	name, per string           // "GET /_ping", "time"
	values    [bare + 1]string // by side; "" where a side takes no part
	goals     []goal
}

// A goal is what was wanted, and what came of it.
type goal struct {
	want, got string
	met       bool
	reason    string // why it was missed, as far as that is known
}

func (g goal) verdict() string {
	if g.met {
		return "met"
	}
	return "MISSED"
}

// because gives the reason that is shown if the goal is missed.
func (g goal) because(reason string) goal {
	g.reason = reason
	return g
}

// chance is how far two equal sides may be apart on a busy machine.
const chance = 0.03

var names = [sides]string{"dockertls", "moby", "go-dockerclient", "net/http", "net/http"}

// atMost wants our time to be at most limit times that of another side.
func (s *samples) atMost(limit float64, other side) goal {
	return below(fmt.Sprintf("at most %.2f x %s", limit, names[other]), limit, ratios(s[ours].wall, s[other].wall))
}

// notAbove wants our time to be no longer than that of another side, but for
// what chance may do.
func (s *samples) notAbove(other side) goal {
	g := below("", 1+chance, ratios(s[ours].wall, s[other].wall))
	g.want = fmt.Sprintf("%s, within 3 %%", names[other])
	return g
}

// asBare wants our time to be that of bare net/http: within 3 % of what one bare
// transport shows against another one.
func (s *samples) asBare() goal {
	limit := ratios(s[again].wall, s[bare].wall)[1] + chance
	return below(fmt.Sprintf("net/http against itself + 3 %%: %.3f", limit), limit, ratios(s[ours].wall, s[bare].wall))
}

// faster wants us to be so many times as fast as another side.
func (s *samples) faster(factor float64, other side) goal {
	q := ratios(s[other].wall, s[ours].wall)
	return goal{want: fmt.Sprintf("%.2f x as fast as %s", factor, names[other]), got: q.String(), met: q[1] >= factor}
}

func below(want string, limit float64, q quartiles) goal {
	return goal{want: want, got: q.String(), met: q[1] <= limit}
}

// noMore wants a number to be at most another one.
func noMore(want string, got, limit int64) goal {
	return goal{want: want, got: fmt.Sprintf("%+d", got-limit), met: got <= limit}
}

func (q quartiles) String() string { return fmt.Sprintf("%.3f (%.3f to %.3f)", q[1], q[0], q[2]) }

// timeRow shows the medians of the sides that took part.
func timeRow(name string, s *samples, goals ...goal) row {
	r := row{name: name, per: "time", goals: goals}
	for i := range r.values {
		if len(s[i].wall) > 0 {
			r.values[i] = short(median(s[i].wall))
		}
	}
	return r
}

// cpuRow shows what this process needed, which is the client.
func cpuRow(name string, s *samples) row {
	r := row{name: name, per: "CPU time"}
	for i := range r.values {
		if len(s[i].cpu) > 0 {
			r.values[i] = short(median(s[i].cpu))
		}
	}
	return r
}

// rateRow shows times as megabytes per second.
func rateRow(name string, size int64, s *samples, goals ...goal) row {
	r := row{name: name, per: "MB/s", goals: goals}
	for i := range r.values {
		if len(s[i].wall) > 0 {
			r.values[i] = fmt.Sprintf("%.0f", float64(size)/1e6/median(s[i].wall).Seconds())
		}
	}
	return r
}

func numberRow(name, per string, numbers map[side]int64, goals ...goal) row {
	r := row{name: name, per: per, goals: goals}
	for s, n := range numbers {
		r.values[s] = fmt.Sprint(n)
	}
	return r
}

// countRows are those of allocations and of their bytes, for the given sides.
func countRows(name string, c *counts, which []side, allocs ...goal) []row {
	objects, bytes := map[side]int64{}, map[side]int64{}
	for _, s := range which {
		objects[s], bytes[s] = c[s].allocs, c[s].bytes
	}
	return []row{numberRow(name, "allocations", objects, allocs...), numberRow(name, "bytes", bytes)}
}

// short rounds to three digits and a little.
func short(t time.Duration) string {
	switch {
	case t >= 100*time.Millisecond:
		return t.Round(time.Millisecond).String()
	case t >= 100*time.Microsecond:
		return t.Round(time.Microsecond).String()
	}
	return t.Round(10 * time.Nanosecond).String()
}
