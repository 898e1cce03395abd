package dockertls_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writeCerts makes a certificate folder in docker's layout.
func writeCerts(t *testing.T) (dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
	t.Helper()
	dir, ca = t.TempDir(), dockertlstest.NewCA()
	client = ca.ClientPair("client")
	check(t, dockertlstest.WriteCerts(dir, ca, client))
	return dir, ca, client
}

// wantKind checks that an error is ours, of a kind, and names all of words.
func wantKind(t *testing.T, err error, kind dockertls.Kind, words ...string) {
	t.Helper()
	var e *dockertls.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %+v, want the kind %s", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(fmt.Sprintf("%+v", err), w) {
			t.Errorf("%+v\ndoes not say %q", err, w)
		}
	}
}

func TestResolveLayers(t *testing.T) {
	t.Parallel()
	high := dockertls.Options{Host: "tcp://high:1", Source: "high.yaml"}
	low := dockertls.Options{Host: "tcp://low:2", TLS: new(false), Source: "low.yaml"}
	cfg, err := dockertls.Resolve(dockertls.Options{}, high, low)
	check(t, err)
	want := []dockertls.Setting{
		{Name: "tls", Value: "false", Source: "low.yaml: tls"},
		{Name: "host", Value: "tcp://high:1", Source: "high.yaml: host", Overrode: []dockertls.Overridden{{Source: "low.yaml: host", Value: "tcp://low:2"}}},
	}
	if diff := cmp.Diff(want, cfg.Settings()); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestLayersDecideBetweenHostAndContext(t *testing.T) {
	t.Parallel()
	host, context := dockertls.Options{Host: "tcp://box:1"}, dockertls.Options{Context: "prod"}
	cfg, err := dockertls.Resolve(host, context)
	check(t, err)
	if cfg.Context() != "default" || cfg.Host() != "tcp://box:1" {
		t.Errorf("host above context: %s", cfg)
	}
	_, err = dockertls.Resolve(context, host)
	wantKind(t, err, dockertls.ContextNotFound, `"prod"`, "FromEnv")
}

// Resolve without FromEnv must not look at the process it runs in.
func TestResolveIgnoresTheEnvironment(t *testing.T) {
	home, _, _ := writeCerts(t)
	check(t, os.Rename(home, home+"x"))
	check(t, os.MkdirAll(home, 0o700))
	check(t, os.Rename(home+"x", filepath.Join(home, ".docker")))
	check(t, os.WriteFile(filepath.Join(home, ".docker", "config.json"), []byte("{broken"), 0o600))
	for name, value := range map[string]string{
		"HOME": home, "USERPROFILE": home, "DOCKER_HOST": "tcp://wrong:1", "DOCKER_CONTEXT": "wrong", "DOCKER_TLS": "1",
		"DOCKER_CERT_PATH": home, "DOCKER_CONFIG": home, "HTTPS_PROXY": "http://wrong:1", "HTTP_PROXY": "http://wrong:1",
	} {
		t.Setenv(name, value)
	}
	cfg, err := dockertls.Resolve()
	check(t, err)
	if cfg.Mode() != dockertls.Plain || strings.HasPrefix(cfg.Host(), "tcp") {
		t.Errorf("no settings: %s, want the local socket", cfg)
	}
	cfg, err = dockertls.Resolve(dockertls.Options{Host: "tcp://box:1", TLSVerify: new(true)})
	check(t, err)
	if cfg.Mode() != dockertls.Verified || cfg.TLSConfig().RootCAs != nil || strings.Contains(cfg.String(), "wrong") {
		t.Errorf("%s, want to verify against the system's roots, and no proxy", cfg)
	}
}

// FromEnv reads at call time.
func TestFromEnvIsALayerOfData(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://box:1")
	layer := dockertls.FromEnv()
	t.Setenv("DOCKER_HOST", "tcp://later:1")
	cfg, err := dockertls.Resolve(layer)
	check(t, err)
	if cfg.Host() != "tcp://box:1" {
		t.Errorf("host %s, want what the environment said at the call", cfg.Host())
	}
	layer.Host = "tcp://changed:1"
	cfg, err = dockertls.Resolve(layer)
	check(t, err)
	if s := cfg.String(); !strings.Contains(s, "tcp://changed:1 (Options.Host)") {
		t.Errorf("%s, want the source of a changed field to be the caller", s)
	}
}

func TestConflictsWithinALayer(t *testing.T) {
	t.Parallel()
	pair := dockertlstest.NewCA().ClientPair("c")
	for name, opts := range map[string]dockertls.Options{
		"Options.Host and Options.Context":   {Host: "tcp://box", Context: "prod"},
		"Options.CA and Options.CAFile":      {CA: pair.CertPEM, CAFile: "f"},
		"Options.Cert and Options.CertFile":  {Cert: pair.CertPEM, CertFile: "f"},
		"Options.Key and Options.KeyFile":    {Key: pair.KeyPEM, KeyFile: "f"},
		"Options.KeyFile and Options.Signer": {KeyFile: "f", Signer: pair.Certificate().PrivateKey.(crypto.Signer)},
	} {
		_, err := dockertls.Resolve(opts)
		wantKind(t, err, dockertls.OptionsConflict, name)
	}
}

func TestMaterialInMemory(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	pair := ca.ClientPair("c")
	signer := pair.Certificate().PrivateKey.(crypto.Signer)
	dir, _, _ := writeCerts(t)
	plain := t.TempDir()
	check(t, dockertlstest.WriteContext(plain, dockertlstest.Context{Name: "plain", Host: "tcp://box:1"}))
	supply := func(context.Context) (dockertls.Material, error) { return materialOf(ca, pair), nil }
	on := func(o dockertls.Options) dockertls.Options {
		o.Host, o.TLSVerify = "tcp://box:1", new(true)
		return o
	}
	for _, tc := range []struct {
		name   string
		layers []dockertls.Options
		mode   dockertls.Mode
		kind   dockertls.Kind
	}{
		{"all three", []dockertls.Options{on(dockertls.Options{CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM})}, dockertls.Mutual, ""},
		{"a signer", []dockertls.Options{on(dockertls.Options{CA: ca.PEM(), Cert: pair.CertPEM, Signer: signer})}, dockertls.Mutual, ""},
		{"CA only", []dockertls.Options{on(dockertls.Options{CA: ca.PEM()})}, dockertls.Verified, ""},
		{"no CA: the system's roots", []dockertls.Options{on(dockertls.Options{Cert: pair.CertPEM, Key: pair.KeyPEM})}, dockertls.Mutual, ""},
		{"above files", []dockertls.Options{on(dockertls.Options{Cert: pair.CertPEM, Key: pair.KeyPEM}), {CertPath: dir}}, dockertls.Mutual, ""},
		{"half a pair is not completed", []dockertls.Options{on(dockertls.Options{Cert: pair.CertPEM}), {CertPath: dir}}, 0, dockertls.ClientKeyMissing},
		{"half a pair is not completed", []dockertls.Options{on(dockertls.Options{Key: pair.KeyPEM}), {CertPath: dir}}, 0, dockertls.ClientCertMissing},
		{"a signer without certificate", []dockertls.Options{on(dockertls.Options{Signer: signer})}, 0, dockertls.ClientCertMissing},
		{"a signer of another certificate", []dockertls.Options{on(dockertls.Options{Cert: ca.ClientPair("d").CertPEM, Signer: signer})}, 0, dockertls.KeyPairMismatch},
		{"in the clear", []dockertls.Options{{Host: "tcp://box:1", CA: ca.PEM()}}, 0, dockertls.OptionsConflict},
		{"in the clear", []dockertls.Options{{Host: "tcp://box:1", Cert: pair.CertPEM, Key: pair.KeyPEM}}, 0, dockertls.OptionsConflict},
		{"in the clear of a context", []dockertls.Options{{Context: "plain", ConfigDir: plain, CA: ca.PEM()}}, 0, dockertls.OptionsConflict},
		{"in the clear of a context", []dockertls.Options{{Context: "plain", ConfigDir: plain, Material: supply}}, 0, dockertls.OptionsConflict},
		{"not PEM", []dockertls.Options{on(dockertls.Options{CA: dockertls.PEM("x")})}, 0, dockertls.CAInvalid},
	} {
		cfg, err := dockertls.Resolve(tc.layers...)
		if tc.kind != "" {
			wantKind(t, err, tc.kind, "Options.")
			continue
		}
		if err != nil || cfg.Mode() != tc.mode {
			t.Errorf("%s: %v, %v, want mode %s", tc.name, cfg, err, tc.mode)
		}
	}
}

// A missing file has a hint that fits what lies there, and none that does not.
func TestNearMisses(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	pair := ca.ClientPair("c")
	write := func(names ...string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			for _, n := range names {
				check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, n)), 0o700))
				check(t, os.WriteFile(filepath.Join(dir, n), ca.PEM(), 0o600))
			}
		}
	}
	content := func(name string, data []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			check(t, dockertlstest.WriteCerts(dir, ca, pair))
			check(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		}
	}
	for _, tc := range []struct {
		name  string
		lay   func(t *testing.T, dir string)
		opts  dockertls.Options
		kind  dockertls.Kind
		words string // separated by |
	}{
		{"ca.crt", write("ca.crt"), dockertls.Options{}, dockertls.CAMissing, "Options.CertPath: |ca.pem: no such file|ca.crt lies beside it"},
		{"capitals", write("CA.PEM"), dockertls.Options{}, dockertls.CAMissing, "CA.PEM lies beside it"},
		{"a folder deeper", write("certs/ca.pem"), dockertls.Options{}, dockertls.CAMissing, "DOCKER_CERT_PATH="},
		{"nothing", write(), dockertls.Options{}, dockertls.CAMissing, "TLS is on because of Options.TLSVerify"},
		{"client.pem", write("ca.pem", "client.pem"), dockertls.Options{CertFile: "{T}/cert.pem"}, dockertls.ClientCertMissing, "client.pem lies beside it"},
		{"quotation marks", write(), dockertls.Options{CAFile: `"{T}/ca.pem"`}, dockertls.CAMissing, "quotation marks are part of the path"},
		{"tilde", write(), dockertls.Options{CAFile: "~/ca.pem"}, dockertls.CAMissing, "~ is not expanded"},
		{"variable", write(), dockertls.Options{CAFile: "$HOME/ca.pem"}, dockertls.CAMissing, "variables are not expanded"},
		{"DER", content("ca.pem", ca.Certificate().Raw), dockertls.Options{}, dockertls.CAInvalid, "it is DER, not PEM|openssl x509 -inform der"},
		{"byte order mark", content("ca.pem", append([]byte("\xef\xbb\xbf"), ca.PEM()...)), dockertls.Options{}, dockertls.CAInvalid, "byte order mark"},
		{"a key as CA", content("ca.pem", pair.KeyPEM), dockertls.Options{}, dockertls.CAInvalid, "found PRIVATE KEY|never its key"},
		{"a key as certificate", content("cert.pem", pair.KeyPEM), dockertls.Options{}, dockertls.ClientCertInvalid, "found PRIVATE KEY|swapped"},
		{"a certificate as key", content("key.pem", pair.CertPEM), dockertls.Options{}, dockertls.ClientKeyInvalid, "found CERTIFICATE|swapped"},
		{"empty", content("ca.pem", nil), dockertls.Options{}, dockertls.CAInvalid, "it is empty"},
		{"cut short", content("ca.pem", ca.PEM()[:100]), dockertls.Options{}, dockertls.CAInvalid, "not whole"},
		{"pass phrase", content("key.pem", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nanVuaw==\n-----END ENCRYPTED PRIVATE KEY-----\n")), dockertls.Options{}, dockertls.ClientKeyEncrypted, "pass phrase|openssl pkey"},
		{"other key", content("key.pem", ca.ClientPair("d").KeyPEM), dockertls.Options{}, dockertls.KeyPairMismatch, "is not the key of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.lay(t, dir)
			if _, err := os.Stat(filepath.Join(dir, "ca.pem")); err == nil && tc.name == "capitals" {
				t.Skip("names of files have no letter case here: run this where they have, as on Linux")
			}
			for _, f := range []*string{&tc.opts.CAFile, &tc.opts.CertFile} {
				*f = strings.ReplaceAll(*f, "{T}", dir)
			}
			tc.opts.Host, tc.opts.TLSVerify, tc.opts.CertPath = "tcp://box:1", new(true), dir
			_, err := dockertls.Resolve(tc.opts)
			wantKind(t, err, tc.kind, strings.Split(tc.words, "|")...)
			impossible := runtime.GOOS == "windows" && tc.name == "quotation marks"
			if tc.kind == dockertls.CAMissing && !impossible && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v: the cause is lost", err)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "pass phrase") != (tc.kind == dockertls.ClientKeyEncrypted) {
				t.Errorf("%+v: a word on pass phrases in the wrong place", err)
			}
		})
	}
}

