package dockertls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// pemLimit is far more than Resolve may take for a few hundred KiB of PEM.
const pemLimit = 5 * time.Second

// dockersRoots are the authorities that crypto/x509 takes from a file, read here
// in another way than it does.
func dockersRoots(data []byte) *x509.CertPool {
	pool, none := x509.NewCertPool(), true
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			continue
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			pool.AddCert(cert)
			none = false
		}
	}
	if none {
		return nil
	}
	return pool
}

// Ways of handing over material.
const (
	inMemory = iota
	byFunction
	inFiles
	ways
)

// fuzzedMaterial is what was fuzzed.
type fuzzedMaterial struct{ ca, cert, key []byte }

// options hands it over in one of the ways.
func (m fuzzedMaterial) options(t *testing.T, way int) Options {
	t.Helper()
	o := Options{Host: "tcp://box", TLSVerify: new(true)}
	switch way {
	case inMemory:
		o.CA, o.Cert, o.Key = m.ca, m.cert, m.key
	case byFunction:
		o.Material = func(context.Context) (Material, error) { return Material{CA: m.ca, Cert: m.cert, Key: m.key}, nil }
	case inFiles:
		o.CertPath = t.TempDir()
		for name, data := range map[string][]byte{"ca.pem": m.ca, "cert.pem": m.cert, "key.pem": m.key} {
			check(t, os.WriteFile(filepath.Join(o.CertPath, name), data, 0o600))
		}
	}
	return o
}

// FuzzMaterial: ca.pem, cert.pem and key.pem with anything in them, in memory, from
// a function and in files. They are accepted if docker would accept them (rule 18):
// crypto/x509 finds an authority, and crypto/tls a pair that matches. Then exactly
// these are in use, and a copy of them is as well. If not, the error has the kind of
// the part that is wrong, can be shown, and has nothing of the key. It takes a
// moment only.
func FuzzMaterial(f *testing.F) {
	pki := newRulePKI(f)
	for i, tc := range contentRules() {
		m := map[string][]byte{}
		for file := range strings.FieldsSeq(tc.files) {
			name, content, _ := strings.Cut(file, "=")
			m[filepath.Base(name)] = pki.content(f, content)
		}
		f.Add(m["ca.pem"], m["cert.pem"], m["key.pem"], byte(i))
	}
	for i, kind := range []string{"a", "rsa", "ed", "chain"} {
		f.Add(pki.contents["ca.good"], pki.contents["cert."+kind], pki.contents["key."+kind], byte(i))
	}
	for _, edit := range [][2]string{
		{"PRIVATE KEY", "MYPRIVATE KEY"}, {"PRIVATE KEY", "RSA PRIVATE KEY"}, {"PRIVATE KEY", "\x1b[2J"}, {"PRIVATE KEY", strings.Repeat("A", 2*LongestMessage)},
		{"CERTIFICATE", "TRUSTED CERTIFICATE"}, {"CERTIFICATE-----\nM", "CERTIFICATE-----\nA: b\n\nM"}, {"-----END", "junk\n-----END"}, {"\n", "\r"}, {"M", "-----BEGIN X-----\n-----END X-----\nM"},
	} {
		edited := func(name string) []byte {
			return bytes.ReplaceAll(pki.contents[name], []byte(edit[0]), []byte(edit[1]))
		}
		f.Add(edited("ca.good"), pki.contents["cert.a"], pki.contents["key.a"], byte(inMemory))
		f.Add(slices.Concat(edited("ca.foreign"), pki.contents["ca.good"]), pki.contents["cert.a"], pki.contents["key.a"], byte(inMemory))
		f.Add(pki.contents["ca.good"], edited("cert.a"), pki.contents["key.a"], byte(byFunction))
		f.Add(pki.contents["ca.good"], pki.contents["cert.a"], edited("key.a"), byte(inFiles))
	}
	f.Fuzz(func(t *testing.T, ca, cert, key []byte, how byte) {
		if len(ca) == 0 || len(cert) == 0 || len(key) == 0 {
			return // that is another setting, not another content
		}
		m, way := fuzzedMaterial{ca, cert, key}, int(how)%ways
		opts := m.options(t, way)
		start := time.Now()
		cfg, err := resolveFuzzed(t, nil, opts)
		if took := time.Since(start); took > pemLimit {
			t.Errorf("it took %v", took)
		}
		pair, dockersErr := tls.X509KeyPair(cert, key)
		roots := dockersRoots(ca)
		switch {
		case err != nil:
			m.checkRefused(t, err, roots != nil, dockersErr == nil)
		case roots == nil || dockersErr != nil:
			t.Errorf("accepted, although docker finds authorities: %t, and of the pair: %v", roots != nil, dockersErr)
		default:
			checkInUse(t, cfg, roots, pair)
			if way != inFiles {
				vars, err := cfg.EnvironIn(filepath.Join(t.TempDir(), "copy"))
				check(t, err)
				copied, err := Resolve(fromEnv(vars, func() string { return "" }))
				check(t, err)
				checkInUse(t, copied, roots, pair)
			}
		}
	})
}

// checkRefused checks an error, and that docker finds something wrong as well.
func (m fuzzedMaterial) checkRefused(t *testing.T, err *Error, rootsGood, pairGood bool) {
	t.Helper()
	good := pairGood
	switch err.Kind {
	case CAInvalid:
		good = rootsGood
	case ClientCertInvalid, ClientKeyInvalid, ClientKeyEncrypted, KeyPairMismatch:
	default:
		t.Errorf("an error of another kind: %+v", err)
	}
	if good {
		t.Errorf("refused, although docker accepts it: %+v", err)
	}
	marshalled, _ := err.MarshalJSON()
	shown := err.Error() + err.Hint + string(marshalled)
	// Lines of a key in base64. A pattern cannot be part of our own words by chance.
	for _, line := range regexp.MustCompile(`(?m)^[A-Za-z0-9+/=]{24,}\r?$`).FindAll(m.key, -1) {
		if strings.Contains(shown, string(bytes.TrimSpace(line))) {
			t.Errorf("a line of the key is shown: %s", shown)
		}
	}
}

// checkInUse checks that just this is in use.
func checkInUse(t *testing.T, cfg *Config, roots *x509.CertPool, pair tls.Certificate) {
	t.Helper()
	if cfg.Mode() != Mutual {
		t.Fatalf("the mode of %s", cfg)
	}
	used := cfg.TLSConfig()
	if used.RootCAs == nil || !used.RootCAs.Equal(roots) {
		t.Error("other authorities are in use than docker finds")
	}
	if !slices.EqualFunc(used.Certificates[0].Certificate, pair.Certificate, bytes.Equal) {
		t.Error("another chain is in use than docker finds")
	}
	signer := used.Certificates[0].PrivateKey.(crypto.Signer)
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(pair.PrivateKey.(crypto.Signer).Public()) {
		t.Error("another key is in use than docker finds")
	}
	digest := make([]byte, 32)
	opts := crypto.SignerOpts(crypto.SHA256)
	if pair.Leaf.PublicKeyAlgorithm == x509.Ed25519 {
		opts = crypto.Hash(0)
	}
	_, err := signer.Sign(nil, digest, opts)
	_, dockersErr := pair.PrivateKey.(crypto.Signer).Sign(nil, digest, opts)
	if (err == nil) != (dockersErr == nil) {
		t.Errorf("the key signs: %v, as docker reads it: %v", err, dockersErr)
	}
}
