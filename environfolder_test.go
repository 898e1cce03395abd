package dockertls_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
	"github.com/dockertls/dockertls/internal/programtest"
	"github.com/google/go-cmp/cmp"
)

func resolved(t *testing.T, opts dockertls.Options) *dockertls.Config {
	t.Helper()
	cfg, err := dockertls.Resolve(opts)
	check(t, err)
	return cfg
}

// fromVars resolves as a child does that has these variables and no others.
func fromVars(t *testing.T, vars []string) *dockertls.Config {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	check(t, err)
	return cfg
}

// What is in memory, with every kind of key, reaches a daemon through the files.
func TestEnvironInReachesTheDaemon(t *testing.T) {
	for name, key := range map[string]dockertlstest.KeyType{
		"ecdsa": dockertlstest.ECDSA, "ed25519": dockertlstest.Ed25519, "rsa": dockertlstest.RSA2048,
	} {
		t.Run(name, func(t *testing.T) {
			ca := dockertlstest.NewCA()
			daemon := dockertlstest.Start(t, dockertlstest.UseCA(ca))
			client := ca.Intermediate("").Issue(dockertlstest.CertSpec{CommonName: "child", Client: true, Key: key})
			opts := daemon.Options()
			opts.Cert, opts.Key = client.CertPEM, client.KeyPEM
			dir := filepath.Join(t.TempDir(), "a", "b")
			vars, err := resolved(t, opts).EnvironIn(dir)
			check(t, err)
			child := fromVars(t, vars)
			check(t, request(child))
			if child.Mode() != dockertls.Mutual || daemon.Requests()[0].ClientName() != "child" {
				t.Errorf("the child is %s, as %q", child, daemon.Requests()[0].ClientName())
			}
			if w := child.Warnings(); len(w) > 0 {
				t.Errorf("warnings: %v", w)
			}
			wantModes(t, dir)
		})
	}
}

