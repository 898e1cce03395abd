package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// A result is what a run of doctor leaves.
type result struct {
	code           int
	stdout, stderr string
}

func doctor(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, &stdout, &stderr, true)
	return result{code, stdout.String(), stderr.String()}
}

// newHome gives the test an environment without settings, and an empty home.
func newHome(t *testing.T) (home string) {
	t.Helper()
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, "")
	}
	home, err := os.MkdirTemp("", "dr") // sockets have short paths
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(home) })
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home) // the same on Windows
	check(t, os.Mkdir(filepath.Join(home, ".docker"), 0o700))
	return home
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A patient is a broken set-up.
type patient struct {
	name  string
	kind  dockertls.Kind
	words []string // in the output
	// breakIt sets the environment up, and returns what repairs it, where that
	// is another thing than the variables that doctor names.
	breakIt func(t *testing.T, home string) (repair func())
}

// Ten broken set-ups: doctor names the cause, and a way out that works.
func TestPatients(t *testing.T) {
	for _, p := range patients() {
		t.Run(p.name, func(t *testing.T) {
			repair := p.breakIt(t, newHome(t))
			sick := doctor(t)
			if sick.code != exitSick {
				t.Fatalf("exit %d before the repair:\n%s%s", sick.code, sick.stdout, sick.stderr)
			}
			for _, word := range p.words {
				if !strings.Contains(sick.stdout+sick.stderr, word) {
					t.Errorf("no %q in:\n%s%s", word, sick.stdout, sick.stderr)
				}
			}
			wantKind(t, p.kind)
			if repair != nil {
				repair()
			} else if !follow(t, sick.stdout) {
				t.Fatalf("no way out in:\n%s", sick.stdout)
			}
			if healed := doctor(t); healed.code != exitHealthy {
				t.Errorf("exit %d after the repair of:\n%s\nthen:\n%s%s", healed.code, sick.stdout, healed.stdout, healed.stderr)
			}
		})
	}
}

// wantKind asks again, for JSON.
func wantKind(t *testing.T, kind dockertls.Kind) {
	t.Helper()
	var report struct {
		Healthy bool
		Steps   []struct {
			Error *struct{ Kind dockertls.Kind }
		}
	}
	check(t, json.Unmarshal([]byte(doctor(t, "--json").stdout), &report))
	var kinds []dockertls.Kind
	for _, s := range report.Steps {
		if s.Error != nil {
			kinds = append(kinds, s.Error.Kind)
		}
	}
	if len(kinds) != 1 || kinds[0] != kind || report.Healthy {
		t.Errorf("healthy %t, kinds %q, want %s", report.Healthy, kinds, kind)
	}
}

// follow does what the first way out says, to the letter.
func follow(t *testing.T, output string) bool {
	t.Helper()
	_, way, found := strings.Cut(output, "\nchecked: ")
	way, _, _ = strings.Cut(way, "\nchecked: ")
	for _, m := range regexp.MustCompile(`(?m)^    (export|unset) (\w+)=?(.*)$`).FindAllStringSubmatch(way, -1) {
		t.Setenv(m[2], strings.Trim(m[3], "'"))
	}
	return found
}

func patients() []patient {
	return []patient{
		{"dind's /certs/client, and no variables", dockertls.TLSRequired, []string{"TLS is spoken there", "/certs/client"}, dind},
		{"a stale DOCKER_HOST of docker-machine", dockertls.ConnectionRefused, []string{"nobody listens", "DOCKER_HOST"}, staleHost},
		{"files of another generation", dockertls.ServerUntrusted, []string{"same name", "another key"}, otherGeneration},
		{"a context without the client's key", dockertls.ClientCertRequired, []string{"no private key beside it"}, contextWithoutKey},
		{"a server certificate with a Common Name only", dockertls.ServerNameMismatch, []string{"Common Name", "subjectAltName=IP:127.0.0.1"}, commonNameOnly},
		{"an expired client certificate", dockertls.ClientCertExpired, []string{"expired on"}, expiredClient},
		{"a plain daemon where TLS is expected", dockertls.TLSNotOffered, []string{"plain HTTP", "--tlsverify"}, plainOnTLSPort},
		{"a TLS daemon where none is expected", dockertls.TLSRequired, []string{"TLS is spoken there", "ca.pem verifies it"}, tlsOnPlainPort},
		{"a proxy in the way", dockertls.ProxyFailed, []string{"403", "HTTPS_PROXY"}, proxyInTheWay},
		{"a socket elsewhere", dockertls.SocketMissing, []string{"no such socket", "answers"}, socketElsewhere},
	}
}

// mutual starts a daemon of an authority, and writes a folder for its clients.
func mutual(t *testing.T, ca *dockertlstest.CA, dir string) *dockertlstest.Daemon {
	t.Helper()
	d := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	t.Cleanup(d.Close)
	if dir != "" {
		check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("alice")))
	}
	return d
}

