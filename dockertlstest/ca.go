package dockertlstest

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

// The validity of a certificate whose CertSpec sets no times. The hour in the
// past is for peers whose clock is a little behind.
const (
	backdate = time.Hour
	lifetime = 24 * time.Hour
)

// KeyType is the kind of key a certificate is made for.
type KeyType int

const (
	ECDSA   KeyType = iota // on the curve P-256; the default
	Ed25519                // not accepted by every peer other than Go
	RSA2048
	RSA4096 // may take seconds to generate
)

// String returns the name of the constant.
func (k KeyType) String() string {
	names := []string{"ECDSA", "Ed25519", "RSA2048", "RSA4096"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("KeyType(%d)", int(k))
	}
	return names[k]
}

// CertSpec says what to put into a certificate. Its zero value is usable.
type CertSpec struct {
	// CommonName of the subject. Default: the first of Names, and without
	// Names "dockertlstest"; for an authority, a name with a random suffix.
	CommonName string

	// Names are the subject's alternative names: an IP address becomes an IP
	// name, anything else a DNS name. Default: none, and such a certificate
	// is no good for a server. Authorities ignore it.
	Names []string

	// Client and Server set the extended key usage. With neither, the
	// certificate has none, which makes it good for any purpose. Authorities
	// ignore them.
	Client, Server bool

	// Key is the kind of key. Default: ECDSA.
	Key KeyType

	// NotBefore and NotAfter limit the validity. Default: an hour ago, and in
	// 24 hours. Setting one of them is enough: with NotAfter in the past the
	// default of NotBefore is an hour before it, and with NotBefore in the
	// future the default of NotAfter is 24 hours after it.
	NotBefore, NotAfter time.Time

	// Edit, if set, may change the template just before it is signed.
	Edit func(*x509.Certificate)
}

// CA is a certificate authority minted in memory. Its methods may be called
// from several goroutines.
type CA struct {
	root *x509.Certificate // cert itself, unless the CA is an intermediate
	cert *x509.Certificate
	key  crypto.Signer
	// chain is what the pairs carry after the leaf: the intermediates, in DER,
	// from the issuer upwards, without the root.
	chain [][]byte
}

// NewCA returns a new authority with a name of its own.
func NewCA() *CA {
	return NewCAFrom(CertSpec{})
}

// NewCAFrom returns a new authority with the name, kind of key and validity of
// spec. Two authorities made from the same name are told apart by their keys
// only, and do not trust each other's certificates.
func NewCAFrom(spec CertSpec) *CA {
	key := newKey(spec.Key)
	template := caTemplate(spec, key)
	cert := sign(template, template, key.Public(), key)
	return &CA{root: cert, cert: cert, key: key}
}

// Intermediate returns an authority below ca. The pairs it issues carry the
// chain up to ca, so a peer needs the root only. An empty commonName stands for
// a name with a random suffix.
func (ca *CA) Intermediate(commonName string) *CA {
	key := newKey(ECDSA)
	template := caTemplate(CertSpec{CommonName: commonName}, key)
	cert := ca.sign(template, key)
	return &CA{
		root:  ca.root,
		cert:  cert,
		key:   key,
		chain: slices.Concat([][]byte{cert.Raw}, ca.chain),
	}
}

// Twin returns another authority of the same name: only the key tells the two
// apart, as after an installation that made its authority anew.
func (ca *CA) Twin() *CA {
	return NewCAFrom(CertSpec{CommonName: ca.cert.Subject.CommonName})
}

// PEM returns what belongs into ca.pem to trust the pairs of this authority:
// its certificate, or for an intermediate the certificate of its root.
func (ca *CA) PEM() []byte {
	return certPEM(ca.root.Raw)
}

// Certificate returns the authority's own certificate, also for an intermediate.
func (ca *CA) Certificate() *x509.Certificate {
	return parseCert(ca.cert.Raw)
}

// ServerPair returns a pair for a daemon that is reached by the given names and
// IP addresses. Without any they are localhost, 127.0.0.1 and ::1.
func (ca *CA) ServerPair(names ...string) *Pair {
	if len(names) == 0 {
		names = localNames()
	}
	return ca.Issue(CertSpec{Names: names, Server: true})
}

// localNames are those of a daemon on this machine.
func localNames() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// ClientPair returns a pair that a client can show to a daemon.
func (ca *CA) ClientPair(commonName string) *Pair {
	return ca.Issue(CertSpec{CommonName: commonName, Client: true})
}

