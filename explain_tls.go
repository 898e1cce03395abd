package dockertls

import (
	"cmp"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// noVersion: the server refused every version of TLS that is allowed here.
func (s scene) noVersion() *Error {
	e := &Error{Kind: TLSVersion, Detail: "the server speaks no version of TLS from 1.2 on"}
	return e.hint("update the daemon, or what stands before it: older versions are not safe, and not used here")
}

// nameUnrecognized: the server has no certificate for the name we asked for.
func (s scene) nameUnrecognized() *Error {
	name := ""
	if s.cfg != nil && s.cfg.secured() {
		name = " " + quote(s.material().serverName)
	}
	e := &Error{Kind: ServerNameUnrecognized, Source: s.hostSource(), Detail: fmt.Sprintf("the server has no certificate for the name%s that it was asked for (SNI)", name)}
	return e.hint("connect by a name that the server, or the TLS proxy before it, is set up for")
}

// noAgreement is about handshakes that fail for other reasons than certificates.
func (s scene) noAgreement(alert int) *Error {
	e := &Error{Kind: TLSHandshake}
	switch alert {
	case alertHandshakeFailure, alertInsufficientSafety:
		e.Detail = "the two sides have no cipher suite, group or signature algorithm in common, or the server lacks a fitting certificate"
		return e.hint("allow the server a cipher suite of TLS 1.2 with forward secrecy (ECDHE) or TLS 1.3, and the group X25519 or P-256")
	case alertNoALPN:
		e.Detail = "the server insists on another protocol than HTTP/1.1 (ALPN)"
		return e.hint("this is not the port of a Docker daemon: it expects a client of another protocol")
	}
	e.Detail = fmt.Sprintf("the server broke off the TLS handshake (alert %d)", alert)
	if s.stage == StageRequest {
		e.Detail = fmt.Sprintf("the server broke off the TLS connection (alert %d)", alert)
	}
	return e
}

// explainRecord is about an answer that is no TLS.
func (s scene) explainRecord(err error) *Error {
	var header tls.RecordHeaderError
	isRecord := errors.As(err, &header)
	if !isRecord && !errors.Is(err, http.ErrSchemeMismatch) {
		return nil
	}
	var opening []byte
	if isRecord {
		opening = header.RecordHeader[:]
	}
	if s.seen != nil && len(s.seen.opening) > 0 && isRecord && s.stage == StageHandshake {
		opening = s.seen.opening
	}
	var e *Error
	if !isRecord || strings.HasPrefix(string(opening), "HTTP/") {
		e = s.notOffered(readStatus(opening))
	} else {
		e = s.neitherTLSNorHTTP(opening)
	}
	if len(opening) > 0 {
		e.Evidence.Answer = quoteAnswer(opening)
	}
	return e
}

func (s scene) neitherTLSNorHTTP(opening []byte) *Error {
	e := &Error{Kind: NotTLS, Source: s.hostSource(), Detail: saidNeither}
	if opening[0] >= 20 && opening[0] <= 24 && opening[1] == 3 {
		e.Kind, e.Detail = TLSHandshake, "the server's side of the TLS handshake is damaged"
		return e
	}
	if who := recognise(opening); who != "" {
		e.Detail = fmt.Sprintf("TLS was spoken, and %s answered", who)
		return e.hint("this is not the port of a Docker daemon: check the address%s", s.fromHost())
	}
	return e.hint("what listens there is probably no Docker daemon: check the address%s", s.fromHost())
}

// notOffered: the server answered plain HTTP to TLS.
func (s scene) notOffered(st status) *Error {
	e := &Error{Kind: TLSNotOffered, Source: s.tlsSource(), Detail: saidTLSToPlain}
	e.Evidence.Status = st.code
	switch {
	case st.code >= 300 && st.code < 400 || st.code == http.StatusNetworkAuthenticationRequired:
		e.Detail = fmt.Sprintf("TLS was spoken, and a web server answered plain HTTP: %d, which leads elsewhere (%s)", st.code, cmp.Or(st.location, "no address"))
		return e.hint("a login page or a proxy stands in the way, no Docker daemon: check the network and the address%s", s.fromHost())
	case st.code == http.StatusProxyAuthRequired:
		e.Detail = "TLS was spoken, and a proxy answered plain HTTP: 407, it wants to know who asks"
		return e.hint("the address%s is that of a proxy, not of a Docker daemon", s.fromHost())
	case st.server != "" && !strings.HasPrefix(st.server, "Docker/"):
		e.Detail = fmt.Sprintf("TLS was spoken, and %s answered plain HTTP", quote(st.server))
	}
	if s.cfg == nil {
		return e.hint("start the daemon with --tls or --tlsverify, connect to the port where it speaks TLS, or switch TLS off (unset DOCKER_TLS_VERIFY)")
	}
	return e.hint("TLS is on because of %s; the daemon must be started with --tls or --tlsverify, or this is the wrong port", s.tlsReason())
}

// tlsSource is the setting that switched TLS on.
func (s scene) tlsSource() string {
	switch {
	case s.cfg == nil:
		return ""
	case s.cfg.context != wordDefault:
		return "context " + quote(s.cfg.context)
	}
	return cmp.Or(s.source("tlsverify"), s.source("tls"))
}

// tlsReason is tlsSource, with a word on values that do not mean what they say.
func (s scene) tlsReason() string {
	source := s.tlsSource()
	for _, w := range s.cfg.warnings {
		if w.Code == WarnFalseMeansTrue && w.Source == source {
			return source + " (" + w.Message + ")"
		}
	}
	return source
}

// explainLocal is about what crypto/tls itself finds wrong with a handshake. It
// has no types for that; the texts are its own.
func (s scene) explainLocal(err error) *Error {
	text, ok := tlsText(err)
	if !ok || s.cfg == nil && s.stage == "" {
		return nil
	}
	has := func(prefix string) bool { return strings.HasPrefix(text, prefix) }
	switch {
	case has("server selected unsupported protocol version"):
		return s.noVersion()
	case has("failed to parse certificate from server"):
		return s.unparsable(text)
	case has("server sent certificate containing RSA key larger"):
		return s.invalid("the server's certificate has an RSA key that is too long to be used")
	case has("server's certificate contains an unsupported type of public key"):
		return s.invalid("the server's certificate has a key of a type that TLS cannot use").hint("issue it again for an RSA or ECDSA key")
	case has("invalid signature by the server certificate"):
		return s.badServerKey(text)
	case s.stage == StageHandshake && has("handshake message of length"):
		e := &Error{Kind: TLSHandshake, Detail: "the server sends more certificates, or names of authorities, than a TLS handshake has room for"}
		return e.hint("the daemon's --tlscert must hold its certificate and the intermediate authorities above it, and --tlscacert those that issue client certificates, nothing else")
	case s.stage == StageHandshake:
		return &Error{Kind: TLSHandshake, Detail: "the server's side of the TLS handshake is not as it should be"}
	case s.stage == StageRequest:
		return &Error{Kind: TLSHandshake, Detail: "the server's side of the TLS connection is not as it should be"}
	}
	return nil
}

// tlsText is the text of an error of crypto/tls, without the package's name.
func tlsText(err error) (string, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		if text, ok := strings.CutPrefix(err.Error(), "tls: "); ok {
			return text, true
		}
		if op, ok := err.(*net.OpError); ok && op.Op == "local error" {
			return strings.CutPrefix(op.Err.Error(), "tls: ")
		}
	}
	return "", false
}