func dind(t *testing.T, _ string) func() {
	const dir = "/certs"
	if _, err := os.Stat(dir); err == nil || os.Geteuid() != 0 {
		programtest.Missing(t, errors.New("run this as root, where there is no /certs yet: the test makes it, and takes it away"))
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := mutual(t, dockertlstest.NewCA(), filepath.Join(dir, "client"))
	t.Setenv("DOCKER_HOST", d.Host())
	return nil
}

func staleHost(t *testing.T, home string) func() {
	machine := filepath.Join(home, ".docker", "machine", "machines", "default")
	d := mutual(t, dockertlstest.NewCA(), machine)
	d.Close()
	t.Setenv("DOCKER_HOST", d.Host())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CERT_PATH", machine)
	startSocket(t, home)
	return nil
}

// startSocket starts a daemon where rootless Docker has its socket.
func startSocket(t *testing.T, home string) {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", home)
	d := dockertlstest.NewSocketDaemon(filepath.Join(home, "docker.sock"))
	t.Cleanup(d.Close)
}

func otherGeneration(t *testing.T, home string) func() {
	named := dockertlstest.CertSpec{CommonName: "docker CA"}
	old, ca := dockertlstest.NewCAFrom(named), dockertlstest.NewCAFrom(named)
	check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker"), old, old.ClientPair("alice")))
	d := mutual(t, ca, filepath.Join(home, ".docker", "machine", "machines", "box"))
	t.Setenv("DOCKER_HOST", d.Host())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	return nil
}

func contextWithoutKey(t *testing.T, home string) func() {
	ca := dockertlstest.NewCA()
	d := mutual(t, ca, filepath.Join(home, ".docker"))
	pair := ca.ClientPair("alice")
	context := dockertlstest.Context{Name: "prod", Host: d.Host(), CA: ca, Client: pair}
	check(t, dockertlstest.WriteContext(filepath.Join(home, ".docker"), context))
	keys, err := filepath.Glob(filepath.Join(home, ".docker", "contexts", "tls", "*", "docker", "key.pem"))
	check(t, err)
	check(t, os.Remove(keys[0]))
	t.Setenv("DOCKER_CONTEXT", "prod")
	return nil
}

func commonNameOnly(t *testing.T, home string) func() {
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, ca)
	d.Server = ca.Issue(dockertlstest.CertSpec{CommonName: "127.0.0.1", Server: true})
	d.Start()
	check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker"), ca, ca.ClientPair("alice")))
	t.Setenv("DOCKER_HOST", d.Host())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	return func() { restart(t, d, dockertlstest.MutualTLS, ca) } // with a certificate for IP:127.0.0.1
}

// restart starts another daemon at the address of one.
func restart(t *testing.T, d *dockertlstest.Daemon, mode dockertlstest.Mode, ca *dockertlstest.CA) {
	t.Helper()
	d.Close()
	again := dockertlstest.NewUnstartedDaemon(mode, ca)
	again.Listener.Close()
	var err error
	for range 50 {
		if again.Listener, err = net.Listen("tcp", d.Addr()); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	check(t, err)
	again.Start()
	t.Cleanup(again.Close)
}

func expiredClient(t *testing.T, home string) func() {
	ca := dockertlstest.NewCA()
	expired := ca.Issue(dockertlstest.CertSpec{CommonName: "alice", Client: true, NotAfter: time.Now().Add(-time.Hour)})
	check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker"), ca, expired))
	d := mutual(t, ca, filepath.Join(home, ".docker", "machine", "certs"))
	t.Setenv("DOCKER_HOST", d.Host())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	return nil
}

func plainOnTLSPort(t *testing.T, home string) func() {
	ca := dockertlstest.NewCA()
	check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker"), ca, ca.ClientPair("alice")))
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	t.Setenv("DOCKER_HOST", d.Host())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	return func() { restart(t, d, dockertlstest.MutualTLS, ca) } // with --tlsverify
}

func tlsOnPlainPort(t *testing.T, home string) func() {
	d := mutual(t, dockertlstest.NewCA(), filepath.Join(home, ".docker"))
	t.Setenv("DOCKER_HOST", d.Host())
	return nil
}

// thisMachine leads to this machine, but is not one of the addresses that the
// proxy rules take for it.
const thisMachine = "0.0.0.0"

func proxyInTheWay(t *testing.T, home string) func() {
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, ca)
	d.Server = ca.ServerPair(thisMachine)
	d.Start()
	t.Cleanup(d.Close)
	check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker"), ca, ca.ClientPair("alice")))
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(proxy.Close)
	_, port, _ := net.SplitHostPort(d.Addr())
	t.Setenv("DOCKER_HOST", "tcp://"+thisMachine+":"+port)
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "example.test")
	return nil
}

func socketElsewhere(t *testing.T, home string) func() {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(home, "nowhere.sock"))
	startSocket(t, home)
	return nil
}