func TestKeyReadableByOthers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permission bits; run this test on another system")
	}
	dir, _, _ := writeCerts(t)
	key := filepath.Join(dir, "key.pem")
	check(t, os.Chmod(key, 0o640))
	cfg, err := dockertls.Resolve(dockertls.Options{Host: "tcp://box:1", TLSVerify: new(true), CertPath: dir})
	check(t, err)
	want := dockertls.Warning{Code: dockertls.WarnKeyReadable, Source: "Options.CertPath",
		Message: key + " can be read by others than its owner (mode 0640): chmod 600 it"}
	if diff := cmp.Diff([]dockertls.Warning{want}, cfg.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		dir := t.TempDir() // root reads everything: a folder in the file's place fails all the same
		check(t, os.Mkdir(filepath.Join(dir, "ca.pem"), 0o700))
		_, err := dockertls.Resolve(dockertls.Options{Host: "tcp://box:1", TLSVerify: new(true), CertPath: dir})
		wantKind(t, err, dockertls.FileUnreadable, "ca.pem: is a directory")
		return
	}
	dir, _, _ := writeCerts(t)
	check(t, os.Chmod(filepath.Join(dir, "ca.pem"), 0))
	_, err := dockertls.Resolve(dockertls.Options{Host: "tcp://box:1", TLSVerify: new(true), CertPath: dir})
	wantKind(t, err, dockertls.FileUnreadable, "ca.pem: permission denied")
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v: the cause is lost", err)
	}
}

