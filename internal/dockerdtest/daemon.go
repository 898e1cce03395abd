package dockerdtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

const (
	startAttempts = 5
	startLimit    = time.Minute
	// The daemon gives its containers 15 seconds to stop.
	stopLimit = 30 * time.Second
)

// errPortTaken: between our choice of a free port and the daemon's use of it, someone else took it.
var errPortTaken = errors.New("the port was taken by someone else")

// Mode says how the daemon speaks on TCP.
type Mode string

const (
	Plain     Mode = "plain"     // HTTP, for anyone
	TLS       Mode = "tls"       // TLS, for anyone
	TLSVerify Mode = "tlsverify" // TLS, for clients with a certificate of CAFile
)

// Options say how a daemon starts. The files are unused in mode Plain.
type Options struct {
	Mode     Mode   // Plain by default
	CAFile   string // --tlscacert; used in mode TLSVerify only
	CertFile string // --tlscert
	KeyFile  string // --tlskey
}

// Daemon is a running daemon.
type Daemon struct {
	Addr   string // of its TCP socket: 127.0.0.1 and a port
	Socket string // path of its unix socket, which speaks plain HTTP in every mode

	dir    string
	cmd    *exec.Cmd
	exited <-chan struct{} // closed when the process is reaped; nil before it is started
}

// Start starts a daemon, waits until it answers, and stops it when the test ends.
func Start(tb testing.TB, f Flavour, o Options) *Daemon {
	tb.Helper()
	requireRoot(tb)
	if _, err := f.path(); err != nil {
		programtest.Missing(tb, err)
	}
	d, err := Run(tb.Context(), f, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { d.cleanup(tb) })
	return d
}

// Run is Start where no test runs. The caller must stop the daemon.
func Run(ctx context.Context, f Flavour, o Options) (*Daemon, error) {
	path, err := f.path()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		addr, err := programtest.FindFreeAddr()
		if err != nil {
			return nil, err
		}
		d, err := start(ctx, path, addr, o)
		if err == nil {
			return d, nil
		}
		if !errors.Is(err, errPortTaken) || attempt == startAttempts {
			return nil, fmt.Errorf("start %s: %w", path, err)
		}
	}
}

// TCPHost returns the daemon's TCP address as a Docker host.
func (d *Daemon) TCPHost() string { return "tcp://" + d.Addr }

// UnixHost returns the daemon's unix socket as a Docker host.
func (d *Daemon) UnixHost() string { return "unix://" + d.Socket }

func start(ctx context.Context, path, addr string, o Options) (*Daemon, error) {
	// Not TempDir of the test: a unix socket's path has at most 107 bytes, and containerd
	// makes some below this folder.
	dir, err := os.MkdirTemp("/tmp", "dockerd")
	if err != nil {
		return nil, err
	}
	d := &Daemon{
		Addr:   addr,
		Socket: filepath.Join(dir, "docker.sock"),
		dir:    dir,
	}
	if err := d.run(ctx, path, o); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// run starts the process and waits until it answers.
func (d *Daemon) run(ctx context.Context, path string, o Options) error {
	if err := d.writeConfig(); err != nil {
		return err
	}
	log, err := os.Create(d.file("log"))
	if err != nil {
		return err
	}
	defer log.Close()

	d.cmd = exec.Command(path, d.args(o)...)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	// Not our whole environment: DOCKER_TLS_VERIFY and DOCKER_CERT_PATH mean something to the daemon too.
	d.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir}
	if d.exited, err = programtest.Start(d.cmd); err != nil {
		return err
	}
	return d.waitUntilReady(ctx)
}

// writeConfig writes the daemon's configuration file. One is always given, so that the
// machine's own is not read.
func (d *Daemon) writeConfig() error {
	// The runc of Debian 12 does not know time namespaces, which the current daemon asks
	// for. Debian's daemon ignores the unknown feature, but not the flag that would set it.
	const config = `{"features": {"time-namespaces": false}}`
	return os.WriteFile(d.file("daemon.json"), []byte(config), 0o600)
}

func (d *Daemon) args(o Options) []string {
	return slices.Concat(d.isolation(), []string{"--host", d.TCPHost()}, o.args())
}

// isolation keeps the daemon away from others and from the machine's settings.
func (d *Daemon) isolation() []string {
	return []string{
		"--config-file", d.file("daemon.json"),
		"--pidfile", d.file("pid"),
		// Two folders: containerd, which keeps files in both, refuses one for both.
		"--data-root", d.file("data"),
		"--exec-root", d.file("exec"),
		// Copies files, hence works on every file system, also where overlay on overlay does not.
		"--storage-driver", "vfs",
		"--log-level", "warn",
		// Containers here have no network, and the machine's network is not ours to change.
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--userland-proxy=false",
		"--host", d.UnixHost(),
	}
}

func (o Options) args() []string {
	switch pair := []string{"--tlscert", o.CertFile, "--tlskey", o.KeyFile}; o.Mode {
	case TLS:
		// To the daemon, unlike to the client, --tls alone means --tlsverify.
		return append(pair, "--tls", "--tlsverify=false")
	case TLSVerify:
		return append(pair, "--tlsverify", "--tlscacert", o.CAFile)
	}
	return nil
}

// waitUntilReady waits until the daemon answers. Without --tlsverify that takes a second at
// least, which the daemon sleeps after its warning.
func (d *Daemon) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		select {
		case <-d.exited:
			return d.exitError()
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w\n%s", ctx.Err(), d.logTail())
		case <-time.After(20 * time.Millisecond):
			if d.ping(ctx) == nil {
				return nil
			}
		}
	}
}

func (d *Daemon) exitError() error {
	log := d.logTail()
	if strings.Contains(log, "address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("ended at once: %v\n%s", d.cmd.ProcessState, log)
}

// ping asks through the unix socket, where no TLS is in the way. The daemon
// opens all its sockets before it answers on any.
func (d *Daemon) ping(ctx context.Context) error {
	s := socket(d.Socket)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL("/_ping"), nil)
	if err != nil {
		return err
	}
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ping: %s", resp.Status)
	}
	return nil
}

func (d *Daemon) cleanup(tb testing.TB) {
	if tb.Failed() {
		tb.Logf("%s: the end of the daemon's log:\n%s", d.cmd.Path, d.logTail())
	}
	if err := d.Stop(); err != nil {
		tb.Errorf("stop %s: %v", d.cmd.Path, err)
	}
}

// Stop ends the daemon and removes all it leaves behind.
func (d *Daemon) Stop() error {
	err := d.terminate()
	// A daemon that ended by itself has ended its containerd and containers. One that was
	// killed has not, and one that failed may not have unmounted its folders.
	programtest.KillNaming(d.dir)
	return errors.Join(err, unmountBelow(d.dir), os.RemoveAll(d.dir))
}

func (d *Daemon) terminate() error {
	if d.exited == nil {
		return nil
	}
	// An error means that it has ended.
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
		return nil
	case <-time.After(stopLimit):
	}
	_ = d.cmd.Process.Kill()
	<-d.exited
	return fmt.Errorf("had to be killed after %v", stopLimit)
}

// logTail returns the end of the daemon's log.
func (d *Daemon) logTail() string {
	const size = 4 << 10
	log, err := os.ReadFile(d.file("log"))
	if err != nil {
		return err.Error()
	}
	return string(bytes.ToValidUTF8(log[max(0, len(log)-size):], nil))
}

func (d *Daemon) file(name string) string { return filepath.Join(d.dir, name) }
