package dockertls_test

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/google/go-cmp/cmp"
)

// A child that resolves what Environ says must decide the same.
func TestEnvironIsOneUnit(t *testing.T) {
	dir, ca, _ := writeCerts(t)
	caOnly := filepath.Join(t.TempDir(), "box..old") // nothing but a name, although it has dots
	check(t, os.Mkdir(caOnly, 0o700))
	check(t, os.WriteFile(filepath.Join(caOnly, "ca.pem"), ca.PEM(), 0o600))
	socket := "unix:///x"
	if runtime.GOOS == "windows" {
		socket = `unix://C:\x` // absolute there; without a drive it is not
	}
	for _, tc := range []struct {
		name string
		opts dockertls.Options
		want []string // of HOST, CONTEXT, TLS, TLS_VERIFY, CERT_PATH
	}{
		{"plain", dockertls.Options{Host: "tcp://box:1/p"}, []string{"tcp://box:1/p", "", "", "", ""}},
		{"socket", dockertls.Options{Host: socket}, []string{socket, "", "", "", ""}},
		{"ssh", dockertls.Options{Host: "ssh://me@box:2222/a b"}, []string{"ssh://me@box:2222/a%20b", "", "", "", ""}},
		{"mutual", dockertls.Options{Host: "box", TLSVerify: new(true), CertPath: dir}, []string{"tcp://box:2375", "", "", "1", dir}},
		{"verified", dockertls.Options{Host: "box", TLSVerify: new(true), CertPath: caOnly}, []string{"tcp://box:2375", "", "", "1", caOnly}},
		{"encrypted", dockertls.Options{Host: "box", TLS: new(true), CertPath: dir}, []string{"tcp://box:2375", "", "1", "", dir}},
		{"by flags", dockertls.Options{Host: "box", TLSVerify: new(true), CAFile: dir + "/ca.pem", CertFile: dir + "/cert.pem", KeyFile: dir + "/key.pem"}, []string{"tcp://box:2375", "", "", "1", dir}},
		{"by flags, not in the shortest form", dockertls.Options{Host: "box", TLSVerify: new(true), CAFile: dir + "//ca.pem", CertFile: dir + "/./cert.pem", KeyFile: dir + "/key.pem"}, []string{"tcp://box:2375", "", "", "1", dir}},
	} {
		cfg, err := dockertls.Resolve(tc.opts)
		check(t, err)
		environ, err := cfg.Environ()
		check(t, err)
		var got []string
		for i, name := range []string{"DOCKER_HOST=", "DOCKER_CONTEXT=", "DOCKER_TLS=", "DOCKER_TLS_VERIFY=", "DOCKER_CERT_PATH="} {
			value, ok := strings.CutPrefix(environ[i], name)
			if !ok {
				t.Errorf("%s: %q, want %s first", tc.name, environ[i], name)
			}
			got = append(got, value)
			t.Setenv(strings.TrimSuffix(name, "="), value)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		child, err := dockertls.Resolve(dockertls.FromEnv())
		check(t, err)
		if child.Host() != cfg.Host() || child.Mode() != cfg.Mode() {
			t.Errorf("%s: the child decides %s, the parent %s", tc.name, child, cfg)
		}
	}
}

func TestEnvironRefuses(t *testing.T) {
	t.Parallel()
	dir, ca, pair := writeCerts(t)
	for name, opts := range map[string]dockertls.Options{
		"in memory":        {CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM},
		"system's roots":   {CAFile: "system"},
		"server name":      {CertPath: dir, ServerName: "other"},
		"through a Dial":   {CertPath: dir, Dialer: noDialer},
		"proxy was chosen": {CertPath: dir, Proxy: noProxy},
		"not to be used":   {CertPath: dir, CertFile: "none", KeyFile: "none"},
		"is not":           {CertPath: dir, CAFile: writeOther(t, ca.PEM())},
		"/../":             {CertPath: dir, CAFile: dir + "/../" + filepath.Base(dir) + "/ca.pem"}, // a link may stand before it
	} {
		opts.Host, opts.TLSVerify = "tcp://box:1", new(true)
		cfg, err := dockertls.Resolve(opts)
		check(t, err)
		environ, err := cfg.Environ()
		wantKind(t, err, dockertls.EnvironUnsupported, name)
		if environ != nil {
			t.Errorf("%s: %v beside an error", name, environ)
		}
	}
}

func noDialer(context.Context, string, string) (net.Conn, error) { return nil, nil }

func noProxy(*url.URL) (*url.URL, error) { return nil, nil }

func writeOther(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.pem")
	check(t, os.WriteFile(path, data, 0o600))
	return path
}

// An absolute path may be longer than a socket's can be, where the relative one is
// not: a child could not use it.
func TestEnvironOfLongSocketPath(t *testing.T) {
	t.Parallel()
	cfg := resolve(t, dockertls.Options{Host: "unix://" + strings.Repeat("a/", 50) + "x"})
	_, err := cfg.Environ()
	wantKind(t, err, dockertls.EnvironUnsupported, "address")
}
