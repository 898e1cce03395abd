package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An outcome is what a run of the program leaves.
type outcome struct {
	code           int
	stdout, stderr string
}

func runProgram(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// mkcerts runs the program, which must succeed without a warning.
func mkcerts(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	got := runProgram(args...)
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("exit %d, stderr:\n%s", got.code, got.stderr)
	}
	return got.stdout
}

// newSet makes a folder of certificates.
func newSet(t *testing.T, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "certs")
	mkcerts(t, append([]string{"-o", dir}, args...)...)
	return dir
}

// wantFailure: one line that names what is wrong, and nothing else.
func (o outcome) wantFailure(t *testing.T, code int, wants ...string) {
	t.Helper()
	if o.code != code || o.stdout != "" || strings.Count(o.stderr, "\n") != 1 {
		t.Errorf("got %+v, want exit %d and one line", o, code)
	}
	for _, want := range wants {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("no %q in: %s", want, o.stderr)
		}
	}
}

// contents are all files below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		relative, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(relative)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestUsageErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "say where: -o DIR"},
		{"no names", []string{"-o", dir}, "by which names"},
		{"flags after names", []string{"box", "-o", dir}, `"-o": flags come before the names`},
		{"an unknown flag", []string{"-o", dir, "--force", "box"}, "-force"},
		{"a weak key", []string{"-o", dir, "--rsa", "1024", "box"}, "--rsa 1024: 2048 or 4096"},
		{"no validity", []string{"-o", dir, "--days", "0", "box"}, "--days 0: from 1 to 825"},
		{"too long", []string{"-o", dir, "--days", "826", "box"}, "--days 826: from 1 to 825"},
		{"a client with names of hosts", []string{"-o", dir, "--client", "alice", "box"}, "--client takes no names of hosts"},
		{"a client without a name", []string{"-o", dir, "--client", ""}, "--client needs a name"},
		{"a client outside of its folder", []string{"-o", dir, "--client", "../alice"}, `--client "../alice"`},
		{"a client of a hidden name", []string{"-o", dir, "--client", "."}, `--client "."`},
		{"a client of a long name", []string{"-o", dir, "--client", strings.Repeat("a", 65)}, "up to 64 letters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runProgram(tt.args...).wantFailure(t, exitUsage, tt.want)
			if _, err := os.Stat(dir); err == nil {
				t.Error("the folder was made")
			}
		})
	}
}

func TestHelp(t *testing.T) {
	got := runProgram("--help")
	if got.code != 0 || !strings.Contains(got.stderr, "--renew") || !strings.Contains(got.stderr, "-days") {
		t.Errorf("got %+v, want the flags and exit 0", got)
	}
}

// The commands have the paths of the files, as words for a shell.
func TestText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "docker's certs")
	got := mkcerts(t, "-o", dir, "*.example.com", "ubuntuvm", "10.0.0.5")
	path := func(name string) string {
		return "'" + strings.ReplaceAll(filepath.Join(dir, name), "'", `'\''`) + "'"
	}
	for _, want := range []string{
		"Made in " + dir,
		"for the daemon, as *.example.com, ubuntuvm, 10.0.0.5\n",
		"dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2376 \\\n" +
			"    --tls --tlsverify=false --tlscert=" + path("server-cert.pem") + " --tlskey=" + path("server-key.pem") + "\n",
		"docker -H tcp://ubuntuvm:2376 --tls --tlscacert=" + path("ca.pem") + " version\n",
		"docker -H tcp://ubuntuvm:2376 --tlsverify --tlscacert=" + path("ca.pem") + " version\n",
		"    --tlsverify --tlscacert=" + path("ca.pem") + " --tlscert=" + path("server-cert.pem") +
			" --tlskey=" + path("server-key.pem") + "\n",
		"    --tlscert=" + path("cert.pem") + " --tlskey=" + path("key.pem") + " version\n",
		"  export DOCKER_HOST=tcp://ubuntuvm:2376\n  export DOCKER_TLS_VERIFY=1\n  export DOCKER_CERT_PATH=" + quote(dir) + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		names           []string
		address, listen string
	}{
		{[]string{"localhost", "127.0.0.1"}, "tcp://localhost:2376", "localhost"},
		{[]string{"::1"}, "tcp://[::1]:2376", "::1"},
		{[]string{"localhost", "box"}, "tcp://localhost:2376", "0.0.0.0"},
		{[]string{"*.example.com"}, "tcp://box.example.com:2376", "0.0.0.0"},
		{nil, "tcp://HOST:2376", "HOST"},
	} {
		r := result{names: tt.names}
		if diff := cmp.Diff([]string{tt.address, tt.listen}, []string{r.address(), r.listen()}); diff != "" {
			t.Errorf("%q: %s", tt.names, diff)
		}
	}
}

func TestClientText(t *testing.T) {
	dir := newSet(t, "box")
	got := mkcerts(t, "-o", dir, "--client", "alice")
	for _, want := range []string{`the client "alice"`, "DOCKER_HOST=tcp://box:2376\n",
		"DOCKER_CERT_PATH=" + quote(filepath.Join(dir, "clients", "alice")) + "\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "dockerd") {
		t.Errorf("the daemon needs nothing new:\n%s", got)
	}
}
