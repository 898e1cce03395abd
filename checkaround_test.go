package dockertls_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/proxytest"
)

// checked is the report of a check, as one text, and its remedies.
func checked(t *testing.T, opts ...dockertls.Options) (text string, advice []string) {
	t.Helper()
	cfg, err := dockertls.Resolve(opts...)
	check(t, err)
	report := cfg.Check(t.Context())
	var b strings.Builder
	check(t, report.WriteText(&b, true))
	for _, r := range report.Remedies {
		advice = append(advice, r.Advice+" "+strings.Join(r.Env, " "))
	}
	return b.String(), advice
}

func wantSeen(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the report does not say %q:\n%s", w, text)
		}
	}
}

// at makes a daemon listen at an address of its own.
func at(t *testing.T, address string) func(*dockertlstest.Daemon) {
	return func(d *dockertlstest.Daemon) {
		listener, err := net.Listen("tcp", address)
		check(t, err)
		check(t, d.Listener.Close())
		d.Listener = listener
	}
}

// Of docker's two ports the other one may be right.
func TestCheckOfTheOtherPort(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has more than one loopback address: run this there")
	}
	ca := dockertlstest.NewCA()
	const both, secured, open, alone = "127.77.1.1:", "127.77.1.2:", "127.77.1.3:", "127.77.1.4:"
	startDaemon(t, dockertlstest.Plain, nil, at(t, both+"2375"))
	_, opts := startDaemon(t, dockertlstest.MutualTLS, ca, at(t, both+"2376"), serving(ca, "127.77.1.1"))
	startDaemon(t, dockertlstest.MutualTLS, ca, at(t, secured+"2376"), serving(ca, "127.77.1.2"))
	startDaemon(t, dockertlstest.Plain, nil, at(t, open+"2376"))
	startDaemon(t, dockertlstest.Plain, nil, at(t, alone+"2375"))
	for _, tt := range []struct {
		name, host string
		words      []string
		remedy     string
	}{
		{"plain HTTP, TLS beside it", both + "2375", []string{"port 2376 speaks TLS"}, "DOCKER_HOST=tcp://" + both + "2376"},
		{"nobody, TLS beside it", secured + "2375", []string{"port 2376 answers"}, "DOCKER_HOST=tcp://" + secured + "2376"},
		{"plain HTTP on the port for TLS", open + "2376", []string{"has to be started with --tlsverify"}, ""},
		{"plain HTTP, nobody beside it", alone + "2375", []string{"port 2376 does not speak TLS either"}, ""},
		{"nobody at all", "127.77.1.5:2375", []string{"port 2376 does not answer like this either"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts.Host = "tcp://" + tt.host
			text, advice := checked(t, opts)
			wantSeen(t, text, tt.words...)
			if found := slices.ContainsFunc(advice, func(a string) bool { return strings.Contains(a, tt.remedy) }); found != (tt.remedy != "") && tt.remedy != "" || tt.remedy == "" && len(advice) > 0 {
				t.Errorf("advice %q, want %q", advice, tt.remedy)
			}
		})
	}
}

// Where nobody is verified, no certificate is shown at a port that nobody named.
func TestCheckShowsNoCertificateAtTheOtherPort(t *testing.T) {
	t.Parallel()
	var dialled []string
	refuse := func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	ca := dockertlstest.NewCA()
	pair := ca.ClientPair("alice")
	for verify, want := range map[bool][]string{false: {"box:2376"}, true: {"box:2376", "box:2375"}} {
		dialled = nil
		checked(t, dockertls.Options{Host: "tcp://box:2376", TLSVerify: new(verify), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM, Dialer: refuse})
		if !slices.Equal(dialled, want) {
			t.Errorf("verified %t: dialled %q, want %q", verify, dialled, want)
		}
	}
}

// A certificate for another name: of its names, those that lead to the same
// address are offered.
func TestCheckOfAnotherName(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	_, opts := startDaemon(t, dockertlstest.MutualTLS, ca, serving(ca, "localhost", "daemon.invalid", "192.0.2.1"))
	text, advice := checked(t, opts) // of 127.0.0.1
	_, port, _ := strings.Cut(strings.TrimPrefix(opts.Host, "tcp://"), ":")
	wantSeen(t, text, "localhost leads to the same address, and is verified", "daemon.invalid leads elsewhere, or nowhere", "192.0.2.1 leads elsewhere")
	if len(advice) != 1 || !strings.HasSuffix(advice[0], "DOCKER_HOST=tcp://localhost:"+port) {
		t.Errorf("advice %q", advice)
	}
}

