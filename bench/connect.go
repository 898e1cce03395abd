package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
)

const newTitle = "New connections"

const newMethod = `
A ping on a new connection each time, mutual TLS, to a real ` + "`dockerd`" + ` on loopback. The client is kept, its idle
connections are closed after each answer. dockertls goes on with the TLS session of an earlier connection, the others do
a full handshake. CPU time is that of the client's process.
`

// A need is how many times as fast as the others we want to be.
type need struct {
	kind   keyKind
	factor float64
	reason string // if it is missed
}

var needs = []need{{keyKinds[1], 12, rsaReason}, {keyKinds[0], 1.25, ecdsaReason}}

// newConnections compares them with real daemons, as far as there are any.
func (l *lab) newConnections() ([]row, error) {
	var rows []row
	for _, flavour := range dockerdtest.Flavours() {
		if err := flavour.Missing(); err != nil {
			rows = append(rows, row{name: fmt.Sprintf("dockerd (%s): not here", flavour)})
			continue
		}
		for _, n := range needs {
			more, err := l.connectToDaemon(flavour, n)
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

func (l *lab) connectToDaemon(flavour dockerdtest.Flavour, n need) ([]row, error) {
	certs := l.certs(n.kind)
	daemon, err := dockerdtest.Run(context.Background(), flavour, dockerdtest.Options{
		Mode: dockerdtest.TLSVerify, CAFile: certs.ca(), CertFile: certs.serverCert(), KeyFile: certs.serverKey(),
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = daemon.Stop() }()
	actions, _, err := endpoint{host: daemon.TCPHost(), certs: certs}.actions(func(a *api) func() error {
		return func() error {
			defer a.hangUp()
			return a.ping()
		}
	}, ours, moby, fsouza, bare)
	if err != nil {
		return nil, err
	}
	s, err := measure(l.fresh, actions)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s, dockerd (%s)", n.kind.name, flavour)
	return []row{
		timeRow(name, s, s.faster(n.factor, moby).because(n.reason), s.faster(n.factor, fsouza).because(n.reason)),
		cpuRow(name, s),
	}, nil
}

// actions are what each of the sides does with its own client.
func (e endpoint) actions(do func(*api) func() error, which ...side) ([]action, []*api, error) {
	var actions []action
	var apis []*api
	for _, s := range which {
		a, err := e.open(s)
		if err != nil {
			return nil, nil, err
		}
		actions, apis = append(actions, action{side: s, run: do(a)}), append(apis, a)
	}
	return actions, apis, nil
}

const firstMethod = `
The first request of a new client: nothing is there to go on with, so everybody does a full handshake, with the same
server. "With client made" begins with reading the files. The rows without leave that out; they count what a side has put off
until it connects.
`

// firstConnections compares the very first connection with that of bare net/http.
func (l *lab) firstConnections() ([]row, error) {
	var rows []row
	for _, k := range slices.Backward(keyKinds) {
		connected, err := l.firstConnection(k, false)
		if err != nil {
			return nil, err
		}
		made, err := l.firstConnection(k, true)
		if err != nil {
			return nil, err
		}
		reason := firstECDSAReason
		if k.key == dockertlstest.RSA4096 {
			reason = firstReason
		}
		with := k.name + ", with client made"
		rows = append(rows,
			timeRow(k.name, connected, connected.asBare().because(reason)), cpuRow(k.name, connected),
			timeRow(with, made, made.asBare().because(firstECDSAReason)), cpuRow(with, made))
	}
	return rows, nil
}

// firstConnection times the making of the clients, too, or not.
func (l *lab) firstConnection(k keyKind, timeMaking bool) (*samples, error) {
	e, stop, err := l.serve(mutualTLS, k)
	if err != nil {
		return nil, err
	}
	defer stop()
	var actions []action
	for _, s := range []side{ours, moby, fsouza, bare, again} {
		var a *api
		hangUp := func() error {
			if a != nil {
				a.hangUp()
			}
			return nil
		}
		open := func() (err error) {
			a, err = e.open(s)
			return err
		}
		ping := func() error { return a.ping() }
		if timeMaking {
			actions = append(actions, action{side: s, before: hangUp, run: inTurn(open, ping)})
		} else {
			actions = append(actions, action{side: s, before: inTurn(hangUp, open), run: ping})
		}
	}
	return measure(l.first, actions)
}

func inTurn(first, second func() error) func() error {
	return func() error {
		if err := first(); err != nil {
			return err
		}
		return second()
	}
}
