package bench

import "testing"

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
