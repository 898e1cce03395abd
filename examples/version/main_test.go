package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls/dockertlstest"
)

// A result is what a run of the program leaves.
type result struct {
	code           int
	stdout, stderr string
}

func runProgram(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// wantOK: success, and nothing to complain about.
func (r result) wantOK(t *testing.T) {
	t.Helper()
	if r.code != 0 || r.stderr != "" {
		t.Fatalf("exit %d, stderr:\n%s", r.code, r.stderr)
	}
}

// wantUsageError: docker's exit status, and the reason.
func (r result) wantUsageError(t *testing.T, reason string) {
	t.Helper()
	if r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, reason) {
		t.Errorf("got %+v, want exit %d and %q", r, exitUsage, reason)
	}
}

// wantFailure: one line and its hints on stderr, and nothing on stdout.
func (r result) wantFailure(t *testing.T, line string) {
	t.Helper()
	first, hints, _ := strings.Cut(r.stderr, "\n")
	if r.code != 1 || r.stdout != "" || !strings.Contains(first, line) {
		t.Errorf("got %+v, want exit 1 and %q", r, line)
	}
	for hint := range strings.Lines(hints) {
		if !strings.HasPrefix(hint, "hint: ") {
			t.Errorf("a line that is no hint: %q", hint)
		}
	}
}

// newHome gives the test an environment without settings, and an empty
// ~/.docker, which it returns.
func newHome(t *testing.T) (dir string) {
	t.Helper()
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
		"DOCKER_CONFIG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		t.Setenv(name, "") // counts as not set
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	dir = filepath.Join(home, ".docker")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeCerts(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
	t.Helper()
	if err := dockertlstest.WriteCerts(dir, ca, client); err != nil {
		t.Fatal(err)
	}
}

func startDaemon(t *testing.T, mode dockertlstest.Mode, ca *dockertlstest.CA) *dockertlstest.Daemon {
	t.Helper()
	daemon := dockertlstest.NewDaemon(mode, ca)
	t.Cleanup(daemon.Close)
	return daemon
}

func TestVersion(t *testing.T) {
	ca := dockertlstest.NewCA()
	for _, tt := range []struct {
		name   string
		daemon dockertlstest.Mode
		client *dockertlstest.Pair // besides ca.pem
		args   []string
		mode   string
		warns  bool
	}{
		{name: "plain", daemon: dockertlstest.Plain, mode: "plain"},
		{name: "encrypted", daemon: dockertlstest.TLS, args: []string{"--tls"}, mode: "encrypted", warns: true},
		{name: "verified", daemon: dockertlstest.TLS, args: []string{"--tlsverify"}, mode: "verified"},
		{name: "mutual", daemon: dockertlstest.MutualTLS, client: ca.ClientPair("alice"), args: []string{"--tlsverify"}, mode: "mutual"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			writeCerts(t, newHome(t), ca, tt.client)
			daemon := startDaemon(t, tt.daemon, ca)
			got := runProgram(append([]string{"-H", daemon.Host()}, tt.args...)...)
			if got.code != 0 || tt.warns != strings.HasPrefix(got.stderr, "warning: ") {
				t.Errorf("exit %d, stderr:\n%s", got.code, got.stderr)
			}
			wantVersions(t, got.stdout)
			if want := daemon.Host() + " (-H), " + tt.mode; !strings.Contains(got.stdout, want) {
				t.Errorf("no %q in:\n%s", want, got.stdout)
			}
		})
	}
}

// wantVersions: those of both sides.
func wantVersions(t *testing.T, stdout string) {
	t.Helper()
	both := regexp.MustCompile(`(?s)^Client: .* API version: 1\.51\n.*Server: Docker 28\.5\.2\n API version: 1\.51 `)
	if !both.MatchString(stdout) {
		t.Errorf("not the versions of both sides:\n%s", stdout)
	}
}

func TestVersionFromEnvironment(t *testing.T) {
	ca := dockertlstest.NewCA()
	daemon := startDaemon(t, dockertlstest.MutualTLS, ca)
	newHome(t)
	certs := t.TempDir()
	writeCerts(t, certs, ca, ca.ClientPair("alice"))
	t.Setenv("DOCKER_HOST", daemon.Host())
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CERT_PATH", certs)

	got := runProgram("version")
	got.wantOK(t)
	wantVersions(t, got.stdout)
	for _, r := range daemon.Requests() {
		if r.ClientName() != "alice" {
			t.Errorf("%s %s by %q, want alice", r.Method, r.Path, r.ClientName())
		}
	}
}

func TestVersionOverSocket(t *testing.T) {
	newHome(t)
	daemon := startSocketDaemon(t)
	got := runProgram("-H", daemon.Host(), "version")
	got.wantOK(t)
	wantVersions(t, got.stdout)
}

