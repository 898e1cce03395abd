package dockertlstest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

func mustWrite(t *testing.T, dir string, c dockertlstest.Context) {
	t.Helper()
	if err := dockertlstest.WriteContext(dir, c); err != nil {
		t.Fatal(err)
	}
}

// modeOf is the mode that a context leads to.
func modeOf(t *testing.T, dir, name string) dockertls.Mode {
	t.Helper()
	cfg, err := dockertls.Resolve(dockertls.Options{ConfigDir: dir, Context: name})
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Mode()
}

// What is written is what docker would make of it, and nothing of an earlier
// context of that name is left.
func TestContexts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	ca := dockertlstest.NewCA()
	client := ca.ClientPair("alice")
	const host = "tcp://docker.test:2376"
	for _, tt := range []struct {
		context dockertlstest.Context
		want    dockertls.Mode
	}{
		{dockertlstest.Context{Host: host, CA: ca, Client: client}, dockertls.Mutual},
		{dockertlstest.Context{Host: host, CA: ca}, dockertls.Verified},
		{dockertlstest.Context{Host: host, Client: client}, dockertls.Mutual},
		{dockertlstest.Context{Host: host, SkipTLSVerify: true}, dockertls.Encrypted},
		{dockertlstest.Context{Host: host}, dockertls.Plain},
		{dockertlstest.Context{Host: "unix:///run/docker.sock"}, dockertls.Plain},
	} {
		tt.context.Name = "prod"
		mustWrite(t, dir, tt.context)
		if got := modeOf(t, dir, "prod"); got != tt.want {
			t.Errorf("%+v: got mode %v, want %v", tt.context, got, tt.want)
		}
	}
}

func TestCurrentContextKeepsTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte(`{"auths":{"registry.test":{}},"currentContext":"old"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, dir, dockertlstest.Context{Name: "other", Host: "tcp://docker.test:1"})
	mustWrite(t, dir, dockertlstest.Context{Name: "new", Host: "tcp://docker.test:2", Current: true})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"auths": map[string]any{"registry.test": map[string]any{}}, "currentContext": "new"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config.json (-want +got):\n%s", diff)
	}
}

func TestContextErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	current := dockertlstest.Context{Name: "prod", Host: "tcp://docker.test:1", Current: true}
	if err := dockertlstest.WriteContext(dir, current); err == nil {
		t.Error("a broken config.json was replaced")
	}
	if err := dockertlstest.WriteContext(file, current); err == nil {
		t.Error("a file became a folder")
	}
}

// A whole ~/.docker is enough for a program that only knows its home folder,
// and fails as the daemon does.
func TestWriteConfigInAHome(t *testing.T) {
	for fault, kind := range map[dockertlstest.Option]dockertls.Kind{
		dockertlstest.MutualTLS:         "",
		dockertlstest.ClientCertExpired: dockertls.ClientCertExpired,
		dockertlstest.ClientCertMissing: dockertls.ClientCertRequired,
		dockertlstest.UnexpectedTLS:     dockertls.TLSRequired,
		dockertlstest.ServerCATwin:      dockertls.ServerUntrusted,
	} {
		for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG"} {
			t.Setenv(name, "")
		}
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("USERPROFILE", home)
		d := dockertlstest.Start(t, fault)
		if err := d.WriteConfig(filepath.Join(home, ".docker")); err != nil {
			t.Fatal(err)
		}
		status, err := ask(t.Context(), t, dockertls.FromEnv())
		switch {
		case kind == "" && (err != nil || status != http.StatusOK), kind != "" && !errors.Is(err, kind):
			t.Errorf("%v: got %d, %v, want %q", fault, status, err, kind)
		}
	}
}
