package main

import (
	"math"
	"time"
)

const transferMethod = `
An image of 256 MiB, in chunks as of a file, to and from a server that is as cheap as can be: it reads and writes 256 KiB
by one system call. ECDSA certificates, mutual TLS, the connection is there already (go-dockerclient keeps none). CPU time
is that of the client's process, memory what it allocates for one transfer.
`

// transfers compares loading and saving an image.
func (l *lab) transfers() ([]row, error) {
	e, stop, err := l.serve(mutualTLS, keyKinds[0])
	if err != nil {
		return nil, err
	}
	defer stop()
	load, err := l.transferRows(e, "load", func(a *api) func() error {
		return func() error { return a.load(stream(l.image)) }
	})
	if err != nil {
		return nil, err
	}
	save, err := l.transferRows(e, "save", func(a *api) func() error {
		return func() error { return a.save(l.image) }
	})
	return append(load, save...), err
}

func (l *lab) transferRows(e endpoint, name string, do func(*api) func() error) (rows []row, err error) {
	which := []side{ours, moby, fsouza, bare}
	err = e.withActions(do, which, func(actions []action) error {
		s, err := measure(l.transfer, actions)
		if err != nil {
			return err
		}
		bytes, err := leastBytes(actions)
		if err != nil {
			return err
		}
		speed, memory := s.faster(1.3, moby), []goal{noMore("no more than moby", bytes[ours], bytes[moby])}
		if name == "save" {
			speed, memory = s.notAbove(s.best(moby, fsouza, bare)), nil
		}
		rows = []row{
			rateRow(name, int64(l.image), s, speed),
			cpuRow(name, s),
			numberRow(name, "bytes", bytes, memory...),
		}
		return nil
	})
	return rows, err
}

// best returns the fastest of some sides.
func (s *samples) best(of ...side) side {
	best, least := of[0], time.Duration(math.MaxInt64)
	for _, o := range of {
		if m := median(s[o].wall); m < least {
			best, least = o, m
		}
	}
	return best
}

// leastBytes returns the least that a run of each side allocates.
func leastBytes(actions []action) (map[side]int64, error) {
	least := map[side]int64{}
	for _, a := range actions {
		least[a.side] = math.MaxInt64
		for range 4 {
			c, err := countRuns(1, a.run)
			if err != nil {
				return nil, err
			}
			least[a.side] = min(least[a.side], c.bytes)
		}
	}
	return least, nil
}
