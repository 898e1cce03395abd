package dockertls

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// TLS alerts (RFC 8446, 6.2; 41 is from SSL 3.0).
const (
	alertHandshakeFailure    = 40
	alertNoCertificate       = 41
	alertBadCertificate      = 42
	alertUnsupportedCert     = 43
	alertCertRevoked         = 44
	alertCertExpired         = 45
	alertCertUnknown         = 46
	alertUnknownCA           = 48
	alertAccessDenied        = 49
	alertDecryptError        = 51
	alertProtocolVersion     = 70
	alertInsufficientSafety  = 71
	alertUnrecognizedName    = 112
	alertCertificateRequired = 116
	alertNoALPN              = 120
)

// alertOf is the alert that the peer sent, or -1. Its type is not exported, so
// the text is compared with the one the standard library makes itself.
func alertOf(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return -1
	}
	text := op.Err.Error()
	for alert := range 256 {
		if text == tls.AlertError(alert).Error() {
			return alert
		}
	}
	return -1
}

// alertName is what RFC 8446 calls an alert.
func alertName(alert int) string {
	const prefix = "tls: "
	return tls.AlertError(alert).Error()[len(prefix):]
}

// explainAlert is about what the server said before it hung up. An alert alone
// does not tell: whether a certificate was asked for and sent does.
func (s scene) explainAlert(err error) *Error {
	alert := alertOf(err)
	if alert < 0 {
		return nil
	}
	e := s.judgeAlert(alert)
	if e != nil {
		e.Evidence.AlertCode, e.Evidence.Alert = alert, alertName(alert)
	}
	return e
}

func (s scene) judgeAlert(alert int) *Error {
	requested, sent := s.seen != nil && s.seen.requested, s.seen != nil && s.seen.sent
	switch alert {
	case alertCertificateRequired, alertNoCertificate:
		return s.certRequired()
	case alertProtocolVersion:
		return s.noVersion()
	case alertUnrecognizedName:
		return s.nameUnrecognized()
	case alertHandshakeFailure, alertBadCertificate, alertUnsupportedCert, alertCertRevoked, alertCertExpired, alertCertUnknown,
		alertUnknownCA, alertAccessDenied, alertDecryptError:
		switch {
		case sent:
			return s.certRejected(alert)
		case requested && alert != alertDecryptError:
			return s.certRequired()
		}
	}
	if s.seen == nil && alert < alertProtocolVersion {
		return nil // whether a certificate was asked for is not known: the text says what may be said
	}
	return s.noAgreement(alert)
}

// certRequired says that the daemon wants a client certificate, and why it got
// none.
func (s scene) certRequired() *Error {
	e := &Error{Kind: ClientCertRequired, Source: s.source("tlscert"), Detail: "the daemon requires a client certificate"}
	if s.cfg == nil {
		return e.hint("set DOCKER_CERT_PATH to a folder with cert.pem and key.pem that the daemon's --tlscacert has signed, or pass --tlscert and --tlskey")
	}
	leaf := s.material().leaf()
	switch {
	case leaf == nil:
		e.Detail += ", and none was sent"
		return e.hint("%s", s.hintNoPair())
	case s.seen == nil || !s.seen.requested || s.seen.sent: // not shown by a connection of ours
		return e
	}
	return s.neverSent(e, leaf)
}

// neverSent compares our certificate with the list of authorities that the
// daemon accepts, because of which it was not sent.
func (s scene) neverSent(e *Error, leaf *x509.Certificate) *Error {
	accepted, issuer := s.seen.accepted, quote(issuerOf(leaf))
	if len(accepted) == 0 || issuedByOne(accepted, s.ownChain()) {
		e.Detail += ", and ours was not sent: it cannot sign in any way that the daemon accepts"
		return e.hint("issue it again for a usual kind of key, such as RSA 2048 or ECDSA P-256")
	}
	e.Detail += fmt.Sprintf(", and ours was not sent: it was issued by %s, and the daemon accepts only those of %s", issuer, quoteSome(authorityNames(accepted)))
	if between := s.missingIntermediate(leaf); between != nil {
		e.Detail += "; the intermediate certificate between them is missing from " + s.certPath()
		return e.hint("append the certificate of %s to %s, behind our own", quote(subjectOf(between)), s.certPath())
	}
	return e.hint(hintSignedPair+"; if %s is an intermediate authority below it, append its certificate to %s", issuer, s.certPath())
}

// issuedByOne tells whether one of the certificates was issued by one of the names.
func issuedByOne(names [][]byte, chain []*x509.Certificate) bool {
	for _, cert := range chain {
		for _, name := range names {
			if bytes.Equal(name, cert.RawIssuer) {
				return true
			}
		}
	}
	return false
}

// ownChain is what would be sent: our certificate and those behind it.
func (s scene) ownChain() []*x509.Certificate {
	if s.material().leaf() == nil {
		return nil
	}
	chain := []*x509.Certificate{s.material().leaf()}
	for _, der := range s.material().pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, cert)
		}
	}
	return chain
}

