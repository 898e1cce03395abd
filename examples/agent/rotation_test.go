package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls/dockertlstest"
)

// A serverCert is a daemon's certificate, which can be changed while it runs.
type serverCert struct {
	pair atomic.Pointer[tls.Certificate]
}

func newServerCert(pair *dockertlstest.Pair) *serverCert {
	s := new(serverCert)
	s.set(pair)
	return s
}

func (s *serverCert) set(pair *dockertlstest.Pair) {
	cert := pair.Certificate()
	s.pair.Store(&cert)
}

func (s *serverCert) option() dockertlstest.Option {
	return dockertlstest.Configure(func(d *dockertlstest.Daemon) {
		d.TLSConfig = func(config *tls.Config) {
			config.Certificates = nil
			config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.pair.Load(), nil }
		}
	})
}

// New certificates on disk are used without a restart; those that cannot be used,
// and those that expire soon, are told once.
func TestRotation(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: "lasting", NotAfter: time.Now().Add(1000 * time.Hour)})
	d := dockertlstest.Start(t, dockertlstest.UseCA(ca))
	parent := t.TempDir()
	dir := filepath.Join(parent, "current")
	// All three files become new in one step, as with Kubernetes' secrets.
	write := func(name string, left time.Duration) time.Time {
		pair := ca.Issue(dockertlstest.CertSpec{CommonName: name, Client: true, NotAfter: time.Now().Add(left)})
		check(t, dockertlstest.WriteCerts(filepath.Join(parent, name), ca, pair))
		check(t, os.Symlink(name, filepath.Join(parent, "next")))
		check(t, os.Rename(filepath.Join(parent, "next"), dir))
		return pair.Leaf().NotAfter
	}
	write("old", 10*time.Hour)
	r := start(t, inYAML("one", d.Host(), dir, "expiry_warnings: [24h]"))
	r.await(t, "one", "healthy", "")
	wantList(t, "events", r.log.events(t, "one"), "expiry CN=old")

	end := write("new", 500*time.Hour)
	eventually(t, func() error { return r.want(t, `dockertls_reloads_total{endpoint="one"}`, 1) })
	seen := len(d.Requests())
	r.await(t, "one", "healthy", "")
	after := d.Requests()[seen+2:] // a check may have been on its way
	for _, request := range after {
		if request.ClientName() != "new" {
			t.Errorf("%s %s came from %q", request.Method, request.Path, request.ClientName())
		}
	}
	check(t, r.want(t, expiryOf("one", "client", "CN=new", filepath.Join(dir, "cert.pem")), float64(end.Unix())))
	check(t, r.want(t, expiryOf("one", "ca", "CN=lasting", filepath.Join(dir, "ca.pem")), float64(ca.Certificate().NotAfter.Unix())))
	if r.metrics(t)[`dockertls_renewals_total{endpoint="one"}`] == 0 {
		t.Error("the kept connection was not renewed")
	}

	check(t, os.WriteFile(filepath.Join(dir, "key.pem"), dockertlstest.NewCA().ClientPair("other").KeyPEM, 0o600))
	eventually(t, func() error { return r.want(t, `dockertls_reload_failures_total{endpoint="one"}`, 1) })
	r.await(t, "one", "healthy", "") // what was in use stays
	wantList(t, "events", r.log.events(t, "one"), "expiry CN=old", "reloaded", "reload-failed key-pair-mismatch")
	wantList(t, "diagnoses", r.log.diagnoses(t, "one"), "healthy")
}
