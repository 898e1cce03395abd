package dockertls_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// Real daemons, in each of their modes, do for this package's clients all that a TLS connection
// can get wrong: requests, uploads, and streams in both directions with half-close.
func TestRealDaemon(t *testing.T) {
	dockerdtest.Require(t)
	image := dockerdtest.BusyboxTar(t)
	docs := docsCerts(t)
	kinds := certificates(t, docs)
	yes := true
	for _, flavour := range dockerdtest.Flavours() {
		t.Run(string(flavour)+"/plain", func(t *testing.T) {
			t.Parallel()
			d := dockerdtest.Start(t, flavour, dockerdtest.Options{})
			checkDaemon(t, dockertls.Options{Host: d.TCPHost()}, dockertls.Plain, image)
			checkDaemon(t, dockertls.Options{Host: d.UnixHost()}, dockertls.Plain, image)
		})
		t.Run(string(flavour)+"/tls", func(t *testing.T) {
			t.Parallel()
			d := dockerdtest.Start(t, flavour, daemonOptions(dockerdtest.TLS, docs))
			checkDaemon(t, dockertls.Options{Host: d.TCPHost(), TLS: &yes}, dockertls.Encrypted, image)
			verifying := dockertls.Options{Host: d.TCPHost(), TLSVerify: &yes, CAFile: filepath.Join(docs, "ca.pem")}
			checkDaemon(t, verifying, dockertls.Verified, image)
			checkDaemonRefused(t, d, docs)
		})
		for name, certs := range kinds {
			t.Run(string(flavour)+"/tlsverify/"+name, func(t *testing.T) {
				t.Parallel()
				d := dockerdtest.Start(t, flavour, daemonOptions(dockerdtest.TLSVerify, certs))
				checkDaemon(t, mutual(d, certs), dockertls.Mutual, image)
				checkDaemonRefused(t, d, certs)
				checkClientRefused(t, d, certs)
			})
		}
	}
}

// Certificate folders hold ca.pem, cert.pem and key.pem for clients, and
// server-cert.pem and server-key.pem for the daemon.

// docsCerts makes a certificate folder as Docker's documentation does.
func docsCerts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	dockerdtest.DocsCerts(t, dir, "localhost", "127.0.0.1")
	return dir
}

// certificates returns certificate folders, of every kind that users have.
func certificates(t *testing.T, docs string) map[string]string {
	t.Helper()
	intermediate := dockertlstest.NewCA().Intermediate("docker intermediate CA")
	return map[string]string{
		"docs":         docs,
		"ecdsa":        issueCerts(t, dockertlstest.NewCA(), dockertlstest.ECDSA),
		"ed25519":      issueCerts(t, newCA(dockertlstest.Ed25519), dockertlstest.Ed25519),
		"rsa2048":      issueCerts(t, newCA(dockertlstest.RSA2048), dockertlstest.RSA2048),
		"intermediate": issueCerts(t, intermediate, dockertlstest.ECDSA),
	}
}

func newCA(kind dockertlstest.KeyType) *dockertlstest.CA {
	return dockertlstest.NewCAFrom(dockertlstest.CertSpec{Key: kind})
}