// missingIntermediate finds, in the CA file, the authority that issued our
// certificate and was itself issued by one that the daemon accepts.
func (s scene) missingIntermediate(leaf *x509.Certificate) *x509.Certificate {
	for _, ca := range s.material().roots() {
		if leaf.CheckSignatureFrom(ca) == nil && issuedByOne(s.seen.accepted, []*x509.Certificate{ca}) && !bytes.Equal(ca.RawIssuer, ca.RawSubject) {
			return ca
		}
	}
	return nil
}

// certPath is the file of our certificate, or what it is.
func (s scene) certPath() string {
	return cmp.Or(s.material().material.paths().cert, "cert.pem")
}

// hintNoPair says why there is no client certificate, and where one belongs.
func (s scene) hintNoPair() string {
	c := s.cfg
	for _, set := range c.settings {
		if (set.Name == roleCert().setting || set.Name == roleKey().setting) && set.Value == wordNone {
			return set.Source + " says to use none"
		}
	}
	signer := "the daemon's --tlscacert"
	if s.seen != nil && len(s.seen.accepted) > 0 {
		signer = quoteSome(authorityNames(s.seen.accepted)) + ", which the daemon accepts,"
	}
	switch {
	case c.context != wordDefault:
		return fmt.Sprintf("the context %q has no pair of cert.pem and key.pem: "+hintContextTLS, c.context)
	case c.certDir == "":
		return fmt.Sprintf("none is configured: pass --tlscert and --tlskey (CertFile, KeyFile) of a pair that %s has signed", signer)
	}
	return fmt.Sprintf("no pair of cert.pem and key.pem was found in %s%s: put one there that %s has signed, or pass --tlscert and --tlskey", c.certDir, fromSource(c.certDirFrom), signer)
}

// certRejected says what the daemon said of our certificate, and what can be
// seen from here of the reason.
func (s scene) certRejected(alert int) *Error {
	e := &Error{Kind: ClientCertRejected, Source: s.source("tlscert")}
	leaf := s.material().leaf()
	if leaf == nil { // changed meanwhile
		e.Detail = saidRefusedCert
		return e
	}
	e.Detail = fmt.Sprintf("the daemon refused the client certificate %s issued by %s", quote(subjectOf(leaf)), quote(issuerOf(leaf)))
	now := time.Now()
	switch {
	case now.After(leaf.NotAfter):
		e.Kind = ClientCertExpired
		e.Detail += fmt.Sprintf(", which expired on %s, and it is %s here", stamp(leaf.NotAfter), stamp(now))
		return e.hint("issue the client certificate %s again", s.certPath())
	case now.Before(leaf.NotBefore):
		e.Kind = ClientCertNotYet
		e.Detail += fmt.Sprintf(", which is valid only from %s, and it is %s here", stamp(leaf.NotBefore), stamp(now))
		return e.hint(hintClocks)
	case !allowsClientAuth(leaf):
		e.Detail += ", which is not issued for client authentication"
		return e.hint("issue the client certificate again with extendedKeyUsage=clientAuth")
	}
	return s.explainRefusal(e, alert, leaf)
}

// explainRefusal adds the daemon's reason, where nothing is wrong with the
// certificate in itself.
func (s scene) explainRefusal(e *Error, alert int, leaf *x509.Certificate) *Error {
	if said := reasonOf(alert); said != "" {
		e.Detail += ": " + said
	}
	if twin := twinIssuer(s.material().roots(), leaf); twin != nil && alert != alertCertExpired && alert != alertCertRevoked {
		e.Detail += fmt.Sprintf("; ca.pem has an authority of the same name %s with another key", quote(subjectOf(twin)))
		return e.hint("the pair is from another generation of that authority: use cert.pem and key.pem that the daemon's --tlscacert has signed")
	}
	switch alert {
	case alertCertExpired:
		if ca := named(s.material().roots(), leaf); ca != nil && time.Now().After(ca.NotAfter) {
			e.Detail += fmt.Sprintf("; its authority in ca.pem expired on %s", stamp(ca.NotAfter))
			return e.hint(hintNewCA)
		}
		return e.hint("it is valid by the clock of this machine until %s: check the clock of the daemon's machine, and whether the authority in its --tlscacert has expired", stamp(leaf.NotAfter))
	case alertCertRevoked:
		return e.hint("issue a new pair: the authority has revoked this one")
	case alertUnknownCA:
		return e.hint(hintSignedPair+"; if %s is an intermediate authority, its certificate must follow in %s", quote(issuerOf(leaf)), s.certPath())
	}
	return e.hint("the exact reason is in the daemon's log; check that the daemon's --tlscacert has signed this certificate")
}

// reasonOf says in our words what an alert says of a certificate. (The words of
// the standard make moby's client add a hint of its own.)
func reasonOf(alert int) string {
	switch alert {
	case alertUnsupportedCert:
		return "it cannot use a certificate of this type"
	case alertCertRevoked:
		return "it has been revoked"
	case alertCertExpired:
		return "it takes it for expired, or not valid yet"
	case alertUnknownCA:
		return "it does not know the issuer"
	case alertAccessDenied:
		return "it is valid, but has no access"
	case alertDecryptError:
		return "the signature made with its key is wrong"
	}
	return ""
}
