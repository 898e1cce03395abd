package dockertlstest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// Option says how a daemon differs from the default: a [Mode], a [Fault], or
// what a function such as [Handle] returns. The order of options does not
// matter; of two that contradict each other the last counts.
type Option interface {
	apply(*setup) error
}

// An optionFunc is an option that cannot be wrong.
type optionFunc func(*setup)

func (f optionFunc) apply(s *setup) error {
	f(s)
	return nil
}

// Start starts a daemon for a test, on a free port of 127.0.0.1, and closes it
// when the test ends. By default it is in mode [MutualTLS], with an authority of
// its own, and everything is as it should be: [Daemon.Options], [Daemon.Setenv],
// [Daemon.TLSClientConfig] and [Daemon.WriteConfig] reach it. Options that do not
// go together fail the test at once.
func Start(t testing.TB, options ...Option) *Daemon {
	t.Helper()
	d, err := newFrom(options)
	if err != nil {
		t.Fatalf("dockertlstest: %v", err)
	}
	t.Cleanup(d.Close)
	return d
}

// New is [Start] for programs and examples, which have no [testing.TB]: the
// caller closes the daemon, and options that do not go together panic.
func New(options ...Option) *Daemon {
	d, err := newFrom(options)
	check(err)
	return d
}

// MaxTLS sets the newest version of TLS that the daemon speaks, such as
// [tls.VersionTLS12]. Default: 1.3, and 1.2 is the oldest. With an older one,
// that is the only version, and clients fail with the kind tls-version.
func MaxTLS(version uint16) Option {
	return optionFunc(func(s *setup) {
		s.edits = append(s.edits, func(config *tls.Config) {
			config.MaxVersion = version
			config.MinVersion = min(config.MinVersion, version)
		})
	})
}

// NoSessionTickets makes a daemon that sends no session tickets: under TLS 1.3
// clients then hear nothing of it between their handshake and the first answer.
// Default: tickets, as dockerd sends them.
func NoSessionTickets() Option {
	return optionFunc(func(s *setup) {
		s.edits = append(s.edits, func(config *tls.Config) { config.SessionTicketsDisabled = true })
	})
}

// NoAcceptedCAs makes a daemon that does not say whose certificates it accepts
// when it asks for one, as some servers do, though it is the same ones. Clients
// then show what they have, and a refusal is a "bad certificate" whatever its
// reason. Default: MutualTLS names its authority, as dockerd does, and most
// clients do not show a certificate of another.
func NoAcceptedCAs() Option {
	return optionFunc(func(s *setup) {
		s.nameless = true
		s.need(MutualTLS, "NoAcceptedCAs")
	})
}

// UseCA makes ca the daemon's authority, for several daemons that the same
// client reaches. Default: a new one.
func UseCA(ca *CA) Option {
	return optionFunc(func(s *setup) { s.ca = ca })
}

// Handle adds a handler for a pattern such as "GET /info" or
// "POST /containers/{id}/stop", as in [http.ServeMux]. A version before the path
// (/v1.41) is cut off. What no pattern matches, the built-in API answers.
func Handle(pattern string, handler http.HandlerFunc) Option {
	return optionFunc(func(s *setup) { s.routes = append(s.routes, route{pattern, handler}) })
}

// Stream sets what happens to a connection that attach or exec has taken over,
// once that is confirmed. The connection has a method CloseWrite, as that of TCP
// and TLS does, and is closed when serve returns. It must return once the
// connection is closed. Default: what comes is sent back.
func Stream(serve func(conn net.Conn, r *http.Request)) Option {
	return optionFunc(func(s *setup) { s.stream = serve })
}

// Configure has the last word on the daemon's fields before it starts: another
// server certificate, a TLS configuration, a log. A Handler replaces what
// [Handle] has added as well.
func Configure(edit func(*Daemon)) Option {
	return optionFunc(func(s *setup) { s.configure = append(s.configure, edit) })
}

