package dockertls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// A testCA is an authority for the tests inside this package: they cannot
// import dockertlstest, which imports this package.
type testCA struct {
	t     testing.TB
	cert  *x509.Certificate
	key   crypto.Signer
	above []byte // the intermediates' certificates, this one's first, as PEM
}

// An issuing fills in a template before it is signed; nil leaves it as it is.
type issuing func(*x509.Certificate)

func newTestCA(t testing.TB, name string, edit issuing) *testCA {
	ca := &testCA{t: t, key: newTestKey(t)}
	ca.cert = ca.sign(caTemplate(name, edit), nil, ca.key)
	return ca
}

// below returns an intermediate.
func (ca *testCA) below(name string) *testCA {
	key := newTestKey(ca.t)
	cert := ca.sign(caTemplate(name, nil), ca.cert, key)
	return &testCA{ca.t, cert, key, append(pemOf(cert), ca.above...)}
}

func caTemplate(name string, edit issuing) *x509.Certificate {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	if edit != nil {
		edit(template)
	}
	return template
}

// pair returns a client's certificate with its chain, and its key, as PEM.
func (ca *testCA) pair(name string, key crypto.Signer, edit issuing) (cert, keyPEM []byte) {
	ca.t.Helper()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if edit != nil {
		edit(template)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(ca.t, err)
	leaf := ca.sign(template, ca.cert, key)
	return append(pemOf(leaf), ca.above...), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// sign fills in what every certificate has. Without a parent it signs itself.
func (ca *testCA) sign(template, parent *x509.Certificate, key crypto.Signer) *x509.Certificate {
	ca.t.Helper()
	now := time.Now()
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(now.UnixNano()), true
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), ca.key)
	check(ca.t, err)
	cert, err := x509.ParseCertificate(der)
	check(ca.t, err)
	return cert
}

func newTestKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return key
}

func pemOf(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}
