package dockertls

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A tally counts what combinations there were, so that nobody takes silence for a
// proof.
type tally map[string]int

func (t tally) add(c combination, v verdict, conns []*heard) {
	rows := c.rows()
	t["all"]++
	class := v.asking.String()
	t[class]++
	if v.asking == askedEncrypted || v.asking == askedVerified {
		layers := map[string]string{"A": "Options", "B": "Options", "E": "the environment", "F": "flags", "context": "a context"}
		t[class+", asked for by "+layers[v.by]]++
	}
	for what := range newTokens(happened(v, rows, conns)...) {
		t[class+": "+what]++
	}
}

// happened tells what the wire saw.
func happened(v verdict, rows map[string]string, conns []*heard) []string {
	var what []string
	for _, h := range conns {
		if len(h.raw) == 0 {
			continue
		}
		if h.ear == "proxy" {
			what = append(what, "a proxy was asked")
		}
		switch server := serverNow(rows, 0); {
		case wantTLS(h.raw) != "" && h.ear != "proxy":
			what = append(what, "a request in the clear")
		case wantTLS(h.raw) == "" && server == "plain":
			what = append(what, "a ClientHello to a server without TLS")
		case wantTLS(h.raw) == "" && serverKinds()[server].issuer != "" && !v.accepts(server, v.name, 0):
			what = append(what, "a ClientHello to a server not to be trusted")
		}
		for _, s := range h.sightings {
			if !s.toProxy {
				what = append(what, []string{"a request behind TLS", "a request behind TLS after a change"}[s.phase])
			}
		}
	}
	if len(what) == 0 {
		return []string{"no request"}
	}
	return what
}

func (t tally) merge(other tally) {
	for what, n := range other {
		t[what] += n
	}
}

func (t tally) String() string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "%8d  %5.1f %%  %s\n", t[what], t.share(what), what)
	}
	return b.String()
}

func (t tally) share(what string) float64 { return 100 * float64(t[what]) / float64(t["all"]) }

// wantShares wants each kind of combination to be there often enough to prove
// something. What is wanted is about half of what there usually is: more than four
// standard deviations less, with the combinations of a plain run.
func (t tally) wantShares(tb testing.TB) {
	for what, percent := range map[string]float64{
		"plain": 3, "plain: a request in the clear": 2,
		"socket":    2,
		"refused":   10,
		"encrypted": 7, "encrypted: a request behind TLS": 3,
		"verified": 40, "verified: a request behind TLS": 5, "verified: a request behind TLS after a change": 1,
		"verified: a ClientHello to a server not to be trusted": 8,
		"verified: a ClientHello to a server without TLS":       1.5,
		"verified: a proxy was asked":                           1.5,
		"verified, asked for by Options":                        8,
		"verified, asked for by flags":                          3,
		"verified, asked for by the environment":                8,
		"verified, asked for by a context":                      3,
	} {
		if t.share(what) < percent {
			tb.Errorf("%s: %.1f %% of the combinations, want %.1f at least", what, t.share(what), percent)
		}
	}
}