// The three files are of one generation, whatever is reloaded meanwhile.
func TestEnvironInDuringReload(t *testing.T) {
	t.Parallel()
	var sets [2]dockertls.Material
	for i := range sets {
		ca := dockertlstest.NewCA()
		sets[i] = materialOf(ca, ca.ClientPair("alice"))
	}
	var turn atomic.Int64
	cfg := resolved(t, dockertls.Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true),
		Material: func(context.Context) (dockertls.Material, error) { return sets[turn.Add(1)%2], nil }})
	done, reloaded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(reloaded)
		for {
			select {
			case <-done:
				return
			default:
				cfg.Reload(t.Context())
			}
		}
	}()
	base := t.TempDir()
	for i := range 300 {
		dir := filepath.Join(base, strconv.Itoa(i))
		_, err := cfg.EnvironIn(dir)
		check(t, err)
		ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
		check(t, err)
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
		check(t, err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	close(done)
	<-reloaded
}

// wantModes: only the owner reads the key, and nothing else lies there.
func wantModes(t *testing.T, dir string) {
	t.Helper()
	want := map[string]os.FileMode{".": 0o700, "ca.pem": 0o644, "cert.pem": 0o644, "key.pem": 0o600}
	got := map[string]os.FileMode{}
	entries, err := os.ReadDir(dir)
	check(t, err)
	names := []string{"."}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		check(t, err)
		got[name] = info.Mode().Perm()
		if runtime.GOOS == "windows" {
			got[name] = want[name]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironInModes(t *testing.T) {
	t.Parallel()
	certs, ca, _ := writeCerts(t)
	elsewhere := writeOther(t, ca.PEM())
	for _, tc := range []struct {
		name  string
		opts  dockertls.Options
		want  []string // of TLS, TLS_VERIFY
		files []string
	}{
		{"plain", dockertls.Options{Host: "tcp://box:1"}, []string{"", ""}, nil},
		{"socket", dockertls.Options{Host: "unix:///x"}, []string{"", ""}, nil},
		{"encrypted", dockertls.Options{Host: "box", TLS: new(true), CAFile: elsewhere}, []string{"1", ""}, []string{"ca.pem"}},
		{"verified", dockertls.Options{Host: "box", TLSVerify: new(true), CAFile: elsewhere}, []string{"", "1"}, []string{"ca.pem"}},
		{"mutual", dockertls.Options{Host: "box", TLSVerify: new(true), CAFile: elsewhere, CertPath: certs}, []string{"", "1"}, []string{"ca.pem", "cert.pem", "key.pem"}},
		{"without the pair", dockertls.Options{Host: "box", TLSVerify: new(true), CertPath: certs, CertFile: "none"}, []string{"", "1"}, []string{"ca.pem"}},
	} {
		dir := filepath.Join(t.TempDir(), "new")
		vars, err := resolved(t, tc.opts).EnvironIn(dir)
		check(t, err)
		if diff := cmp.Diff([]string{"DOCKER_TLS=" + tc.want[0], "DOCKER_TLS_VERIFY=" + tc.want[1]}, vars[2:4]); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
		if path := strings.TrimPrefix(vars[4], "DOCKER_CERT_PATH="); (path == dir) != (tc.files != nil) {
			t.Errorf("%s: %s, want %s", tc.name, vars[4], dir)
		}
		if diff := cmp.Diff(tc.files, fileNames(dir)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// fileNames are the names in a folder, nil if there is none.
func fileNames(dir string) []string {
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Writing again, over the same material in another form too, changes nothing; a
// key that others can read is closed.
func TestEnvironInAgain(t *testing.T) {
	t.Parallel()
	_, ca, pair := writeCerts(t)
	opts := dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM}
	cfg := resolved(t, opts)
	dir := t.TempDir()
	check(t, os.Chmod(dir, 0o700))
	bundle := append(append([]byte("Certificate:\n    Data:\n"), pair.CertPEM...), pair.KeyPEM...)
	check(t, os.WriteFile(filepath.Join(dir, "cert.pem"), bundle, 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "key.pem"), pair.KeyPEM, 0o644))
	for range 2 {
		_, err := cfg.EnvironIn(dir)
		check(t, err)
	}
	wantModes(t, dir)
	if got, err := os.ReadFile(filepath.Join(dir, "cert.pem")); err != nil || !slices.Equal(got, bundle) {
		t.Errorf("cert.pem was written anew (%v)", err)
	}
}

// Only what is in use is written: a bundle's key stays where it is, and what is
// no root does not become one.
func TestEnvironInWritesRootsOnly(t *testing.T) {
	t.Parallel()
	ca, other, pair := dockertlstest.NewCA(), dockertlstest.NewCA(), dockertlstest.NewCA().ClientPair("x")
	noRoot := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"a": "b"}, Bytes: other.Certificate().Raw})
	bundle := slices.Concat(ca.PEM(), pair.KeyPEM, noRoot)
	dir := t.TempDir()
	_, err := resolved(t, dockertls.Options{Host: "box", TLSVerify: new(true), CA: bundle}).EnvironIn(dir)
	check(t, err)
	got, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	check(t, err)
	if diff := cmp.Diff(string(ca.PEM()), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironInRefuses(t *testing.T) {
	t.Parallel()
	certs, ca, pair := writeCerts(t)
	signer := testSigner(t, pair)
	mutual := dockertls.Options{CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM}
	with := func(edit func(*dockertls.Options)) dockertls.Options {
		o := mutual
		edit(&o)
		return o
	}
	for name, opts := range map[string]dockertls.Options{
		"Options.Signer":   with(func(o *dockertls.Options) { o.Key, o.Signer = nil, signer }),
		"system's roots":   with(func(o *dockertls.Options) { o.CA, o.CAFile = nil, "system" }),
		"server name":      {CertPath: certs, ServerName: "other"},
		"through a Dialer": {CertPath: certs, Dialer: noDialer},
		"proxy was chosen": {CertPath: certs, Proxy: noProxy},
	} {
		opts.Host, opts.TLSVerify = "tcp://box:1", new(true)
		dir := filepath.Join(t.TempDir(), "new")
		vars, err := resolved(t, opts).EnvironIn(dir)
		wantKind(t, err, dockertls.EnvironUnsupported, name)
		if _, err := os.Stat(dir); err == nil || vars != nil {
			t.Errorf("%s: something was made (%v)", name, vars)
		}
	}
}

func testSigner(t *testing.T, pair *dockertlstest.Pair) crypto.Signer {
	t.Helper()
	loaded, err := tls.X509KeyPair(pair.CertPEM, pair.KeyPEM)
	check(t, err)
	return loaded.PrivateKey.(crypto.Signer)
}

// Folders that cannot be written to, or hold something else, stay as they are.
func TestEnvironInUnusableFolder(t *testing.T) {
	t.Parallel()
	_, ca, pair := writeCerts(t)
	opts := dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM}
	caOnly := dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM()}
	other := dockertlstest.NewCA()
	put := func(name string, data []byte) func(string) {
		return func(dir string) { check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600)) }
	}
	for _, tc := range []struct {
		name string
		opts dockertls.Options
		make func(dir string)
	}{
		{"another authority", opts, put("ca.pem", other.PEM())},
		{"another authority too", opts, put("ca.pem", append(ca.PEM(), other.PEM()...))},
		{"another certificate", opts, put("cert.pem", other.ClientPair("x").CertPEM)},
		{"another key", opts, put("key.pem", other.ClientPair("x").KeyPEM)},
		{"no key at all", opts, put("key.pem", nil)},
		{"a pair not to be used", caOnly, put("cert.pem", pair.CertPEM)},
		{"a link that leads nowhere", opts, func(dir string) { check(t, os.Symlink("nowhere", filepath.Join(dir, "key.pem"))) }},
		{"a folder in place of a file", opts, func(dir string) { check(t, os.Mkdir(filepath.Join(dir, "key.pem"), 0o700)) }},
	} {
		dir := t.TempDir()
		tc.make(dir)
		before := fileNames(dir)
		vars, err := resolved(t, tc.opts).EnvironIn(dir)
		wantKind(t, err, dockertls.FolderUnusable, dir, "is there already", "hint: ")
		wantNoKey(t, err, pair)
		if diff := cmp.Diff(before, fileNames(dir)); diff != "" || vars != nil {
			t.Errorf("%s: %v %s", tc.name, vars, diff)
		}
	}
	file := writeOther(t, nil)
	for _, dir := range []string{"", file, filepath.Join(file, "below"), "nul\x00"} {
		_, err := resolved(t, opts).EnvironIn(dir)
		wantKind(t, err, dockertls.FolderUnusable)
		wantNoKey(t, err, pair)
	}
}

