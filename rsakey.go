package dockertls

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"io"
	"math/big"
	"slices"
	"sync"
)

// A lateRSAKey is an RSA key that has been checked, and whose preparation for
// use is left to its first signature: with 4096 bits that preparation takes ten
// times as long as all the rest of Resolve, and most processes that resolve
// with unchanged files, or resume sessions, never need it.
type lateRSAKey struct {
	public  *rsa.PublicKey
	prepare func() (*rsa.PrivateKey, error)
}

func (k *lateRSAKey) Public() crypto.PublicKey { return k.public }

func (k *lateRSAKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	key, err := k.prepare()
	if err != nil {
		return nil, err
	}
	return key.Sign(rand, digest, opts)
}

// pkcs1Key is RSAPrivateKey of RFC 8017, A.1.2, with two primes.
type pkcs1Key struct {
	Version      int
	N            *big.Int
	E            int
	D, P, Q      *big.Int
	Dp, Dq, QInv *big.Int
}

// pkcs8Key is PrivateKeyInfo of RFC 5958.
type pkcs8Key struct {
	Version   int
	Algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	Key []byte
	// Attributes may follow.
}

// parseLateRSA reads an RSA key of two primes, as PKCS #1 or PKCS #8, and
// returns nil for everything else, rare forms of RSA included: those are
// crypto/x509's business.
func parseLateRSA(der []byte) *lateRSAKey {
	inner := der
	var wrapped pkcs8Key
	if rest, err := asn1.Unmarshal(der, &wrapped); err == nil && len(rest) == 0 {
		if !wrapped.Algorithm.OID.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}) {
			return nil
		}
		inner = wrapped.Key
	}
	var key pkcs1Key
	if rest, err := asn1.Unmarshal(inner, &key); err != nil || len(rest) > 0 || !key.consistent() {
		return nil
	}
	inner = slices.Clone(inner)
	return &lateRSAKey{
		public:  &rsa.PublicKey{N: key.N, E: key.E},
		prepare: sync.OnceValues(func() (*rsa.PrivateKey, error) { return x509.ParsePKCS1PrivateKey(inner) }),
	}
}

// consistent makes the checks that crypto/rsa would make, so that nothing is
// left to go wrong later.
func (k *pkcs1Key) consistent() bool {
	bits := k.N.BitLen()
	if k.Version != 0 || bits < 2048 || bits > 16384 || k.E < 3 || k.E > 1<<31-1 || k.E&1 == 0 {
		return false
	}
	for _, n := range []*big.Int{k.N, k.D, k.P, k.Q, k.Dp, k.Dq, k.QInv} {
		if n.Sign() <= 0 {
			return false
		}
	}
	if k.P.BitLen() < 2 || k.P.Bit(0) == 0 || k.Q.BitLen() < 2 || k.Q.Bit(0) == 0 {
		return false
	}
	one, e := big.NewInt(1), big.NewInt(int64(k.E))
	is := func(a, b *big.Int) bool { return a.Cmp(b) == 0 }
	product := new(big.Int).Mul(k.P, k.Q)
	return is(product, k.N) && inverse(e, k.D, k.P) && inverse(e, k.D, k.Q) &&
		is(k.Dp, exponent(k.D, k.P)) && is(k.Dq, exponent(k.D, k.Q)) &&
		is(product.Mod(product.Mul(k.QInv, k.Q), k.P), one)
}

// exponent is d modulo p-1.
func exponent(d, p *big.Int) *big.Int {
	m := new(big.Int).Sub(p, big.NewInt(1))
	return m.Mod(d, m)
}

// inverse tells whether e and d are inverse modulo p-1.
func inverse(e, d, p *big.Int) bool {
	m := new(big.Int).Sub(p, big.NewInt(1))
	product := new(big.Int).Mul(e, d)
	return product.Mod(product, m).Cmp(big.NewInt(1)) == 0
}
