package dockertlstest

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/dockertls/dockertls"
)

// An access is what clients of a daemon are told: normally what fits.
type access struct {
	mode     Mode
	withhold bool // no client certificate, whatever the mode

	mu   sync.Mutex
	pair *Pair
	dir  string // a temporary one, for CertPath
}

// Options returns what reaches the daemon through package dockertls: its
// address, and in the TLS modes its authority and, with [MutualTLS], the pair of
// [Daemon.ClientPair]. Everything is in memory, and the caller's own. A daemon
// with a [Fault] gives options that run into it.
func (d *Daemon) Options() dockertls.Options {
	opts := dockertls.Options{Host: d.Host()}
	if d.access.mode == Plain {
		return opts
	}
	opts.TLSVerify = new(true)
	if d.ca != nil {
		opts.CA = d.ca.PEM()
	}
	if pair := d.ClientPair(); pair != nil {
		opts.Cert, opts.Key = pair.CertPEM, pair.KeyPEM
	}
	return opts
}

// CA returns the authority that clients of the daemon should trust; nil if it
// has none.
func (d *Daemon) CA() *CA {
	return d.ca
}

// ClientPair returns the certificate and key that a client of the daemon should
// show, which is the same one every time. Its common name is "client". It is nil
// if clients show none: in the modes [Plain] and [TLS], and with the faults
// [ClientCertMissing] and [UnexpectedTLS].
func (d *Daemon) ClientPair() *Pair {
	a := &d.access
	a.mu.Lock()
	defer a.mu.Unlock()
	issuer := cmp.Or(d.ClientCA, d.ca)
	if a.mode != MutualTLS || a.withhold || a.pair == nil && issuer == nil {
		return nil
	}
	if a.pair == nil {
		a.pair = issuer.ClientPair(clientName)
	}
	return &Pair{CertPEM: bytes.Clone(a.pair.CertPEM), KeyPEM: bytes.Clone(a.pair.KeyPEM)}
}

const clientName = "client"

// TLSClientConfig returns what [Daemon.Options] says as a configuration for
// clients made of net/http or crypto/tls; nil in mode Plain. A client of
// crypto/tls alone adds the ServerName.
func (d *Daemon) TLSClientConfig() *tls.Config {
	if d.access.mode == Plain {
		return nil
	}
	config := &tls.Config{}
	if d.ca != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(d.ca.PEM())
	}
	if pair := d.ClientPair(); pair != nil {
		config.Certificates = []tls.Certificate{pair.Certificate()}
	}
	return config
}

// URL returns the address of a path, which begins with a slash, with the scheme
// https in the TLS modes. It is of no use for a unix socket.
func (d *Daemon) URL(path string) string {
	if d.access.mode == Plain {
		return "http://" + d.Addr() + path
	}
	return "https://" + d.Addr() + path
}

// CertPath returns a folder with ca.pem and, if clients show a certificate,
// cert.pem and key.pem. It is the daemon's own, and Close removes it. In mode
// Plain there is none, and the answer is "".
func (d *Daemon) CertPath() string {
	if d.access.mode == Plain || d.ca == nil {
		return ""
	}
	pair := d.ClientPair()
	a := &d.access
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dir == "" {
		dir, err := os.MkdirTemp("", "dockertlstest")
		check(err)
		a.dir = dir
		check(WriteCerts(dir, d.ca, pair))
	}
	return a.dir
}

// remove removes the folder of CertPath.
func (a *access) remove() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dir != "" {
		os.RemoveAll(a.dir)
		a.dir = ""
	}
}

// Env returns the environment of a client of the daemon, to append to that of a
// child process: DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, which are
// empty where they must not be set, as are DOCKER_TLS and DOCKER_CONTEXT.
func (d *Daemon) Env() []string {
	verify := ""
	if d.access.mode != Plain {
		verify = "1"
	}
	return []string{
		"DOCKER_HOST=" + d.Host(),
		"DOCKER_TLS_VERIFY=" + verify,
		"DOCKER_CERT_PATH=" + d.CertPath(),
		"DOCKER_TLS=",
		"DOCKER_CONTEXT=",
	}
}

// Setenv sets the variables of [Daemon.Env] until the test ends, for a program
// under test that reads its own environment. The test cannot be parallel.
func (d *Daemon) Setenv(t testing.TB) {
	t.Helper()
	for _, variable := range d.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}
