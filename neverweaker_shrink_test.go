package dockertls

import (
	"context"
	"slices"
)

// shrink drops rows as long as something is still wrong, and returns what is left and
// what is wrong with it.
func (p *prover) shrink(ctx context.Context, c combination, wrong string) (combination, string) {
	for again := true; again; {
		again = false
		for i := len(c) - 1; i >= 0; i-- {
			smaller := slices.Delete(slices.Clone(c), i, i+1)
			if why, _, err := p.try(ctx, smaller); err == nil && why != "" {
				c, wrong, again = smaller, why, true
			}
		}
	}
	return c, wrong
}
