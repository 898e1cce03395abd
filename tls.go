package dockertls

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"
)

// roots are the only authorities that count, nil if the system's do. Nobody
// changes them: equal files may share them.
func (p part) roots() (*x509.CertPool, *Error) {
	if !p.found {
		return nil, nil
	}
	if known := p.kept.roots.Load(); known != nil {
		return known, nil
	}
	roots, err := p.parseRoots()
	if err == nil {
		p.kept.roots.Store(roots)
	}
	return roots, err
}

// parseRoots reads the authorities. At least one must parse (rule 18).
func (p part) parseRoots() (*x509.CertPool, *Error) {
	pool := x509.NewCertPool()
	if pool.AppendCertsFromPEM(p.data()) {
		return pool, nil
	}
	in := inspect(p.data())
	err := p.noBlock(roleCA(), "CERTIFICATE", in)
	if in.cert {
		err.Detail = p.prefix() + "no certificate in it can be parsed"
		_, err.Err = x509.ParseCertificate(firstBlock(p.data(), "CERTIFICATE"))
	}
	return nil, err
}

// noBlock says what there is in place of the PEM block that counts.
func (p part) noBlock(ro role, block string, in inspection) *Error {
	e := fail(ro.invalid, p.source, "%sno %s block (%s)", p.prefix(), block, in.found(p.data()))
	e.Hint = in.hintContent(ro, p.data())
	return e
}

// pair is the client certificate with its key, checked to belong together, or
// nil if there is none. Nobody changes it: equal files may share it.
func (m material) pair() (*tls.Certificate, *Error) {
	switch {
	case !m.hasPair():
		return nil, nil
	case m.key.signer != nil:
		return m.parsePair()
	}
	if known := m.cert.kept.pair.Load(); known != nil && known.key == m.key.kept {
		return known.pair, nil
	}
	pair, err := m.parsePair()
	if err == nil {
		m.cert.kept.pair.Store(&keptPair{m.key.kept, pair})
	}
	return pair, err
}

// parsePair reads the two. Errors come in docker's order: key, certificate,
// mismatch.
func (m material) parsePair() (*tls.Certificate, *Error) {
	signer := m.key.signer
	if signer == nil {
		var err *Error
		if signer, err = m.key.privateKey(); err != nil {
			return nil, err
		}
	}
	pair, err := m.cert.chain()
	if err != nil {
		return nil, err
	}
	public, ok := pair.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(signer.Public()) {
		return nil, m.mismatch()
	}
	pair.PrivateKey = signer
	return &pair, nil
}

func (m material) mismatch() *Error {
	source := m.cert.source
	if m.key.source != source {
		source += " and " + m.key.source
	}
	e := fail(KeyPairMismatch, source, "%s is not the key of %s", m.key.label("the key"), m.cert.label("the certificate"))
	if n := len(inspect(m.cert.data()).types); n > 1 {
		return e.hint("the client's own certificate must come first in %s, its intermediates after it", m.cert.label("the file"))
	}
	return e.hint("both must be from the same generation: issue them again together, or name the other one as well")
}

// privateKey is the first key of a file, in any format that docker reads (rule 18).
func (p part) privateKey() (crypto.Signer, *Error) {
	if signer := parsePrivateKey(firstBlock(p.data(), "PRIVATE KEY")); signer != nil {
		return signer, nil
	}
	ro, in := roleKey(), inspect(p.data())
	switch {
	case in.encrypted:
		return nil, fail(ClientKeyEncrypted, p.source, "%s is protected by a pass phrase", p.label("the private key")).
			hint("docker has no way to ask for it: openssl pkey -in FILE -out key.pem")
	case !in.key:
		return nil, p.noBlock(ro, "PRIVATE KEY", in)
	}
	// The cause is left out on purpose: it might quote the key.
	return nil, fail(ro.invalid, p.source, "%sthe private key cannot be parsed", p.prefix()).
		hint("RSA, ECDSA and Ed25519 keys are supported, as PKCS #8, PKCS #1 or SEC 1")
}

