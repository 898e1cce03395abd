package faulttest

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/dockertls/dockertls"
)

// serverFaults: the server's certificate is not one to trust.
func serverFaults(d *daemons) []Fault {
	return slices.Concat(dateFaults(), nameFaults(d), trustFaults(d), ruleFaults())
}

// The names of authorities in chains.
const (
	rootCA       = "docker root CA"
	intermediate = "docker intermediate CA"
)

// dateFaults: something in the chain has expired, or is not valid yet. Go says
// "x509: certificate has expired or is not yet valid: current time 2026-... is
// after 2024-03-01T12:00:00Z" in all of these, and not of which one.
func dateFaults() []Fault {
	var faults []Fault
	for _, dates := range []struct {
		name string
		kind dockertls.Kind
		day  string
		set  change
	}{
		{"has expired", dockertls.ServerCertExpired, day(past), expired},
		{"is not yet valid", dockertls.ServerCertNotYet, day(future), notYetValid},
	} {
		for _, row := range []struct {
			what  string
			start starter
			edit  edit
			words []string
		}{
			{"Go: the server's certificate", goTLS, serve(dates.set), []string{"server"}},
			{"openssl: the server's certificate", opensslServer, serve(dates.set), []string{"server"}},
			{"nginx: the server's certificate", nginxTLS, serve(dates.set), []string{"server"}},
			{"Go: the intermediate", goTLS, serveChain(nil, dates.set), []string{"intermediate", intermediate}},
			{"openssl: the intermediate", opensslServer, serveChain(nil, dates.set), []string{"intermediate", intermediate}},
			{"Go: the authority in ca.pem", goTLS, serveChain(dates.set, nil), []string{"ca.pem", rootCA}},
			{"haproxy: the authority in ca.pem", haproxyTLS, serveChain(dates.set, nil), []string{"ca.pem", rootCA}},
		} {
			faults = append(faults, Fault{
				Name:     row.what + " " + dates.name,
				Start:    start(row.start, row.edit),
				Versions: both,
				Kind:     dates.kind,
				Words:    append(row.words, dates.day),
			})
		}
	}
	return faults
}

// serve has the CA issue another certificate for the server.
func serve(changes ...change) edit {
	return func(s *setup) { s.server.pair = s.ca.server(changes...) }
}

// serveChain puts an intermediate below the root.
func serveChain(root, below change) edit {
	return func(s *setup) {
		s.ca = newAuthority(rootCA, orNothing(root))
		s.trusted = s.ca.pem()
		s.server.pair = s.ca.below(intermediate, orNothing(below)).server()
	}
}

func orNothing(c change) change {
	if c == nil {
		return func(*x509.Certificate) {}
	}
	return c
}

// nameFaults: the server's certificate is for another name. Go says "x509:
// certificate is valid for a, b, not c", or "x509: cannot validate certificate
// for 127.0.0.1 because it doesn't contain any IP SANs", or "x509: certificate
// relies on legacy Common Name field, use SANs instead".
func nameFaults(d *daemons) []Fault {
	fault := func(name string, words, hint []string, edits ...edit) Fault {
		return Fault{
			Name: name, Start: start(goTLS, edits...), Versions: both,
			Kind: dockertls.ServerNameMismatch, Words: words, Hint: append(hint, "subjectAltName"),
		}
	}
	const here, there, wildcard = "daemon.example.test", "other.example.test", "*.example.test"
	faults := []Fault{
		fault("Go: another DNS name", []string{here, there}, []string{"DNS:" + here}, serve(named(there, there)), reachedAs(here)),
		fault("Go: an IP address, and no IP name", []string{"127.0.0.1", there}, []string{"IP:127.0.0.1"}, serve(named(there, there))),
		fault("Go: an IP address, and another IP name", []string{"127.0.0.1", "10.1.2.3"}, []string{"IP:127.0.0.1"},
			serve(named("10.1.2.3", "10.1.2.3"))),
		fault("Go: an IP address, written as a DNS name", []string{"127.0.0.1", "DNS"}, []string{"IP:127.0.0.1"}, serve(addressAsDNS)),
		fault("Go: a DNS name, in the Common Name only", []string{here}, []string{"Common Name", "DNS:" + here}, serve(named(here)), reachedAs(here)),
		fault("Go: an IP address, in the Common Name only", []string{"127.0.0.1"}, []string{"Common Name", "IP:127.0.0.1"}, serve(named("127.0.0.1"))),
		fault("Go: two labels for one wildcard", []string{"a.b.example.test", wildcard}, nil, serve(named(wildcard, wildcard)), reachedAs("a.b.example.test")),
		fault("Go: the domain without a label for the wildcard", []string{"for example.test", wildcard}, nil, serve(named(wildcard, wildcard)), reachedAs("example.test")),
		fault("Go: another ServerName", []string{there, "localhost"}, nil, checkedAs(there)),
		fault("Go: another IP address as ServerName", []string{"10.1.2.3", "localhost"}, []string{"IP:10.1.2.3"}, checkedAs("10.1.2.3")),
	}
	onDaemons := fault("another ServerName", []string{there, "localhost"}, nil)
	return append(faults, d.on("dmohns", onDaemons, checkedAs(there))...)
}

