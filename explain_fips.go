package dockertls

import (
	"crypto/ecdsa"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

// explainFIPS is about a chain that verifies, and that crypto/tls refuses all
// the same: in FIPS mode it allows certain keys only, in every certificate of
// the chain. It has no type for that.
func (s scene) explainFIPS(chain []*x509.Certificate) *Error {
	if !fips140.Enabled() || s.cfg == nil || !s.material().verifies(chain) {
		return nil
	}
	e := s.invalid(fmt.Sprintf("the chain of the server's certificate, which has %s, has a key that FIPS mode does not allow, and this program runs in that mode", keyName(chain[0])))
	return e.hint("issue the daemon's certificate and its authority's with RSA keys of 2048 bits or more, or ECDSA keys on P-256, P-384 or P-521")
}

// keyName describes the key of a certificate.
func keyName(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "an ECDSA key on " + key.Params().Name
	}
	return fmt.Sprintf("a key for %s", cert.PublicKeyAlgorithm)
}
