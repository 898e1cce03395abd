package dockertls_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
	"github.com/dockertls/dockertls/internal/programtest"
	"github.com/dockertls/dockertls/internal/sshtest"
)

// These tests reach a stand-in for the daemon through a real ssh and a real
// sshd. They change PATH, so they are not parallel.

// startSSH starts a daemon, and a server on whose side it is.
func startSSH(t *testing.T, o sshtest.Options, handler ...http.HandlerFunc) *sshtest.Server {
	t.Helper()
	sshtest.Require(t)
	dir, err := os.MkdirTemp("", "sock") // a socket's path is short
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if o.Socket == "" {
		o.Socket = filepath.Join(dir, "docker.sock")
		startOtherSide(t, o.Socket, handler...)
	}
	s := sshtest.Start(t, o)
	t.Cleanup(func() { wantNothingLeft(t, s) })
	return s
}

func startOtherSide(t *testing.T, socket string, handler ...http.HandlerFunc) {
	t.Helper()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	d.Listener.Close()
	listener, err := net.Listen("unix", socket)
	check(t, err)
	d.Listener = listener
	if len(handler) > 0 {
		d.Handler = handler[0]
	}
	d.Start()
	t.Cleanup(d.Close)
}

// useSSH makes the user's ssh fit the server, and resolves its address.
func useSSH(t *testing.T, s *sshtest.Server, c sshtest.Client) *dockertls.Config {
	t.Helper()
	s.Use(t, c)
	return resolve(t, dockertls.Options{Host: s.Host("")})
}

// wantNothingLeft: no process and no goroutine outlives its connection for long.
func wantNothingLeft(t *testing.T, s *sshtest.Server) {
	t.Helper()
	var stacks string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if len(s.Processes()) == 0 && !strings.Contains(stacks, "sshConn") {
			return
		}
	}
	t.Errorf("left behind: processes %v\n%s", s.Processes(), stacks)
}

func TestSSH(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	if got := cfg.Host(); got != s.Host("") || cfg.Mode() != dockertls.Plain {
		t.Errorf("%s, %s: want %s, plain", got, cfg.Mode(), s.Host(""))
	}
	ping(t, cfg)
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	if got := conn.RemoteAddr().String(); "ssh://"+got != s.Host("") {
		t.Errorf("remote address %s, want that of %s", got, s.Host(""))
	}
	check(t, exchange(conn, strings.Repeat("x", 1<<20)))
}

// One client keeps its connection: one ssh for many requests.
func TestSSHConnectionIsKept(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	client := cfg.HTTPClient()
	for range 5 {
		resp, err := fetch(t.Context(), client, cfg.URL("/version"))
		check(t, err)
		resp.Body.Close()
	}
	if n := len(s.Processes()); n != 1 {
		t.Errorf("%d processes, want one", n)
	}
	client.CloseIdleConnections()
	wantNothingLeft(t, s)
}

func TestSSHPath(t *testing.T) {
	dir, err := os.MkdirTemp("", "sock")
	check(t, err)
	defer os.RemoveAll(dir)
	sshtest.Require(t) // a path that Windows does not allow
	path := filepath.Join(dir, "it's \"a\" $HOME;b")
	d := dockertlstest.NewSocketDaemon(path)
	defer d.Close()
	s := startSSH(t, sshtest.Options{Socket: "/nowhere"})
	s.Use(t, sshtest.Client{})
	ping(t, resolve(t, dockertls.Options{Host: s.Host(path)}))
}