// startSocketDaemon keeps the path short: systems allow about a hundred bytes.
func startSocketDaemon(t *testing.T) *dockertlstest.Daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	daemon := dockertlstest.NewSocketDaemon(filepath.Join(dir, "d.sock"))
	t.Cleanup(daemon.Close)
	return daemon
}

func TestOlderVersionIsSpoken(t *testing.T) {
	for _, tt := range []struct{ daemon, want string }{
		{"1.41", "/v1.41/version"},
		{"1.9", "/v1.9/version"}, // as numbers, 9 comes before 41
		{"1.99", "/v1.51/version"},
		{"", "/v1.51/version"},
	} {
		t.Run(tt.daemon, func(t *testing.T) {
			newHome(t)
			daemon := startHandler(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Api-Version", tt.daemon)
				io.WriteString(w, "{}")
			})
			runProgram("-H", daemon.Host()).wantOK(t)
			requests := daemon.Requests()
			if got := requests[len(requests)-1].Path; got != tt.want {
				t.Errorf("asked for %s, want %s", got, tt.want)
			}
		})
	}
}

// startHandler starts a plain daemon that answers as handler does.
func startHandler(t *testing.T, handler http.HandlerFunc) *dockertlstest.Daemon {
	t.Helper()
	daemon := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	daemon.Handler = handler
	daemon.Start()
	t.Cleanup(daemon.Close)
	return daemon
}

func TestUsageErrors(t *testing.T) {
	for _, tt := range []struct {
		name, args, want string
	}{
		{"two hosts", "-H ADDRESS -H ADDRESS", "specify only one -H"},
		{"two hosts, long and short", "--host ADDRESS -HADDRESS", "specify only one -H"},
		{"a single dash", "-H ADDRESS -tls", "unknown shorthand flag: 't' in -tls"},
		{"an unknown flag", "-H ADDRESS --unknown", "-unknown"},
		{"no truth value", "-H ADDRESS --tlsverify=maybe", "want true or false"},
		{"an unknown command", "-H ADDRESS prune", "unknown command prune"},
		{"too many words", "-H ADDRESS version now", "version takes no arguments"},
		{"load without a file", "-H ADDRESS load", "usage: load -i FILE"},
		{"load with an unknown flag", "-H ADDRESS load -x", "usage: load -i FILE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			newHome(t)
			daemon := startDaemon(t, dockertlstest.Plain, nil)
			args := strings.Fields(strings.ReplaceAll(tt.args, "ADDRESS", daemon.Host()))
			runProgram(args...).wantUsageError(t, tt.want)
			if n := daemon.Connections(); n != 0 {
				t.Errorf("%d connections, want none", n)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	newHome(t)
	if got := runProgram("--help"); got.code != 0 || !strings.Contains(got.stderr, "-tlsverify") {
		t.Errorf("got %+v, want the flags and exit 0", got)
	}
}

func TestShowConfig(t *testing.T) {
	ca := dockertlstest.NewCA()
	daemon := startDaemon(t, dockertlstest.MutualTLS, ca)
	dir := newHome(t)
	writeCerts(t, dir, ca, ca.ClientPair("alice"))
	t.Setenv("DOCKER_HOST", "tcp://elsewhere:2376")
	t.Setenv("DOCKER_TLS_VERIFY", "1")

	got := runProgram("-H", daemon.Host(), "--show-config")
	got.wantOK(t)
	for _, want := range []string{
		daemon.Host() + " (-H), mutual\n",
		"host = " + daemon.Host() + " (-H), overrides DOCKER_HOST=tcp://elsewhere:2376\n",
		"tlsverify = true (DOCKER_TLS_VERIFY)\n",
		"tlscacert = " + filepath.Join(dir, "ca.pem") + " (default folder ~/.docker)\n",
		"tlscert = " + filepath.Join(dir, "cert.pem") + " (default folder ~/.docker)\n",
		"tlskey = " + filepath.Join(dir, "key.pem") + " (default folder ~/.docker)\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in:\n%s", want, got.stdout)
		}
	}
	if n := daemon.Connections(); n != 0 {
		t.Errorf("%d connections, want none", n)
	}
}

func TestFailures(t *testing.T) {
	ca, otherCA := dockertlstest.NewCA(), dockertlstest.NewCA()
	for _, tt := range []struct {
		name   string
		daemon dockertlstest.Mode
		ca     *dockertlstest.CA // in ca.pem; nil: no files
		args   string
		want   string
	}{
		{"plain HTTP to TLS", dockertlstest.TLS, ca, "", "speaks TLS"},
		{"TLS to plain HTTP", dockertlstest.Plain, ca, "--tlsverify", "plain HTTP"},
		{"no client certificate", dockertlstest.MutualTLS, ca, "--tlsverify", "requires a client certificate"},
		{"another authority", dockertlstest.TLS, otherCA, "--tlsverify", "issued by"},
		{"no files", dockertlstest.TLS, nil, "--tlsverify", "ca.pem: no such file"},
		{"a context too", dockertlstest.Plain, nil, "--context prod", "only one of them"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newHome(t)
			if tt.ca != nil {
				writeCerts(t, dir, tt.ca, nil)
			}
			daemon := startDaemon(t, tt.daemon, ca)
			args := append([]string{"-H", daemon.Host()}, strings.Fields(tt.args)...)
			runProgram(args...).wantFailure(t, tt.want)
			if n := len(daemon.Requests()); n != 0 {
				t.Errorf("the daemon saw %d requests, want none", n)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	newHome(t)
	daemon := startDaemon(t, dockertlstest.Plain, nil)
	daemon.Close()
	got := runProgram("-H", daemon.Host())
	got.wantFailure(t, "nobody listens there")
	if !strings.Contains(got.stderr, "\nhint: ") {
		t.Errorf("no hint in:\n%s", got.stderr)
	}
}

func TestDaemonRefuses(t *testing.T) {
	newHome(t)
	for _, tt := range []struct{ body, want string }{
		{`{"message":"client version is too new"}`, `the daemon answered 400 Bad Request: "client version is too new"`},
		{"<html>", "the daemon answered 400 Bad Request"},
	} {
		daemon := startHandler(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, tt.body)
		})
		got := runProgram("-H", daemon.Host())
		got.wantFailure(t, tt.want)
	}
}

func TestAnswerIsNoJSON(t *testing.T) {
	newHome(t)
	daemon := startHandler(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") })
	runProgram("-H", daemon.Host()).wantFailure(t, "the answer to /version: ")
}

// A server that accepts connections and says nothing, in and below TLS.
func TestSilentServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the program's time limits: run it without -short")
	}
	writeCerts(t, newHome(t), dockertlstest.NewCA(), nil)
	address := startSilent(t)
	results := map[string]chan result{}
	start := time.Now()
	for _, flag := range []string{"--tls=false", "--tlsverify"} {
		done := make(chan result, 1)
		results[flag] = done
		go func() { done <- runProgram("-H", address, flag) }()
	}
	for flag, done := range results {
		got := <-done
		got.wantFailure(t, "")
		if !regexp.MustCompile("came in time|came within 9s").MatchString(got.stderr) {
			t.Errorf("%s: not about time: %s", flag, got.stderr)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: an error after %v, want it within 10 s", flag, took)
		}
	}
}

// startSilent listens, and holds what connects until the end of the test.
func startSilent(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	return "tcp://" + listener.Addr().String()
}

func TestInterrupted(t *testing.T) {
	newHome(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"-H", startSilent(t)}, &stdout, &stderr)
	result{code, stdout.String(), stderr.String()}.wantFailure(t, "context canceled")
}

