// Command resolve prints how Resolve relates to the FromEnv of moby's client.
package main

import (
	"flag"
	"fmt"
	"os"
	"text/tabwriter"

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
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "certificates\tper call\tours\tmoby\tratio\tquartiles of the ratio\t")
	for _, c := range cases {
		os.Clearenv()
		for name, value := range c.Env {
			os.Setenv(name, value)
		}
		r, err := bench.Compare(pairs)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\ttime\t%v\t%v\t%.3f\t%.3f to %.3f\t\n",
			c.Name, r.Ours.Time, r.Moby.Time, r.TimeRatio[1], r.TimeRatio[0], r.TimeRatio[2])
		printCount(w, "allocations", r.Ours.Allocs, r.Moby.Allocs)
		printCount(w, "bytes", r.Ours.Bytes, r.Moby.Bytes)
	}
	return w.Flush()
}

func printCount(w *tabwriter.Writer, what string, ours, moby int64) {
	fmt.Fprintf(w, "\t%s\t%d\t%d\t%.3f\t\t\n", what, ours, moby, float64(ours)/float64(moby))
}
