package main

import (
	"os"
	"path/filepath"
	"time"
)

// An effort says how often things are measured.
type effort struct {
	resolve, fresh, first, kept, stream pace
	transfer, growth                    pace
	image                               int  // bytes of what is loaded and saved
	endpoints                           int  // of a row of many
	most                                int  // endpoints that cost is followed up to
	exact                               bool // allocations are counted
}

const usual = 5 * time.Millisecond

// thorough is for figures, quick for seeing that all of it works.
var (
	thorough = effort{
		resolve:  pace{rounds: 300, warmup: 20, length: usual},
		fresh:    pace{rounds: 100, warmup: 3, length: usual},
		first:    pace{rounds: 400, warmup: 3},
		kept:     pace{rounds: 300, warmup: 20, length: usual},
		stream:   pace{rounds: 200, warmup: 20, length: usual},
		transfer: pace{rounds: 30, warmup: 1},
		growth:   pace{rounds: 5, warmup: 1},
		image:    256 << 20, endpoints: 1000, most: 10_000, exact: true,
	}
	quick = effort{
		resolve:  pace{rounds: 2, warmup: 1},
		fresh:    pace{rounds: 2, warmup: 1},
		first:    pace{rounds: 2, warmup: 1},
		kept:     pace{rounds: 2, warmup: 1},
		stream:   pace{rounds: 2, warmup: 1},
		transfer: pace{rounds: 2, warmup: 1},
		growth:   pace{rounds: 1, warmup: 1},
		image:    1 << 20, endpoints: 20, most: 100,
	}
)

// A lab is where things are measured.
type lab struct {
	effort
	dir string
}

// newLab makes the certificates. The caller must remove dir.
func newLab(e effort) (*lab, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	l := &lab{effort: e, dir: dir}
	for _, k := range keyKinds {
		if err := k.write(l.certs(k)); err != nil {
			os.RemoveAll(dir)
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) certs(k keyKind) certDir { return certDir(filepath.Join(l.dir, k.name)) }

// serve starts a server, and returns how to reach it.
func (l *lab) serve(kind string, k keyKind) (endpoint, func(), error) {
	host, stop, err := startServer(kind, l.certs(k))
	e := endpoint{host: host, dial: dial}
	if kind == mutualTLS {
		e.certs = l.certs(k)
	}
	return e, stop, err
}
