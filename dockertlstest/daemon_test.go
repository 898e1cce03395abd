package dockertlstest_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/dockertlstest"
)

// tlsVersions are the two that a daemon speaks; they reject clients differently.
var tlsVersions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// trusting returns what a client needs to verify a daemon of ca, and to show pair.
func trusting(ca *dockertlstest.CA, pair *dockertlstest.Pair) *tls.Config {
	config := &tls.Config{RootCAs: poolOf(ca)}
	if pair != nil {
		config.Certificates = []tls.Certificate{pair.Certificate()}
	}
	return config
}

// dial connects to d, with TLS if config is not nil.
func dial(t *testing.T, d *dockertlstest.Daemon, config *tls.Config) (net.Conn, error) {
	t.Helper()
	network, _, _ := strings.Cut(d.Host(), "://")
	conn, err := net.Dial(network, d.Addr())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	if config == nil {
		return conn, nil
	}
	config = config.Clone()
	config.ServerName = "127.0.0.1"
	secured := tls.Client(conn, config)
	return secured, secured.Handshake()
}

// ping sends GET /_ping and returns the answer's body. It reads the daemon's
// rejection under TLS 1.3 too: that comes after the handshake.
func ping(t *testing.T, d *dockertlstest.Daemon, config *tls.Config) (string, error) {
	t.Helper()
	conn, err := dial(t, d, config)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	// An error of the write is not of interest: the reason waits to be read.
	io.WriteString(conn, "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestHandshakes(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	stranger := dockertlstest.NewCA()
	expired := ca.Issue(dockertlstest.CertSpec{Client: true, NotAfter: time.Now().Add(-time.Hour)})
	serverOnly := ca.Issue(dockertlstest.CertSpec{Server: true})
	tests := map[string]struct {
		mode   dockertlstest.Mode
		client *tls.Config
		want   string // in the error; "" means success
	}{
		"TLS without a client certificate":    {dockertlstest.TLS, trusting(ca, nil), ""},
		"TLS never asks for a certificate":    {dockertlstest.TLS, refusingToShow(ca), ""},
		"TLS, unknown server":                 {dockertlstest.TLS, trusting(stranger, nil), "unknown authority"},
		"TLS, client speaks plain HTTP":       {dockertlstest.TLS, nil, ""},
		"mutual":                              {dockertlstest.MutualTLS, trusting(ca, ca.ClientPair("alice")), ""},
		"mutual, no client certificate":       {dockertlstest.MutualTLS, trusting(ca, nil), "remote error: tls: "},
		"mutual, unknown client":              {dockertlstest.MutualTLS, always(ca, stranger.ClientPair("eve")), "unknown certificate authority"},
		"mutual, client certificate expired":  {dockertlstest.MutualTLS, trusting(ca, expired), "expired certificate"},
		"mutual, certificate for server only": {dockertlstest.MutualTLS, trusting(ca, serverOnly), "bad certificate"},
	}
	for name, test := range tests {
		for versionName, version := range tlsVersions {
			t.Run(name+", "+versionName, func(t *testing.T) {
				t.Parallel()
				d := dockertlstest.NewUnstartedDaemon(test.mode, ca)
				d.TLSConfig = func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version }
				d.Start()
				defer d.Close()
				checkPing(t, d, test.client, test.want)
			})
		}
	}
}

// checkPing expects an answer, or an error that contains wantError. Without a
// client configuration it is about plain HTTP to a daemon that speaks TLS.
func checkPing(t *testing.T, d *dockertlstest.Daemon, client *tls.Config, wantError string) {
	t.Helper()
	want := "OK"
	if client == nil {
		want = "Client sent an HTTP request to an HTTPS server.\n"
	}
	got, err := ping(t, d, client)
	switch {
	case wantError == "" && err != nil:
		t.Error(err)
	case wantError == "" && got != want:
		t.Errorf("got %q, want %q", got, want)
	case wantError != "" && (err == nil || !strings.Contains(err.Error(), wantError)):
		t.Errorf("got error %v, want one with %q", err, wantError)
	}
}

// refusingToShow fails the handshake if the daemon asks for a certificate.
func refusingToShow(ca *dockertlstest.CA) *tls.Config {
	config := trusting(ca, nil)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return nil, errors.New("asked for a client certificate")
	}
	return config
}