func addressAsDNS(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"127.0.0.1"}, nil }

// reachedAs is the name by which the client knows the server.
func reachedAs(name string) edit { return func(s *setup) { s.name = name } }

func checkedAs(name string) edit { return func(s *setup) { s.options.ServerName = name } }

// trustFaults: nobody that the client trusts has signed the server's
// certificate. Go says "x509: certificate signed by unknown authority", of a
// twin with "(possibly because of "x509: ECDSA verification failure" while
// trying to verify candidate authority certificate "daemon CA")". If ca.pem has
// the server's very certificate, Go accepts it.
func trustFaults(d *daemons) []Fault {
	fault := func(name string, words, hint []string) Fault {
		return Fault{Name: name, Versions: both, Kind: dockertls.ServerUntrusted, Words: words, Hint: hint}
	}
	noAuthority := fault("Go: an authority in ca.pem that is no CA", []string{rootCA, "not an authority"}, []string{"CA:TRUE"})
	noAuthority.Start = start(goTLS, serveChain(noCA, nil))
	faults := []Fault{noAuthority}
	for _, row := range []struct {
		makes string
		fault Fault
		edit  edit
	}{
		{"dmgohns", fault("an authority that ca.pem does not have", []string{daemonCA, foreignCA}, []string{"--tlscacert"}), trust(foreign)},
		{"dmgo", fault("an authority whose name ca.pem has, with another key", []string{"same name", daemonCA}, nil), trust(twin)},
		{"gon", fault("the intermediate is not sent", []string{intermediate}, []string{"intermediate"}), withoutChain},
		{"gon", fault("a self-signed certificate", []string{"self-signed"}, nil), selfSigned},
		{"dmg", fault("ca.pem is a client's certificate", []string{"ca.pem", daemonCA}, nil), trust(ownClient)},
		{"g", fault("ca.pem is an older certificate of the server", []string{"ca.pem", daemonCA}, nil), trust(olderServer)},
	} {
		faults = append(faults, d.on(row.makes, row.fault, row.edit)...)
	}
	return faults
}

// trust makes the client's ca.pem.
func trust(ca func(*setup) []byte) edit { return func(s *setup) { s.trusted = ca(s) } }

func foreign(*setup) []byte       { return newAuthority(foreignCA).pem() }
func twin(*setup) []byte          { return newAuthority(daemonCA).pem() }
func ownClient(s *setup) []byte   { return firstCert(s.ca.client()) }
func olderServer(s *setup) []byte { return firstCert(s.ca.server()) }

func withoutChain(s *setup) {
	serveChain(nil, nil)(s)
	s.server.pair.CertPEM = firstCert(s.server.pair)
}

func selfSigned(s *setup) { s.server.pair = selfSignedServer() }

// ruleFaults: a certificate breaks a rule. The comments are what Go says.
func ruleFaults() []Fault {
	var faults []Fault
	for _, row := range []struct {
		name  string
		start starter
		edit  edit
		words []string
		hint  []string
	}{
		// x509: certificate signed by unknown authority (possibly because of "x509: invalid signature: parent
		// certificate cannot sign this kind of certificate" while trying to verify candidate authority certificate ...)
		{"Go: an intermediate that is no CA", goTLS, serveChain(nil, noCA), []string{intermediate}, nil},
		{"openssl: an intermediate that is no CA", opensslServer, serveChain(nil, noCA), []string{intermediate}, nil},
		// x509: a root or intermediate certificate is not authorized to sign for this name: ...
		{"Go: a name that the intermediate may not sign", goTLS, serveChain(nil, onlyNames), []string{"name"}, nil},
		// x509: too many intermediates for path length constraint
		{"Go: more intermediates than the authority allows", goTLS, serveChain(noIntermediates, nil), []string{"intermediate"}, nil},
		// x509: certificate specifies an incompatible key usage
		{"Go: a certificate for clients only", goTLS, serve(forClients), []string{"server"}, []string{"serverAuth"}},
		{"openssl: a certificate for clients only", opensslServer, serve(forClients), []string{"server"}, []string{"serverAuth"}},
		{"haproxy: a certificate for clients only", haproxyTLS, serve(forClients), []string{"server"}, []string{"serverAuth"}},
		// x509: unhandled critical extension
		{"Go: an unknown critical extension", goTLS, serve(unknownExtension), []string{"extension"}, nil},
	} {
		faults = append(faults, Fault{
			Name: row.name, Start: start(row.start, row.edit), Versions: both,
			Kind: dockertls.ServerCertInvalid, Words: row.words, Hint: row.hint,
		})
	}
	return append(faults, oddFaults()...)
}

func noCA(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }

func onlyNames(c *x509.Certificate) {
	c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.test"}
}

func noIntermediates(c *x509.Certificate) { c.MaxPathLenZero = true }

func unknownExtension(c *x509.Certificate) {
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
}
