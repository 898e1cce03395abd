package dockertls

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// explainServer is about the server's certificate.
func (s scene) explainServer(err error) *Error {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var e *Error
	chain := servedChain(err)
	switch {
	case errors.As(err, &name) && name.Certificate != nil:
		e = s.explainNameMismatch(name)
	case errors.As(err, &unknown) && (unknown.Cert != nil || len(chain) > 0):
		if len(chain) == 0 {
			chain = []*x509.Certificate{unknown.Cert}
		}
		e = s.explainUntrusted(chain)
	case errors.As(err, &unknown):
		e = &Error{Kind: ServerUntrusted, Source: s.source("tlscacert"), Detail: "the server's certificate was issued by an unknown authority"}
	case errors.As(err, &invalid) && invalid.Cert == nil:
		e = s.invalid("the server's certificate is not valid")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e = s.explainDates(invalid.Cert, chain)
	case errors.As(err, &invalid):
		e = s.explainRule(invalid, chain)
	case errors.As(err, new(x509.UnhandledCriticalExtension)):
		e = s.invalid("the server's certificate, or one above it, has a critical extension that is not understood here")
	case errors.As(err, new(x509.SystemRootsError)):
		e = &Error{Kind: ServerUntrusted, Source: s.source("tlscacert"), Detail: "this system has no root certificates to verify the server with"}
		e.hint("name the daemon's authority with --tlscacert, or install the package ca-certificates")
	case len(chain) > 0:
		e = cmp.Or(s.explainFIPS(chain), s.unverifiable(err))
	default:
		return nil
	}
	e.Evidence.Server = describeAll(chain)
	return e
}

// servedChain is what the server sent, if the error tells.
func servedChain(err error) []*x509.Certificate {
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		return verification.UnverifiedCertificates
	}
	return nil
}

// unverifiable is about chains for whose failure crypto/x509 has no type.
func (s scene) unverifiable(err error) *Error {
	if !strings.Contains(err.Error(), "signature check attempts limit reached") {
		return s.invalid("the server's certificate cannot be verified")
	}
	e := s.invalid("the server's certificate cannot be verified: it takes too many attempts to find a way through all the certificates that the server sends")
	return e.hint("the daemon's --tlscert must hold its certificate and the intermediate authorities above it, nothing else")
}

// explainNameMismatch lists what the certificate is for, and what was asked.
func (s scene) explainNameMismatch(err x509.HostnameError) *Error {
	cert, host := err.Certificate, oneLine(strings.Trim(err.Host, "[]"))
	e := &Error{Kind: ServerNameMismatch, Source: s.hostSource()}
	if name := s.source("server-name"); name != "" {
		e.Source = name
	}
	reissue := fmt.Sprintf("issue it again with subjectAltName=%s", sanOf(host))
	switch {
	case !hasNames(cert):
		e.Detail = fmt.Sprintf("the server's certificate names no host at all, only the Common Name %s, which does not count; %s was asked for", quote(nameOf(cert.Subject.CommonName)), host)
		return e.hint("%s (the Common Name is not used)", reissue)
	case net.ParseIP(host) != nil && containsFold(cert.DNSNames, host):
		e.Detail = fmt.Sprintf("the server's certificate is for %s, where the IP address %s is written as a DNS name, which does not count", certNames(cert), host)
		return e.hint("%s: the extension must say IP, not DNS", reissue)
	}
	e.Detail = fmt.Sprintf("the server's certificate is for %s, not for %s", certNames(cert), host)
	switch wildcard := coveringWildcard(cert, host); {
	case wildcard != "":
		return e.hint("%s stands for exactly one label in the place of the asterisk: connect by such a name, or %s", wildcard, reissue)
	case net.ParseIP(host) != nil && len(cert.IPAddresses) == 0 && len(cert.DNSNames) > 0:
		return e.hint("it has no IP address in it: connect by one of its names, or %s (the Common Name is not used)", reissue)
	}
	return e.hint("connect by one of its names, or %s (the Common Name is not used)", reissue)
}

func hasNames(cert *x509.Certificate) bool { return len(cert.DNSNames)+len(cert.IPAddresses) > 0 }

// coveringWildcard finds a wildcard name whose domain the host lies in, at
// another depth.
func coveringWildcard(cert *x509.Certificate, host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, name := range cert.DNSNames {
		domain, ok := strings.CutPrefix(strings.ToLower(name), "*.")
		if ok && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return oneLine(name)
		}
	}
	return ""
}

func containsFold(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// certNames lists what a certificate is for. Certificates may have thousands of
// names.
func certNames(cert *x509.Certificate) string {
	const most = 10
	var names, kinds []string
	for _, name := range cert.DNSNames {
		names, kinds = append(names, name), append(kinds, "DNS ")
	}
	for _, ip := range cert.IPAddresses {
		names, kinds = append(names, ip.String()), append(kinds, "IP ")
	}
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
	}
	list, kind := "", ""
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			list += ", "
		}
		if kinds[i] != kind {
			kind = kinds[i]
			list += kind
		}
		list += cut(name, maxQuote)
	}
	return "[" + list + more + "]"
}

