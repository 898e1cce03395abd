package main

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
)

// FuzzNormalize: arguments for docker are refused, or become some that the flag
// package reads in the same way however often they are normalized: with the same
// words behind the flags, which are those that were given.
func FuzzNormalize(f *testing.F) {
	for _, args := range []string{"", "version", "-H\nbox", "-Hbox", "-H=", "-H==box", "-cprod\n-H\n-tls", "--tlscacert\n-Hx\nps", "--tls\n-Hbox\nload\n-i\nFILE", "--\n-Hbox", "-", "--host", "-H", "-tls", "--a", "--unknown\nx", "-H\n--\nx", "--tlsverify=false\n--"} {
		f.Add(args)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\n")
		got, err := normalize(args)
		if err != nil {
			if err.Error() == "" || got != nil {
				t.Errorf("%q: %q beside the error %q", args, got, err)
			}
			return
		}
		again, err := normalize(got)
		if err != nil || !slices.Equal(again, got) {
			t.Errorf("%q becomes %q and then %q, %v", args, got, again, err)
		}
		var opts dockertls.Options
		fs := flag.NewFlagSet("docker", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		opts.AddFlags(fs)
		if fs.Parse(got) != nil {
			return
		}
		if n := len(args) - fs.NArg(); n < 0 || !slices.Equal(fs.Args(), args[n:]) {
			t.Errorf("%q: behind the flags is %q", args, fs.Args())
		}
	})
}
