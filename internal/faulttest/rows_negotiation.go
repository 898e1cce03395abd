package faulttest

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
)

// negotiationFaults: the two sides do not agree on how to speak TLS. None of
// this has to do with client certificates, though the alert is often the same,
// handshake_failure, and no hint may lead there.
func negotiationFaults() []Fault {
	var faults []Fault
	for _, f := range slices.Concat(versionFaults(), cipherFaults(), serverNameFaults()) {
		f.NotHint = []string{"client certificate", "cert.pem"}
		faults = append(faults, f)
	}
	return faults
}

// versionFaults: the server speaks TLS up to 1.1. It sends the alert
// protocol_version, or, if it is older than TLS 1.3, just takes its own version:
// "tls: server selected unsupported protocol version 302".
func versionFaults() []Fault {
	const insecure = "DEFAULT:@SECLEVEL=0"
	var faults []Fault
	for _, row := range []struct {
		name  string
		start func(testing.TB, uint16) *Peer
	}{
		{"openssl: TLS 1.1 only", start(opensslServer, extra("-tls1_1", "-cipher", insecure))},
		{"openssl: TLS 1.0 only", start(opensslServer, extra("-tls1", "-cipher", insecure))},
		{"haproxy: up to TLS 1.1", start(haproxyTLS, extra("ssl-min-ver", "TLSv1.0", "ssl-max-ver", "TLSv1.1", "ciphers", insecure))},
		{"nginx: up to TLS 1.1", start(nginxOld)},
		{"stunnel: up to TLS 1.1", start(stunnelTLS, extra("sslVersionMin = TLSv1", "sslVersionMax = TLSv1.1", "ciphers = "+insecure))},
		{"Go: up to TLS 1.1", start(goTLSWith(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }))},
		{"Go: TLS 1.1, and wants a client certificate", start(goTLSWith(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}), requireCert)},
		{"scripted: answers with TLS 1.1", start(scripted(answering(serverHello(0x0302))))},
	} {
		faults = append(faults, Fault{
			Name: row.name, Start: row.start,
			Kind: dockertls.TLSVersion, Words: []string{"TLS"}, Hint: []string{"update"},
		})
	}
	return faults
}

// serverHello is a whole one, in a record of its own.
func serverHello(version uint16) string {
	body := string(binary.BigEndian.AppendUint16(nil, version)) + strings.Repeat("r", 32) + // the version and a random number
		"\x00\xc0\x13\x00" // no session, ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression
	message := "\x02\x00\x00" + string(byte(len(body))) + body
	return "\x16\x03\x02\x00" + string(byte(len(message))) + message
}

// extra are arguments or lines of the make's own.
func extra(values ...string) edit { return func(s *setup) { s.server.extra = values } }

func nginxOld(t testing.TB, s server) endpoint {
	t.Helper()
	dir := tempDir(t)
	return nginx(t, "listen %s ssl", "ssl_certificate "+writeFile(t, dir, "server.pem", s.pair.CertPEM),
		"ssl_certificate_key "+writeFile(t, dir, "server-key.pem", s.pair.KeyPEM),
		"ssl_protocols TLSv1 TLSv1.1", "ssl_ciphers DEFAULT:@SECLEVEL=0")
}

