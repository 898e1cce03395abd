package faulttest

import (
	"testing"

	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// A maker starts TLS servers of one make.
type maker struct {
	name     string
	versions []uint16 // of TLS, that it can be held to
	start    func(...edit) func(testing.TB, uint16) *Peer
}

func makerOf(name string, s starter) maker {
	return maker{name, both, func(edits ...edit) func(testing.TB, uint16) *Peer { return start(s, edits...) }}
}

// The makes, by the letters that the tables have for them.
func (d *daemons) makers() map[rune]maker {
	return map[rune]maker{
		'd': d.maker(dockerdtest.Debian),
		'm': d.maker(dockerdtest.Modern),
		'g': makerOf("Go", goTLS),
		'o': makerOf("openssl", opensslServer),
		'h': makerOf("haproxy", haproxyTLS),
		'n': makerOf("nginx", nginxTLS),
		's': makerOf("stunnel", stunnelTLS),
	}
}

// maker is of real daemons, which speak the highest version and cannot be held
// to another. They all run with --tlsverify.
func (d *daemons) maker(f dockerdtest.Flavour) maker {
	return maker{"dockerd (" + string(f) + ")", tls13, func(edits ...edit) func(testing.TB, uint16) *Peer {
		return d.start(f, dockerdtest.TLSVerify, edits...)
	}}
}

// on repeats a fault on several makes, one for each letter.
func (d *daemons) on(letters string, f Fault, edits ...edit) []Fault {
	makers := d.makers()
	var faults []Fault
	for _, letter := range letters {
		m := makers[letter]
		fault := f
		fault.Name = m.name + ": " + f.Name
		fault.Start = m.start(edits...)
		fault.Versions = m.versions
		faults = append(faults, fault)
	}
	return faults
}
