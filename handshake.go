package dockertls

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptrace"
)

// A handshake is what one TLS handshake showed of the peer.
type handshake struct {
	version   uint16              // 0 until the server chose one
	requested bool                // the server asked for a client certificate
	sent      bool                // and got one
	accepted  [][]byte            // the authorities its request named, in DER
	chain     []*x509.Certificate // what the server sent, as far as it was read
	opening   []byte              // the first bytes the server sent
	address   string              // of the peer: the server, or a proxy

	generation *generation // of our material; nil if another client made the connection
}

// dialTLS opens a connection and does the handshake.
func (c *Config) dialTLS(ctx context.Context, http bool) (net.Conn, error) {
	conn, err := c.openTLS(ctx, c.latest(ctx), http)
	if err != nil || !http {
		return conn, err
	}
	return newPooledConn(c, conn.(tlsConn)), nil
}

// openTLS does the same with given material.
func (c *Config) openTLS(ctx context.Context, g *generation, http bool) (net.Conn, error) {
	inner, seen, err := c.handshake(ctx, g, g.resuming())
	if err != nil {
		return nil, err
	}
	return c.newTLSConn(inner, seen, http), nil
}

// handshake opens a connection and does the handshake with the material of g, by
// a copy of cfg that records what happens.
func (c *Config) handshake(ctx context.Context, g *generation, cfg *tls.Config) (*tls.Conn, *handshake, error) {
	raw, err := c.dialRaw(ctx)
	if err != nil {
		return nil, nil, err
	}
	conn, seen, err := c.shake(ctx, raw, g, cfg)
	if err != nil {
		return nil, nil, err
	}
	return conn, seen, nil
}

// shake does the handshake on an open connection, which it closes on errors.
// What was seen of the peer is there in any case.
func (c *Config) shake(ctx context.Context, raw net.Conn, g *generation, cfg *tls.Config) (*tls.Conn, *handshake, error) {
	seen := &handshake{address: peerAddress(raw), generation: g}
	opening := &openingConn{gatheringConn: &gatheringConn{Conn: raw, buffers: &c.buffers}}
	conn := tls.Client(opening, seen.watch(cfg))
	err := shakeHands(ctx, conn)
	seen.opening, opening.head, opening.full = opening.head, nil, true
	state := conn.ConnectionState()
	seen.chain = state.PeerCertificates
	if state.Version != 0 {
		seen.version = state.Version
	}
	if state.DidResume {
		seen.resume(g.asked.Load())
	} else if err == nil && cfg.ClientSessionCache == tls.ClientSessionCache(&g.session) {
		g.asked.Store(seen)
	}
	c.shown.Store(seen)
	c.counters.shook(state.DidResume, err)
	if err == nil {
		seen.opening = nil // it serves explanations only
	}
	if err != nil {
		raw.Close()
		s := scene{cfg: c, seen: seen, stage: StageHandshake, address: seen.address}
		return nil, seen, c.failure(ctx, s, err)
	}
	return conn, seen, nil
}

// resume takes over what the server asked for in the handshake whose session was
// resumed: it accepted that, and does not ask again.
func (seen *handshake) resume(earlier *handshake) {
	if earlier != nil {
		seen.requested, seen.sent, seen.accepted = earlier.requested, earlier.sent, earlier.accepted
	}
}

// shakeHands runs the trace hooks itself: net/http does so for a *tls.Conn
// only, and then without the time it took.
func shakeHands(ctx context.Context, conn *tls.Conn) error {
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := within(ctx, handshakeTimeout, conn.HandshakeContext)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(conn.ConnectionState(), err)
	}
	return err
}

// watch returns a copy of cfg that records what happens. The certificate is
// chosen as crypto/tls would: only where the server's list allows it (rule 20).
func (seen *handshake) watch(cfg *tls.Config) *tls.Config {
	pairs := cfg.Certificates
	cfg = cfg.Clone()
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return seen.choose(info, pairs), nil
	}
	return cfg
}

// choose takes down what the server asks for, and what it gets.
func (seen *handshake) choose(info *tls.CertificateRequestInfo, pairs []tls.Certificate) *tls.Certificate {
	seen.requested, seen.accepted, seen.version = true, info.AcceptableCAs, info.Version
	for i := range pairs {
		if info.SupportsCertificate(&pairs[i]) == nil {
			seen.sent = true
			return &pairs[i]
		}
	}
	return new(tls.Certificate)
}

// clientCertificate is GetClientCertificate of configurations that are handed
// out: it follows new material.
func (c *Config) clientCertificate(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	seen := &handshake{generation: c.latest(info.Context())}
	cert := seen.choose(info, seen.generation.config().Certificates)
	c.shown.Store(seen)
	return cert, nil
}

// transportTLS is the configuration that a transport shows to clients which
// make TLS connections of their own with it (moby's client does, for exec and
// attach). It verifies by callback, so that they too get an [*Error], and follow
// new material. It keeps no sessions: those of an old client certificate could
// not be told from those of a new one.
func (c *Config) transportTLS() *tls.Config {
	cfg := c.TLSConfig()
	if cfg == nil {
		return nil
	}
	if cfg.InsecureSkipVerify {
		return cfg
	}
	// VerifyConnection verifies, by the same rules. In FIPS mode crypto/tls
	// checks more, and only itself: then both do.
	cfg.InsecureSkipVerify = !fips140.Enabled()
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		g := c.latest(context.Background())
		err := verifyChain(state.PeerCertificates, g.pool, g.serverName)
		if err == nil {
			return nil
		}
		seen := &handshake{version: state.Version, generation: g}
		return orCause(scene{cfg: c, seen: seen, stage: StageHandshake}.explain(err), err)
	}
	return cfg
}

// verifyChain is what crypto/tls does to a server's chain.
func verifyChain(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	opts := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, cert := range chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if _, err := chain[0].Verify(opts); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// openingSize is enough to recognise who speaks.
const openingSize = 512

// An openingConn keeps the first bytes that it reads.
type openingConn struct {
	*gatheringConn
	head []byte
	full bool
}

func (c *openingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.full {
		c.head = append(c.head, b[:min(n, openingSize-len(c.head))]...)
		c.full = len(c.head) == openingSize
	}
	return n, err
}