// A setup is what options are turned into.
type setup struct {
	mode     Mode
	explicit bool   // the caller chose the mode
	needs    Mode   // the least that all options make sense in
	neededBy string // the one that said so

	speaks, dials *Mode // other modes for one of the two sides
	ca            *CA
	server        certPlan
	client        certPlan
	withhold      bool // the client certificate
	nameless      bool
	refuse        bool // every client
	down          bool

	edits     []func(*tls.Config)
	misdeeds  map[Stage]misdeed
	routes    []route
	stream    func(net.Conn, *http.Request)
	configure []func(*Daemon)
}

// A certPlan says what is wrong with a certificate.
type certPlan struct {
	edits      []func(*CertSpec)
	issuer     func(*CA) *CA // nil: the authority itself
	selfSigned bool
	leafOnly   bool // without the intermediates
}

// need says in which modes an option makes sense.
func (s *setup) need(least Mode, by string) {
	if least > s.needs {
		s.needs, s.neededBy = least, by
	}
}

func (m Mode) apply(s *setup) error {
	if m < Plain || m > MutualTLS {
		return fmt.Errorf("no such mode: %v", m)
	}
	s.mode, s.explicit = m, true
	return nil
}

// newFrom starts a daemon.
func newFrom(options []Option) (*Daemon, error) {
	s := &setup{mode: MutualTLS, misdeeds: map[Stage]misdeed{}}
	for _, o := range options {
		if err := o.apply(s); err != nil {
			return nil, err
		}
	}
	if s.explicit && s.mode < s.needs {
		return nil, fmt.Errorf("%s makes no sense in mode %v", s.neededBy, s.mode)
	}
	if s.ca == nil {
		s.ca = NewCA()
	}
	d := s.daemon(s.ca)
	for _, edit := range s.configure {
		edit(d)
	}
	d.Start()
	if s.down {
		d.Listener.Close()
	}
	return d, nil
}

// daemon makes one whose clients trust ca.
func (s *setup) daemon(ca *CA) *Daemon {
	d := NewUnstartedDaemon(*cmp.Or(s.speaks, &s.mode), ca)
	d.access.mode = *cmp.Or(s.dials, &s.mode)
	d.access.withhold = s.withhold
	d.access.pair = s.client.issue(ca, CertSpec{CommonName: clientName, Client: true})
	d.Server = s.server.issue(ca, CertSpec{Names: localNames(), Server: true})
	d.misdeeds, d.routes = s.misdeeds, s.routes
	if s.stream != nil {
		d.stream = s.stream
	}
	d.editTLS = s.editTLS
	return d
}

func (p certPlan) issue(ca *CA, spec CertSpec) *Pair {
	for _, edit := range p.edits {
		edit(&spec)
	}
	if p.selfSigned {
		return SelfSigned(spec)
	}
	if p.issuer != nil {
		ca = p.issuer(ca)
	}
	pair := ca.Issue(spec)
	if p.leafOnly {
		pair.CertPEM = certPEM(pair.Leaf().Raw)
	}
	return pair
}

func (s *setup) editTLS(config *tls.Config) {
	if s.nameless {
		config.ClientAuth = tls.RequireAnyClientCert
		config.VerifyPeerCertificate = verifyClients(config.ClientCAs)
		config.ClientCAs = nil
	}
	if s.refuse {
		config.ClientAuth = tls.RequireAnyClientCert
		config.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error {
			return errors.New("dockertlstest: refused as asked for")
		}
	}
	for _, edit := range s.edits {
		edit(config)
	}
}

// verifyClients does what crypto/tls would do with roots in its configuration.
func verifyClients(roots *x509.CertPool) func([][]byte, [][]*x509.Certificate) error {
	return func(chain [][]byte, _ [][]*x509.Certificate) error {
		opts := x509.VerifyOptions{
			Roots:         roots,
			Intermediates: x509.NewCertPool(),
			KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		var leaf *x509.Certificate
		for i, der := range chain {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				return err
			}
			if i == 0 {
				leaf = cert
			} else {
				opts.Intermediates.AddCert(cert)
			}
		}
		_, err := leaf.Verify(opts)
		return err
	}
}
