package faulttest

import (
	"context"
	"sync"
	"testing"

	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// daemons are real ones, started once.
type daemons struct {
	owner testing.TB // they end with it

	mu      sync.Mutex
	ca      *authority // of all of them, and their clients
	running map[daemonKey]*dockerdtest.Daemon
}

type daemonKey struct {
	flavour dockerdtest.Flavour
	mode    dockerdtest.Mode
}

// start returns a Fault's Start: a daemon, and a setup with its CA.
func (d *daemons) start(f dockerdtest.Flavour, m dockerdtest.Mode, edits ...edit) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		daemon := d.get(t, daemonKey{f, m})
		return newSetupOf(d.ca, tlsMax, edits...).peer(t, endpoint{addr: daemon.Addr})
	}
}

func (d *daemons) get(t testing.TB, key daemonKey) *dockerdtest.Daemon {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ca == nil {
		d.ca = newAuthority(daemonCA)
		d.running = map[daemonKey]*dockerdtest.Daemon{}
	}
	if d.running[key] == nil {
		dir := tempDir(t)
		pair := d.ca.server()
		d.running[key] = dockerdtest.Start(owned{t, d.owner}, key.flavour, dockerdtest.Options{
			Mode:     key.mode,
			CAFile:   writeFile(t, dir, "ca.pem", d.ca.pem()),
			CertFile: writeFile(t, dir, "server-cert.pem", pair.CertPEM),
			KeyFile:  writeFile(t, dir, "server-key.pem", pair.KeyPEM),
		})
	}
	return d.running[key]
}

// owned starts something in a test for its parent. What ends or skips the test
// is the test's own, and what comes later is the parent's.
type owned struct {
	testing.TB
	owner testing.TB
}

func (o owned) Cleanup(f func())             { o.owner.Cleanup(f) }
func (o owned) Failed() bool                 { return o.owner.Failed() }
func (o owned) Logf(f string, args ...any)   { o.owner.Logf(f, args...) }
func (o owned) Errorf(f string, args ...any) { o.owner.Errorf(f, args...) }
func (o owned) Context() context.Context     { return o.owner.Context() }
