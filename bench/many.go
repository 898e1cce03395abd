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
type fleet []*api

// build opens a client for each of n endpoints, each with a name of its own.
func (e endpoint) build(s side, n int) (fleet, error) {
	resolve := newShared()
	var f fleet
	for i := range n {
		_, port, err := net.SplitHostPort(strings.TrimPrefix(e.host, "tcp://"))
		if err != nil {
			return nil, err
		}
		one := endpoint{host: fmt.Sprintf("tcp://e%d%s:%s", i, endpointName[1:], port), certs: e.certs, dial: e.dialAny}
		a, err := one.openWith(s, resolve)
		if err != nil {
			return nil, err
		}
		f = append(f, a)
	}
	return f, nil
}

// dialAny reaches the one server under every name.
func (e endpoint) dialAny(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(e.host, "tcp://"))
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
	before := newWeigher()
	f, err := e.build(s, l.endpoints)
	if err != nil {
		return w, err
	}
	w[unused] = before.weigh(len(f))
	for _, a := range f {
		if err := a.ping(); err != nil {
			return w, err
		}
	}
	w[open] = before.weigh(len(f))
	for _, a := range f {
		a.hangUp()
	}
	w[idle] = before.settle(len(f))
	runtime.KeepAlive(f)
	return w, nil
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
			heapRow.goals = []goal{{want: "at most 4096", got: fmt.Sprint(heap[ours]), met: heap[ours] <= heapLimit}}
			goroutines.goals = []goal{{want: "none", got: goroutines.values[ours], met: weights[ours][st].goroutines <= 0}}
		}
		rows = append(rows, heapRow, goroutines)
	}
	growth, err := l.growing(e)
	return append(rows, growth...), err
}

func stageName(n int, st stage) string { return fmt.Sprintf("%d endpoints, %s", n, stageNames[st]) }

// flat is how much more an endpoint among the most may cost than one among a
// hundred.
const flat = 1.25

// growing follows the cost of an endpoint as their number grows.
func (l *lab) growing(e endpoint) ([]row, error) {
	var rows []row
	var hundred growth
	for n := 10; n <= l.most; n *= 10 {
		times, heaps := row{name: fmt.Sprintf("%d endpoints", n), per: "time each"}, row{name: fmt.Sprintf("%d endpoints", n), per: "heap bytes each"}
		for s := range times.values {
			if side(s) != ours && n > 1000 {
				continue
			}
			g, err := l.grow(e, side(s), n)
			if err != nil {
				return nil, err
			}
			times.values[s], heaps.values[s] = short(g.time), fmt.Sprint(g.heap)
			switch {
			case side(s) == ours && n == 100:
				hundred = g
			case side(s) == ours && n > 100:
				times.goals = []goal{flatGoal(float64(g.time), float64(hundred.time))}
				heaps.goals = []goal{flatGoal(float64(g.heap), float64(hundred.heap))}
			}
		}
		rows = append(rows, times, heaps)
	}
	return rows, nil
}

func flatGoal(got, hundred float64) goal {
	ratio := got / hundred
	return goal{want: fmt.Sprintf("at most %.2f x that of 100", flat), got: fmt.Sprintf("%.3f", ratio), met: ratio <= flat}
}

type growth struct {
	time time.Duration
	heap int64
}

// grow returns medians of several fleets. They are closed before the next.
func (l *lab) grow(e endpoint, s side, n int) (growth, error) {
	var times, heaps []time.Duration
	for range l.effort.growth.rounds {
		before := newWeigher()
		start := time.Now()
		f, err := e.build(s, n)
		if err != nil {
			return growth{}, err
		}
		times = append(times, time.Since(start)/time.Duration(n))
		heaps = append(heaps, time.Duration(before.weigh(n).heap))
		runtime.KeepAlive(f)
	}
	return growth{median(times), int64(median(heaps))}, nil
}
