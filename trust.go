package dockertls

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
)

// A distrust is why no chain leads from a certificate to an authority.
type distrust int

const (
	issuerUnknown    distrust = iota // nobody has a certificate of the issuer
	issuerSelfSigned                 // the chain ends in an authority that is not one of ours
	issuerTwin                       // there is one of that name, with another key
	issuerNoCA                       // there is one, and it may not sign
	issuerWeak                       // the signature is not worth anything: SHA-1, a short key
	issuerKnown                      // there is no gap
)

// A gap is where a chain breaks off.
type gap struct {
	why    distrust
	cert   *x509.Certificate // the last one that could be followed to
	issuer *x509.Certificate // of its issuer's name, if there is one
	ours   bool              // that one is an authority of ours, not sent by the peer
}

// maxChecks bounds the signatures that are checked for one chain: a server may
// send what it likes. crypto/x509 has the same limit.
const maxChecks = 100

// A tracer follows a chain, with a limit.
type tracer struct {
	chain, roots []*x509.Certificate
	checks       int
}

// findGap follows a chain, the leaf first, from issuer to issuer, and says where
// it fails to reach one of the roots. crypto/x509 tells the reason in its text
// only.
func findGap(chain, roots []*x509.Certificate) gap {
	t := &tracer{chain: distinct(chain), roots: roots}
	g := gap{cert: chain[0]}
	for range maxChain {
		if root := t.named(t.roots, g.cert, nil); root != nil {
			g.issuer, g.ours, g.why = root, true, whyNotSigned(g.cert, root)
			return g
		}
		if bytes.Equal(g.cert.RawIssuer, g.cert.RawSubject) {
			g.why = issuerSelfSigned
			return g
		}
		next := t.named(t.chain, g.cert, g.cert)
		if next == nil {
			return g
		}
		if why := whyNotSigned(g.cert, next); why != issuerKnown {
			g.issuer, g.why = next, why
			return g
		}
		g.cert = next
	}
	return g
}

// distinct leaves out what is there twice.
func distinct(certs []*x509.Certificate) []*x509.Certificate {
	var once []*x509.Certificate
	for _, c := range certs[:min(len(certs), maxChecks)] {
		if !containsCert(once, c) {
			once = append(once, c)
		}
	}
	return once
}

// named finds the certificate that has the name of cert's issuer, one that
// really signed it before others.
func (t *tracer) named(certs []*x509.Certificate, cert, not *x509.Certificate) *x509.Certificate {
	var found *x509.Certificate
	for _, c := range certs {
		if c == not || !bytes.Equal(c.RawSubject, cert.RawIssuer) {
			continue
		}
		if t.checks++; t.checks > maxChecks {
			return found
		}
		if cert.CheckSignatureFrom(c) == nil {
			return c
		}
		if found == nil {
			found = c
		}
	}
	return found
}

// named is the same for a few certificates of our own.
func named(certs []*x509.Certificate, cert *x509.Certificate) *x509.Certificate {
	return new(tracer).named(certs, cert, nil)
}

// twinIssuer finds the authority that has the name of a certificate's issuer, but
// another key: it is of another generation.
func twinIssuer(certs []*x509.Certificate, cert *x509.Certificate) *x509.Certificate {
	if ca := named(certs, cert); ca != nil && cert.CheckSignatureFrom(ca) != nil {
		return ca
	}
	return nil
}

// whyNotSigned tells why a certificate does not count as signed by the one that
// has its issuer's name.
func whyNotSigned(cert, issuer *x509.Certificate) distrust {
	err := cert.CheckSignatureFrom(issuer)
	switch {
	case errors.As(err, new(x509.ConstraintViolationError)):
		return issuerNoCA
	case errors.As(err, new(x509.InsecureAlgorithmError)), err != nil && isShort(issuer):
		return issuerWeak
	case err != nil:
		return issuerTwin
	}
	return issuerKnown
}

// minimumRSA is the shortest RSA key that Go uses (crypto/rsa).
const minimumRSA = 1024

func isShort(cert *x509.Certificate) bool {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() < minimumRSA
}

// parseCertificates reads the certificates of PEM data, and leaves out the rest.
func parseCertificates(data []byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, cert)
		}
	}
	return certs
}

// poolOf makes roots of certificates.
func poolOf(certs []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool
}

// containsCert tells whether one of the certificates is cert.
func containsCert(certs []*x509.Certificate, cert *x509.Certificate) bool {
	return slices.ContainsFunc(certs, cert.Equal)
}
