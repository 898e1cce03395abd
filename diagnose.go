package dockertls

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	recordAlert = 21 // TLS content type (RFC 8446, 5.1)

	// TLS alerts (RFC 8446, 6.2).
	alertHandshakeFailure    = 40
	alertBadCertificate      = 42
	alertUnsupportedCert     = 43
	alertCertRevoked         = 44
	alertCertExpired         = 45
	alertCertUnknown         = 46
	alertUnknownCA           = 48
	alertAccessDenied        = 49
	alertProtocolVersion     = 70
	alertCertificateRequired = 116
)

// evidence is what one handshake showed.
type evidence struct {
	requested bool // the server asked for a client certificate
	sent      bool // and got one
	accepted  int  // how many authorities its request named
}

// watch returns a copy of cfg that records what happens. The certificate is
// chosen as crypto/tls would: only where the server's list allows it (rule 20).
func (ev *evidence) watch(cfg *tls.Config) *tls.Config {
	pairs := cfg.Certificates
	cfg = cfg.Clone()
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		ev.requested, ev.accepted = true, len(info.AcceptableCAs)
		for i := range pairs {
			if info.SupportsCertificate(&pairs[i]) == nil {
				ev.sent = true
				return &pairs[i], nil
			}
		}
		return new(tls.Certificate), nil
	}
	return cfg
}

// Diagnose explains an error from this Config's connections, with what the
// endpoint has shown so far. It returns the [*Error] in the chain if there is
// one, a new one if the cause is understood, and err itself if not: a cause is
// never guessed. Nil and the context's own errors stay what they are.
func (c *Config) Diagnose(err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled), carries(err, context.DeadlineExceeded):
		return err
	}
	var op *net.OpError
	return c.explain(err, errors.As(err, &op) && op.Op == "dial")
}

// carries is errors.Is by identity: time limits of net/http and of dialling
// claim to be context.DeadlineExceeded too, without any context.
func carries(err, target error) bool {
	for err != nil {
		if err == target {
			return true
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			return slices.ContainsFunc(many.Unwrap(), func(e error) bool { return carries(e, target) })
		}
		err = errors.Unwrap(err)
	}
	return false
}

// explain makes an [*Error] of what is understood, and returns the rest as it
// is. Some causes mean something while dialling only.
func (c *Config) explain(err error, dialling bool) error {
	e := cmp.Or(c.explainServer(err), c.explainAlert(err), c.explainRecord(err))
	if e == nil && dialling {
		e = c.explainDial(err)
	}
	if e == nil {
		e = c.explainTimeout(err)
	}
	if e == nil {
		return err
	}
	e.Host, e.Err = c.Host(), err
	return e
}

// explainServer is about the server's certificate.
func (c *Config) explainServer(err error) *Error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		e := &Error{Kind: ServerNameMismatch}
		e.Detail = fmt.Sprintf("the server's certificate is for %s, not for %s", certNames(name.Certificate), name.Host)
		return e.hint("connect by one of its names, or issue it again with %s as subjectAltName (the Common Name is not used)", sanOf(name.Host))
	case errors.As(err, &unknown):
		return c.explainUntrusted(unknown.Cert)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return explainDates(invalid.Cert)
	}
	return nil
}

// explainUntrusted tells an unknown issuer from another generation of a known one.
func (c *Config) explainUntrusted(cert *x509.Certificate) *Error {
	e := &Error{Kind: ServerUntrusted, Source: c.settingSource("tlscacert")}
	known, twin := c.authorities(cert)
	if twin {
		e.Detail = fmt.Sprintf("%s does not know the server's issuer: it has an authority of the same name %q with another key", c.rootsName(), cert.Issuer)
		return e.hint("it is from another generation of that authority, or another daemon answers at this address; fetch the ca.pem that signed the daemon's certificate")
	}
	e.Detail = fmt.Sprintf("the server's certificate was issued by %q, which %s does not know", cert.Issuer, c.rootsName())
	if len(known) > 0 {
		e.Detail += " (it has " + strings.Join(known, ", ") + ")"
	}
	return e.hint("check that it is the right daemon; if it is, fetch the ca.pem that signed its certificate and name it with --tlscacert or put it into the certificate folder")
}

// authorities names those of the CA file, and tells whether one has the name of
// the certificate's issuer.
func (c *Config) authorities(cert *x509.Certificate) (names []string, twin bool) {
	for block, rest := pem.Decode(c.ca); block != nil; block, rest = pem.Decode(rest) {
		ca, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			continue
		}
		names = append(names, strconv.Quote(ca.Subject.String()))
		twin = twin || bytes.Equal(ca.RawSubject, cert.RawIssuer)
	}
	return names, twin
}

