package main

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"
)

const (
	authorityYears = 10
	// backdate is for peers whose clock is a little behind.
	backdate = time.Hour
	day      = 24 * time.Hour
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// A subject is what a daemon's or a client's certificate says.
type subject struct {
	commonName string
	names      []string // of a daemon
	usage      x509.ExtKeyUsage
	rsaBits    int
}

func newAuthority(rsaBits int, now time.Time) (authority, pair, error) {
	key, err := newKey(rsaBits)
	if err != nil {
		return authority{}, pair{}, err
	}
	// A name of its own: clients tell two authorities of one name apart by trial only.
	// The organization keeps it unlike the name of any certificate that it signs.
	template, err := newTemplate("docker CA "+strings.ToLower(rand.Text()[:6]), key, now)
	if err != nil {
		return authority{}, pair{}, err
	}
	template.Subject.Organization = []string{"mkcerts"}
	template.NotAfter = template.NotBefore.AddDate(authorityYears, 0, 0)
	template.IsCA = true
	template.MaxPathLenZero = true // no authorities below it
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.AuthorityKeyId = template.SubjectKeyId // for strict checkers, also in a root
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return authority{}, pair{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, pair{}, err
	}
	p, err := newPair(der, key)
	return authority{cert, key}, p, err
}

// readAuthority reads the authority of a set that was made before, by this
// program or another.
func readAuthority(certFile, keyFile string, now time.Time) (authority, error) {
	certPEM, err := os.ReadFile(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		return authority{}, fmt.Errorf("there is no authority yet (make a set first): %w", err)
	}
	if err != nil {
		return authority{}, err
	}
	keyPEM, err := os.ReadFile(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return authority{}, fmt.Errorf("only with the authority's key can certificates be issued: %w", err)
	}
	if err != nil {
		return authority{}, err
	}
	if bytes.Contains(keyPEM, []byte("ENCRYPTED")) {
		return authority{}, fmt.Errorf("%s has a pass phrase, which is not supported: "+
			"openssl pkey -in %[1]s -out NEWFILE takes it off", keyFile)
	}
	loaded, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return authority{}, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	ca := authority{loaded.Leaf, loaded.PrivateKey.(crypto.Signer)} // all keys of X509KeyPair sign
	if err := ca.check(now); err != nil {
		return authority{}, fmt.Errorf("%s: %w", certFile, err)
	}
	return ca, nil
}

// check tells why an authority can sign nothing of use.
func (a authority) check(now time.Time) error {
	switch {
	case !a.cert.BasicConstraintsValid || !a.cert.IsCA:
		return errors.New("no certificate of an authority (basic constraints CA:TRUE)")
	case a.cert.KeyUsage != 0 && a.cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("its key usage does not allow it to sign certificates")
	case now.After(a.cert.NotAfter):
		return fmt.Errorf("the authority expired on %s: make a new set in another folder, "+
			"and hand its ca.pem to the daemon and all clients", date(a.cert.NotAfter))
	}
	return nil
}

// warnings are about an authority that works, but not everywhere or not for long.
func (a authority) warnings(leafEnd time.Time) []string {
	var out []string
	if leafEnd.After(a.cert.NotAfter) {
		out = append(out, fmt.Sprintf("the authority expires on %s, and what it issues ends then too: "+
			"make a new set in another folder in time, and hand its ca.pem to the daemon and all clients", date(a.cert.NotAfter)))
	}
	if a.cert.KeyUsage == 0 || len(a.cert.SubjectKeyId) == 0 {
		out = append(out, "ca.pem has no key usage or no subject key identifier: "+
			"Python 3.13 and other strict clients refuse it")
	}
	return out
}

// issue makes a key and a certificate for it.
func (a authority) issue(s subject, days int, now time.Time) (pair, error) {
	key, err := newKey(s.rsaBits)
	if err != nil {
		return pair{}, err
	}
	template, err := newTemplate(s.commonName, key, now)
	if err != nil {
		return pair{}, err
	}
	template.NotAfter = earlier(leafEnd(days, now), a.cert.NotAfter)
	template.ExtKeyUsage = []x509.ExtKeyUsage{s.usage}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	if s.rsaBits != 0 {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment // the RSA key exchange of TLS 1.2
	}
	addNames(template, s.names)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, err
	}
	if err := a.verify(der, s, now); err != nil {
		return pair{}, fmt.Errorf("the authority's certificates are no good: %w", err)
	}
	return newPair(der, key)
}

// verify checks a certificate as a peer will. An authority made elsewhere may
// have constraints that no certificate for these names can meet.
func (a authority) verify(der []byte, s subject, now time.Time) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	// Compared as text: the same name may be encoded in several ways.
	if strings.EqualFold(cert.Subject.String(), cert.Issuer.String()) {
		return fmt.Errorf("%q is the authority's own name, and OpenSSL would take the certificate for a self-signed one", s.commonName)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	opts := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{s.usage}, CurrentTime: now}
	if _, err := cert.Verify(opts); err != nil {
		return err
	}
	for _, name := range s.names {
		if err := cert.VerifyHostname(strings.Replace(name, "*", "any", 1)); err != nil {
			return err
		}
	}
	return nil
}

// leafEnd is when certificates end. Both ends count, hence the second.
func leafEnd(days int, now time.Time) time.Time {
	return now.Add(-backdate).Add(time.Duration(days)*day - time.Second)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func addNames(template *x509.Certificate, names []string) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
}

// namesOf returns what addNames was given.
func namesOf(cert *x509.Certificate) []string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}
