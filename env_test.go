package dockertls

import (
	"errors"
	"fmt"
	"net/url"
	"os/user"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// A variable one slip away from one of docker's is named; other words are left
// alone.
func TestMisspeltVariables(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"DOCKER_HOST":            "",
		"DOCKER_TLS":             "",
		"docker_host":            envHost,
		"DOCKERHOST":             envHost,
		"DOCKER_HOSTS":           envHost,
		"DOCKER_HOT":             envHost,
		"DOCKER_CERTS_PATH":      envCertPath,
		"DOCKER_CERT_PATCH":      envCertPath,
		"DOCKER_CONTEX":          envContext,
		"DOCKER_CONFIC":          envConfig,
		"DOCKER_TLSVERIFY":       envTLSVerify,
		"DOCKER_SSL_VERIFY":      envTLSVerify,
		"DOCKER_TLV":             "", // too short to be sure
		"DOCKER_CERT_PAHT":       "", // two slips
		"DOCKER_BUILDKIT":        "",
		"DOCKER_HIDE_PATH":       "",
		"COMPOSE_TLS_VERIFY_X":   "",
		"DOCKER_DEFAULT_RUNTIME": "",
	} {
		if windowsNames() && name == "docker_host" {
			want = ""
		}
		if got := misspelt(name); got != want {
			t.Errorf("%s: taken for %q, want %q", name, got, want)
		}
	}
}

// windowsNames tells whether names of variables have no letter case.
func windowsNames() bool { return lookup([]string{"a=1"}, "A") == "1" }

// Without HOME the user database knows the home folder; if nobody does, and
// files are to be found there, that is an error.
func TestHomeFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	u, err := user.Current()
	if err != nil {
		programtest.Missing(t, fmt.Errorf("run this as a user that the system knows: %w", err))
	}
	if env := FromEnv().env; env.home != u.HomeDir || env.homeSource != "the user database" {
		t.Errorf("the home folder is %q, by %s", env.home, env.homeSource)
	}
	nobody := fromEnv([]string{"DOCKER_HOST=tcp://box", "DOCKER_TLS_VERIFY=1"}, func() string { return "" })
	wantExplained(t, resolveError(nobody), CAMissing, "no home folder", "set HOME, DOCKER_CERT_PATH or --tlscacert")
}

// A proxy that cannot be chosen, or not be used, is an error: going past it is
// for its user to decide.
func TestProxyChoiceFails(t *testing.T) {
	t.Parallel()
	env := func(vars ...string) Options {
		return fromEnv(append(vars, "DOCKER_HOST=tcp://box:1"), func() string { return "" })
	}
	wantExplained(t, resolveError(env("HTTP_PROXY=http://proxy:1", "REQUEST_METHOD=GET")), ProxyFailed, "no proxy can be chosen", "CGI")
	wantExplained(t, resolveError(env("HTTP_PROXY=ftp://proxy:1")), ProxyFailed, `scheme "ftp" is not supported`, "http, https and socks5")
	broken := errors.New("the wallet is empty")
	err := resolveError(Options{Host: "tcp://box:1", Proxy: func(*url.URL) (*url.URL, error) { return nil, broken }})
	wantExplained(t, err, ProxyFailed, "no proxy can be chosen")
	if !errors.Is(err, broken) {
		t.Errorf("the cause is lost: %v", err)
	}
}