func explainDates(cert *x509.Certificate) *Error {
	now := time.Now()
	stamp := func(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }
	if now.Before(cert.NotBefore) {
		e := &Error{Kind: ServerCertNotYet}
		e.Detail = fmt.Sprintf("the server's certificate %q is valid from %s, and it is %s here", cert.Subject, stamp(cert.NotBefore), stamp(now))
		return e.hint("check the clocks of both machines")
	}
	e := &Error{Kind: ServerCertExpired}
	e.Detail = fmt.Sprintf("the server's certificate %q expired on %s, and it is %s here", cert.Subject, stamp(cert.NotAfter), stamp(now))
	return e.hint("issue the daemon's certificate again and restart the daemon")
}

// certNames lists what a certificate is for.
func certNames(cert *x509.Certificate) string {
	var names []string
	for _, n := range cert.DNSNames {
		names = append(names, fmt.Sprintf("DNS %q", n))
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, "IP "+ip.String())
	}
	if len(names) == 0 {
		return "no DNS name and no IP address"
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func sanOf(host string) string {
	if net.ParseIP(host) != nil {
		return "IP:" + host
	}
	return "DNS:" + host
}

func (c *Config) rootsName() string {
	if c.files.ca != "" {
		return c.files.ca
	}
	if c.tls != nil && c.tls.RootCAs != nil {
		return "the given CA"
	}
	return "this system"
}

// settingSource tells where a setting came from.
func (c *Config) settingSource(name string) string {
	for _, s := range c.settings {
		if s.Name == name {
			return s.Source
		}
	}
	return ""
}

// explainAlert is about what the server said before it hung up.
func (c *Config) explainAlert(err error) *Error {
	ev := c.shown.Load()
	if c.tls == nil {
		return nil // the error is of another client's making
	}
	if ev == nil {
		ev = new(evidence)
	}
	switch alert := alertOf(err); alert {
	case alertCertificateRequired:
		return c.certRequired(ev)
	case alertHandshakeFailure:
		if ev.requested && !ev.sent {
			return c.certRequired(ev)
		}
	case alertProtocolVersion:
		e := &Error{Kind: TLSVersion, Detail: "the server speaks no version of TLS from 1.2 on"}
		return e.hint("update the daemon, or what stands before it")
	case alertBadCertificate, alertUnsupportedCert, alertCertRevoked, alertCertExpired, alertCertUnknown, alertUnknownCA, alertAccessDenied:
		if ev.requested && !ev.sent {
			return c.certRequired(ev)
		}
		if ev.sent {
			return c.certRejected(alert)
		}
	}
	return nil
}

// alertOf is the alert that the peer sent, or -1. Its type is not exported, so
// the text is compared with the one the standard library makes itself.
func alertOf(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return -1
	}
	for _, alert := range []uint8{alertHandshakeFailure, alertBadCertificate, alertUnsupportedCert, alertCertRevoked, alertCertExpired,
		alertCertUnknown, alertUnknownCA, alertAccessDenied, alertProtocolVersion, alertCertificateRequired} {
		if op.Err.Error() == tls.AlertError(alert).Error() {
			return int(alert)
		}
	}
	return -1
}

func (c *Config) certRequired(ev *evidence) *Error {
	e := &Error{Kind: ClientCertRequired, Source: c.settingSource("tlscert"), Detail: "the daemon requires a client certificate"}
	switch {
	case len(c.tls.Certificates) == 0:
		e.Detail += ", and none was sent"
		return e.hint("%s", c.hintNoPair())
	case !ev.requested || ev.sent: // not shown by a connection of ours
		return e
	case ev.accepted == 0:
		e.Detail += ", and ours was not sent: it cannot sign in any way that the daemon accepts"
		return e
	}
	e.Detail += fmt.Sprintf(", and ours was not sent: it was issued by %q, which is none of the %d authorities the daemon accepts", c.tls.Certificates[0].Leaf.Issuer, ev.accepted)
	return e.hint("use a client certificate that the daemon's --tlscacert has signed")
}

