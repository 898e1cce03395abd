package dockertls

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// fuzzedName is what a server is asked for.
const fuzzedName = "daemon.test"

// serverSeeds are certificates that servers show, each with one more behind it.
func serverSeeds(f *testing.F, ca *testCA) (seeds [][2][]byte) {
	evil := "evil \x1b[31m\r\n\u202e" + strings.Repeat("x", 300)
	add := func(signer *testCA, name string, edit issuing) {
		template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{fuzzedName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		edit(template)
		seeds = append(seeds, [2][]byte{signer.sign(template, signer.cert, newTestKey(f)).Raw, signer.cert.Raw})
	}
	nothing := func(*x509.Certificate) {}
	add(ca, "good", nothing)
	add(ca.below("between"), "below", nothing)
	add(newTestCA(f, "foreign", nil), evil, nothing)
	add(newTestCA(f, "ca", nil), "twin", nothing)
	add(newTestCA(f, "ca", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }), "of none", nothing)
	add(ca, "no names", func(c *x509.Certificate) { c.DNSNames = nil })
	add(ca, "others", func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"*.test", "*.daemon.test", "xn--bcher-kva.test"}, []net.IP{net.IPv4(10, 0, 0, 1), net.IPv6loopback}
	})
	add(ca, "old", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	add(ca, "early", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	})
	add(ca, "client", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	add(ca, "critical", func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	})
	return seeds
}

// FuzzServerCertificate: a server shows any certificates, and asks for one of any
// authority. If they do not verify, the kind of the error is what crypto/x509 finds
// wrong with them; it can be shown, with all that was seen of them, and it does not
// take long. Every alert about our own certificate can be explained besides.
func FuzzServerCertificate(f *testing.F) {
	ca := newTestCA(f, "ca", nil)
	for _, seed := range serverSeeds(f, ca) {
		f.Add(seed[0], seed[1], ca.cert.Raw, ca.cert.RawSubject)
	}
	f.Add(ca.cert.Raw, []byte{}, ca.cert.Raw, []byte("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x13\x04\x1b[2J"))
	cert, key := ca.pair("client", newTestKey(f), nil)
	f.Fuzz(func(t *testing.T, leaf, next, root, accepted []byte) {
		chain := parsedOf(leaf, next)
		roots := parsedOf(root)
		if len(chain) == 0 || len(roots) == 0 {
			return
		}
		cfg, err := Resolve(Options{Host: "tcp://" + fuzzedName, TLSVerify: new(true), CA: pemOf(roots[0]), Cert: cert, Key: key})
		check(t, err)
		seen := &handshake{version: tls.VersionTLS13, requested: true, sent: true, accepted: [][]byte{accepted}, chain: chain, generation: cfg.current()}
		s := scene{cfg: cfg, seen: seen, stage: StageHandshake}
		start := time.Now()
		err = verifyChain(chain, cfg.current().pool, fuzzedName)
		e := s.explain(orNone(err))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		checkTrust(t, e, err, chain, roots[0])
		for _, alert := range []int{alertHandshakeFailure, alertNoCertificate, alertBadCertificate, alertCertExpired, alertUnknownCA, alertAccessDenied, alertCertificateRequired} {
			for _, sent := range []bool{false, true} {
				seen.sent = sent
				if e := s.judgeAlert(alert); e != nil {
					CheckMessage(t, s.complete(e, err))
				}
			}
		}
	})
}

func orNone(err error) error {
	if err == nil {
		return errors.New("nothing is wrong")
	}
	return err
}

// parsedOf are the certificates that crypto/x509 reads, up to the first that it
// does not.
func parsedOf(ders ...[]byte) (certs []*x509.Certificate) {
	for _, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil || cert.PublicKey == nil {
			break
		}
		certs = append(certs, cert)
	}
	return certs
}

// checkTrust compares an explanation with what can be seen without it.
func checkTrust(t *testing.T, e *Error, err error, chain []*x509.Certificate, root *x509.Certificate) {
	t.Helper()
	if (err == nil) != (e == nil) {
		t.Fatalf("%v is explained as %+v", err, e)
	}
	if err == nil {
		return
	}
	CheckMessage(t, e)
	now := time.Now()
	all := append(slices.Clone(chain), root)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	holds := map[Kind]bool{
		ServerNameMismatch: chain[0].VerifyHostname(fuzzedName) != nil,
		ServerCertExpired:  slices.ContainsFunc(all, func(c *x509.Certificate) bool { return now.After(c.NotAfter) }),
		ServerCertNotYet:   slices.ContainsFunc(all, func(c *x509.Certificate) bool { return now.Before(c.NotBefore) }),
		ServerUntrusted:    verifyChain(chain, pool, "") != nil,
		ServerCertInvalid:  verifyChain(chain, pool, "") != nil,
	}
	if !holds[e.Kind] {
		t.Errorf("%v is explained as %+v", err, e)
	}
	for _, c := range slices.Concat(e.Evidence.Server, e.Evidence.Trusted) {
		CheckShown(t, nil, append([]string{c.Subject, c.Issuer}, slices.Concat(c.DNSNames, c.IPAddresses)...)...)
	}
	CheckShown(t, nil, e.Evidence.Accepted...)
}
