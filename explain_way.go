package dockertls

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// explainName is about host names that do not resolve.
func (s scene) explainName(err error) *Error {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return nil
	}
	name := quote(cut(oneLine(dns.Name), maxQuote))
	e := &Error{Kind: DNS, Source: s.hostSource()}
	switch {
	case dns.IsNotFound:
		e.Detail = fmt.Sprintf("the host name %s does not resolve: no such name", name)
		return e.hint("check the spelling of the address%s, and that this machine's name server knows it", s.fromHost())
	case dns.IsTimeout:
		return s.nameTimeout(e, name, "in time")
	}
	e.Detail = fmt.Sprintf("the host name %s does not resolve: the name server failed", name)
	return e.hint("a name server is at fault, not the daemon: try again, or use the IP address if the daemon's certificate allows it")
}

func (s scene) nameTimeout(e *Error, name, when string) *Error {
	e.Detail = fmt.Sprintf("the host name %s does not resolve: the name server did not answer %s", name, when)
	return e.hint("a name server is down or out of reach: try again, or use the IP address if the daemon's certificate allows it")
}

// slowLookup is the end of our own limit, while a name was resolved.
func (s scene) slowLookup(limit time.Duration) *Error {
	e := &Error{Kind: DNS, Source: s.hostSource()}
	e.Evidence.Waited = limit
	host, _, _ := net.SplitHostPort(s.cfg.endpoint.address)
	return s.nameTimeout(e, quote(host), fmt.Sprintf("within %v", limit))
}

// explainDial is about not getting there at all.
func (s scene) explainDial(err error) *Error {
	path := s.socketPath(err)
	switch {
	case s.stage != StageConnect:
		return nil
	case path != "":
		return s.explainSocket(err, path)
	case isRefused(err):
		e := &Error{Kind: ConnectionRefused, Source: s.hostSource(), Detail: "nobody listens there"}
		if s.cfg != nil && s.cfg.endpoint.noPort && s.cfg.context == wordDefault {
			return e.hint("the address%s has no port, which means %s, with TLS too: name the port that the daemon listens on, with TLS usually %s", s.fromHost(), plainPort, tlsPort)
		}
		return e.hint("check the address%s, and that the daemon is running and listens on TCP", s.fromHost())
	case isUnreachable(err):
		e := &Error{Kind: Unreachable, Source: s.hostSource(), Detail: saidNoRoute}
		return e.hint(hintNetwork, s.fromHost())
	case errors.Is(err, fs.ErrPermission): // EACCES, EPERM: what the kernel says of a local rule
		e := &Error{Kind: Unreachable, Source: s.hostSource(), Detail: "this system forbids the connection"}
		return e.hint("a firewall rule, a routing rule or a sandbox of this machine is in the way")
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EINVAL):
		return &Error{Kind: Unreachable, Source: s.hostSource(), Detail: "no connection to this address can be made from here"}
	}
	return nil
}

// limitError is the end of one of our own time limits, never of the caller's.
type limitError struct {
	limit  time.Duration
	lookup bool // a name server was asked last
}

func (l limitError) Error() string {
	return fmt.Sprintf("no answer within the time limit of %v", l.limit)
}

// explainLimit is about time limits other than a context's.
func (s scene) explainLimit(err error) *Error {
	e := &Error{Kind: Timeout, Source: s.hostSource()}
	var timeout net.Error
	if end, ok := errors.AsType[limitError](err); ok && end.lookup {
		return s.slowLookup(end.limit)
	} else if ok {
		e.Evidence.Waited = end.limit
	} else if !errors.As(err, &timeout) || !timeout.Timeout() || strings.Contains(err.Error(), "(Client.Timeout exceeded") {
		return nil // the last is the caller's own limit, for which net/http has no type
	}
	waited := ""
	if e.Evidence.Waited > 0 {
		waited = fmt.Sprintf(" within %v", e.Evidence.Waited)
	}
	switch {
	case s.stage == StageConnect && s.socketPath(err) != "":
		e.Detail = "the daemon did not accept the connection" + waited + ": its queue is full"
		return e.hint(hintBusy)
	case s.stage == StageConnect:
		e.Detail = "no connection was made" + waited
		return e.hint("the host is down, a firewall drops the packets, or the daemon is too busy to accept: check the address%s", s.fromHost())
	case s.stage == StageHandshake:
		return s.silentHandshake(e, waited)
	}
	e.Detail = "no answer came" + waited
	if strings.Contains(err.Error(), "timeout awaiting response headers") { // net/http has no type for it
		e.Evidence.Stage = StageRequest
		if s.cfg != nil && s.cfg.usesSSH() {
			e.Detail = "ssh was started, and no answer to the request came in time"
			return e.hint("ssh or docker on the other side waits for something: try it by hand: %s", s.cfg.endpoint.ssh.tryDocker())
		}
		e.Detail = "the connection was made, and no answer to the request came in time"
		return e.hint("the daemon hangs, or the request takes long: its log may say why")
	}
	return e
}