func TestSSHManyAtOnce(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			conn, err := cfg.Dial(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if err := exchange(conn, strings.Repeat("many", 10_000)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// A failure is one of a few kinds, each with another thing to do.
func TestSSHFailures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server sshtest.Options
		client sshtest.Client
		host   string // "" for the server's own
		kind   dockertls.Kind
		detail string
		stderr string
	}{
		{"unknown host key", sshtest.Options{}, sshtest.Client{Known: "none"}, "", dockertls.SSHHostKey, "does not know the key", "Host key verification failed."},
		{"another host key", sshtest.Options{}, sshtest.Client{Known: "other"}, "", dockertls.SSHHostKey, "another key", "Host key verification failed."},
		{"no accepted key", sshtest.Options{}, sshtest.Client{Key: "other"}, "", dockertls.SSHAuth, "lets nobody in", "Permission denied (publickey)"},
		{"port closed", sshtest.Options{}, sshtest.Client{}, "ssh://127.0.0.1:1", dockertls.SSHUnreachable, "nobody listens", "Connection refused"},
		{"no such name", sshtest.Options{}, sshtest.Client{}, "ssh://nobody.invalid", dockertls.SSHUnreachable, "cannot resolve", "Could not resolve hostname"},
		{"server hangs up", sshtest.Options{Config: []string{"MaxStartups 1:100:1", "PerSourceMaxStartups 0"}}, sshtest.Client{}, "", dockertls.SSHFailed, "hung up", ""},
		{"broken configuration", sshtest.Options{}, sshtest.Client{Config: []string{"NoSuchOption yes"}}, "", dockertls.SSHFailed, "ssh failed (exit status 255)", "bad configuration options"},
		{"docker missing", sshtest.Options{Docker: "none", Shell: "PATH=/nowhere"}, sshtest.Client{}, "", dockertls.SSHDockerMissing, "no docker command", "not found"},
		{"docker not executable", sshtest.Options{Docker: "none", Shell: "alias docker=/etc/passwd; /etc/passwd; exit $?"}, sshtest.Client{}, "", dockertls.SSHDockerMissing, "no docker command", "ermission denied"},
		{"docker too old", sshtest.Options{Docker: `echo "docker: 'system dial-stdio' is not a docker command." >&2; echo "See 'docker --help'" >&2; exit 1`}, sshtest.Client{}, "", dockertls.SSHDockerMissing, "too old", "See 'docker --help'"},
		{"no daemon", sshtest.Options{Socket: "/nowhere/docker.sock"}, sshtest.Client{}, "", dockertls.SSHDaemon, "does not reach its daemon", "no such file"},
		{"no permission", sshtest.Options{Docker: "echo 'failed to open the raw stream connection: dial unix /var/run/docker.sock: connect: permission denied' >&2; exit 1"}, sshtest.Client{}, "", dockertls.SSHDaemon, "may not open", "permission denied"},
		{"noise", sshtest.Options{Shell: "echo Welcome"}, sshtest.Client{}, "", dockertls.SSHNoise, "prints text", ""},
		{"nothing", sshtest.Options{Docker: "exit 0"}, sshtest.Client{}, "", dockertls.SSHFailed, "without an answer", ""},
		{"something else", sshtest.Options{Docker: "printf 'strange\\033[31m\\n' >&2; exit 3"}, sshtest.Client{}, "", dockertls.SSHFailed, `the command on the other side failed (exit status 3): "strange\x1b[31m"`, "strange"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startSSH(t, tt.server)
			s.Use(t, tt.client)
			if tt.name == "server hangs up" {
				holdStartup(t, s)
			}
			host := tt.host
			if host == "" {
				host = s.Host("")
			}
			cfg := resolve(t, dockertls.Options{Host: host})
			err := request(cfg)
			wantSSH(t, err, tt.kind, tt.detail, tt.stderr)
			if tt.kind != dockertls.SSHNoise && tt.name != "nothing" { // on a raw stream that is the caller's to judge
				wantSSH(t, stream(t, cfg), tt.kind, tt.detail, tt.stderr)
			}
		})
	}
}

// holdStartup takes the one place for a connection that nobody has logged in on.
func holdStartup(t *testing.T, s *sshtest.Server) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.Port)
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = conn.Read(make([]byte, 10))
	check(t, err)
}

func wantSSH(t *testing.T, err error, kind dockertls.Kind, detail, stderr string) {
	t.Helper()
	e, ok := errors.AsType[*dockertls.Error](err)
	if !ok || e.Kind != kind || !errors.Is(err, dockertls.SSHFailed) || !errors.Is(err, kind) || !strings.Contains(e.Detail, detail) || e.Hint == "" {
		t.Errorf("got %+v\nwant %s and %q", err, kind, detail)
		return
	}
	if !strings.Contains(e.Evidence.Stderr, stderr) {
		t.Errorf("evidence %q, want %q in it", e.Evidence.Stderr, stderr)
	}
	dockertls.CheckMessage(t, err)
}

// On a raw stream it is the caller who reads the noise, and fails.
func TestSSHNoiseOnStream(t *testing.T) {
	s := startSSH(t, sshtest.Options{Shell: "echo Welcome"})
	cfg := useSSH(t, s, sshtest.Client{})
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	wantSSH(t, cfg.Diagnose(exchange(conn, "x")), dockertls.SSHNoise, "prints text", "")
}

func TestSSHProgramMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	cfg := resolve(t, dockertls.Options{Host: "ssh://box"})
	err := request(cfg)
	wantSSH(t, err, dockertls.SSHMissing, "no ssh program on the PATH", "")
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want %v in it", err, exec.ErrNotFound)
	}
}

