package main

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"time"
)

const manyMethod = `
Clients for many endpoints with the same certificate files, ECDSA, mutual TLS, in one process; dockertls resolves them
through one ` + "`Resolver`" + `. Heap and goroutines are what is there more than before, for each endpoint, after the garbage
is collected. "One request each" means that each endpoint was asked once and its connection closed again, as it is after
30 s without requests; "connections open" that it was not.

In the rows of growing numbers time is what an endpoint takes to be resolved and get its client; the others are followed
up to 1,000 endpoints.
`

// heapLimit is what an idle endpoint may hold.
const heapLimit = 4 << 10

// A fleet is the clients of one side, for many endpoints.
type fleet struct {
	endpoints []endpoint
	clients   []any
}

// newFleet names n endpoints, all of which are the one server.
func (e endpoint) newFleet(n int) *fleet {
	address := strings.TrimPrefix(e.host, "tcp://")
	_, port, _ := net.SplitHostPort(address)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	f := &fleet{clients: make([]any, n)}
	for i := range n {
		host := fmt.Sprintf("tcp://e%d%s:%s", i, endpointName[1:], port)
		f.endpoints = append(f.endpoints, endpoint{host: host, certs: e.certs, dial: dial})
	}
	return f
}

// build makes the clients.
func (f *fleet) build(s side) error {
	resolve := newShared()
	for i, e := range f.endpoints {
		var err error
		if f.clients[i], err = e.client(s, resolve); err != nil {
			return err
		}
	}
	return nil
}

// each asks all endpoints, or closes their connections.
func (f *fleet) each(do func(*api) error) error {
	for i, e := range f.endpoints {
		if err := do(e.api(f.clients[i])); err != nil {
			return err
		}
	}
	return nil
}

// A load is what the endpoints of a fleet hold, each.
type load struct {
	heap       int64
	goroutines float64
}

// A weigher tells what is there more than when it was made.
type weigher struct {
	heap       uint64
	goroutines int
}

func newWeigher() weigher { return weigher{liveHeap(), runtime.NumGoroutine()} }

func (w weigher) weigh(n int) load {
	heap := liveHeap()
	return load{(int64(heap) - int64(w.heap)) / int64(n), float64(runtime.NumGoroutine()-w.goroutines) / float64(n)}
}

// liveHeap collects twice, because a [sync.Pool] keeps things for one round.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A stage is a moment in the life of a fleet.
type stage int

const (
	unused stage = iota
	open
	idle
	stages
)

var stageNames = [stages]string{"no request yet", "one request each, connections open", "one request each"}

// weighFleet builds a fleet and uses it.
func (l *lab) weighFleet(e endpoint, s side) (w [stages]load, err error) {
	f := e.newFleet(l.endpoints)
	before := newWeigher()
	if err := f.build(s); err != nil {
		return w, err
	}
	w[unused] = before.weigh(l.endpoints)
	if err := f.each(func(a *api) error { return a.ping() }); err != nil {
		return w, err
	}
	w[open] = before.weigh(l.endpoints)
	err = f.each(func(a *api) error { a.hangUp(); return nil })
	w[idle] = before.settle(l.endpoints)
	runtime.KeepAlive(f)
	return w, err
}

// settle waits for the goroutines of closed connections to end.
func (w weigher) settle(n int) load {
	for range 100 {
		if runtime.NumGoroutine() <= w.goroutines {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return w.weigh(n)
}

// manyEndpoints compares what idle endpoints cost.
func (l *lab) manyEndpoints() ([]row, error) {
	e, stop, err := l.serve(mutualTLS, keyKinds[0])
	if err != nil {
		return nil, err
	}
	defer stop()
	var weights [bare + 1][stages]load
	for s := range weights {
		if weights[s], err = l.weighFleet(e, side(s)); err != nil {
			return nil, err
		}
	}
	var rows []row
	for _, st := range []stage{unused, idle, open} {
		heap, goroutines := map[side]int64{}, row{name: stageName(l.endpoints, st), per: "goroutines each"}
		for s := range weights {
			heap[side(s)] = weights[s][st].heap
			goroutines.values[s] = fmt.Sprintf("%.2g", weights[s][st].goroutines)
		}
		heapRow := numberRow(goroutines.name, "heap bytes each", heap)
		if st != open {
			heapRow.goals = []goal{{want: "at most 4096", got: fmt.Sprint(heap[ours]), met: heap[ours] <= heapLimit, reason: fewerReason}}
			goroutines.goals = []goal{{want: "none", got: goroutines.values[ours], met: weights[ours][st].goroutines <= 0}}
		}
		rows = append(rows, heapRow, goroutines)
	}
	growth, err := l.growing(e)
	return append(rows, growth...), err
}

func stageName(n int, st stage) string { return fmt.Sprintf("%d endpoints, %s", n, stageNames[st]) }

// flat is how much more an endpoint among many may cost than one among a
// hundred.
const flat = 1.25

// A growth is what an endpoint needs in fleets of one size, round by round.
type growth struct{ times, heaps []time.Duration }

// growing follows the cost of an endpoint as their number grows.
func (l *lab) growing(e endpoint) ([]row, error) {
	var sizes []int
	for n := 10; n <= l.most; n *= 10 {
		sizes = append(sizes, n)
	}
	grown := map[int]*[bare + 1]growth{}
	for _, n := range sizes {
		grown[n] = new([bare + 1]growth)
	}
	for round := range l.effort.growth.rounds {
		for _, i := range order(round, len(sizes)) {
			if err := e.grow(sizes[i], grown[sizes[i]]); err != nil {
				return nil, err
			}
		}
	}
	var rows []row
	for _, n := range sizes {
		rows = append(rows, growthRows(n, grown[n], grown[100][ours])...)
	}
	return rows, nil
}

// grow builds fleets of one size for every side.
func (e endpoint) grow(n int, to *[bare + 1]growth) error {
	for s := range to {
		if side(s) != ours && n > 1000 {
			continue
		}
		t, heap, err := e.growSide(n, side(s))
		if err != nil {
			return err
		}
		to[s].times, to[s].heaps = append(to[s].times, t), append(to[s].heaps, heap)
	}
	return nil
}

// growSide builds small fleets several times, so that chance counts the same for
// all sizes.
func (e endpoint) growSide(n int, s side) (t, heap time.Duration, err error) {
	repeats := max(1, 1000/n)
	for range repeats {
		f := e.newFleet(n)
		before := newWeigher()
		start := time.Now()
		if err := f.build(s); err != nil {
			return 0, 0, err
		}
		t += time.Since(start)
		heap += time.Duration(before.weigh(n).heap)
		runtime.KeepAlive(f)
	}
	return t / time.Duration(n*repeats), heap / time.Duration(repeats), nil
}

func growthRows(n int, g *[bare + 1]growth, hundred growth) []row {
	times := row{name: fmt.Sprintf("%d endpoints", n), per: "time each"}
	heaps := row{name: times.name, per: "heap bytes each"}
	for s := range g {
		if len(g[s].times) > 0 {
			times.values[s], heaps.values[s] = short(median(g[s].times)), fmt.Sprint(int64(median(g[s].heaps)))
		}
	}
	if n > 100 {
		want := fmt.Sprintf("at most %.2f x that of 100", flat)
		times.goals = []goal{below(want, flat, ratios(g[ours].times, hundred.times))}
		heaps.goals = []goal{below(want, flat, ratios(g[ours].heaps, hundred.heaps))}
	}
	return []row{times, heaps}
}
