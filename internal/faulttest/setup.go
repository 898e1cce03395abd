package faulttest

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// The names of authorities, which diagnoses quote.
const (
	daemonCA  = "daemon CA"
	foreignCA = "foreign CA"
)

// A server says how a TLS server of any make is to be started.
type server struct {
	tlsMax   uint16
	pair     *dockertlstest.Pair // its certificate
	clientCA []byte              // it requires a client certificate that one of these has signed; nil: it asks for none
	unnamed  bool                // it does not tell clients which
	extra    []string            // further arguments, or lines of configuration, as the make has them
}

// A starter starts a server of one make.
type starter func(testing.TB, server) endpoint

// An endpoint is where a peer is reached.
type endpoint struct {
	addr        string
	connections func() int // nil if they are not counted
}

// A setup is the two sides of a connection. Without edits it works.
type setup struct {
	ca      *authority
	server  server
	trusted []byte              // the client's ca.pem
	client  *dockertlstest.Pair // its cert.pem and key.pem; nil: none
	name    string              // by which it reaches the server; empty: the IP address
	options dockertls.Options   // what else it sets
}

func newSetup(tlsMax uint16, edits ...edit) *setup {
	return newSetupOf(newAuthority(daemonCA), tlsMax, edits...)
}

func newSetupOf(ca *authority, tlsMax uint16, edits ...edit) *setup {
	s := &setup{
		ca:      ca,
		server:  server{tlsMax: tlsMax, pair: ca.server()},
		trusted: ca.pem(),
		options: dockertls.Options{TLSVerify: new(true)},
	}
	for _, e := range edits {
		e(s)
	}
	return s
}

// An edit is what is wrong with a setup, or a condition for it.
type edit func(*setup)

// start returns a Fault's Start.
func start(s starter, edits ...edit) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		setup := newSetup(tlsMax, edits...)
		return setup.peer(t, s(t, setup.server))
	}
}

// peer leads the setup's client to an endpoint.
func (s *setup) peer(t testing.TB, e endpoint) *Peer {
	t.Helper()
	o := s.options
	if o.TLSVerify != nil {
		o.CertPath = certFolder(t, s.trusted, s.client)
	}
	o.Host = "tcp://" + e.addr
	if s.name != "" {
		o.Host, o.Dialer = "tcp://"+s.name+":2376", leadTo(e.addr)
	}
	return &Peer{Options: o, Connections: e.connections}
}

// leadTo is a Dialer for which every name leads to one address.
func leadTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// certFolder writes what DOCKER_CERT_PATH leads to.
func certFolder(t testing.TB, ca []byte, client *dockertlstest.Pair) string {
	t.Helper()
	dir := tempDir(t)
	writeFile(t, dir, "ca.pem", ca)
	if client != nil {
		writeFile(t, dir, "cert.pem", client.CertPEM)
		writeFile(t, dir, "key.pem", client.KeyPEM)
	}
	return dir
}

// tempDir is not TempDir of the test. That has the test's name in its path, so
// it would put words into messages; and it is too long for a socket, whose path
// has at most 107 bytes.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fault")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// writeFile returns the path of a new file.
func writeFile(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// only12 tells whether a server must not speak TLS 1.3.
func (s server) only12() bool { return s.tlsMax == tls.VersionTLS12 }
