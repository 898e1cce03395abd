package main

import (
	"errors"
	"testing"
	"time"
)

func TestOrderIsFair(t *testing.T) {
	const n = 3
	places, neighbours := map[[2]int]int{}, map[[2]int]int{}
	for round := range 2 * n {
		turns := order(round, n)
		for i, side := range turns {
			places[[2]int{side, i}]++
			if i > 0 {
				neighbours[[2]int{turns[i-1], side}]++
			}
		}
	}
	for a := range n {
		for b := range n {
			if got := places[[2]int{a, b}]; got != 2 {
				t.Errorf("side %d is %d times in place %d, want 2", a, got, b)
			}
			if got := neighbours[[2]int{a, b}]; a != b && got != 2 {
				t.Errorf("side %d runs %d times after side %d, want 2", b, got, a)
			}
		}
	}
}

func TestBeforeIsNotTimed(t *testing.T) {
	var prepared, ran int
	a := action{
		side:   ours,
		before: func() error { prepared++; time.Sleep(20 * time.Millisecond); return nil },
		run:    func() error { ran++; return nil },
	}
	s, err := measure(pace{rounds: 4, warmup: 1}, []action{a})
	if err != nil {
		t.Fatal(err)
	}
	if prepared != 5 || ran != 5 {
		t.Errorf("prepared %d times, ran %d times, want 5", prepared, ran)
	}
	if got := median(s[ours].wall); got >= 20*time.Millisecond {
		t.Errorf("a run took %v", got)
	}
}

func TestFailureEndsMeasuring(t *testing.T) {
	broken := errors.New("broken")
	a := action{run: func() error { return broken }}
	if _, err := measure(pace{rounds: 1, warmup: 1}, []action{a}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestRatios(t *testing.T) {
	a, b := []time.Duration{1, 2, 3, 40, 5}, []time.Duration{1, 1, 1, 1, 1}
	if got, want := ratios(a, b), (quartiles{2, 3, 5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := median(a); got != 3 {
		t.Errorf("got %v, want 3", got)
	}
}
