package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

const keptMethod = `
Requests on a connection that is there already; a ping is HEAD, with go-dockerclient GET. The server is another process. The second net/http, which has no column
of its own, shows what chance does. Allocations are counted exactly, with all goroutines that work for a request; they
are those of net/http with connections that hand out TLS records whole. go-dockerclient keeps no connection over TCP and
sockets: it connects each time.
`

// A request is what every side sends.
type request struct {
	name string
	do   func(*api) func() error
}

// someImage is that of what is uploaded and downloaded.
var someImage = make([]byte, 1<<20)

var requests = []request{
	{"ping", func(a *api) func() error { return a.ping }},
	{"load 64 KiB", func(a *api) func() error {
		return func() error { return a.load(bytes.NewReader(someImage[:64<<10])) }
	}},
	{"load 1 MiB", func(a *api) func() error {
		return func() error { return a.load(stream(len(someImage))) }
	}},
	{"save 1 MiB", func(a *api) func() error {
		return func() error { return a.save(len(someImage)) }
	}},
}

// stream is a body of unknown length, which is sent in chunks: what moby's
// client makes of an image's file.
func stream(size int) io.Reader { return struct{ io.Reader }{io.LimitReader(zeros{}, int64(size))} }

// zeros costs nothing to read.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// keptConnections compares requests over every kind of connection.
func (l *lab) keptConnections() ([]row, error) {
	var rows []row
	for _, kind := range []string{mutualTLS, plainTCP, unixSocket} {
		for _, r := range requests {
			more, err := l.compareRequest(kind, r)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", kind, r.name, err)
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

func (l *lab) compareRequest(kind string, r request) ([]row, error) {
	e, stop, err := l.serve(kind, keyKinds[0])
	if err != nil {
		return nil, err
	}
	defer stop()
	var s *samples
	err = e.withActions(r.do, []side{bare, ours, again, moby, fsouza}, func(actions []action) error {
		if s, err = measure(l.kept, actions); err != nil {
			return err
		}
		return e.checkKept(actions)
	})
	if err != nil {
		return nil, err
	}
	name := r.name + ", " + kind
	goals := []goal{s.asBare()}
	if r.name == "ping" {
		goals = append(goals, s.atMost(0.9, moby).because(pingReason))
	}
	rows := []row{timeRow(name, s, goals...)}
	if !l.exact {
		return rows, nil
	}
	c, err := e.countRequest(kind, r)
	if err != nil {
		return nil, err
	}
	if c[bare] != c[again] {
		return nil, fmt.Errorf("%v and %v allocations of the same: not exact", c[bare], c[again])
	}
	shown := []side{ours, moby, fsouza, bare}
	return append(rows, countRows(name, c, shown, noMore("none more than net/http", c[ours].allocs, c[bare].allocs))...), nil
}

// countRequest counts on connections that hand out TLS records whole.
func (e endpoint) countRequest(kind string, r request) (c *counts, err error) {
	if kind == mutualTLS {
		e.dial = dialRecords
	}
	err = e.withActions(r.do, []side{bare, ours, again, moby, fsouza}, func(actions []action) error {
		c, err = countAll(actions)
		return err
	})
	return c, err
}

// checkKept fails if connections are not kept, apart from those of
// go-dockerclient. A few more are possible on a busy machine: net/http gives a
// connection up if its own goroutine does not get to say within 50 ms that the
// request is written.
func (e endpoint) checkKept(actions []action) error {
	const runs = 10
	before, err := e.connections()
	if err != nil {
		return err
	}
	for _, a := range actions {
		if a.side == fsouza {
			continue
		}
		if _, err := a.clock(runs); err != nil {
			return err
		}
	}
	after, err := e.connections()
	if made := after - before - 1; err == nil && made > runs {
		err = fmt.Errorf("%d new connections", made)
	}
	return err
}

// withActions opens clients, and closes their connections in the end.
func (e endpoint) withActions(do func(*api) func() error, which []side, use func([]action) error) error {
	actions, apis, err := e.actions(do, which...)
	if err != nil {
		return err
	}
	defer func() {
		for _, a := range apis {
			a.hangUp()
		}
	}()
	return use(actions)
}

// connections asks the server how many there were.
func (e endpoint) connections() (n int, err error) {
	transport, err := e.bareTransport()
	if err != nil {
		return 0, err
	}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(e.url() + connectionsPath)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = fmt.Fscan(resp.Body, &n)
	return n, err
}