// wantNoKey: no line of the key is in an error, or in what is behind it.
func wantNoKey(t *testing.T, err error, pair *dockertlstest.Pair) {
	t.Helper()
	var ours *dockertls.Error
	errors.As(err, &ours)
	text := fmt.Sprintf("%+v %v", err, ours.Err)
	for line := range strings.Lines(string(pair.KeyPEM)) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") && strings.Contains(text, line) {
			t.Errorf("the key is in %+v", err)
		}
	}
}

// The docker command and a real daemon agree that the files are a whole set.
func TestEnvironInDockerCommand(t *testing.T) {
	dockerdtest.Require(t)
	docker := programtest.Find(t, "docker", "docker.io")
	ca := dockertlstest.NewCA()
	certs := issueCerts(t, ca, dockertlstest.ECDSA)
	pair := ca.ClientPair("child")
	daemon := dockerdtest.Start(t, dockerdtest.Debian, daemonOptions(dockerdtest.TLSVerify, certs))
	vars, err := resolved(t, dockertls.Options{
		Host: daemon.TCPHost(), TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM,
	}).EnvironIn(t.TempDir())
	check(t, err)
	cmd := exec.CommandContext(t.Context(), docker, "version", "--format", "{{.Server.Version}}")
	cmd.Env = append(vars, "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) < 3 {
		t.Errorf("%v: %s", err, out)
	}
}

// A key that x509 reads is one that it writes.
func TestEnvironInKeyIsPKCS8(t *testing.T) {
	t.Parallel()
	_, ca, pair := writeCerts(t)
	dir := t.TempDir()
	_, err := resolved(t, dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM}).EnvironIn(dir)
	check(t, err)
	data, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	check(t, err)
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		t.Fatal("no PRIVATE KEY block")
	}
	_, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	check(t, err)
}