// What a healthy daemon leaves out is told.
func TestCheckTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	_, verified := startDaemon(t, dockertlstest.TLS, ca)
	client := ca.ClientPair("alice")
	verified.Cert, verified.Key = client.CertPEM, client.KeyPEM
	text, _ := checked(t, verified)
	wantSeen(t, text, "the daemon did not ask for a client certificate")

	verified.TLS, verified.TLSVerify = new(true), nil
	text, _ = checked(t, verified)
	wantSeen(t, text, "the server is not verified", "warning: ")

	_, other := startDaemon(t, dockertlstest.Plain, nil, func(d *dockertlstest.Daemon) {
		d.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/version") {
				_, _ = w.Write([]byte("{}"))
			}
		})
	})
	text, _ = checked(t, other)
	wantSeen(t, text, "the answer does not name a version of the API")
}

// A check goes through the proxy, as requests do, and says so.
func TestCheckThroughAProxy(t *testing.T) {
	for _, mode := range []dockertlstest.Mode{dockertlstest.Plain, dockertlstest.MutualTLS} {
		ca := dockertlstest.NewCA()
		d, opts := startDaemon(t, mode, ca, serving(ca, "daemon.test"))
		p := proxytest.Start(t, proxytest.Options{Scheme: "http", Target: d.Addr()})
		opts.Host = "tcp://daemon.test:1"
		t.Setenv("HTTP_PROXY", p.URL.String())
		t.Setenv("HTTPS_PROXY", p.URL.String())
		for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
			t.Setenv(name, "")
		}
		text, _ := checked(t, opts, dockertls.FromEnv())
		wantSeen(t, text, "through "+p.URL.String(), "healthy: ")

		// The daemon cannot be reached without it either: nothing is advised.
		t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
		t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		text, advice := checked(t, opts, dockertls.FromEnv())
		wantSeen(t, text, "the daemon is not reached directly either")
		if len(advice) > 0 {
			t.Errorf("advice %q", advice)
		}
	}
}

// A server that sends its clients round and round does not keep them for ever.
func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	_, opts := startDaemon(t, dockertlstest.Plain, nil, func(d *dockertlstest.Daemon) {
		d.Handler = http.RedirectHandler("/again", http.StatusFound)
	})
	cfg := resolve(t, opts)
	_, err := cfg.HTTPClient().Get(cfg.URL("/"))
	if err == nil || !strings.Contains(err.Error(), "stopped after 10 redirects") {
		t.Errorf("got %v", err)
	}
}

// Certificates that lie around are judged: only one that the daemon would take is
// offered, and of the others it is said why they are not.
func TestCheckOfPairsThatLieAround(t *testing.T) {
	ca, foreign := dockertlstest.NewCA(), dockertlstest.NewCA()
	twin := ca.Twin()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home) // the same on Windows
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG"} {
		t.Setenv(name, "")
	}
	past := time.Now().Add(-time.Hour)
	for name, set := range map[string]struct {
		ca   *dockertlstest.CA
		pair *dockertlstest.Pair
	}{
		"foreign": {foreign, foreign.ClientPair("alice")},
		"expired": {ca, ca.Issue(dockertlstest.CertSpec{CommonName: "alice", Client: true, NotBefore: past.Add(-time.Hour), NotAfter: past})},
		"server":  {ca, ca.ServerPair("box")},
		"twin":    {twin, twin.ClientPair("alice")},
		"good":    {ca, ca.ClientPair("alice")},
		"keyless": {ca, ca.ClientPair("alice")},
		"caless":  {ca, ca.ClientPair("alice")},
		"mixed":   {ca, ca.ClientPair("alice")},
	} {
		check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker", "machine", "machines", name), set.ca, set.pair))
	}
	machine := func(name string) string { return filepath.Join(home, ".docker", "machine", "machines", name) }
	check(t, os.Remove(filepath.Join(machine("keyless"), "key.pem")))
	check(t, os.Remove(filepath.Join(machine("caless"), "ca.pem")))
	check(t, os.WriteFile(filepath.Join(machine("mixed"), "ca.pem"), foreign.PEM(), 0o600))

	_, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
	opts.Cert, opts.Key = nil, nil
	text, advice := checked(t, opts, dockertls.FromEnv())
	cert := func(name string) string { return filepath.Join(machine(name), "cert.pem") }
	wantSeen(t, text, cert("foreign")+" is of another authority", cert("expired")+" is not valid for a client now", cert("server")+" is not valid for a client now",
		cert("twin")+" is of another generation", cert("keyless")+" has no key.pem beside it",
		cert("caless")+" has no ca.pem beside it", filepath.Join(machine("mixed"), "ca.pem")+" does not verify the server", cert("good")+" is of an authority that the daemon accepts")
	if len(advice) != 1 || !strings.Contains(advice[0], machine("good")) {
		t.Errorf("advice %q", advice)
	}

	silent := dockertlstest.Start(t, dockertlstest.NoAcceptedCAs())
	opts = silent.Options()
	opts.Cert, opts.Key = nil, nil
	text, advice = checked(t, opts, dockertls.FromEnv())
	wantSeen(t, text, "does not say which authorities it accepts")
	if len(advice) > 0 {
		t.Errorf("advice %q", advice)
	}
}