// always shows pair, even if the daemon's list of authorities excludes it.
func always(ca *dockertlstest.CA, pair *dockertlstest.Pair) *tls.Config {
	config := trusting(ca, nil)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert := pair.Certificate()
		return &cert, nil
	}
	return config
}

func TestEveryKeyTypeShakesHands(t *testing.T) {
	t.Parallel()
	for _, key := range keyTypes {
		t.Run(key.String(), func(t *testing.T) {
			t.Parallel()
			ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{Key: key})
			client := ca.Issue(dockertlstest.CertSpec{Client: true, Key: key})
			d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, ca)
			d.Server = ca.Issue(dockertlstest.CertSpec{Server: true, Names: []string{"127.0.0.1"}, Key: key})
			d.Start()
			defer d.Close()
			for _, version := range tlsVersions {
				config := trusting(ca, client)
				config.MinVersion, config.MaxVersion = version, version
				checkPing(t, d, config, "")
			}
		})
	}
}

func TestIntermediateNeedsTheRootOnly(t *testing.T) {
	t.Parallel()
	root := dockertlstest.NewCA()
	below := root.Intermediate("below")
	d := dockertlstest.NewDaemon(dockertlstest.MutualTLS, below)
	defer d.Close()
	checkPing(t, d, trusting(root, below.ClientPair("alice")), "")
}

func TestClientCA(t *testing.T) {
	t.Parallel()
	servers, clients := dockertlstest.NewCA(), dockertlstest.NewCA()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, nil)
	d.Server = servers.ServerPair()
	d.ClientCA = clients
	d.Start()
	defer d.Close()
	checkPing(t, d, trusting(servers, clients.ClientPair("alice")), "")
	checkPing(t, d, always(servers, servers.ClientPair("eve")), "unknown certificate authority")
}

func TestNoHTTP2(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewDaemon(dockertlstest.TLS, ca)
	defer d.Close()
	config := trusting(ca, nil)
	config.NextProtos = []string{"h2", "http/1.1"}
	conn, err := dial(t, d, config)
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q", got)
	}
}

func TestRequestsAndConnections(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	defer d.Close()
	checkPing(t, d, trusting(ca, ca.ClientPair("alice")), "")
	checkPing(t, d, trusting(ca, nil), "certificate")
	if got := d.Connections(); got != 2 {
		t.Errorf("%d connections, want 2", got)
	}
	requests := d.Requests()
	if len(requests) != 1 {
		t.Fatalf("%d requests, want 1", len(requests))
	}
	request := requests[0]
	got := []string{request.Method, request.Path, request.Host, request.ClientName()}
	if diff := cmp.Diff([]string{"GET", "/_ping", "docker", "alice"}, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestPlainRequestHasNoTLS(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	defer d.Close()
	if got, err := ping(t, d, nil); got != "OK" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	if request := d.Requests()[0]; request.TLS != nil || request.ClientName() != "" {
		t.Errorf("got %+v", request)
	}
}

func TestHandlerReplacesTheAPI(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	d.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "mine")
	})
	d.Start()
	defer d.Close()
	if got, err := ping(t, d, nil); got != "mine" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got := len(d.Requests()); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestErrorLog(t *testing.T) {
	t.Parallel()
	var out programtest.Output
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, ca)
	d.ErrorLog = log.New(&out, "", 0)
	d.Start()
	checkPing(t, d, trusting(ca, nil), "certificate")
	d.Close()
	if got := out.String(); !strings.Contains(got, "TLS handshake error") {
		t.Errorf("logged %q", got)
	}
}

func TestListenerCanBeReplaced(t *testing.T) {
	t.Parallel()
	first, listener := daemonBefore(t)
	second := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	second.Listener.Close()
	second.Listener = listener
	second.Start()
	defer second.Close()
	if first.Host() != second.Host() {
		t.Errorf("%s moved to %s", first.Host(), second.Host())
	}
	checkOK(t, second)
}

// daemonBefore is a daemon that has ended, and a new listener at its address.
func daemonBefore(t *testing.T) (*dockertlstest.Daemon, net.Listener) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
		d.Close()
		listener, err := net.Listen("tcp", d.Addr())
		if err == nil {
			return d, listener
		}
		if attempt == 10 { // each time somebody else took the port
			t.Fatal(err)
		}
	}
}