// hintNoPair says why there is no client certificate, and where one belongs.
func (c *Config) hintNoPair() string {
	for _, s := range c.settings {
		if (s.Name == roleCert().setting || s.Name == roleKey().setting) && s.Value == wordNone {
			return s.Source + " says to use none"
		}
	}
	switch {
	case c.context != wordDefault:
		return fmt.Sprintf("the context %q has no pair of cert.pem and key.pem: docker context update --docker host=...,ca=...,cert=...,key=...", c.context)
	case c.certDir == "":
		return "none is configured: pass --tlscert and --tlskey (CertFile, KeyFile), signed by the daemon's --tlscacert"
	}
	return fmt.Sprintf("no pair of cert.pem and key.pem was found in %s: put one there that the daemon's --tlscacert has signed, or pass --tlscert and --tlskey", c.certDir)
}

func (c *Config) certRejected(alert int) *Error {
	leaf := c.tls.Certificates[0].Leaf
	e := &Error{Kind: ClientCertRejected, Source: c.settingSource("tlscert")}
	e.Detail = fmt.Sprintf("the daemon refused the client certificate %q issued by %q (%s)", leaf.Subject, leaf.Issuer, tls.AlertError(alert).Error())
	if now := time.Now(); now.After(leaf.NotAfter) {
		e.Kind = ClientCertIsExpired
		e.Detail += ", which expired on " + leaf.NotAfter.UTC().Format(time.DateTime) + " UTC"
		return e.hint("issue the client certificate again")
	}
	return e.hint("the exact reason is in the daemon's log; check that its --tlscacert signed this certificate, and the clock of its machine")
}

// explainRecord is about an answer that is no TLS.
func (c *Config) explainRecord(err error) *Error {
	var header tls.RecordHeaderError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &header) && string(header.RecordHeader[:]) == "HTTP/":
		e := &Error{Kind: TLSNotOffered, Detail: "TLS was spoken, and the server answered plain HTTP"}
		return e.hint("TLS is on because of %s; the daemon must be started with --tls or --tlsverify, or this is the wrong port", c.tlsSource())
	case errors.As(err, &header):
		return &Error{Kind: NotTLS, Detail: "TLS was spoken, and what answered speaks neither TLS nor HTTP"}
	}
	return nil
}

// tlsSource is the setting that switched TLS on.
func (c *Config) tlsSource() string {
	if c.context != wordDefault {
		return "the context " + quote(c.context)
	}
	for _, w := range c.warnings {
		if w.Code == WarnFalseMeansTrue {
			return w.Source + " (" + w.Message + ")"
		}
	}
	return cmp.Or(c.settingSource("tlsverify"), c.settingSource("tls"))
}

// tlsRequired is what plain HTTP to a TLS daemon means.
func (c *Config) tlsRequired() *Error {
	e := &Error{Kind: TLSRequired, Host: c.Host(), Detail: "plain HTTP was sent to a daemon that speaks TLS"}
	e.hint("TLS is not switched on: set DOCKER_TLS_VERIFY=1 or pass --tlsverify, with the daemon's ca.pem in %s", cmp.Or(c.certDir, "CertPath"))
	if c.context != wordDefault {
		e.hint("the context %q has no TLS files: docker context update --docker host=...,ca=...,cert=...,key=...", c.context)
	}
	return e
}

// explainDial is about not getting there at all.
func (c *Config) explainDial(err error) *Error {
	var dns *net.DNSError
	socket := c.endpoint.isSocket()
	switch {
	case errors.As(err, &dns):
		e := &Error{Kind: DNS, Source: c.source, Detail: fmt.Sprintf("the host name %q does not resolve", dns.Name)}
		return e.hint("check the address, which comes from %s", c.source)
	case socket && errors.Is(err, fs.ErrNotExist):
		e := &Error{Kind: SocketMissing, Source: c.source, Detail: "there is no such socket"}
		return e.hint("is the daemon running on this machine? The address comes from %s", c.source)
	case socket && errors.Is(err, fs.ErrPermission):
		e := &Error{Kind: SocketPermission, Source: c.source, Detail: "this user may not open the socket"}
		return e.hint("add the user to the socket's group (usually docker), or use another address")
	case errors.Is(err, syscall.ECONNREFUSED):
		e := &Error{Kind: ConnectionRefused, Source: c.source, Detail: "nobody listens there"}
		return e.hint("check the address, which comes from %s, and that the daemon is running", c.source)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return &Error{Kind: Unreachable, Source: c.source, Detail: "no route to the host"}
	}
	return nil
}

// explainTimeout is about time limits other than a context's.
func (c *Config) explainTimeout(err error) *Error {
	var timeout net.Error
	if errors.Is(err, errTimeLimit) || errors.As(err, &timeout) && timeout.Timeout() {
		return &Error{Kind: Timeout, Source: c.source, Detail: "no answer in time"}
	}
	return nil
}