// A folder without a pair is no way out where the daemon asks for one.
func TestCheckOfFoldersWhereTLSIsMissing(t *testing.T) {
	dir, ca, _ := writeCerts(t)
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	without := t.TempDir()
	check(t, dockertlstest.WriteCerts(without, ca, nil))
	for _, name := range []string{"DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CONFIG"} {
		t.Setenv(name, "")
	}
	t.Setenv("DOCKER_HOST", d.Host())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("USERPROFILE", t.TempDir()) // the same on Windows
	t.Setenv("DOCKER_CERT_PATH", without)
	text, advice := checked(t, dockertls.FromEnv())
	wantSeen(t, text, without+" lacks cert.pem or key.pem")
	if len(advice) > 0 {
		t.Errorf("advice %q", advice)
	}
	t.Setenv("DOCKER_CERT_PATH", dir)
	if _, advice = checked(t, dockertls.FromEnv()); len(advice) != 1 || !strings.Contains(advice[0], dir) {
		t.Errorf("advice %q, want %s", advice, dir)
	}
}

// A client that makes its TLS connections itself, with the transport's
// configuration, verifies a chain with an intermediate authority, and no other.
func TestTransportTLSVerifiesWholeChains(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	for _, issuer := range []*dockertlstest.CA{ca.Intermediate("between"), ca.Twin().Intermediate("between")} {
		d, opts := startDaemon(t, dockertlstest.TLS, ca, serving(issuer, "127.0.0.1"))
		cfg := resolve(t, opts)
		conn, err := tls.Dial("tcp", d.Addr(), cfg.Transport().TLSClientConfig)
		if good := issuer.Certificate().CheckSignatureFrom(ca.Certificate()) == nil; good != (err == nil) {
			t.Errorf("signed by the authority: %t; got %v", good, err)
		}
		if err == nil {
			conn.Close()
		} else {
			wantKind(t, cfg.Diagnose(err), dockertls.ServerUntrusted) // in FIPS mode crypto/tls refuses it before
		}
	}
}

// A Dialer may lead through a TLS server of its own, which says nothing about the
// endpoint behind it.
func TestCheckWhenADialerFails(t *testing.T) {
	t.Parallel()
	for _, fault := range []dockertlstest.Fault{
		dockertlstest.ClientCertMissing, dockertlstest.ServerCAUnknown, dockertlstest.ServerNameWrong, dockertlstest.UnexpectedPlain,
	} {
		// Under TLS 1.2 a client certificate is refused in the handshake.
		server := dockertlstest.Start(t, fault, dockertlstest.MaxTLS(tls.VersionTLS12))
		tunnel, err := dockertls.Resolve(server.Options())
		check(t, err)
		cfg, err := dockertls.Resolve(dockertls.Options{
			Host: "tcp://box:2376", TLSVerify: new(true), CAFile: "system",
			Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return tunnel.Dial(ctx) },
		})
		check(t, err)
		report := cfg.Check(t.Context())
		if !errors.Is(report.Error(), fault.Kind()) || len(report.Remedies) > 0 {
			t.Errorf("%s: got %v, and the remedies %v", fault, report.Error(), report.Remedies)
		}
		_, err = cfg.Dial(t.Context())
		var e *dockertls.Error
		if !errors.As(err, &e) || e.Host != tunnel.Host() {
			t.Errorf("%s: got %v, want an error of %s", fault, err, tunnel.Host())
		}
	}
}
