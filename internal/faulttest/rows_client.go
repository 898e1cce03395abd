package faulttest

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/proxytest"
)

// clientFaults: the server wants a client certificate, and not the one that it gets.
func clientFaults(d *daemons) []Fault {
	var faults []Fault
	for _, list := range [][]Fault{missingFaults(d), rejectedFaults(d), lateFaults()} {
		for _, f := range list {
			f.ClientCert = true
			faults = append(faults, f)
		}
	}
	return faults
}

const clientIntermediate = "client intermediate CA"

// missingFaults: the client has no certificate, or none that the server asks
// for, so that Go's TLS sends none.
func missingFaults(d *daemons) []Fault {
	required := func(name string, words, hint []string) Fault {
		return Fault{Name: name, Kind: dockertls.ClientCertRequired, Words: append(words, "client certificate"), Hint: hint}
	}
	var faults []Fault
	for _, row := range []struct {
		makes string
		fault Fault
		edit  edit
	}{
		{"dmgohns", required("no client certificate", nil, []string{"cert.pem", "--tlscert"}), func(*setup) {}},
		{"dmgohns", required("a client certificate of a foreign CA", []string{foreignCA, daemonCA}, nil), showForeign},
		{"dgo", required("a client certificate without its intermediate", []string{clientIntermediate, daemonCA}, nil), showWithoutIntermediate},
		{"mgo", required("a client certificate without its intermediate, which ca.pem has", []string{clientIntermediate, daemonCA},
			[]string{"intermediate"}), showWithoutKnownIntermediate},
	} {
		faults = append(faults, d.on(row.makes, row.fault, requireCert, row.edit)...)
	}
	return faults
}

// rejectedFaults: the client's certificate is sent, and refused.
func rejectedFaults(d *daemons) []Fault {
	rejected := func(name string, words, hint []string) Fault {
		return Fault{Name: name, Kind: dockertls.ClientCertRejected, Words: append(words, "client certificate"), Hint: hint}
	}
	dated := func(name string, kind dockertls.Kind, date time.Time) Fault {
		return Fault{Name: name, Kind: kind, Words: []string{"client certificate", day(date)}}
	}
	var faults []Fault
	for _, row := range []struct {
		makes string
		fault Fault
		edit  edit
	}{
		{"dmgohns", rejected("a client certificate of another CA of the same name", []string{daemonCA}, nil), showTwin},
		{"goh", rejected("a client certificate of a foreign CA, and no list of authorities", []string{foreignCA}, nil), unnamed(showForeign)},
		{"go", rejected("a client certificate without its intermediate, and no list of authorities", []string{clientIntermediate},
			nil), unnamed(showWithoutIntermediate)},
		{"dmgohns", dated("a client certificate that has expired", dockertls.ClientCertExpired, past), showIssued(expired)},
		{"mgohns", dated("a client certificate that is not yet valid", dockertls.ClientCertNotYet, future), showIssued(notYetValid)},
		{"dgohn", rejected("a client certificate for servers only", nil, []string{"clientAuth"}), showIssued(forServers)},
		{"on", rejected("a client certificate with a weak key", nil, nil), showWeak},
	} {
		faults = append(faults, d.on(row.makes, row.fault, requireCert, row.edit)...)
	}
	return append(faults, revokedFaults()...)
}

func requireCert(s *setup) { s.server.clientCA = s.ca.pem() }

func unnamed(next edit) edit {
	return func(s *setup) {
		s.server.unnamed = true
		next(s)
	}
}

func show(s *setup)        { s.client = s.ca.client() }
func showForeign(s *setup) { s.client = newAuthority(foreignCA).client() }
func showTwin(s *setup)    { s.client = newAuthority(daemonCA).client() }
func showWeak(s *setup)    { s.client = s.ca.issue(rsaKey(1024), forClients, named("client")) }

// showIssued shows a certificate of the right CA with something wrong in it.
func showIssued(wrong change) edit {
	return func(s *setup) { s.client = s.ca.client(wrong) }
}

func showWithoutIntermediate(s *setup) {
	s.client = s.ca.below(clientIntermediate).client()
	s.client.CertPEM = firstCert(s.client)
}

