package faulttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"

	"github.com/dockertls/dockertls/dockertlstest"
)

// An authority may break the rules that dockertlstest.CA keeps: its own
// certificate, and every one that it issues, can be anything.
type authority struct {
	cert  *x509.Certificate
	key   crypto.Signer
	chain [][]byte // what its leaves carry: itself and those above, without the root
}

// newAuthority makes a root.
func newAuthority(name string, changes ...change) *authority {
	key := newKey()
	template := authorityTemplate(name, changes)
	return &authority{cert: sign(template, template, key.Public(), key), key: key}
}

// below makes an authority that a has signed.
func (a *authority) below(name string, changes ...change) *authority {
	key := newKey()
	cert := sign(authorityTemplate(name, changes), a.cert, key.Public(), a.key)
	return &authority{cert: cert, key: key, chain: slices.Concat([][]byte{cert.Raw}, a.chain)}
}

// server issues a pair for a server on loopback.
func (a *authority) server(changes ...change) *dockertlstest.Pair {
	return a.issue(newKey(), slices.Concat([]change{forServers, named("daemon", "localhost", "127.0.0.1")}, changes)...)
}

// client issues a pair for a client.
func (a *authority) client(changes ...change) *dockertlstest.Pair {
	return a.issue(newKey(), slices.Concat([]change{forClients, named("client")}, changes)...)
}

// selfSignedServer is a pair for a server that no authority has signed.
func selfSignedServer() *dockertlstest.Pair {
	self := newAuthority("daemon", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature },
		forServers, named("daemon", "localhost", "127.0.0.1"))
	return &dockertlstest.Pair{CertPEM: self.pem(), KeyPEM: keyPEM(self.key)}
}

// issue makes a leaf.
func (a *authority) issue(key crypto.Signer, changes ...change) *dockertlstest.Pair {
	template := newTemplate("leaf")
	template.KeyUsage = x509.KeyUsageDigitalSignature
	for _, change := range changes {
		change(template)
	}
	leaf := sign(template, a.cert, key.Public(), a.key)
	return &dockertlstest.Pair{
		CertPEM: certPEM(slices.Concat([][]byte{leaf.Raw}, a.chain)...),
		KeyPEM:  keyPEM(key),
	}
}

func (a *authority) pem() []byte { return certPEM(a.cert.Raw) }

func authorityTemplate(name string, changes []change) *x509.Certificate {
	template := newTemplate(name)
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign
	for _, change := range changes {
		change(template)
	}
	return template
}

func newTemplate(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	check(err)
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true,
	}
}

// The dates of certificates that have expired, and of those that are not valid yet.
var (
	past   = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	future = time.Now().UTC().AddDate(10, 0, 0).Truncate(24 * time.Hour)
)

// day is how diagnoses write a date.
func day(t time.Time) string { return t.Format(time.DateOnly) }

// A change is one to a certificate before it is signed.
type change = func(*x509.Certificate)

func expired(c *x509.Certificate) { c.NotBefore, c.NotAfter = past.AddDate(-1, 0, 0), past }

func notYetValid(c *x509.Certificate) { c.NotBefore, c.NotAfter = future, future.AddDate(1, 0, 0) }

func forServers(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
func forClients(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

// named sets the common name and the alternative names.
func named(common string, names ...string) change {
	return func(c *x509.Certificate) {
		c.Subject.CommonName = common
		c.DNSNames, c.IPAddresses = nil, nil
		for _, name := range names {
			if ip := net.ParseIP(name); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
			} else {
				c.DNSNames = append(c.DNSNames, name)
			}
		}
	}
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	check(err)
	cert, err := x509.ParseCertificate(der)
	check(err)
	return cert
}

func newKey() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

// rsaKey is not made with less than 1024 bits, with which Go does not sign.
func rsaKey(bits int) crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	check(err)
	return key
}

func certPEM(chain ...[]byte) []byte {
	var out []byte
	for _, der := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

func keyPEM(key crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// firstCert is the certificate of a pair without its chain.
func firstCert(p *dockertlstest.Pair) []byte { return certPEM(p.Leaf().Raw) }

// check panics on errors that a test cannot do anything about.
func check(err error) {
	if err != nil {
		panic("faulttest: " + err.Error())
	}
}
