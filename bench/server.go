package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dockertls/dockertls/dockertlstest"
)

// serverVariable makes a process the server: the program starts itself again,
// because what the server allocates must not count. It holds the kind of server
// and a folder for files.
const serverVariable = "DOCKERTLS_BENCH_SERVER"

// The kinds of servers.
const (
	mutualTLS  = "mutual TLS"
	plainTCP   = "plain TCP"
	unixSocket = "unix socket"
)

// ServeIfAsked comes first in a program that calls [Requests]: in a process
// that is to be the server it does not return.
func ServeIfAsked() {
	kind, dir, ok := strings.Cut(os.Getenv(serverVariable), ":")
	if !ok {
		return
	}
	if err := serve(kind, dir); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve prints the address, and serves until standard input ends: so the server
// does not outlive the program, whatever becomes of that.
func serve(kind, dir string) error {
	d, err := newDaemon(kind, dir)
	if err != nil {
		return err
	}
	d.Handler = handler(d)
	d.Listener = fixedListener{d.Listener}
	d.Start()
	defer d.Close()
	fmt.Println(d.Host())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func newDaemon(kind, dir string) (*dockertlstest.Daemon, error) {
	if kind == mutualTLS {
		ca := dockertlstest.NewCA()
		d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, ca)
		d.TLSConfig = refuseResumption
		return d, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("client"))
	}
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	if kind == plainTCP {
		return d, nil
	}
	var err error
	d.Listener.Close()
	d.Listener, err = net.Listen("unix", filepath.Join(dir, "docker.sock"))
	return d, err
}

// refuseResumption keeps handshakes complete. Clients get session tickets all
// the same, as from dockerd.
func refuseResumption(cfg *tls.Config) {
	cfg.UnwrapSession = func([]byte, tls.ConnectionState) (*tls.SessionState, error) { return nil, nil }
}

// connectionsPath answers with the number of connections so far.
const connectionsPath = "/connections"

func handler(d *dockertlstest.Daemon) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_ping", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "OK")
	})
	mux.HandleFunc("POST /images/load", func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	})
	mux.HandleFunc("GET /images/get", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(image)
	})
	mux.HandleFunc("GET "+connectionsPath, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, d.Connections())
	})
	return mux
}

// startServer starts a server as a child process, and returns its address as
// dockertls wants it. The caller must stop it.
func startServer(kind, dir string) (host string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), serverVariable+"="+kind+":"+dir)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second // then it is killed
	stop = func() {
		cancel()
		cmd.Wait()
	}
	if host, err = startTelling(cmd); err != nil {
		stop()
		return "", nil, err
	}
	return host, stop, nil
}

// startTelling starts a server and returns the address that it prints.
func startTelling(cmd *exec.Cmd) (string, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	cmd.Cancel = stdin.Close
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the server does not tell its address: %w", err)
	}
	return strings.TrimSpace(line), nil
}
