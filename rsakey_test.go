package dockertls

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"testing"
)

// newRSAKey is a key in both encodings.
func newRSAKey(t *testing.T) (key *rsa.PrivateKey, pkcs1, pkcs8 []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	pkcs8, err = x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	return key, x509.MarshalPKCS1PrivateKey(key), pkcs8
}

func TestLateRSAKeySigns(t *testing.T) {
	t.Parallel()
	key, pkcs1, pkcs8 := newRSAKey(t)
	digest := sha256.Sum256([]byte("x"))
	for name, der := range map[string][]byte{"PKCS #1": pkcs1, "PKCS #8": pkcs8} {
		late := parseLateRSA(der)
		if late == nil || !key.PublicKey.Equal(late.Public()) {
			t.Fatalf("%s: not recognised", name)
		}
		signature, err := late.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err == nil {
			err = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong with a key must show at once, not at the first signature.
func TestLateRSAKeyRefusesWrongNumbers(t *testing.T) {
	t.Parallel()
	_, good, _ := newRSAKey(t)
	for name, spoil := range map[string]func(*pkcs1Key){
		"n":        func(k *pkcs1Key) { k.N.Add(k.N, big.NewInt(2)) },
		"e":        func(k *pkcs1Key) { k.E += 2 },
		"d":        func(k *pkcs1Key) { k.D.Add(k.D, big.NewInt(2)) },
		"p":        func(k *pkcs1Key) { k.P.Add(k.P, big.NewInt(2)) },
		"q is one": func(k *pkcs1Key) { k.P, k.Q = k.N, big.NewInt(1) },
		"dp":       func(k *pkcs1Key) { k.Dp.Add(k.Dp, big.NewInt(2)) },
		"dq":       func(k *pkcs1Key) { k.Dq.Add(k.Dq, big.NewInt(2)) },
		"qinv":     func(k *pkcs1Key) { k.QInv.Add(k.QInv, big.NewInt(2)) },
		"negative": func(k *pkcs1Key) { k.D.Neg(k.D) },
		"version":  func(k *pkcs1Key) { k.Version = 1 },
	} {
		var key pkcs1Key
		if _, err := asn1.Unmarshal(good, &key); err != nil {
			t.Fatal(err)
		}
		spoil(&key)
		der, err := asn1.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		if parseLateRSA(der) != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// With any one byte of the file changed, what is accepted can be prepared as
// crypto/x509 would have.
func TestLateRSAKeyWithAByteChanged(t *testing.T) {
	t.Parallel()
	_, _, der := newRSAKey(t)
	accepted := 0
	for i := range der {
		for _, change := range []byte{0x01, 0x80, 0xff} {
			der[i] ^= change
			if late := parseLateRSA(der); late != nil {
				accepted++
				if key, err := late.prepare(); err != nil || !key.PublicKey.Equal(late.Public()) {
					t.Errorf("byte %d changed by %#x: accepted, but %v", i, change, err)
				}
			}
			der[i] ^= change
		}
	}
	if accepted > 100 {
		t.Errorf("%d changes went unnoticed, of %d", accepted, 3*len(der))
	}
}
