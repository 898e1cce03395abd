package dockertls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"sync/atomic"
	"testing"
)

// Every format that docker reads, whatever the label of the block says.
func TestFormatsOfKeys(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t, "ca", nil)
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	sec1, err := x509.MarshalECPrivateKey(ec)
	check(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ec)
	check(t, err)
	for _, tc := range []struct {
		label string
		der   []byte
		key   crypto.Signer
	}{
		{"EC PRIVATE KEY", sec1, ec}, {"PRIVATE KEY", sec1, ec}, {"PRIVATE KEY", pkcs8, ec}, {"EC PRIVATE KEY", pkcs8, ec},
		{"RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(long), long}, {"PRIVATE KEY", x509.MarshalPKCS1PrivateKey(long), long},
	} {
		cert, _ := ca.pair("alice", tc.key, nil)
		opts := Options{Host: "tcp://box:1", TLSVerify: new(true), CA: pemOf(ca.cert), Cert: cert, Key: pem.EncodeToMemory(&pem.Block{Type: tc.label, Bytes: tc.der})}
		if cfg, err := Resolve(opts); err != nil || cfg.Mode() != Mutual {
			t.Errorf("%s: %v, %v", tc.label, cfg, err)
		}
		opts.Key = pem.EncodeToMemory(&pem.Block{Type: tc.label, Bytes: tc.der[:len(tc.der)/2]})
		wantExplained(t, resolveError(opts), ClientKeyInvalid, "cannot be parsed", "PKCS #8, PKCS #1 or SEC 1")
	}

	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(exchange)
	check(t, err)
	cert, _ := ca.pair("alice", ec, nil)
	wantExplained(t, resolveError(Options{Host: "tcp://box:1", TLSVerify: new(true), CA: pemOf(ca.cert), Cert: cert,
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}), ClientKeyInvalid)
}

// Other contents than PEM are recognised, and what to do is said.
func TestContentsInOtherForms(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t, "ca", nil)
	cert, key := ca.pair("alice", newTestKey(t), nil)
	block, _ := pem.Decode(key)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	sec1, err := x509.MarshalECPrivateKey(newTestKey(t).(*ecdsa.PrivateKey))
	check(t, err)
	wide := []byte("\xff\xfe")
	for _, b := range key {
		wide = append(wide, b, 0)
	}
	for _, tc := range []struct {
		key   []byte
		words []string
	}{
		{block.Bytes, []string{"it is DER, not PEM", "openssl pkey -inform der"}},
		{x509.MarshalPKCS1PrivateKey(long), []string{"it is DER, not PEM", "openssl pkey -inform der"}},
		{sec1, []string{"it is DER, not PEM"}},
		{wide, []string{"it is UTF-16"}},
		{[]byte("hello"), []string{"it is no PEM"}},
		{bytes.TrimSuffix(key, []byte("-----END PRIVATE KEY-----\n")), []string{"not whole"}},
	} {
		opts := Options{Host: "tcp://box:1", TLSVerify: new(true), CA: pemOf(ca.cert), Cert: cert, Key: tc.key}
		wantExplained(t, resolveError(opts), ClientKeyInvalid, tc.words...)
	}
	wantExplained(t, resolveError(Options{Host: "tcp://box:1", TLSVerify: new(true), CAFile: "ca.pem "}), CAMissing, "begins or ends with a blank")
}

// A Signer that Options.Material supplies is followed like a key: another one for
// another pair is new, another one for the same key is not, and none is an error.
func TestSuppliedSignerIsFollowed(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t, "ca", nil)
	supply := func(key crypto.Signer) Material {
		cert, _ := ca.pair("alice", key, nil)
		return Material{CA: pemOf(ca.cert), Cert: cert, Signer: key}
	}
	first := supply(newTestKey(t))
	var now atomic.Pointer[Material]
	now.Store(&first)
	cfg, err := Resolve(Options{Host: "tcp://box:1", TLSVerify: new(true), Material: func(context.Context) (Material, error) { return *now.Load(), nil }})
	check(t, err)
	check(t, cfg.Reload(t.Context()))
	if got := cfg.Stats().Generation; got != 1 {
		t.Errorf("nothing is new, and this is generation %d", got)
	}
	second := supply(newTestKey(t))
	now.Store(&second)
	check(t, cfg.Reload(t.Context()))
	if got := cfg.Stats().Generation; got != 2 || cfg.TLSConfig().Certificates[0].PrivateKey != second.Signer {
		t.Errorf("generation %d, with another signer than the new one", got)
	}
	none := second
	none.Signer = nil
	now.Store(&none)
	wantExplained(t, cfg.Reload(t.Context()), MaterialUnavailable, "no longer supplies Signer")
	_, err = cfg.Environ()
	wantExplained(t, err, EnvironUnsupported, "kept in a Signer")

	plain, err := Resolve(Options{Host: "tcp://box:1"})
	check(t, err)
	check(t, plain.Reload(t.Context())) // there is nothing to follow
}