func showWithoutKnownIntermediate(s *setup) {
	intermediate := s.ca.below(clientIntermediate)
	s.client = intermediate.client()
	s.client.CertPEM = firstCert(s.client)
	s.trusted = append(s.trusted, intermediate.pem()...)
}

// lateFaults: under TLS 1.3 the client has finished its handshake before it is
// refused, so the refusal competes with its request.
func lateFaults() []Fault {
	required := Fault{Kind: dockertls.ClientCertRequired, Words: []string{"client certificate"}}
	rejected := Fault{Kind: dockertls.ClientCertRejected, Words: []string{"client certificate"}}
	noTickets := func(s *setup) { s.server.extra = append(s.server.extra, "-num_tickets", "0") }
	var faults []Fault
	for _, row := range []struct {
		name     string
		fault    Fault
		versions []uint16
		start    func(testing.TB, uint16) *Peer
	}{
		{"openssl: no client certificate, and no session tickets", required, tls13, start(opensslServer, requireCert, noTickets)},
		{"openssl: a foreign client certificate, and no session tickets", rejected, tls13,
			start(opensslServer, requireCert, noTickets, unnamed(showForeign))},
		{"Go: no client certificate, and no session tickets", required, tls13, start(goTLSWith(withoutTickets), requireCert)},
		{"Go: a foreign client certificate, and no session tickets", rejected, tls13,
			start(goTLSWith(withoutTickets), requireCert, unnamed(showForeign))},
		{"Go: no client certificate, noticed late", required, both, start(goTLSWith(refuseLate))},
		{"Go: a client certificate refused late", rejected, both, start(goTLSWith(refuseLate), show)},
		{"scripted: no client certificate, reset after the alert", required, tls13, start(overTLS(thenReset), requireCert)},
		{"scripted: a foreign client certificate, reset after the alert", rejected, tls13,
			start(overTLS(thenReset), requireCert, unnamed(showForeign))},
		{"Go behind haproxy: no client certificate", required, both, start(behindHaproxy(goTLS), requireCert)},
		{"Go behind haproxy: a client certificate of another CA of the same name", rejected, both,
			start(behindHaproxy(goTLS), requireCert, showTwin)},
		{"openssl behind haproxy: no client certificate", required, both, start(behindHaproxy(opensslServer), requireCert)},
		{"Go behind an HTTP proxy: no client certificate", required, both, startBehind("http", goTLS, requireCert)},
		{"Go behind an HTTP proxy: a client certificate of another CA of the same name", rejected, both,
			startBehind("http", goTLS, requireCert, showTwin)},
		{"openssl behind an HTTP proxy: no client certificate", required, both, startBehind("http", opensslServer, requireCert)},
		{"Go behind a SOCKS proxy: no client certificate", required, both, startBehind("socks5", goTLS, requireCert)},
		{"Go behind a SOCKS proxy: a client certificate of another CA of the same name", rejected, both,
			startBehind("socks5", goTLS, requireCert, showTwin)},
	} {
		f := row.fault
		f.Name, f.Versions, f.Start = row.name, row.versions, row.start
		faults = append(faults, f)
	}
	return faults
}

func withoutTickets(c *tls.Config) { c.SessionTicketsDisabled = true }

// refuseLate refuses every client, certificate or not, after a while.
func refuseLate(c *tls.Config) {
	c.ClientAuth = tls.RequestClientCert
	c.VerifyConnection = func(tls.ConnectionState) error {
		time.Sleep(100 * time.Millisecond)
		return errors.New("not welcome")
	}
}

func thenReset(_ *tls.Conn, raw net.Conn) { reset(raw) }

// behindHaproxy puts a forwarder before a server.
func behindHaproxy(s starter) starter {
	return func(t testing.TB, sv server) endpoint {
		t.Helper()
		e := s(t, sv)
		return endpoint{haproxyForward(t, e.addr).addr, e.connections}
	}
}

// startBehind is start with a proxy on the way.
func startBehind(scheme string, s starter, edits ...edit) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		peer := start(s, edits...)(t, tlsMax)
		addr := peer.Options.Host[len("tcp://"):]
		peer.Options.Proxy = proxytest.Start(t, proxytest.Options{Scheme: scheme, Target: addr}).Choose
		return peer
	}
}
