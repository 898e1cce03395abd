package dockertls

import (
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
)

// A generation is one whole set of TLS material, and what its connections have
// in common. It does not change: new material makes a new one.
type generation struct {
	number   uint64 // from 1
	mode     Mode
	material material
	// tls is the configuration of every connection, with the sessions of this
	// generation only: with those of another one a server would go on seeing
	// the old client certificate. It is never handed out itself.
	tls *tls.Config
	// asked is the latest handshake that was no resumption: only there a server
	// asks for a client certificate.
	asked atomic.Pointer[handshake]
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

// afresh is the configuration for a handshake that does not resume a session.
func (g *generation) afresh() *tls.Config {
	cfg := g.tls.Clone()
	cfg.ClientSessionCache = nil
	return cfg
}

// ca is the PEM text of the authorities, nil if the system's verify.
func (g *generation) ca() []byte { return g.material.ca.data }

// roots are the authorities of the CA file; none if the system's verify.
func (g *generation) roots() []*x509.Certificate { return parseCertificates(g.ca()) }

// leaf is the configured client certificate, nil if there is none.
func (g *generation) leaf() *x509.Certificate {
	if g.tls == nil || len(g.tls.Certificates) == 0 {
		return nil
	}
	return g.tls.Certificates[0].Leaf
}

// A tlsPlan is what does not change from one generation to the next.
type tlsPlan struct {
	verify     bool
	serverName string
	noSessions bool
}

// generation makes material into a generation.
func (p tlsPlan) generation(number uint64, m material) (*generation, *Error) {
	cfg, err := m.tlsConfig(p.verify, p.serverName)
	if err != nil {
		return nil, err
	}
	if !p.noSessions {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1) // there is one server
	}
	return &generation{number: number, mode: p.mode(m), material: m, tls: cfg}, nil
}

func (p tlsPlan) mode(m material) Mode {
	switch {
	case !p.verify:
		return Encrypted
	case m.hasPair():
		return Mutual
	}
	return Verified
}