// The other side ends in the middle of an answer.
func TestSSHCut(t *testing.T) {
	started := make(chan struct{})
	s := startSSH(t, sshtest.Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		close(started)
		<-r.Context().Done()
	})
	cfg := useSSH(t, s, sshtest.Client{})
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Get(cfg.URL("/events"))
	check(t, err)
	defer resp.Body.Close()
	<-started
	s.KillSessions()
	body, err := io.ReadAll(resp.Body)
	if string(body) != "first " {
		t.Errorf("body %q", body)
	}
	wantSSH(t, err, dockertls.SSHFailed, "", "")
	if !strings.Contains(err.Error(), "after answers had come") {
		t.Errorf("got %v, want that there had been answers", err)
	}
}

// A write that fails says why, too.
func TestSSHWriteAfterEnd(t *testing.T) {
	s := startSSH(t, sshtest.Options{Docker: "echo no >&2; exit 4"})
	cfg := useSSH(t, s, sshtest.Client{})
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	for err == nil {
		_, err = conn.Write(make([]byte, 1<<16))
	}
	wantSSH(t, err, dockertls.SSHFailed, "exit status 4", "no")
}

func TestSSHDeadlines(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{Before: "sleep 1"}) // of which nobody hears anything
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()

	check(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	start := time.Now()
	_, err = conn.Read(make([]byte, 1))
	wantTimeout(t, err, start)
	check(t, conn.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	start = time.Now()
	n, err := conn.Write(bytes.Repeat([]byte("\n"), 1<<20)) // more than the pipe holds
	wantTimeout(t, err, start)
	if n == 0 || n == 1<<20 {
		t.Errorf("wrote %d bytes, want a part", n)
	}
	check(t, conn.SetDeadline(time.Time{}))
	if _, err := conn.Read(make([]byte, 100)); err != nil { // the stand-in dislikes blank lines
		t.Errorf("after the deadlines: %v", err)
	}
}

func wantTimeout(t *testing.T, err error, start time.Time) {
	t.Helper()
	timeout, ok := errors.AsType[net.Error](err)
	if !ok || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want a deadline's end", err)
	}
	if took := time.Since(start); took > 900*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// A deadline that ends a Read leaves the connection as it was.
func TestSSHDeadlineIsNoEnd(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	check(t, conn.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1))
	wantTimeout(t, err, time.Now())
	check(t, conn.SetReadDeadline(time.Time{}))
	check(t, exchange(conn, "hello"))
}

// hanging are ssh programs that never get anywhere: one that a signal ends, with
// a child as ssh has one for a ProxyCommand, and one that heeds no signal.
func hanging() map[string]string {
	const sleep = "sh -c 'sleep 60; true' $0"
	return map[string]string{"obedient": sleep, "stubborn": "trap '' TERM\n" + sleep}
}