// What is handed out is the caller's own.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	dir, _, _ := writeCerts(t)
	cfg, err := dockertls.Resolve(dockertls.Options{Host: "tcp://box:1", TLSVerify: new(true), CertPath: dir}, dockertls.Options{Host: "tcp://low:1"})
	check(t, err)
	first := cfg.TLSConfig()
	first.InsecureSkipVerify = true
	first.RootCAs.AddCert(dockertlstest.NewCA().Certificate())
	first.Certificates[0].Certificate[0] = nil
	first.Certificates[0] = tls.Certificate{}
	settings := cfg.Settings()
	for i := range settings {
		settings[i].Value = "changed"
		for j := range settings[i].Overrode {
			settings[i].Overrode[j].Value = "changed"
		}
	}
	again := cfg.TLSConfig()
	if again.InsecureSkipVerify || again.RootCAs.Equal(first.RootCAs) || len(again.Certificates[0].Certificate[0]) == 0 {
		t.Error("changing one TLS configuration changed the next")
	}
	if s := fmt.Sprint(cfg.Settings()); strings.Contains(s, "changed") {
		t.Errorf("changing the settings changed them: %s", s)
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ host, path, want string }{
		{"tcp://box", "", "http://box:2375"},
		{"tcp://box", "/_ping", "http://box:2375/_ping"},
		{"tcp://box", "_ping", "http://box:2375/_ping"},
		{"tcp://box:1/a%20b/", "/v1.44/containers/json?all=1", "http://box:1/a%20b/v1.44/containers/json?all=1"},
		{"tcp://[::1]:1", "/_ping", "http://[::1]:1/_ping"},
		{"unix:///x", "/_ping", "http://api.moby.localhost/_ping"},
	} {
		cfg, err := dockertls.Resolve(dockertls.Options{Host: tc.host})
		check(t, err)
		if got := cfg.URL(tc.path); got != tc.want {
			t.Errorf("%s: URL(%q) is %s, want %s", tc.host, tc.path, got, tc.want)
		}
	}
}

