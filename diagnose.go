package dockertls

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"slices"
)

// Diagnose explains an error of any client: it returns the [*Error] in its
// chain if there is one, without what clients put around it, and a new one if
// the cause is understood from types in the chain or, last, from the text: the
// error may have crossed a log or an RPC. An error that is not understood is
// returned as it is, and so are nil and the errors of a context.
//
// [Config.Diagnose] knows more: the settings, and what the endpoint has shown.
func Diagnose(err error) error { return diagnose(nil, err) }

// Diagnose explains an error from this Config's connections, with what the
// endpoint has shown so far. It returns the [*Error] in the chain if there is
// one, a new one if the cause is understood, and err itself if not: a cause is
// never guessed. Nil and the context's own errors stay what they are.
//
// A connection of another client's that broke off after a daemon asked for a
// client certificate (TLS 1.3) does not tell whether it was refused. Diagnose
// then makes one of its own, which only listens: for 3 s at most, and at most
// once a second.
func (c *Config) Diagnose(err error) error { return diagnose(c, err) }

func diagnose(c *Config, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled), carries(err, context.DeadlineExceeded):
		return err
	}
	s := scene{cfg: c, stage: dialStage(err)}
	if c != nil {
		s.seen = c.shown.Load()
	}
	if e := s.explain(err); e != nil {
		if e.alertMayBeLost(s.seen) {
			return cmp.Or(c.askAgain(nil), e)
		}
		return e
	}
	if e := explainText(err.Error()); e != nil && (c == nil || s.mayBelieve(err, e)) {
		return s.fromText(e, err)
	}
	return err
}

// mayBelieve tells whether a text is about a connection to this endpoint: most
// texts that a daemon's client returns are the daemon's, about other things. A
// time limit in one is somebody's own.
func (s scene) mayBelieve(err error, e *Error) bool {
	if e.Kind == TLSRequired && !s.cfg.secured() || e.Kind == NotHTTP {
		return true // about what the server said first; clients take it for the daemon's answer
	}
	return e.Kind != Timeout && ofConnection(err)
}

// ofConnection tells whether an error is one of a connection, not of what came
// over it.
func ofConnection(err error) bool {
	var request *url.Error
	var op *net.OpError
	return errors.As(err, &request) || errors.As(err, &op)
}

// fromText makes the most of what only a text told.
func (s scene) fromText(e *Error, err error) *Error {
	if e.Kind == TLSRequired && s.cfg != nil && !s.cfg.secured() {
		e = s.tlsRequired(saidPlainToTLS)
	}
	if e.Kind == NotHTTP && s.cfg != nil && s.cfg.usesSSH() {
		noise := s.noise()
		noise.Evidence = e.Evidence
		e = noise
	}
	e.Host, e.Err = s.host(), err
	return e
}

// dialStage tells how far a foreign connection came, "" if that is unknown.
func dialStage(err error) Stage {
	for ; err != nil; err = errors.Unwrap(err) {
		if op, ok := err.(*net.OpError); ok && op.Op == "dial" {
			return StageConnect
		}
	}
	return ""
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

// A scene is what a diagnosis has to go by, besides the error.
type scene struct {
	cfg      *Config    // nil: Diagnose without a Config; never if seen or http is set
	seen     *handshake // of this connection, or else of the latest; may be nil
	stage    Stage      // "" if unknown
	address  string     // of the peer, "" if unknown
	http     bool       // HTTP is spoken on it from the first byte on
	wrote    bool       // something was sent on it
	bodiless bool       // that was a HEAD request
	answered bool       // there was an answer
	halfway  bool       // there was the beginning of one
	soon     bool       // it failed within a second of what was sent
}

// explain makes an [*Error] of what is understood, or returns nil.
func (s scene) explain(err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known // an Options.Dialer has explained it: what it saw was not this endpoint's
	}
	explainers := []func(error) *Error{
		s.explainSSH, s.explainServer, s.explainAlert, s.explainRecord, s.explainName, s.explainDial, s.explainLimit, s.explainEnd, s.explainLocal,
	}
	for _, explain := range explainers {
		if e := explain(err); e != nil {
			return s.complete(e, err)
		}
	}
	return nil
}

