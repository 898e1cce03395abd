package faulttest

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
)

// goTLS is the stand-in, with Go's own server.
func goTLS(t testing.TB, s server) endpoint {
	t.Helper()
	return goTLSWith(func(*tls.Config) {})(t, s)
}

// goTLSWith is the stand-in with a configuration that is changed.
func goTLSWith(change func(*tls.Config)) starter {
	return func(t testing.TB, s server) endpoint {
		t.Helper()
		d := dockertlstest.NewUnstartedDaemon(dockertlstest.TLS, nil)
		d.Server = s.pair
		d.TLSConfig = func(c *tls.Config) {
			s.applyTo(c)
			change(c)
		}
		return startStandIn(t, d)
	}
}

// config is for a server of Go's that is no stand-in.
func (s server) config() *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{s.pair.Certificate()}}
	s.applyTo(c)
	return c
}

// applyTo is what a server says, in Go's terms.
func (s server) applyTo(c *tls.Config) {
	c.MaxVersion = s.tlsMax
	if s.clientCA == nil {
		return
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.clientCA)
	if !s.unnamed {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, pool
		return
	}
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyPeerCertificate = func(chain [][]byte, _ [][]*x509.Certificate) error {
		leaf, err := x509.ParseCertificate(chain[0])
		if err != nil {
			return err
		}
		_, err = leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
}

// goPlain is the stand-in without TLS.
func goPlain(t testing.TB, _ server) endpoint {
	t.Helper()
	return startStandIn(t, dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil))
}

func startStandIn(t testing.TB, d *dockertlstest.Daemon) endpoint {
	t.Helper()
	d.Start()
	t.Cleanup(d.Close)
	return endpoint{addr: d.Addr(), connections: d.Connections}
}