// Issue returns a pair as spec describes it.
func (ca *CA) Issue(spec CertSpec) *Pair {
	key := newKey(spec.Key)
	cert := ca.sign(leafTemplate(spec, key), key)
	chain := slices.Concat([][]byte{cert.Raw}, ca.chain)
	return &Pair{CertPEM: certPEM(chain...), KeyPEM: keyPEM(key)}
}

// SelfSigned returns a pair that no authority has issued: the certificate signs
// itself.
func SelfSigned(spec CertSpec) *Pair {
	key := newKey(spec.Key)
	template := leafTemplate(spec, key)
	cert := sign(template, template, key.Public(), key)
	return &Pair{CertPEM: certPEM(cert.Raw), KeyPEM: keyPEM(key)}
}

func (ca *CA) sign(template *x509.Certificate, key crypto.Signer) *x509.Certificate {
	// x509.CreateCertificate leaves this out when subject and issuer have
	// the same name, which a test may well want.
	template.AuthorityKeyId = ca.cert.SubjectKeyId
	return sign(template, ca.cert, key.Public(), ca.key)
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	check(err)
	return parseCert(der)
}

func caTemplate(spec CertSpec, key crypto.Signer) *x509.Certificate {
	template := newTemplate(spec, key)
	if spec.CommonName == "" {
		template.Subject.CommonName = "dockertlstest CA " + strings.ToLower(rand.Text()[:6])
	}
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.AuthorityKeyId = template.SubjectKeyId // as openssl does for a root
	edit(spec, template)
	return template
}

func leafTemplate(spec CertSpec, key crypto.Signer) *x509.Certificate {
	template := newTemplate(spec, key)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	if _, ok := key.(*rsa.PrivateKey); ok {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment // the RSA key exchange of TLS 1.2
	}
	if spec.Client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if spec.Server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	addNames(template, spec.Names)
	edit(spec, template)
	return template
}

// newTemplate holds what authorities and leaves have in common.
func newTemplate(spec CertSpec, key crypto.Signer) *x509.Certificate {
	firstName := ""
	if len(spec.Names) > 0 {
		firstName = spec.Names[0]
	}
	notBefore, notAfter := validity(spec, time.Now())
	return &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: cmp.Or(spec.CommonName, firstName, "dockertlstest")},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID(key),
	}
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

func edit(spec CertSpec, template *x509.Certificate) {
	if spec.Edit != nil {
		spec.Edit(template)
	}
}

// validity fills in the times that spec leaves out, so that the result is never
// upside down.
func validity(spec CertSpec, now time.Time) (notBefore, notAfter time.Time) {
	notBefore, notAfter = spec.NotBefore, spec.NotAfter
	if notBefore.IsZero() {
		notBefore = now.Add(-backdate)
		if !notAfter.IsZero() && notAfter.Before(now) {
			notBefore = notAfter.Add(-backdate)
		}
	}
	if notAfter.IsZero() {
		notAfter = now.Add(lifetime)
		if notBefore.After(now) {
			notAfter = notBefore.Add(lifetime)
		}
	}
	return notBefore, notAfter
}

// newSerial returns a positive number of exactly 128 random bits: RFC 5280
// allows 20 octets at most, and some peers refuse zero.
func newSerial() *big.Int {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] |= 0x80
	return new(big.Int).SetBytes(serial)
}

// keyID identifies a public key. RFC 5280 leaves the method open; 160 bits are
// what peers are used to.
func keyID(key crypto.Signer) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	check(err)
	sum := sha256.Sum256(der)
	return sum[:20]
}

func newKey(kind KeyType) crypto.Signer {
	var key crypto.Signer
	var err error
	switch kind {
	case ECDSA:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case RSA2048:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case RSA4096:
		key, err = rsa.GenerateKey(rand.Reader, 4096)
	default:
		err = fmt.Errorf("unknown key type %d", int(kind))
	}
	check(err)
	return key
}

func certPEM(chain ...[]byte) []byte {
	var out bytes.Buffer
	for _, der := range chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out.Bytes()
}

func keyPEM(key crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func parseCert(der []byte) *x509.Certificate {
	cert, err := x509.ParseCertificate(der)
	check(err)
	return cert
}

// check panics on errors that a test cannot do anything about.
func check(err error) {
	if err != nil {
		panic(fmt.Sprintf("dockertlstest: %v", err))
	}
}
