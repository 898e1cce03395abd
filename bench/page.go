package main

import (
	"fmt"
	"io"
	"runtime"
)

const pageHead = `# Performance

What dockertls needs, side by side with what programs would use without it: moby's client v0.6.2, go-dockerclient v1.13.3,
and net/http with the tlsconfig of docker/go-connections, which is the floor. All of it was measured in one run, by

` + "```sh" + `
go -C bench run . -md ../docs/performance.md
` + "```" + `

which wrote this page. Times are medians. A ratio is the median, with quartiles, of the ratios of single rounds, in which
all sides take turns, so that a busy machine is busy for all of them. Everything runs on one machine, over loopback: what
the network takes comes on top, for everybody. Figures of another machine differ, ratios less so. Where a goal lies
between the quartiles and was missed for no reason given, chance decided it: another run may say otherwise.
`

func writeHead(w io.Writer) {
	fmt.Fprint(w, pageHead)
	fmt.Fprintf(w, "\nThis run: %s, %s/%s, %d processors, client and server share them.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}