// orCause returns the explanation if there is one. (A nil *Error is no nil error.)
func orCause(e *Error, err error) error {
	if e == nil {
		return err
	}
	return e
}

// complete adds what every diagnosis of this scene has.
func (s scene) complete(e *Error, err error) *Error {
	e.Host = s.host()
	e.Detail, e.Source = oneLine(e.Detail), oneLine(e.Source)
	ev := &e.Evidence
	ev.Stage = cmp.Or(ev.Stage, s.stage)
	ev.Address = cmp.Or(ev.Address, s.address, dialled(err))
	s.addProxy(ev)
	s.addHandshake(ev)
	e.Err = shaped(e, err)
	return e
}

func (s scene) addProxy(ev *Evidence) {
	if s.cfg != nil && s.cfg.proxy != nil {
		ev.Proxy = redactURL(s.cfg.proxy)
	}
}

func (s scene) addHandshake(ev *Evidence) {
	if s.cfg != nil && s.cfg.secured() {
		ev.ServerName = s.material().serverName
		ev.Trusted = describeAll(s.material().roots())
		if leaf := s.material().leaf(); leaf != nil {
			ev.Client = new(describe(leaf))
		}
	}
	if s.seen == nil || ev.Stage == StageConnect {
		return
	}
	if s.seen.version != 0 {
		ev.TLSVersion = tls.VersionName(s.seen.version)
	}
	if len(ev.Server) == 0 {
		ev.Server = describeAll(s.seen.chain)
	}
	ev.Requested, ev.Sent, ev.Accepted = s.seen.requested, s.seen.sent, authorityNames(s.seen.accepted)
}

// dialled is the address that a failed dial tried last.
func dialled(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return oneLine(op.Addr.String())
	}
	return ""
}

func (s scene) host() string {
	if s.cfg == nil {
		return ""
	}
	return s.cfg.Host()
}

// source tells where a setting came from, "" if that is unknown.
func (s scene) source(setting string) string {
	if s.cfg == nil {
		return ""
	}
	return s.cfg.settingSource(setting)
}

// hostSource is where the address came from.
func (s scene) hostSource() string {
	if s.cfg == nil {
		return ""
	}
	return s.cfg.source
}

// fromHost says which setting the address came from, if that is known.
func (s scene) fromHost() string {
	switch source := s.hostSource(); source {
	case "":
	case "default":
		return ", which is docker's default"
	default:
		return ", which comes from " + source
	}
	return ""
}

// fromSource is an addition to a path, about the setting that it comes from.
func fromSource(source string) string {
	if source == defaultFolder {
		return " (the default folder; DOCKER_CERT_PATH is not set)"
	}
	return " (" + source + ")"
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

// material is that of the connection, or else of new ones.
func (s scene) material() *generation {
	switch {
	case s.seen != nil && s.seen.generation != nil:
		return s.seen.generation
	case s.cfg != nil:
		return s.cfg.current()
	}
	return new(generation)
}

// shaped makes a cause that clients do not throw away together with ours:
// moby's client drops the chain of whatever is os.ErrPermission, and of a chain
// with a *net.DNSError it keeps only that, with what is in it.
func shaped(e *Error, err error) error {
	var dns *net.DNSError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return asOnly{err}
	case errors.As(err, &dns):
		inner, lookup := *e, *dns
		inner.Err, lookup.UnwrapErr = dns.UnwrapErr, &inner
		var op *net.OpError
		if !errors.As(err, &op) {
			return &lookup
		}
		dial := *op
		dial.Err = &lookup
		return &dial
	}
	return err
}

// asOnly hides a cause from errors.Is, not from errors.As.
type asOnly struct{ err error }

func (a asOnly) Error() string      { return a.err.Error() }
func (a asOnly) As(target any) bool { return errors.As(a.err, target) }