// parsePrivateKey tries the formats in turn, as crypto/tls does: the label of
// the block is not reliable. It returns nil if none fits.
func parsePrivateKey(der []byte) crypto.Signer {
	if key := parseLateRSA(der); key != nil {
		return key
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		signer, _ := key.(crypto.Signer) // ECDH keys are none
		return signer
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}

// firstBlock is the first PEM block of a type.
func firstBlock(data []byte, name string) []byte {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if isType(block, name) {
			return block.Bytes
		}
	}
	return nil
}

// isType compares the type of a block, which may have words before the name, as
// crypto/tls does.
func isType(block *pem.Block, name string) bool {
	return block.Type == name || strings.HasSuffix(block.Type, " "+name)
}

// chain is the client certificate and what follows it in the file, without the key.
func (p part) chain() (tls.Certificate, *Error) {
	var pair tls.Certificate
	for block, rest := pem.Decode(p.data()); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			pair.Certificate = append(pair.Certificate, block.Bytes)
		}
	}
	ro := roleCert()
	if len(pair.Certificate) == 0 {
		return pair, p.noBlock(ro, "CERTIFICATE", inspect(p.data()))
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		return pair, fail(ro.invalid, p.source, "%sthe certificate cannot be parsed", p.prefix()).cause(err)
	case leaf.PublicKey == nil:
		return pair, fail(ro.invalid, p.source, "%skeys of this kind are not supported in TLS", p.prefix())
	}
	pair.Leaf = leaf
	return pair, nil
}

// warnTLS is about material that docker accepts without a word.
func (r *resolution) warnTLS(d decision, w wish) {
	m := d.material
	if !d.verify {
		source := w.source
		if d.context != wordDefault {
			source = d.source
		}
		r.warn(WarnUnverified, source, "the server is not verified: anybody on the way can answer in its place")
	}
	switch {
	case m.hasPair():
		if !d.verify {
			r.warn(WarnUnverifiedIdentity, m.cert.source, "the client certificate is shown to a server that nobody verified")
		}
	case m.cert.found:
		r.warn(WarnHalfPair, m.cert.source, "%s has no private key beside it: no client certificate is sent", m.cert.label("the client certificate"))
	case m.key.found:
		r.warn(WarnHalfPair, m.key.source, "%s has no certificate beside it: no client certificate is sent", m.key.label("the private key"))
	}
	if m.key.found && m.key.readableByOthers() {
		r.warn(WarnKeyReadable, m.key.source, "%s can be read by others than its owner (mode %#o): chmod 600 it", m.key.path, m.key.perm)
	}
}

// leafWarnings are about a client certificate that a daemon will hardly accept.
func leafWarnings(leaf *x509.Certificate, p part, now time.Time) (warnings []Warning) {
	if leaf == nil {
		return nil
	}
	label, subject := p.label("the client certificate"), leaf.Subject.String()
	warn := func(code WarningCode, format string, args ...any) {
		warnings = append(warnings, newWarning(code, p.source, format, args...))
	}
	switch {
	case now.After(leaf.NotAfter):
		warn(WarnCertExpired, "%s (%q) expired on %s", label, subject, leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(leaf.NotBefore):
		warn(WarnCertNotYetValid, "%s (%q) is valid only from %s; the clock says %s", label, subject,
			leaf.NotBefore.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
	}
	if !allowsClientAuth(leaf) {
		warn(WarnCertUsage, "%s (%q) is not issued for client authentication (extended key usage)", label, subject)
	}
	return warnings
}

func allowsClientAuth(leaf *x509.Certificate) bool {
	if len(leaf.ExtKeyUsage) == 0 && len(leaf.UnknownExtKeyUsage) == 0 {
		return true
	}
	for _, u := range leaf.ExtKeyUsage {
		if u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}