// cipherFaults: there is a version in common, and something else is not. The
// server sends the alert handshake_failure, or internal_error. A protocol above
// TLS (ALPN) is not among it: servers refuse a client for that only if it has
// named some itself. One that speaks HTTP/2 only is in protocolFaults.
func cipherFaults() []Fault {
	rsa := func(s *setup) {
		s.server.pair = s.ca.issue(rsaKey(2048), forServers, named("daemon", "localhost", "127.0.0.1"))
	}
	var faults []Fault
	for _, row := range []struct {
		name     string
		versions []uint16
		start    func(testing.TB, uint16) *Peer
	}{
		// What Go does not offer since 1.22, unless it is told to.
		{"openssl: RSA key exchange only", tls12, start(opensslServer, rsa, extra("-cipher", "AES128-SHA256:AES256-GCM-SHA384"))},
		{"haproxy: RSA key exchange only", tls12, start(haproxyTLS, rsa, extra("ciphers", "AES128-SHA256"))},
		{"nginx: finite fields only", tls12, start(nginxTLS, rsa, extra("ssl_ciphers DHE-RSA-AES256-GCM-SHA384"))},
		{"stunnel: RSA key exchange only", tls12, start(stunnelTLS, rsa, extra("ciphers = AES128-SHA256"))},
		{"Go: RSA key exchange only", tls12, start(goTLSWith(func(c *tls.Config) {
			c.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA256}
		}), rsa)},
		{"openssl: no curve in common", both, start(opensslServer, extra("-groups", "X448"))},
		{"haproxy: no curve in common", both, start(haproxyTLS, extra("curves", "X448"))},
		{"nginx: no curve in common", both, start(nginxTLS, extra("ssl_ecdh_curve X448"))},
		{"openssl: a key that Go cannot verify with", both, startOdd([]string{"-algorithm", "ED448"}, nil)},
		{"openssl: no cipher in common, and wants a client certificate", tls12,
			start(opensslServer, rsa, extra("-cipher", "AES128-SHA256"), requireCert, show)},
		{"Go: an internal error", both, start(goTLSWith(func(c *tls.Config) {
			c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("out of order") }
		}))},
	} {
		faults = append(faults, Fault{
			Name: row.name, Start: row.start, Versions: row.versions,
			Kind: dockertls.TLSHandshake,
		})
	}
	return faults
}

// serverNameFaults: the server has no certificate for the name that we ask
// for, or wants to be asked for one. It sends the alert unrecognized_name.
func serverNameFaults() []Fault {
	const here, there = "daemon.example.test", "other.example.test"
	served := serve(named(there, there))
	var faults []Fault
	for _, row := range []struct {
		name  string
		start starter
		edits []edit
		words []string
	}{
		{"haproxy: an unknown name", haproxyTLS, []edit{served, extra("strict-sni"), reachedAs(here)}, []string{here}},
		{"haproxy: an IP address where a name is wanted", haproxyTLS, []edit{served, extra("strict-sni")}, []string{"127.0.0.1"}},
		{"haproxy: an unknown ServerName", haproxyTLS, []edit{served, extra("strict-sni"), checkedAs(here)}, []string{here}},
		{"nginx: an unknown name", nginxTLS, []edit{served, extra("ssl_reject_handshake on"), reachedAs(here)}, []string{here}},
		{"nginx: an IP address where a name is wanted", nginxTLS, []edit{served, extra("ssl_reject_handshake on")}, []string{"127.0.0.1"}},
		{"openssl: an unknown name", opensslOtherName, []edit{served, reachedAs(here)}, []string{here}},
		{"Go: an unknown name", goTLSWith(withoutCertificate), []edit{served, reachedAs(here)}, []string{here}},
	} {
		faults = append(faults, Fault{
			Name: row.name, Start: start(row.start, row.edits...), Versions: both,
			Kind: dockertls.ServerNameUnrecognized, Words: row.words,
		})
	}
	return faults
}

// opensslOtherName refuses all names but one.
func opensslOtherName(t testing.TB, s server) endpoint {
	t.Helper()
	dir := tempDir(t)
	s.extra = []string{"-servername", "other.example.test", "-servername_fatal",
		"-cert2", writeFile(t, dir, "server.pem", s.pair.CertPEM), "-key2", writeFile(t, dir, "server-key.pem", s.pair.KeyPEM)}
	return opensslServer(t, s)
}

// withoutCertificate is a server that looks certificates up by name, and finds none.
func withoutCertificate(c *tls.Config) {
	c.Certificates = nil
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
}
