package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// A pair is a certificate and its key, as PEM.
type pair struct{ cert, key []byte }

func newPair(der []byte, key crypto.Signer) (pair, error) {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}

// newKey makes a key on the curve P-256, or with bits an RSA key.
func newKey(rsaBits int) (crypto.Signer, error) {
	if rsaBits != 0 {
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// rsaBitsOf is what newKey makes a key of the same kind from, or of a better one.
func rsaBitsOf(cert *x509.Certificate) int {
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		return max(key.N.BitLen(), 2048)
	}
	return 0
}

// newTemplate holds what all certificates have in common.
func newTemplate(commonName string, key crypto.Signer, now time.Time) (*x509.Certificate, error) {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(public) // the method is free; 160 bits are usual
	return &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-backdate),
		BasicConstraintsValid: true,
		SubjectKeyId:          id[:20],
	}, nil
}

// newSerial returns a positive number of exactly 128 random bits; zero and
// negative ones are refused by some.
func newSerial() *big.Int {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] |= 0x80
	return new(big.Int).SetBytes(serial)
}