func TestLoad(t *testing.T) {
	ca := dockertlstest.NewCA()
	writeCerts(t, newHome(t), ca, ca.ClientPair("alice"))
	daemon := startDaemon(t, dockertlstest.MutualTLS, ca)
	got := runProgram("-H", daemon.Host(), "--tlsverify", "load", "-i", writeImage(t, 300<<10))
	got.wantOK(t)
	if want := "Read 307200 bytes\nLoaded image: dockertlstest:latest\n"; got.stdout != want {
		t.Errorf("got %q, want %q", got.stdout, want)
	}
	requests := daemon.Requests()
	last := requests[len(requests)-1]
	if last.Method != http.MethodPost || last.Path != "/v1.51/images/load" || last.RawQuery != "quiet=1" ||
		last.Header.Get("Content-Type") != "application/x-tar" || last.ClientName() != "alice" {
		t.Errorf("not a load by alice: %+v", last)
	}
}

func writeImage(t *testing.T, size int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The daemon answers 200 before it knows: its error comes in the stream.
func TestLoadIsRefusedInTheStream(t *testing.T) {
	newHome(t)
	daemon := startHandler(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"error":"archive/tar: invalid tar header\n"}`)
	})
	got := runProgram("-H", daemon.Host(), "load", "-i", writeImage(t, 10))
	got.wantFailure(t, "archive/tar: invalid tar header")
}

// A missing image is not a missing daemon.
func TestLoadMissingFile(t *testing.T) {
	newHome(t)
	daemon := startDaemon(t, dockertlstest.Plain, nil)
	missing := filepath.Join(t.TempDir(), "image.tar")
	got := runProgram("-H", daemon.Host(), "load", "-i", missing)
	got.wantFailure(t, "open "+missing)
	if n := daemon.Connections(); n != 0 {
		t.Errorf("%d connections, want none", n)
	}
}
