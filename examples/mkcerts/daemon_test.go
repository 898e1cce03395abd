package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// checkSteps connects to two daemons as the three steps say: one checks nobody,
// the other wants client certificates.
func checkSteps(t *testing.T, dir, checksNobody, checksClients string) {
	t.Helper()
	yes := true
	onlyCA := t.TempDir()
	copyFile(t, dir, onlyCA, "ca.pem")
	for _, tt := range []struct {
		name string
		opts dockertls.Options
		mode dockertls.Mode
	}{
		{"encrypted", dockertls.Options{Host: checksNobody, TLS: &yes, CertPath: onlyCA}, dockertls.Encrypted},
		{"verified", dockertls.Options{Host: checksNobody, TLSVerify: &yes, CertPath: onlyCA}, dockertls.Verified},
		{"mutual", dockertls.Options{Host: checksClients, TLSVerify: &yes, CertPath: dir}, dockertls.Mutual},
		{"mutual, as alice", dockertls.Options{Host: checksClients, TLSVerify: &yes,
			CertPath: filepath.Join(dir, "clients", "alice")}, dockertls.Mutual},
	} {
		cfg, err := dockertls.Resolve(tt.opts)
		if err != nil {
			t.Errorf("%s: %+v", tt.name, err)
			continue
		}
		if cfg.Mode() != tt.mode {
			t.Errorf("%s: mode %v", tt.name, cfg.Mode())
		}
		if tt.mode != dockertls.Encrypted && len(cfg.Warnings()) > 0 {
			t.Errorf("%s: warnings %v", tt.name, cfg.Warnings())
		}
		if err := ping(cfg); err != nil {
			t.Errorf("%s: %+v", tt.name, cfg.Diagnose(err))
		}
	}
}

func ping(cfg *dockertls.Config) error {
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Get(cfg.URL("/_ping"))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func copyFile(t *testing.T, from, to, name string) {
	t.Helper()
	data := readAll(t, filepath.Join(from, name))
	if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// startStandIn starts a daemon with the server's files of dir.
func startStandIn(t *testing.T, dir string, clientAuth tls.ClientAuthType) *dockertlstest.Daemon {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(readAll(t, filepath.Join(dir, "ca.pem")))
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.TLS, nil)
	d.Server = &dockertlstest.Pair{
		CertPEM: readAll(t, filepath.Join(dir, "server-cert.pem")),
		KeyPEM:  readAll(t, filepath.Join(dir, "server-key.pem")),
	}
	d.TLSConfig = func(c *tls.Config) { c.ClientAuth, c.ClientCAs = clientAuth, roots }
	d.Start()
	t.Cleanup(d.Close)
	return d
}

func TestStandIns(t *testing.T) {
	for name, args := range map[string][]string{"ecdsa": nil, "rsa": {"--rsa", "2048"}} {
		t.Run(name, func(t *testing.T) {
			dir := newSet(t, append(args, "127.0.0.1")...)
			mkcerts(t, append([]string{"-o", dir, "--client", "alice"}, args...)...)
			checkSteps(t, dir, startStandIn(t, dir, tls.NoClientCert).Host(),
				startStandIn(t, dir, tls.RequireAndVerifyClientCert).Host())
		})
	}
}

// The daemon accepts the renewed certificate, and still that of a program which
// was there before.
func TestRenewWhileInUse(t *testing.T) {
	dir := newSet(t, "127.0.0.1")
	daemon := startStandIn(t, dir, tls.RequireAndVerifyClientCert)
	before := resolveMutual(t, daemon.Host(), dir)
	for range 3 {
		mkcerts(t, "-o", dir, "--renew")
		if err := ping(before); err != nil {
			t.Errorf("%+v", err)
		}
		if err := ping(resolveMutual(t, daemon.Host(), dir)); err != nil {
			t.Fatalf("%+v", err)
		}
		requests := daemon.Requests()
		shown := requests[len(requests)-1].TLS.PeerCertificates[0]
		if want := readCertificate(t, dir, "cert.pem"); !shown.Equal(want) {
			t.Errorf("the client shows %v, want %v", shown.SerialNumber, want.SerialNumber)
		}
	}
}

func resolveMutual(t *testing.T, host, dir string) *dockertls.Config {
	t.Helper()
	yes := true
	cfg, err := dockertls.Resolve(dockertls.Options{Host: host, TLSVerify: &yes, CertPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Files made by mkcerts, and then renewed, serve real daemons in both modes.
func TestRealDaemons(t *testing.T) {
	dockerdtest.Require(t)
	dir := newSet(t, "localhost", "127.0.0.1")
	mkcerts(t, "-o", dir, "--client", "alice")
	renewed := newSet(t, "127.0.0.1")
	mkcerts(t, "-o", renewed, "--renew")
	mkcerts(t, "-o", renewed, "--client", "alice")
	for _, flavour := range dockerdtest.Flavours() {
		for name, certs := range map[string]string{"new": dir, "renewed": renewed} {
			t.Run(string(flavour)+"/"+name, func(t *testing.T) {
				t.Parallel()
				start := func(mode dockerdtest.Mode) string {
					return dockerdtest.Start(t, flavour, dockerdtest.Options{
						Mode: mode, CAFile: filepath.Join(certs, "ca.pem"),
						CertFile: filepath.Join(certs, "server-cert.pem"), KeyFile: filepath.Join(certs, "server-key.pem"),
					}).TCPHost()
				}
				checkSteps(t, certs, start(dockerdtest.TLS), start(dockerdtest.TLSVerify))
			})
		}
	}
}
