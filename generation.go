package dockertls

import (
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
)

// A generation is one whole set of TLS material, and what its connections have
// in common. It does not change: new material makes a new one.
type generation struct {
	tlsPlan
	number   uint64 // from 1
	material material
	pool     *x509.CertPool   // nil: the system's roots
	pair     *tls.Certificate // nil: none
	// session is of this generation only: with that of another one a server
	// would go on seeing the old client certificate.
	session lastSession
	// asked is the latest handshake that was no resumption: only there a server
	// asks for a client certificate.
	asked atomic.Pointer[handshake]
}

// A tlsPlan is what does not change from one generation to the next.
type tlsPlan struct {
	verify     bool
	serverName string
	noSessions bool
}

// generation makes material into a generation.
func (p tlsPlan) generation(number uint64, m material) (*generation, *Error) {
	g := &generation{tlsPlan: p, number: number, material: m}
	var err *Error
	if g.pool, err = m.ca.roots(); err != nil {
		return nil, err
	}
	g.pair, err = m.pair()
	return g, err
}

// config is the configuration of a connection. It is complete in itself: roots
// and server name are fields, so that a client that copies it in part fails
// closed.
func (g *generation) config() *tls.Config {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         g.serverName,
		InsecureSkipVerify: !g.verify, //nolint:gosec // docker's mode without verification
		RootCAs:            g.pool,
	}
	if g.pair != nil {
		// As a plain certificate, not by callback: crypto/tls then sends it
		// only where the server's list of authorities allows it (rule 20).
		cfg.Certificates = []tls.Certificate{*g.pair}
	}
	return cfg
}

// resuming is config for a connection that may resume a session.
func (g *generation) resuming() *tls.Config {
	cfg := g.config()
	if !g.noSessions {
		cfg.ClientSessionCache = &g.session
	}
	return cfg
}

// mode is Plain for that of a Config without TLS.
func (g *generation) mode() Mode {
	switch {
	case g.number == 0:
		return Plain
	case !g.verify:
		return Encrypted
	case g.pair != nil:
		return Mutual
	}
	return Verified
}

// ca is the PEM text of the authorities, nil if the system's verify.
func (g *generation) ca() []byte { return g.material.ca.data() }

// roots are the authorities of the CA file; none if the system's verify.
func (g *generation) roots() []*x509.Certificate { return parseCertificates(g.ca()) }

// leaf is the configured client certificate, nil if there is none.
func (g *generation) leaf() *x509.Certificate {
	if g.pair == nil {
		return nil
	}
	return g.pair.Leaf
}

// verifies tells whether a server's chain is good, but for what only crypto/tls
// checks.
func (g *generation) verifies(chain []*x509.Certificate) bool {
	return verifyChain(chain, g.pool, g.serverName) == nil
}

// secured tells whether TLS is spoken.
func (c *Config) secured() bool { return c.generation.Load() != nil }

// current is the generation of new connections, an empty one in plain mode.
// Only [Config.latest] looks for a newer one.
func (c *Config) current() *generation {
	if g := c.generation.Load(); g != nil {
		return g
	}
	return new(generation)
}

// A lastSession is a [tls.ClientSessionCache] for connections to one server: it
// keeps the latest session, which crypto/tls may resume more than once. The key
// is the server's name, always the same.
type lastSession struct {
	session atomic.Pointer[tls.ClientSessionState]
}

// Get returns the session.
func (s *lastSession) Get(string) (*tls.ClientSessionState, bool) {
	session := s.session.Load()
	return session, session != nil
}

// maxTicket is many times what servers send. A ticket of almost 64 KiB would not
// fit into the next hello, and no connection could be made any more.
const maxTicket = 16 << 10

// Put keeps a session; nil removes it.
func (s *lastSession) Put(_ string, session *tls.ClientSessionState) {
	if session != nil {
		if ticket, _, err := session.ResumptionState(); err != nil || len(ticket) > maxTicket {
			return
		}
	}
	s.session.Store(session)
}
