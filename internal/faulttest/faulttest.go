package faulttest

import (
	"crypto/tls"
	"slices"
	"sync"
	"testing"

	"github.com/dockertls/dockertls"
)

// A Fault is one way for a connection to fail, and what a diagnosis must say of it.
type Fault struct {
	// Name says who the peer is, and what is wrong: "haproxy: plain HTTP to a TLS port".
	Name string

	// Start starts the peer, which ends with the test. The highest version of
	// TLS that it speaks is tlsMax; 0 is its own choice.
	Start func(t testing.TB, tlsMax uint16) *Peer

	// Versions are those for which the fault makes sense. Nil: it does not
	// depend on the version, and is started once, with 0.
	Versions []uint16

	Kind    dockertls.Kind
	Or      dockertls.Kind // where luck decides how far things come; then nothing is said of the words
	Words   []string       // each is in Error(), in upper or lower case
	Hint    []string       // each is in the hint
	NotHint []string       // none is in the hint

	// ClientCert: the server wants another client certificate, or one at all. How
	// that shows depends on who is faster, so once is not enough to try.
	ClientCert bool

	// Slow: it takes one of the library's time limits.
	Slow bool

	// InBody: the answer's header has come, and its body breaks off. What the
	// reader of the body gets may be net/http's io.ErrUnexpectedEOF, which stays
	// that. To a client that asks by HEAD nothing is wrong.
	InBody bool
}

// A Peer runs until the test ends.
type Peer struct {
	// Options lead to the peer. They are complete: nothing of the environment
	// or of a home folder is needed. Certificates are in files.
	Options dockertls.Options

	// Connections counts what the peer has accepted. It is nil where that
	// cannot be counted.
	Connections func() int
}

// TLSVersions are the values of Versions, or 0 where there is none.
func (f Fault) TLSVersions() []uint16 {
	if f.Versions == nil {
		return []uint16{0}
	}
	return f.Versions
}

// Is tells whether a kind is right.
func (f Fault) Is(kind dockertls.Kind) bool { return kind == f.Kind || kind == f.Or && f.Or != "" }

// Sizes are those of the bodies to try it with, in bytes: a server that refuses
// us does so while we are writing, or when we have written.
func (f Fault) Sizes() []int { return []int{0, 1 << 20} }

// New returns the catalogue. Peers that take seconds to start, the daemons, are
// started when they are first needed, shared, and end with t; so rows must be
// started in subtests of t.
func New(t testing.TB) []Fault {
	shared := &daemons{owner: t}
	return slices.Concat(
		clientFaults(shared),
		protocolFaults(shared),
		serverFaults(shared),
		negotiationFaults(),
		wayFaults(),
		proxyFaults(),
		socketFaults(),
	)
}

// Values of Versions.
var (
	tls12 = []uint16{tls.VersionTLS12}
	tls13 = []uint16{tls.VersionTLS13}
	both  = []uint16{tls.VersionTLS12, tls.VersionTLS13}
)

// Each runs a test for every fault with each of its versions of TLS, several at
// a time, and those that only wait all at once.
func Each(t *testing.T, test func(t *testing.T, f Fault, version uint16)) {
	t.Helper()
	// Not by t.Parallel, which counts those that wait too.
	slots := make(chan struct{}, 4)
	var running sync.WaitGroup
	for _, f := range New(t) {
		for _, version := range f.TLSVersions() {
			running.Go(func() {
				if !f.Slow {
					slots <- struct{}{}
					defer func() { <-slots }()
				}
				t.Run(f.Name+"/"+tls.VersionName(version), func(t *testing.T) { test(t, f, version) })
			})
		}
	}
	running.Wait()
}