func TestSSHCancelled(t *testing.T) {
	for name, before := range hanging() {
		t.Run(name, func(t *testing.T) {
			s := startSSH(t, sshtest.Options{})
			cfg := useSSH(t, s, sshtest.Client{Before: before})
			client := cfg.HTTPClient()
			defer client.CloseIdleConnections()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := fetch(ctx, client, cfg.URL("/_ping"))
			if err := cfg.Diagnose(err); !errors.Is(err, context.DeadlineExceeded) || behind[*dockertls.Error](err) {
				t.Errorf("got %v, want the context's own error", err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A time limit for the answer says that it was ssh that was waited for.
func TestSSHSilence(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{Before: hanging()["obedient"]})
	transport := cfg.Transport()
	transport.ResponseHeaderTimeout = 100 * time.Millisecond
	defer transport.CloseIdleConnections()
	_, err := fetch(t.Context(), &http.Client{Transport: transport}, cfg.URL("/_ping"))
	err = cfg.Diagnose(err)
	if !errors.Is(err, dockertls.Timeout) || !strings.Contains(err.Error(), "ssh was started") {
		t.Errorf("got %v", err)
	}
}

func TestSSHCancelledBefore(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cfg.Dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// The context ends the dialling, not the connection.
func TestSSHOutlivesContext(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	ctx, cancel := context.WithCancel(t.Context())
	conn, err := cfg.Dial(ctx)
	cancel()
	check(t, err)
	defer conn.Close()
	check(t, exchange(conn, "hello"))
}

func TestSSHClosedAtOnce(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	for range 10 {
		conn, err := cfg.Dial(t.Context())
		check(t, err)
		check(t, conn.Close())
		check(t, conn.Close())
		if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: got %v, want %v", err, net.ErrClosed)
		}
	}
}

func TestSSHClosedWhileReading(t *testing.T) {
	for name, c := range map[string]sshtest.Client{"connected": {}, "hanging": {Before: hanging()["stubborn"]}} {
		t.Run(name, func(t *testing.T) {
			s := startSSH(t, sshtest.Options{})
			cfg := useSSH(t, s, c)
			conn, err := cfg.Dial(t.Context())
			check(t, err)
			done := make(chan error)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				done <- err
			}()
			time.Sleep(200 * time.Millisecond)
			start := time.Now()
			check(t, conn.Close())
			if err := <-done; !errors.Is(err, net.ErrClosed) || time.Since(start) > time.Second {
				t.Errorf("got %v after %v, want %v", err, time.Since(start), net.ErrClosed)
			}
		})
	}
}

// What was written before Close arrives.
func TestSSHCloseDelivers(t *testing.T) {
	got := make(chan string, 1)
	s := startSSH(t, sshtest.Options{}, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		input, _ := io.ReadAll(conn)
		got <- string(input)
	})
	cfg := useSSH(t, s, sshtest.Client{})
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	check(t, err)
	_, err = conn.Read(make([]byte, 4<<10))
	check(t, err)
	input := strings.Repeat("z", 50_000)
	_, err = io.WriteString(conn, input)
	check(t, err)
	check(t, conn.Close())
	if got := <-got; got != input {
		t.Errorf("%d bytes arrived, want %d", len(got), len(input))
	}
}

// A master of shared connections goes on when the process that it began as has
// ended, and holds that one's standard error.
func TestSSHSharedConnection(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	control := filepath.Join(t.TempDir(), "%C")
	if len(control) > 60 {
		control = "/tmp/" + filepath.Base(filepath.Dir(t.TempDir())) + "%C"
	}
	cfg := useSSH(t, s, sshtest.Client{Config: []string{"ControlMaster auto", "ControlPersist 300", "ControlPath " + control}})
	start := time.Now()
	for range 3 {
		conn, err := cfg.Dial(t.Context())
		check(t, err)
		check(t, exchange(conn, "shared"))
		check(t, conn.Close())
	}
	if took := time.Since(start); took > time.Minute { // the master would take five
		t.Errorf("it took %v", took)
	}
}

// A transport for ssh serves its own endpoint, and nothing else.
func TestSSHGuards(t *testing.T) {
	cfg := resolve(t, dockertls.Options{Host: "ssh://box"})
	client := cfg.HTTPClient()
	if _, err := fetch(t.Context(), client, "https://box/_ping"); !errors.Is(err, dockertls.EndpointMismatch) {
		t.Errorf("got %v, want %v", err, dockertls.EndpointMismatch)
	}
	transport := cfg.Transport()
	req, err := http.NewRequest(http.MethodGet, cfg.URL("/_ping"), nil)
	check(t, err)
	if proxy, err := transport.Proxy(req); proxy != nil || err != nil {
		t.Errorf("proxy %v, error %v", proxy, err)
	}
	if transport.TLSClientConfig != nil || cfg.TLSConfig() != nil {
		t.Error("there is a TLS configuration")
	}
}

// A Dialer replaces the ssh program: it gets the address.
func TestSSHDialer(t *testing.T) {
	d, _ := startDaemon(t, dockertlstest.Plain, nil)
	var network, address string
	cfg := resolve(t, dockertls.Options{
		Host: "ssh://me@box:2222/run/docker.sock",
		Dialer: func(ctx context.Context, n, a string) (net.Conn, error) {
			network, address = n, a
			return new(net.Dialer).DialContext(ctx, "tcp", d.Addr())
		},
	})
	ping(t, cfg)
	if network != "ssh" || address != "me@box:2222/run/docker.sock" {
		t.Errorf("the dialer got %s %s", network, address)
	}
	last := d.Requests()[0]
	if last.Host != "docker.example.com" {
		t.Errorf("Host header %s, want docker's", last.Host)
	}
}

// The real docker on the other side, with a real daemon.
func TestSSHRealDocker(t *testing.T) {
	dockerdtest.Require(t)
	sshtest.Require(t)
	docker := programtest.Find(t, "docker", "docker.io")
	image := dockerdtest.BusyboxTar(t)
	d := dockerdtest.Start(t, dockerdtest.Debian, dockerdtest.Options{})
	s := startSSH(t, sshtest.Options{Docker: "exec " + docker + ` "$@"`, Socket: "-"})
	s.Use(t, sshtest.Client{})
	checkDaemon(t, dockertls.Options{Host: s.Host(d.Socket)}, dockertls.Plain, image)
}

// A check says that ssh was started, and what became of it.
func TestSSHCheck(t *testing.T) {
	s := startSSH(t, sshtest.Options{})
	cfg := useSSH(t, s, sshtest.Client{})
	report := cfg.Check(t.Context())
	if !report.Healthy || !strings.Contains(fmt.Sprint(report.Steps), "ssh was started for") {
		t.Errorf("got %+v", report)
	}
	s.Use(t, sshtest.Client{Known: "none"})
	wantSSH(t, cfg.Check(t.Context()).Error(), dockertls.SSHHostKey, "does not know", "Host key verification failed.")
}
