// Command request prints how requests with dockertls relate to those with a bare
// transport of net/http, and whether they meet the goals: on a kept connection
// no allocation more, and a ratio of the times that is at most 3 % above that of
// one bare transport to another.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/dockertls/dockertls/bench"
)

func main() {
	bench.ServeIfAsked()
	pairs := flag.Int("pairs", 400, "pairs of measurements")
	flag.Parse()
	if err := run(*pairs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(pairs int) error {
	t := bench.NewTable(os.Stdout, "connection", "request", "per request",
		"ours", "bare", "ratio", "quartiles", "bare to bare", "quartiles", "goal")
	err := bench.Requests(pairs, func(r bench.RequestResult) { addRows(t, r) })
	if err != nil {
		return err
	}
	return t.Flush()
}

func addRows(t bench.Table, r bench.RequestResult) {
	median, quartiles := bench.Spread(r.Ours.Ratio)
	again, againQuartiles := bench.Spread(r.Again.Ratio)
	t.Row(r.Connection, r.Request, "time", micros(r.Ours.Time), micros(r.Bare.Time),
		median, quartiles, again, againQuartiles, timeGoal(r))
	t.Row(counts("allocations", r.Ours.Allocs, r.Bare.Allocs, r.Again.Allocs, allocsGoal(r))...)
	t.Row(counts("bytes", r.Ours.Bytes, r.Bare.Bytes, r.Again.Bytes, "")...)
}

// counts shows differences where times have ratios.
func counts(what string, ours, bare, again int64, goal string) []string {
	return []string{"", "", what, fmt.Sprint(ours), fmt.Sprint(bare),
		fmt.Sprintf("%+d", ours-bare), "", fmt.Sprintf("%+d", again-bare), "", goal}
}

func timeGoal(r bench.RequestResult) string {
	return goal(r, fmt.Sprintf("at most %.3f", r.TimeLimit()), r.Ours.Ratio[1] <= r.TimeLimit())
}

func allocsGoal(r bench.RequestResult) string {
	return goal(r, "none more", r.Ours.Allocs <= r.Bare.Allocs)
}

// goal is for kept connections only.
func goal(r bench.RequestResult, what string, met bool) string {
	switch {
	case !r.Kept:
		return ""
	case met:
		return what + ": met"
	}
	return what + ": MISSED"
}

func micros(t time.Duration) string {
	return t.Round(100 * time.Nanosecond).String()
}