// sanOf writes a name as openssl's subjectAltName does.
func sanOf(name string) string {
	if net.ParseIP(name) != nil {
		return "IP:" + name
	}
	return "DNS:" + name
}

// explainUntrusted says why no chain leads to an authority that is trusted.
func (s scene) explainUntrusted(chain []*x509.Certificate) *Error {
	e := &Error{Kind: ServerUntrusted, Source: s.source("tlscacert")}
	roots := s.material().roots()
	g := findGap(chain, roots)
	whose := linkOf(g.cert, chain, nil).String()
	issuer := quote(issuerOf(g.cert))
	switch g.why {
	case issuerTwin:
		return s.explainTwin(e, g, whose, issuer)
	case issuerNoCA:
		return s.explainNoCA(e, g, whose)
	case issuerWeak:
		return s.explainWeak(g, whose)
	case issuerKnown:
		e.Detail = fmt.Sprintf("%s was issued by %s, which %s has: the client that failed did not use it", whose, issuer, s.rootsName())
		return e.hint("make that client use this Config's transport, or its TLSConfig")
	case issuerSelfSigned:
		e.Detail = fmt.Sprintf("the chain of the server's certificate ends in the authority %s, which %s does not know%s", issuer, s.rootsName(), s.knows(roots))
		if g.cert == chain[0] {
			e.Detail = fmt.Sprintf("the server's certificate %s is self-signed, and %s does not know it%s", issuer, s.rootsName(), s.knows(roots))
		}
		return e.hint("%s", s.hintFetchCA())
	}
	e.Detail = fmt.Sprintf("%s was issued by %s, which %s does not know%s", whose, issuer, s.rootsName(), s.knows(roots))
	if len(roots) > 0 && !anyCA(roots) {
		return e.hint("there is no authority in %s, only certificates that may not sign others: put the one there that signed the daemon's certificate", s.rootsName())
	}
	return e.hint("if %s is an intermediate authority, the server must send its certificate too: append it to the daemon's --tlscert. Else %s", issuer, s.hintFetchCA())
}

// hintFetchCA names the place that counts: to a context no other does.
func (s scene) hintFetchCA() string {
	if s.cfg != nil && s.cfg.context != wordDefault {
		return hintFetchCA + fmt.Sprintf("give it to the context %q: "+hintContextTLS, s.cfg.context)
	}
	return hintFetchCA + hintPlaceCA
}

func anyCA(certs []*x509.Certificate) bool {
	for _, c := range certs {
		if c.IsCA || c.Version < 3 {
			return true
		}
	}
	return false
}

func (s scene) explainTwin(e *Error, g gap, whose, issuer string) *Error {
	if !g.ours {
		e.Detail = fmt.Sprintf("%s names as its issuer %s, but the certificate of that name which the server sends has another key", whose, issuer)
		return e.hint("the daemon's --tlscert must hold the intermediate authority that really signed its certificate")
	}
	e.Detail = fmt.Sprintf("%s does not know the server's issuer: it has an authority of the same name %s with another key", s.rootsName(), issuer)
	return e.hint(hintTwin, s.rootsPath())
}

func (s scene) explainNoCA(e *Error, g gap, whose string) *Error {
	subject := quote(subjectOf(g.issuer))
	if !g.ours {
		e.Kind = ServerCertInvalid
		e.Detail = fmt.Sprintf("%s was signed by %s, which the server sends and which is not an authority (its certificate does not say CA:TRUE with the right to sign)", whose, subject)
		return e.hint("issue the intermediate authority again with basicConstraints=critical,CA:TRUE and keyUsage=keyCertSign")
	}
	e.Detail = fmt.Sprintf("%s was signed by %s, which %s has, but which is not an authority (its certificate does not say CA:TRUE with the right to sign)", whose, subject, s.rootsName())
	return e.hint("make a real authority, with basicConstraints=critical,CA:TRUE and keyUsage=keyCertSign, and issue the daemon's certificate with it")
}

func (s scene) explainWeak(g gap, whose string) *Error {
	if isShort(g.issuer) {
		e := s.invalid(fmt.Sprintf("%s was signed with a key that is too short to be safe, that of %s", whose, quote(subjectOf(g.issuer))))
		return e.hint("make the authority again, with an RSA key of 2048 bits or more, or an ECDSA key")
	}
	e := s.invalid(fmt.Sprintf("%s is signed with %s, which is not safe any more", whose, g.cert.SignatureAlgorithm))
	return e.hint("issue the certificate again with SHA-256: openssl x509 -req -sha256")
}

