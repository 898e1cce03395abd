// Command resolve prints how Resolve relates to the FromEnv of moby's client.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/dockertls/dockertls/bench"
)

func main() {
	pairs := flag.Int("pairs", 500, "pairs of measurements")
	flag.Parse()
	if err := run(*pairs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(pairs int) error {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cases, err := bench.Cases(dir)
	if err != nil {
		return err
	}
	t := bench.NewTable(os.Stdout, "certificates", "per call", "ours", "moby", "ratio", "quartiles of the ratio")
	for _, c := range cases {
		os.Clearenv()
		for name, value := range c.Env {
			os.Setenv(name, value)
		}
		r, err := bench.Compare(pairs)
		if err != nil {
			return err
		}
		median, quartiles := bench.Spread(r.Ours.Ratio)
		t.Row(c.Name, "time", r.Ours.Time.String(), r.Moby.Time.String(), median, quartiles)
		t.Row(counts("allocations", r.Ours.Allocs, r.Moby.Allocs)...)
		t.Row(counts("bytes", r.Ours.Bytes, r.Moby.Bytes)...)
	}
	return t.Flush()
}

func counts(what string, ours, moby int64) []string {
	return []string{"", what, fmt.Sprint(ours), fmt.Sprint(moby), fmt.Sprintf("%.3f", float64(ours)/float64(moby)), ""}
}