// A hint is about what is really there.
func TestHintsOnAMissingClientCertificate(t *testing.T) {
	t.Parallel()
	dir, ca, _ := writeCerts(t)
	daemon := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	t.Cleanup(daemon.Close)
	caOnly := t.TempDir()
	check(t, dockertlstest.WriteCerts(caOnly, ca, nil))
	other := dockertlstest.NewCA().ClientPair("stranger")
	for _, tc := range []struct {
		name string
		opts dockertls.Options
		word string
	}{
		{"no files", dockertls.Options{CertPath: caOnly}, "was found in " + caOnly},
		{"switched off", dockertls.Options{CertPath: dir, CertFile: "none"}, "Options.CertFile says to use none"},
		{"in memory", dockertls.Options{CA: ca.PEM()}, "none is configured"},
		{"of another authority", dockertls.Options{CA: ca.PEM(), Cert: other.CertPEM, Key: other.KeyPEM}, "accepts only those of"},
	} {
		tc.opts.Host, tc.opts.TLSVerify = daemon.Host(), new(true)
		cfg, err := dockertls.Resolve(tc.opts)
		check(t, err)
		_, err = cfg.HTTPClient().Get(cfg.URL("/_ping"))
		wantKind(t, cfg.Diagnose(err), dockertls.ClientCertRequired, tc.word)
	}
}

func TestHintOnFalseThatMeansTrue(t *testing.T) {
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_CONFIG", "DOCKER_CERT_PATH"} {
		t.Setenv(name, "")
	}
	t.Setenv("DOCKER_TLS_VERIFY", "0")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("USERPROFILE", os.Getenv("HOME"))
	_, err := dockertls.Resolve(dockertls.FromEnv())
	wantKind(t, err, dockertls.CAMissing, `any text means yes, even "0"`)

	daemon := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	t.Cleanup(daemon.Close)
	cfg, err := dockertls.Resolve(dockertls.Options{Host: daemon.Host(), CAFile: "system"}, dockertls.FromEnv())
	check(t, err)
	_, err = cfg.HTTPClient().Get(cfg.URL("/_ping"))
	wantKind(t, cfg.Diagnose(err), dockertls.TLSNotOffered, `"0" means yes`)
}