// issueCerts makes a certificate folder with keys of one kind.
func issueCerts(t *testing.T, ca *dockertlstest.CA, kind dockertlstest.KeyType) string {
	t.Helper()
	dir := t.TempDir()
	client := ca.Issue(dockertlstest.CertSpec{CommonName: "client", Client: true, Key: kind})
	if err := dockertlstest.WriteCerts(dir, ca, client); err != nil {
		t.Fatal(err)
	}
	server := ca.Issue(dockertlstest.CertSpec{Names: []string{"127.0.0.1"}, Server: true, Key: kind})
	writeFile(t, filepath.Join(dir, "server-cert.pem"), server.CertPEM)
	writeFile(t, filepath.Join(dir, "server-key.pem"), server.KeyPEM)
	return dir
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func daemonOptions(mode dockerdtest.Mode, certs string) dockerdtest.Options {
	return dockerdtest.Options{
		Mode:     mode,
		CAFile:   filepath.Join(certs, "ca.pem"),
		CertFile: filepath.Join(certs, "server-cert.pem"),
		KeyFile:  filepath.Join(certs, "server-key.pem"),
	}
}

// mutual are the options of a client that has all it needs.
func mutual(d *dockerdtest.Daemon, certs string) dockertls.Options {
	yes := true
	return dockertls.Options{Host: d.TCPHost(), TLSVerify: &yes, CertPath: certs}
}

// checkDaemon uses the daemon in every way.
func checkDaemon(t *testing.T, o dockertls.Options, mode dockertls.Mode, image []byte) {
	t.Helper()
	config := resolve(t, o)
	if got := config.Mode(); got != mode {
		t.Errorf("mode %v, want %v", got, mode)
	}
	api := dockerdtest.NewAPI(t, config)
	if got := api.Get("/_ping"); string(got) != "OK" {
		t.Errorf("ping answers %q", got)
	}
	if api.Version() == "" {
		t.Error("the daemon has no version")
	}
	api.Import(image)
	checkStream(t, api.Attach("sh", "-c", echoScript))
	checkStream(t, api.Exec("sh", "-c", echoScript))
}

// echoScript returns its input, and adds to it only when that has ended.
const echoScript = "cat; echo stdin has ended; echo this is stderr >&2"

// checkStream sends a megabyte through echoScript and ends it by half-close.
func checkStream(t *testing.T, s *dockerdtest.Stream) {
	t.Helper()
	data := make([]byte, 1<<20)
	rand.Read(data)
	stdout, stderr, err := s.Exchange(data)
	if err != nil {
		t.Error(err)
	}
	if want := append(data, "stdin has ended\n"...); !bytes.Equal(stdout, want) {
		t.Errorf("stdout: got %d bytes, want %d, and these", len(stdout), len(want))
	}
	if want := "this is stderr\n"; string(stderr) != want {
		t.Errorf("stderr: got %q, want %q", stderr, want)
	}
}

// checkDaemonRefused: a client refuses a daemon with a certificate of another
// CA, and gets nothing from a TLS daemon in plain HTTP.
func checkDaemonRefused(t *testing.T, d *dockerdtest.Daemon, certs string) {
	t.Helper()
	o := mutual(d, certs)
	o.CAFile = filepath.Join(foreignCerts(t), "ca.pem")
	wantRefusal(t, o, dockertls.ServerUntrusted)
	wantRefusal(t, dockertls.Options{Host: d.TCPHost()}, dockertls.TLSRequired)
}

// checkClientRefused: a daemon refuses a client without a certificate. One of another CA is not
// even sent, because the daemon does not list that CA.
func checkClientRefused(t *testing.T, d *dockerdtest.Daemon, certs string) {
	t.Helper()
	o := mutual(d, certs)
	o.CertFile, o.KeyFile = "none", "none"
	wantRefusal(t, o, dockertls.ClientCertRequired)

	foreign := foreignCerts(t)
	o.CertFile, o.KeyFile = filepath.Join(foreign, "cert.pem"), filepath.Join(foreign, "key.pem")
	wantRefusal(t, o, dockertls.ClientCertRequired)
}

func foreignCerts(t *testing.T) string {
	t.Helper()
	return issueCerts(t, dockertlstest.NewCA(), dockertlstest.ECDSA)
}

// wantRefusal: neither a request nor a stream gets through, and both say why.
func wantRefusal(t *testing.T, o dockertls.Options, kind dockertls.Kind) {
	t.Helper()
	config := resolve(t, o)
	if err := request(config); !errors.Is(config.Diagnose(err), kind) {
		t.Errorf("request: got %v, want %s", err, kind)
	}
	if err := stream(t, config); !errors.Is(config.Diagnose(err), kind) {
		t.Errorf("stream: got %v, want %s", err, kind)
	}
}

func request(config *dockertls.Config) error {
	client := config.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Get(config.URL("/_ping"))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// stream reads from the daemon after it has sent a request.
func stream(t *testing.T, config *dockertls.Config) error {
	t.Helper()
	conn, err := config.Dial(t.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 4<<10))
	return err
}

func resolve(t *testing.T, o dockertls.Options) *dockertls.Config {
	t.Helper()
	config, err := dockertls.Resolve(o)
	if err != nil {
		t.Fatal(err)
	}
	return config
}