// invalid is an error about a certificate that breaks a rule.
func (s scene) invalid(detail string) *Error {
	return &Error{Kind: ServerCertInvalid, Source: s.source("tlscacert"), Detail: oneLine(detail)}
}

// knows lists the authorities that are trusted.
func (s scene) knows(roots []*x509.Certificate) string {
	if len(roots) == 0 {
		return ""
	}
	return " (it has " + listNames(roots) + ")"
}

// listNames quotes the subjects of a few certificates.
func listNames(certs []*x509.Certificate) string {
	names := make([]string, 0, len(certs))
	for _, c := range certs {
		names = append(names, subjectOf(c))
	}
	return quoteSome(names)
}

// quoteSome quotes a few names, and counts the others.
func quoteSome(names []string) string {
	const most = 5
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ") + more
}

// rootsName says whom we trust: a path, what it is, or the system.
func (s scene) rootsName() string {
	switch {
	case s.cfg == nil:
		return "this client"
	case s.material().material.ca.path != "":
		return "ca.pem"
	case len(s.material().ca()) > 0:
		return "the given CA"
	}
	return "this system"
}

// rootsPath is rootsName with the file's path and its source.
func (s scene) rootsPath() string {
	if s.cfg == nil || s.material().material.ca.path == "" {
		return s.rootsName()
	}
	return s.material().material.ca.path + fromSource(s.source("tlscacert"))
}

// A link is what a certificate is in the server's chain.
type link int

const (
	linkLeaf link = iota
	linkIntermediate
	linkRoot
)

// linkOf finds out which link a certificate is. The chain may be empty: then it is
// the leaf.
func linkOf(cert *x509.Certificate, chain, roots []*x509.Certificate) link {
	switch {
	case len(chain) == 0 || bytes.Equal(chain[0].Raw, cert.Raw):
		return linkLeaf
	case containsCert(chain[1:], cert) && !containsCert(roots, cert):
		return linkIntermediate
	}
	return linkRoot
}

// String says whose certificate it is.
func (l link) String() string {
	return [...]string{"the server's certificate", "the intermediate certificate", "the authority's certificate"}[l]
}

// explainDates says whose certificate is not valid now, and both dates.
func (s scene) explainDates(cert *x509.Certificate, chain []*x509.Certificate) *Error {
	roots := s.material().roots()
	l := linkOf(cert, chain, roots)
	whose := l.String()
	if l == linkRoot && containsCert(roots, cert) {
		whose += " in " + s.rootsPath()
	}
	subject := quote(subjectOf(cert))
	if now := time.Now(); now.Before(cert.NotBefore) {
		e := &Error{Kind: ServerCertNotYet, Detail: oneLine(fmt.Sprintf("%s %s is valid only from %s, and it is %s here", whose, subject, stamp(cert.NotBefore), stamp(now)))}
		return e.hint(hintClocks)
	}
	e := &Error{Kind: ServerCertExpired, Detail: oneLine(fmt.Sprintf("%s %s expired on %s, and it is %s here", whose, subject, stamp(cert.NotAfter), stamp(time.Now())))}
	switch l {
	case linkRoot:
		e.Source = s.source("tlscacert")
		return e.hint(hintNewCA)
	case linkLeaf:
		return e.hint("issue the daemon's certificate again and restart the daemon")
	}
	return e.hint("issue the intermediate authority again, and put its new certificate into the daemon's --tlscert")
}

// stamp writes a point in time as it is written in certificates.
func stamp(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

// explainRule is about certificates that break a rule of RFC 5280.
func (s scene) explainRule(err x509.CertificateInvalidError, chain []*x509.Certificate) *Error {
	whose := linkOf(err.Cert, chain, s.material().roots())
	subject := quote(subjectOf(err.Cert))
	say := func(what, advice string) *Error {
		e := s.invalid(fmt.Sprintf("%s %s %s", whose, subject, what))
		if advice != "" {
			e.hint("%s", advice)
		}
		return e
	}
	switch err.Reason {
	case x509.NotAuthorizedToSign:
		return say("has signed another one, but is not an authority", "issue it again with basicConstraints=critical,CA:TRUE")
	case x509.TooManyIntermediates:
		return say("allows fewer intermediate authorities below it than there are (path length)", "issue the daemon's certificate closer to that authority, or the authority with a larger pathlen")
	case x509.IncompatibleUsage:
		return say("may not be used by a server (extended key usage), or its authority may not issue such certificates", "issue the daemon's certificate again with extendedKeyUsage=serverAuth")
	case x509.CANotAuthorizedForThisName, x509.UnconstrainedName:
		return say("has names that its authority may not issue certificates for (name constraints)", "issue it for names that the authority's nameConstraints permit, or by another authority")
	case x509.NameMismatch:
		return say("is not named as the issuer of the one below it", "")
	}
	return say("breaks a rule that is checked here", "")
}