func checkOK(t *testing.T, d *dockertlstest.Daemon) {
	t.Helper()
	if got, err := ping(t, d, nil); got != "OK" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSocketDaemon(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	d := dockertlstest.NewSocketDaemon(path)
	if want := "unix://" + path; d.Host() != want {
		t.Errorf("host %q, want %q", d.Host(), want)
	}
	checkOK(t, d)
	d.Close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// socketPath is short, because the names of sockets may not be long and those of
// t.TempDir are.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dtt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "docker.sock")
}

func TestMisusePanics(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	tests := map[string]func(*dockertlstest.Daemon){
		"no CA":     func(d *dockertlstest.Daemon) {},
		"no client": func(d *dockertlstest.Daemon) { d.Server = ca.ServerPair() },
		"twice":     func(d *dockertlstest.Daemon) { d.Server, d.ClientCA = ca.ServerPair(), ca; d.Start() },
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, nil)
			defer d.Close()
			prepare(d)
			defer func() {
				if recover() == nil {
					t.Error("Start did not panic")
				}
			}()
			d.Start()
		})
	}
}

// Not parallel: it looks for goroutines of daemons, and must not find those of
// other tests.
func TestCloseLeavesNothing(t *testing.T) {
	ca := dockertlstest.NewCA()
	config := trusting(ca, ca.ClientPair("alice"))
	for _, mode := range []dockertlstest.Mode{dockertlstest.Plain, dockertlstest.MutualTLS} {
		t.Run(mode.String(), func(t *testing.T) {
			d := dockertlstest.NewDaemon(mode, ca)
			client := config
			if mode == dockertlstest.Plain {
				client = nil
			}
			silent, err := net.Dial("tcp", d.Addr()) // in TLS: stuck in the handshake
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			idle := mustDial(t, d, client)
			request(t, idle, "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
			stream := mustDial(t, d, client)
			request(t, stream, attachRequest)

			d.Close()
			d.Close() // does nothing
			checkNoGoroutines(t)
			if _, err := net.Dial("tcp", d.Addr()); err == nil {
				t.Error("somebody still listens")
			}
			for _, conn := range []net.Conn{silent, idle, stream} {
				conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("a connection is still open")
				}
			}
		})
	}
}

func TestCloseEndsAWaitingHandler(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	d.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	d.Start()
	conn := mustDial(t, d, nil)
	io.WriteString(conn, "POST /build HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\n\r\n")
	<-entered
	d.Close()
}

func TestCloseUnstarted(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	d.Close()
	if _, err := net.Dial("tcp", d.Addr()); err == nil {
		t.Error("somebody still listens")
	}
}

// Close comes while clients still arrive: meant for the race detector.
func TestCloseUnderLoad(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewDaemon(dockertlstest.TLS, ca)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for {
				conn, err := net.Dial("tcp", d.Addr())
				if err != nil {
					return // closed
				}
				tls.Client(conn, &tls.Config{RootCAs: poolOf(ca), ServerName: "localhost"}).Handshake()
				conn.Close()
			}
		})
	}
	for d.Connections() < 20 {
		time.Sleep(time.Millisecond)
	}
	d.Close()
	clients.Wait()
}

func mustDial(t *testing.T, d *dockertlstest.Daemon, config *tls.Config) net.Conn {
	t.Helper()
	conn, err := dial(t, d, config)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// checkNoGoroutines waits a moment: a goroutine that has said it is done may
// still be on its way out.
func checkNoGoroutines(t *testing.T) {
	t.Helper()
	for range 100 {
		if daemonGoroutines() == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines left:\n%s", daemonGoroutines())
}

func daemonGoroutines() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "net/http.(*") || strings.Contains(stack, "dockertlstest.(*Daemon)") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func TestServerIsVerifiedByName(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.TLS, ca)
	d.Server = ca.ServerPair("elsewhere")
	d.Start()
	defer d.Close()
	_, err := dial(t, d, trusting(ca, nil))
	if !errors.As(err, new(x509.HostnameError)) {
		t.Errorf("got %v, want a mismatch of names", err)
	}
}