// silentHandshake tells a server that never spoke from one that stopped.
func (s scene) silentHandshake(e *Error, waited string) *Error {
	if s.seen != nil && len(s.seen.opening) > 0 {
		e.Detail = fmt.Sprintf("the server stopped in the middle of the TLS handshake%s, after %s", waited, plural(len(s.seen.opening), "byte"))
		return e.hint("the daemon or something on the way hangs; large packets that get lost (MTU) look like this too")
	}
	e.Detail = "the connection was accepted, and no byte of a TLS handshake came" + waited
	return e.hint("the daemon hangs, or what listens there does not speak TLS and waits for the client: check the port%s", s.fromHost())
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case n >= openingSize:
		return fmt.Sprintf("%d %ss or more", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// explainEnd is about connections that ended before there was an answer.
func (s scene) explainEnd(err error) *Error {
	closed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if !closed && !isReset(err) && !errors.Is(err, syscall.EPIPE) {
		return nil
	}
	how := "reset"
	if closed {
		how = "closed"
	}
	e := &Error{Kind: ConnectionReset, Source: s.hostSource()}
	switch {
	case s.stage == StageHandshake:
		return s.endInHandshake(e, how)
	case s.stage != StageRequest:
		if !ofConnection(err) {
			return nil // the end of anything
		}
		e.Detail = "the connection was " + how + " by the other side"
	case s.halfway:
		e.Detail = "the connection was " + how + " by the other side in the middle of an answer"
		return e.hint(hintCut)
	case s.answered:
		e.Detail = "the connection was " + how + " by the other side, after answers had come"
		return e.hint(hintCut)
	case s.mayHaveWantedTLS() && s.cfg.endpoint.isTCP() && !s.cfg.forwards():
		return s.hungUpOnHTTP()
	case s.wrote:
		e.Detail = "the connection was " + how + " by the other side before it answered the request"
	default:
		e.Detail = "the connection was " + how + " by the other side before a request was sent"
	}
	return e.hint(hintHungUp)
}

// mayHaveWantedTLS: a server that has answered plain HTTP before does not speak
// TLS, and one that does hangs up at once.
func (s scene) mayHaveWantedTLS() bool {
	return s.http && !s.cfg.secured() && s.soon && !s.cfg.answeredPlain.Load()
}

// hungUpOnHTTP is about servers that end the connection without an answer to
// plain HTTP. OpenSSL's, haproxy and stunnel do so, where they expect TLS; and a
// SOCKS proxy on the way may lose the answer of those that give one.
// Whether the request had been sent does not count: it is a matter of luck.
func (s scene) hungUpOnHTTP() *Error {
	e := s.tlsRequired("the server hung up on plain HTTP, without an answer, as servers do that speak TLS")
	e.Hint += ". If the daemon does not speak TLS, its log may say why it hung up"
	return e
}

func (s scene) endInHandshake(e *Error, how string) *Error {
	e.Detail = "the server " + how + " the connection during the TLS handshake"
	if s.seen == nil || len(s.seen.opening) == 0 {
		e.Detail += ", before it said anything"
		return e.hint("what listens there may not speak TLS, or a proxy has no daemon behind it: check the port%s", s.fromHost())
	}
	return e.hint(hintHungUp)
}

// tlsRequired is what plain HTTP to a TLS daemon means.
func (s scene) tlsRequired(detail string) *Error {
	e := &Error{Kind: TLSRequired, Detail: detail}
	if s.cfg == nil {
		return e.hint("switch TLS on: DOCKER_TLS_VERIFY=1, with ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH")
	}
	c := s.cfg
	e.Source = s.hostSource()
	if c.context != wordDefault {
		return e.hint("the context %q has no TLS files: "+hintContextTLS, c.context)
	}
	for _, w := range c.warnings {
		switch w.Code {
		case WarnMisspelt:
			e.Source = w.Source
			return e.hint("TLS is not switched on, but there is a variable %s: %s", w.Source, w.Message)
		case WarnNoEffect:
			return e.hint("%s is set, but TLS is not switched on: set DOCKER_TLS_VERIFY=1 or pass --tlsverify", w.Source)
		}
	}
	if c.certDir == "" {
		return e.hint("TLS is not switched on: set TLSVerify (--tlsverify), with the daemon's authority as CA or CAFile (--tlscacert)")
	}
	return e.hint("TLS is not switched on: set DOCKER_TLS_VERIFY=1 or pass --tlsverify; %s", c.filesThere())
}

// filesThere says which of the default files lie in the certificate folder.
func (c *Config) filesThere() string {
	var there []string
	for _, ro := range []role{roleCA(), roleCert(), roleKey()} {
		if isFile(filepath.Join(c.certDir, ro.file)) {
			there = append(there, ro.file)
		}
	}
	folder := c.certDir + fromSource(c.certDirFrom)
	if len(there) == 0 {
		return "the daemon's ca.pem, and cert.pem and key.pem if it asks for them, belong in " + folder
	}
	return "in " + folder + " there is " + strings.Join(there, ", ") + " already"
}
