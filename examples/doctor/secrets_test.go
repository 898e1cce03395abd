package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
)

// Bug reports are asked for with this output: whatever goes wrong, neither keys
// nor passwords are in it.
func TestJSONShowsNoSecret(t *testing.T) {
	const password = "hunter2"
	ca := dockertlstest.NewCA()
	pair := ca.ClientPair("alice")
	for name, env := range map[string][2]string{
		"in the address":            {"DOCKER_HOST", "tcp://me:" + password + "@127.0.0.1:1"},
		"in an address with a path": {"DOCKER_HOST", "tcp://me:" + password + "@127.0.0.1:1/p?token=" + password},
		"in an address of another":  {"DOCKER_HOST", "https://me:" + password + "@127.0.0.1:1"},
		"in an ssh address":         {"DOCKER_HOST", "ssh://me:" + password + "@127.0.0.1"},
		"of a proxy":                {"HTTPS_PROXY", "http://me:" + password + "@127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			home := newHome(t)
			dir := filepath.Join(home, ".docker")
			check(t, dockertlstest.WriteCerts(dir, ca, pair))
			t.Setenv("DOCKER_HOST", "tcp://192.0.2.1:1")
			t.Setenv("DOCKER_TLS_VERIFY", "1")
			t.Setenv(env[0], env[1])
			wantNoSecret(t, doctor(t, "--json"), password, pair)

			// With a key that cannot be used, too.
			check(t, os.WriteFile(filepath.Join(dir, "key.pem"), append(pair.KeyPEM[:len(pair.KeyPEM)/2:len(pair.KeyPEM)/2], "\n...\n"...), 0o600))
			wantNoSecret(t, doctor(t, "--json"), password, pair)
		})
	}
}

func wantNoSecret(t *testing.T, got result, password string, pair *dockertlstest.Pair) {
	t.Helper()
	if got.code != exitSick || !json.Valid([]byte(got.stdout)) {
		t.Errorf("status %d, output:\n%s", got.code, got.stdout)
	}
	secrets := []string{password}
	for line := range strings.Lines(string(pair.KeyPEM)) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") {
			secrets = append(secrets, line)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(got.stdout+got.stderr, secret) {
			t.Errorf("%q is in the output:\n%s%s", secret, got.stdout, got.stderr)
		}
	}
}