// unparsable is about a certificate that crypto/x509 cannot read.
func (s scene) unparsable(text string) *Error {
	why := "cannot be read"
	for _, known := range [...]struct{ text, why string }{
		{"negative serial number", "has a negative serial number"},
		{"invalid RSA", "has an RSA key that is not valid"},
		{"duplicate extension", "has an extension twice"},
		{"malformed", "is malformed"},
	} {
		if strings.Contains(text, known.text) {
			why = known.why
			break
		}
	}
	return s.invalid("a certificate that the server sent " + why).hint("issue the daemon's certificate again, with a recent openssl")
}

// badServerKey is about a server that cannot prove to have its key.
func (s scene) badServerKey(text string) *Error {
	if strings.Contains(text, "insecure") || strings.Contains(text, "too small") {
		return s.invalid("the server's RSA key" + s.serverKeySize() + " is too short to be safe").hint("issue the daemon's certificate again for an RSA key of 2048 bits or more, or an ECDSA key")
	}
	return s.invalid("the server signed with another key than that of its certificate").hint("the daemon's --tlskey must belong to its --tlscert")
}

// serverKeySize is the length of the server's RSA key, for a message.
func (s scene) serverKeySize() string {
	if s.seen == nil || len(s.seen.chain) == 0 {
		return ""
	}
	key, ok := s.seen.chain[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" of %d bits", key.N.BitLen())
}
