package dockertls_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/proxytest"
)

// startDaemon starts a stand-in, and returns the options that reach it in its mode.
func startDaemon(t *testing.T, mode dockertlstest.Mode, ca *dockertlstest.CA, edit ...func(*dockertlstest.Daemon)) (*dockertlstest.Daemon, dockertls.Options) {
	t.Helper()
	d := dockertlstest.NewUnstartedDaemon(mode, ca)
	for _, e := range edit {
		e(d)
	}
	d.Start()
	t.Cleanup(d.Close)
	opts := dockertls.Options{Host: d.Host()}
	if mode != dockertlstest.Plain {
		opts.TLSVerify, opts.CA = new(true), ca.PEM()
	}
	if mode == dockertlstest.MutualTLS {
		client := ca.ClientPair("client")
		opts.Cert, opts.Key = client.CertPEM, client.KeyPEM
	}
	return d, opts
}

// serving is an edit of startDaemon: the names in the daemon's certificate.
func serving(ca *dockertlstest.CA, names ...string) func(*dockertlstest.Daemon) {
	return func(d *dockertlstest.Daemon) { d.Server = ca.ServerPair(names...) }
}

// upTo is an edit of startDaemon: the highest version of TLS.
func upTo(version uint16) func(*dockertlstest.Daemon) {
	return func(d *dockertlstest.Daemon) {
		d.TLSConfig = func(cfg *tls.Config) { cfg.MaxVersion = version }
	}
}

// leadTo is a Dialer for which every name is the daemon's.
func leadTo(d *dockertlstest.Daemon) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", d.Addr())
	}
}

// The trace has the state of TLS, and so has the connection. Go 1.27 and later
// set that of the response too, and call the hooks of the handshake once more.
func TestTrace(t *testing.T) {
	t.Parallel()
	d, opts := startDaemon(t, dockertlstest.MutualTLS, dockertlstest.NewCA())
	var events []string
	var began time.Time
	var took time.Duration
	var states []tls.ConnectionState
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		ConnectStart:      func(string, string) { events = append(events, "connect") },
		ConnectDone:       func(string, string, error) { events = append(events, "connected") },
		TLSHandshakeStart: func() { events, began = append(events, "handshake"), time.Now() },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			events, states = append(events, "secured"), append(states, state)
			check(t, err)
			took = max(took, time.Since(began))
		},
		GotConn: func(info httptrace.GotConnInfo) {
			events = append(events, "got")
			states = append(states, info.Conn.(interface{ ConnectionState() tls.ConnectionState }).ConnectionState())
		},
	})
	cfg := resolve(t, opts)
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := fetch(ctx, client, cfg.URL("/_ping"))
	check(t, err)
	want := []string{"connect", "connected", "handshake", "secured", "got"}
	if resp.TLS != nil {
		want = slices.Insert(want, 4, "handshake", "secured")
		states = append(states, *resp.TLS)
	}
	if !slices.Equal(events, want) || d.Connections() != 1 {
		t.Errorf("events %q, want %q; %d connections", events, want, d.Connections())
	}
	for _, state := range states {
		if len(state.VerifiedChains) == 0 || !state.HandshakeComplete {
			t.Errorf("state %+v", state)
		}
	}
	if took < 10*time.Microsecond {
		t.Errorf("the handshake took %v", took)
	}
}

// fetch makes a request, and leaves the connection in the client's pool.
func fetch(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, errors.Join(err, resp.Body.Close())
}

// get makes one request on a transport of its own.
func get(t *testing.T, cfg *dockertls.Config, url string) (*http.Response, error) {
	t.Helper()
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	return fetch(t.Context(), client, url)
}

func ping(t *testing.T, cfg *dockertls.Config) *http.Response {
	t.Helper()
	resp, err := get(t, cfg, cfg.URL("/_ping"))
	check(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s", cfg, resp.Status)
	}
	return resp
}

// Clients take a transport for TLS if it has a TLSClientConfig, which net/http
// adds by itself to one that might speak HTTP/2.
func TestTransportStaysPlain(t *testing.T) {
	t.Parallel()
	d, opts := startDaemon(t, dockertlstest.Plain, nil)
	cfg := resolve(t, opts)
	original := cfg.Transport()
	for name, transport := range map[string]*http.Transport{"transport": original, "clone": original.Clone(), "clone of a clone": original.Clone().Clone()} {
		client := &http.Client{Transport: transport}
		resp, err := fetch(t.Context(), client, cfg.URL("/_ping"))
		check(t, err)
		client.CloseIdleConnections()
		if transport.TLSClientConfig != nil || transport.DialTLSContext != nil || resp.ProtoMajor != 1 {
			t.Errorf("the %s has a TLS configuration %v, or speaks %s", name, transport.TLSClientConfig, resp.Proto)
		}
	}
	if cfg.TLSConfig() != nil || d.Connections() != 3 {
		t.Errorf("TLS configuration %v, %d connections", cfg.TLSConfig(), d.Connections())
	}
}

// A client hello and a request are docker's (rule 27).
func TestWhatTheDaemonSees(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	for _, tt := range []struct {
		host, serverName string
		sni, header      string // "" is no SNI
	}{
		{host: "tcp://127.0.0.1:2376", header: "127.0.0.1:2376"},
		{host: "tcp://[::1]:2376", header: "[::1]:2376"},
		{host: "tcp://box:2376", sni: "box", header: "box:2376"},
		{host: "tcp://box", sni: "box", header: "box:2375"},
		{host: "tcp://box:443", sni: "box", header: "box:443"},
		{host: "tcp://box.:2376", sni: "box", header: "box.:2376"},
		{host: "tcp://BOX:2376", sni: "BOX", header: "BOX:2376"},
		{host: "tcp://bücher.test:1", sni: "xn--bcher-kva.test", header: "xn--bcher-kva.test:1"},
		{host: "tcp://127.0.0.1:2376", serverName: "box", sni: "box", header: "127.0.0.1:2376"},
		{host: "tcp://elsewhere:2376", serverName: "127.0.0.1", header: "elsewhere:2376"},
	} {
		t.Run(tt.host, func(t *testing.T) {
			t.Parallel()
			hellos := make(chan *tls.ClientHelloInfo, 1)
			listen := func(d *dockertlstest.Daemon) {
				d.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
				d.TLSConfig = func(cfg *tls.Config) {
					cfg.NextProtos = []string{"h2", "http/1.1"}
					cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
						hellos <- hello
						return nil, nil
					}
				}
			}
			d, opts := startDaemon(t, dockertlstest.MutualTLS, ca, serving(ca, "127.0.0.1", "::1", "box", "xn--bcher-kva.test"), listen)
			opts.Host, opts.ServerName, opts.Dialer = tt.host+"/base", tt.serverName, leadTo(d)
			cfg := resolve(t, opts)
			resp := ping(t, cfg)
			hello, request := <-hellos, d.Requests()[0]
			if hello.ServerName != tt.sni || hello.SupportedProtos != nil || slices.Min(hello.SupportedVersions) != tls.VersionTLS12 {
				t.Errorf("SNI %q, want %q; ALPN %q, want none; TLS versions %x, want 1.2 at least",
					hello.ServerName, tt.sni, hello.SupportedProtos, hello.SupportedVersions)
			}
			if request.Host != tt.header || request.Path != "/base/_ping" || request.ClientName() != "client" {
				t.Errorf("Host %q, want %q; path %q; client %q", request.Host, tt.header, request.Path, request.ClientName())
			}
			if resp.ProtoMajor != 1 {
				t.Errorf("the response has protocol %s", resp.Proto)
			}
		})
	}
}

// storeContext makes a configuration directory with one context.
func storeContext(t *testing.T, name, host string, ca *dockertlstest.CA) (dir string) {
	t.Helper()
	dir = t.TempDir()
	check(t, dockertlstest.WriteContext(dir, dockertlstest.Context{Name: name, Host: host, CA: ca}))
	return dir
}

// To a context its own files count, so the hint names no others.
func TestUntrustedServerOfAContext(t *testing.T) {
	t.Parallel()
	d, _ := startDaemon(t, dockertlstest.TLS, dockertlstest.NewCA())
	cfg := resolve(t, dockertls.Options{Context: "prod", ConfigDir: storeContext(t, "prod", d.Host(), dockertlstest.NewCA())})
	err := cfg.Diagnose(request(cfg))
	wantKind(t, err, dockertls.ServerUntrusted, `the context "prod": docker context update`)
	if strings.Contains(fmt.Sprintf("%+v", err), "certificate folder") {
		t.Errorf("%+v", err)
	}
}

// The address of a context may have no port: it then appears in no URL and no
// Host header, and the port is that of the scheme (Q4).
func TestContextWithoutPort(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	for _, tt := range []struct {
		mode          dockertlstest.Mode
		ca            *dockertlstest.CA
		dialled       string
		served, wrong []string
	}{
		{dockertlstest.Plain, nil, "box:80", []string{"http://box/x", "http://box:80/x", "http://BOX/x"}, []string{"http://box:2375/x", "https://box/x", "http://other/x"}},
		{dockertlstest.TLS, ca, "box:443", []string{"https://box/x", "https://box:443/x"}, []string{"https://box:80/x", "http://box/x", "http://box:443/x"}},
	} {
		d, _ := startDaemon(t, tt.mode, ca, serving(ca, "box"))
		var mu sync.Mutex
		dialled := map[string]bool{}
		cfg := resolve(t, dockertls.Options{
			Context: "prod", ConfigDir: storeContext(t, "prod", "tcp://box", tt.ca),
			Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				dialled[address] = true
				return leadTo(d)(ctx, network, address)
			},
		})
		ping(t, cfg)
		if got := d.Requests()[0].Host; got != "box" {
			t.Errorf("%s: Host header %q, want box", cfg, got)
		}
		for _, url := range tt.served {
			_, err := get(t, cfg, url)
			check(t, err)
		}
		for _, url := range tt.wrong {
			_, err := get(t, cfg, url)
			wantKind(t, err, dockertls.EndpointMismatch)
		}
		if diff := cmp.Diff(map[string]bool{tt.dialled: true}, dialled); diff != "" {
			t.Errorf("%s: dialled (-want +got):\n%s", cfg, diff)
		}
	}
}

// What a Config hands out is the caller's own: no change to it is seen again.
func TestTransportIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
	cfg := resolve(t, opts)
	held := cfg.HTTPClient()
	defer held.CloseIdleConnections()
	spoilt := cfg.Transport()
	*spoilt.TLSClientConfig = tls.Config{RootCAs: x509.NewCertPool()}
	spoilt.DialTLSContext, spoilt.Proxy = nil, nil
	clear(cfg.Settings())
	clear(cfg.Warnings())

	for range 2 {
		_, err := fetch(t.Context(), held, cfg.URL("/_ping"))
		check(t, err)
	}
	if n := d.Connections(); n != 1 {
		t.Errorf("%d connections for two requests in one pool", n)
	}
	ping(t, cfg)
	if n := d.Connections(); n != 2 {
		t.Errorf("%d connections, want another pool to have its own", n)
	}
	fresh := cfg.Transport()
	if fresh == cfg.Transport() || fresh.TLSClientConfig == cfg.Transport().TLSClientConfig || fresh.TLSClientConfig.RootCAs.Equal(x509.NewCertPool()) {
		t.Error("two transports share something")
	}
	if got := cfg.Settings(); got[0].Name == "" {
		t.Errorf("clearing the settings cleared them: %v", got)
	}
}

// TLS is done with the Config's settings even if a client spoils the transport's.
func TestTransportVerifiesWhateverBecomesOfIt(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	_, opts := startDaemon(t, dockertlstest.TLS, dockertlstest.NewCA())
	opts.CA = ca.PEM()
	cfg := resolve(t, opts)
	transport := cfg.Transport().Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true
	_, err := (&http.Client{Transport: transport}).Get(cfg.URL("/_ping"))
	wantKind(t, err, dockertls.ServerUntrusted)
}

// The given CA's certificates are the only roots: the system's do not join
// them. The system's are set for a process of its own.
func TestGivenRootsAreTheOnlyOnes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a test can choose the system's roots only on Linux: run this there")
	}
	const variable = "DOCKERTLS_TEST_ROOTS"
	if dir := os.Getenv(variable); dir != "" {
		_, opts := startDaemon(t, dockertlstest.TLS, dockertlstest.NewCA(), func(d *dockertlstest.Daemon) {
			pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
			check(t, err)
			d.TLSConfig = func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{pair} }
		})
		_, err := get(t, resolve(t, opts), resolve(t, opts).URL("/_ping"))
		wantKind(t, err, dockertls.ServerUntrusted)
		opts.CA, opts.CAFile = nil, "system"
		ping(t, resolve(t, opts))
		return
	}
	dir, system := t.TempDir(), dockertlstest.NewCA()
	server := system.ServerPair()
	writeFile(t, filepath.Join(dir, "system.pem"), system.PEM())
	writeFile(t, filepath.Join(dir, "server.pem"), server.CertPEM)
	writeFile(t, filepath.Join(dir, "server.key"), server.KeyPEM)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestGivenRootsAreTheOnlyOnes$")
	child.Env = append(os.Environ(), variable+"="+dir, "SSL_CERT_FILE="+filepath.Join(dir, "system.pem"), "SSL_CERT_DIR="+dir)
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A client certificate is shown if it is asked for, and the server's list of
// authorities, if it has one, allows it (rule 20). The list has names only.
func TestClientCertificateIsSent(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	twin := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: ca.Certificate().Subject.CommonName})
	list := func(cas ...*dockertlstest.CA) *x509.CertPool {
		pool := x509.NewCertPool()
		for _, ca := range cas {
			pool.AddCert(ca.Certificate())
		}
		return pool
	}
	for _, tt := range []struct {
		name string
		auth tls.ClientAuthType
		list *x509.CertPool
		want string
	}{
		{"not asked", tls.NoClientCert, nil, ""},
		{"no list", tls.RequestClientCert, nil, "client"},
		{"our CA", tls.RequestClientCert, list(ca), "client"},
		{"our CA among others", tls.RequestClientCert, list(dockertlstest.NewCA(), ca), "client"},
		{"a foreign CA", tls.RequestClientCert, list(dockertlstest.NewCA()), ""},
		{"our CA's twin", tls.RequestClientCert, list(twin), "client"},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, verify := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/verify=%t", tt.name, tls.VersionName(version), verify), func(t *testing.T) {
					t.Parallel()
					d, opts := startDaemon(t, dockertlstest.MutualTLS, ca, func(d *dockertlstest.Daemon) {
						d.TLSConfig = func(cfg *tls.Config) {
							cfg.MaxVersion, cfg.ClientAuth, cfg.ClientCAs = version, tt.auth, tt.list
						}
					})
					opts.TLSVerify = new(verify)
					cfg := resolve(t, opts)
					ping(t, cfg)
					stream, err := cfg.Dial(t.Context())
					check(t, err)
					defer stream.Close()
					check(t, exchange(stream, "ping"))
					for _, request := range d.Requests() {
						if got := request.ClientName(); got != tt.want || request.TLS.Version != version {
							t.Errorf("%s: the daemon saw the client %q, want %q", request.Path, got, tt.want)
						}
					}
					if skips := cfg.TLSConfig().InsecureSkipVerify; skips == verify {
						t.Errorf("InsecureSkipVerify is %t", skips)
					}
				})
			}
		}
	}
}

// A transport reaches its own endpoint only, and says so before it dials.
func TestEndpointMismatch(t *testing.T) {
	t.Parallel()
	bystander, _ := startDaemon(t, dockertlstest.Plain, nil)
	ca := dockertlstest.NewCA()
	for _, mode := range []dockertlstest.Mode{dockertlstest.Plain, dockertlstest.TLS} {
		scheme, other := "http", "https"
		if mode == dockertlstest.TLS {
			scheme, other = other, scheme
		}
		d, opts := startDaemon(t, mode, ca)
		cfg := resolve(t, opts)
		_, port, _ := net.SplitHostPort(d.Addr())
		urls := []string{
			other + "://" + d.Addr(), scheme + "://" + bystander.Addr(), other + "://" + bystander.Addr(), scheme + "://127.0.0.1",
			scheme + "://127.0.0.1.:" + port, scheme + "://localhost:" + port, scheme + "://[::1]:" + port, scheme + "://[::ffff:127.0.0.1]:" + port,
		}
		for _, url := range urls {
			_, err := get(t, cfg, url+"/_ping")
			wantKind(t, err, dockertls.EndpointMismatch, url, cfg.Host())
		}
		if n := d.Connections(); n != 0 {
			t.Errorf("%s: %d connections", cfg, n)
		}
		// A client may replace what chooses the proxy, as moby's does.
		transport := cfg.Transport()
		transport.Proxy = nil
		for _, url := range urls {
			if resp, err := fetch(t.Context(), &http.Client{Transport: transport}, url+"/_ping"); err == nil {
				t.Errorf("%s answers %s", url, resp.Status)
			}
		}
		if n := bystander.Connections(); n != 0 {
			t.Errorf("%s: %d connections to another daemon", cfg, n)
		}
	}
}

func TestEndpointMismatchOfRedirects(t *testing.T) {
	t.Parallel()
	bystander, _ := startDaemon(t, dockertlstest.Plain, nil)
	redirect := func(d *dockertlstest.Daemon) {
		d.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if to := r.FormValue("to"); to != "" {
				var code int
				fmt.Sscan(r.FormValue("code"), &code)
				http.Redirect(w, r, to, code)
			}
		})
	}
	ca := dockertlstest.NewCA()
	for _, mode := range []dockertlstest.Mode{dockertlstest.Plain, dockertlstest.TLS} {
		d, opts := startDaemon(t, mode, ca, redirect)
		cfg := resolve(t, opts)
		otherScheme := "https://"
		if mode == dockertlstest.TLS {
			otherScheme = "http://"
		}
		for name, client := range map[string]*http.Client{"our client": cfg.HTTPClient(), "another client": {Transport: cfg.Transport()}} {
			post := func(code int, to string) error {
				resp, err := client.Post(cfg.URL(fmt.Sprintf("/x?code=%d&to=%s", code, to)), "text/plain", strings.NewReader("secret"))
				if err == nil {
					err = resp.Body.Close()
				}
				return err
			}
			for _, code := range []int{http.StatusMovedPermanently, http.StatusTemporaryRedirect} {
				for _, to := range []string{otherScheme + d.Addr() + "/y", "http://" + bystander.Addr() + "/y", "//" + bystander.Addr() + "/y"} {
					wantKind(t, post(code, to), dockertls.EndpointMismatch)
				}
				check(t, post(code, "/y"))
				check(t, post(code, cfg.URL("/y")))
			}
			client.CloseIdleConnections()
			if n := bystander.Connections(); n != 0 {
				t.Errorf("%s of %s: %d connections to another daemon", name, cfg, n)
			}
		}
	}
}

// Clients that hijack dial by the transport's own functions.
func TestTransportDialsItsEndpointOnly(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	bystander, _ := startDaemon(t, dockertlstest.Plain, nil)
	named := serving(ca, "box", "127.0.0.1")
	plain, plainOptions := startDaemon(t, dockertlstest.Plain, nil)
	secure, secureOptions := startDaemon(t, dockertlstest.TLS, ca, named)
	socket := filepath.Join(t.TempDir(), "docker.sock")
	unix := dockertlstest.NewSocketDaemon(socket)
	defer unix.Close()
	with := func(o dockertls.Options, host string, d *dockertlstest.Daemon) *http.Transport {
		o.Host, o.Dialer = host, leadTo(d)
		return resolve(t, o).Transport()
	}
	type dial = func(ctx context.Context, network, address string) (net.Conn, error)
	for _, tt := range []struct {
		name    string
		dial    dial
		address string
		want    error
	}{
		{"plain", resolve(t, plainOptions).Transport().DialContext, plain.Addr(), nil},
		{"plain, other address", resolve(t, plainOptions).Transport().DialContext, bystander.Addr(), dockertls.EndpointMismatch},
		{"plain, no address", resolve(t, plainOptions).Transport().DialContext, "", dockertls.EndpointMismatch},
		{"TLS", resolve(t, secureOptions).Transport().DialTLSContext, secure.Addr(), nil},
		{"TLS, other address", resolve(t, secureOptions).Transport().DialTLSContext, bystander.Addr(), dockertls.EndpointMismatch},
		{"a line of its own", resolve(t, plainOptions).Transport().DialContext, "x\nforged", dockertls.EndpointMismatch},
		{"TLS, without it", resolve(t, secureOptions).Transport().DialContext, secure.Addr(), dockertls.EndpointMismatch},
		{"letter case", with(plainOptions, "tcp://Box:1", plain).DialContext, "bOX:1", nil},
		{"letter case under TLS", with(secureOptions, "tcp://Box:1", secure).DialTLSContext, "bOX:1", nil},
		{"final dot", with(secureOptions, "tcp://box.:1", secure).DialTLSContext, "box.:1", nil},
		{"final dot left out", with(secureOptions, "tcp://box.:1", secure).DialTLSContext, "box:1", dockertls.EndpointMismatch},
		{"IPv6", with(plainOptions, "tcp://[::1]:1", plain).DialContext, "[::1]:1", nil},
		{"IPv6 letter case", with(plainOptions, "tcp://[FE80::A]:1", plain).DialContext, "[fe80::a]:1", nil},
		{"other IPv6", with(plainOptions, "tcp://[::1]:1", plain).DialContext, "[::2]:1", dockertls.EndpointMismatch},
		{"a socket has every name", resolve(t, dockertls.Options{Host: "unix://" + socket}).Transport().DialContext, "whatever:80", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := tt.dial(t.Context(), "tcp", tt.address)
			if !errors.Is(err, tt.want) || strings.Contains(fmt.Sprint(err), "\n") {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil {
				check(t, exchange(conn, "ping"))
				check(t, conn.Close())
			}
		})
	}
	if n := bystander.Connections(); n != 0 {
		t.Errorf("%d connections to another daemon", n)
	}
}

// behind tells whether an error of type E is in the chain.
func behind[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// A connection that fails says why, through net/http too: at once where the
// dial already knows, and else by Diagnose. The cause stays in reach.
func TestErrorsThroughClients(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	twin := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: ca.Certificate().Subject.CommonName})
	yesterday, tomorrow := time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour)
	issued := func(spec dockertlstest.CertSpec) func(*dockertlstest.Daemon) {
		spec.Server, spec.Names = true, append(spec.Names, "127.0.0.1")
		return func(d *dockertlstest.Daemon) { d.Server = ca.Issue(spec) }
	}
	withPair := func(p *dockertlstest.Pair) func(*dockertls.Options) {
		return func(o *dockertls.Options) { o.Cert, o.Key = p.CertPEM, p.KeyPEM }
	}
	noPair := func(o *dockertls.Options) { o.Cert, o.Key = nil, nil }
	plainly := func(o *dockertls.Options) { *o = dockertls.Options{Host: o.Host} }
	const late = true // known only after the dial
	for _, tt := range []struct {
		name  string
		mode  dockertlstest.Mode
		edit  func(*dockertlstest.Daemon)
		opts  func(*dockertls.Options)
		kind  dockertls.Kind
		cause func(error) bool
		late  bool
	}{
		{"refused", dockertlstest.Plain, func(d *dockertlstest.Daemon) { d.Listener.Close() }, nil, dockertls.ConnectionRefused, behind[syscall.Errno], false},
		{"unknown CA", dockertlstest.TLS, nil, func(o *dockertls.Options) { o.CA = dockertlstest.NewCA().PEM() }, dockertls.ServerUntrusted, behind[x509.UnknownAuthorityError], false},
		{"twin of the CA", dockertlstest.TLS, nil, func(o *dockertls.Options) { o.CA = twin.PEM() }, dockertls.ServerUntrusted, behind[x509.UnknownAuthorityError], false},
		{"wrong name", dockertlstest.TLS, serving(ca, "elsewhere"), nil, dockertls.ServerNameMismatch, behind[x509.HostnameError], false},
		{"expired", dockertlstest.TLS, issued(dockertlstest.CertSpec{NotAfter: yesterday}), nil, dockertls.ServerCertExpired, behind[x509.CertificateInvalidError], false},
		{"not yet valid", dockertlstest.TLS, issued(dockertlstest.CertSpec{NotBefore: tomorrow}), nil, dockertls.ServerCertNotYet, behind[x509.CertificateInvalidError], false},
		{"certificate required, TLS 1.2", dockertlstest.MutualTLS, upTo(tls.VersionTLS12), noPair, dockertls.ClientCertRequired, behind[*net.OpError], false},
		{"certificate required, TLS 1.3", dockertlstest.MutualTLS, nil, noPair, dockertls.ClientCertRequired, behind[*net.OpError], late},
		{"certificate not sent, TLS 1.2", dockertlstest.MutualTLS, upTo(tls.VersionTLS12), withPair(dockertlstest.NewCA().ClientPair("x")), dockertls.ClientCertRequired, behind[*net.OpError], false},
		{"certificate not sent, TLS 1.3", dockertlstest.MutualTLS, nil, withPair(dockertlstest.NewCA().ClientPair("x")), dockertls.ClientCertRequired, behind[*net.OpError], late},
		{"certificate rejected, TLS 1.2", dockertlstest.MutualTLS, upTo(tls.VersionTLS12), withPair(twin.ClientPair("x")), dockertls.ClientCertRejected, behind[*net.OpError], false},
		{"certificate rejected, TLS 1.3", dockertlstest.MutualTLS, nil, withPair(twin.ClientPair("x")), dockertls.ClientCertRejected, behind[*net.OpError], late},
		{"TLS to plain", dockertlstest.Plain, nil, func(o *dockertls.Options) { o.TLSVerify, o.CA = new(true), ca.PEM() }, dockertls.TLSNotOffered, behind[tls.RecordHeaderError], false},
		{"plain to TLS", dockertlstest.TLS, nil, plainly, dockertls.TLSRequired, behind[dockertls.Kind], false},
		{"plain to TLS with certificates", dockertlstest.MutualTLS, nil, plainly, dockertls.TLSRequired, behind[dockertls.Kind], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var edits []func(*dockertlstest.Daemon)
			if tt.edit != nil {
				edits = append(edits, tt.edit)
			}
			d, opts := startDaemon(t, tt.mode, ca, edits...)
			if tt.opts != nil {
				tt.opts(&opts)
			}
			cfg := resolve(t, opts)
			_, err := get(t, cfg, cfg.URL("/_ping"))
			if err == nil {
				t.Fatal("no error")
			}
			if !tt.late {
				wantKind(t, err, tt.kind)
			}
			err = cfg.Diagnose(err)
			wantKind(t, err, tt.kind, d.Addr())
			if !tt.cause(err) {
				t.Errorf("%v: the cause is lost", err)
			}
		})
	}
}

// One Config serves many goroutines, with and without a proxy.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, kind := range []proxytest.Options{{}, {Scheme: "https"}, {Scheme: "socks5"}} {
		t.Run("proxy "+kind.Scheme, func(t *testing.T) {
			t.Parallel()
			ca := dockertlstest.NewCA()
			d, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
			through(t, &opts, ca, kind, d)
			cfg := resolve(t, opts)
			shared := cfg.HTTPClient()
			defer shared.CloseIdleConnections()
			var running sync.WaitGroup
			for range 8 {
				running.Go(func() {
					for range 3 {
						if err := useAll(t, cfg, shared, opts); err != nil {
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			for _, request := range d.Requests() {
				if request.ClientName() != "client" {
					t.Fatalf("%s came from %q", request.Path, request.ClientName())
				}
			}
		})
	}
}

// useAll does everything that goroutines may do at once.
func useAll(t *testing.T, cfg *dockertls.Config, shared *http.Client, opts dockertls.Options) error {
	if _, err := dockertls.Resolve(opts); err != nil {
		return err
	}
	if _, err := fetch(t.Context(), shared, cfg.URL("/_ping")); err != nil {
		return err
	}
	own := cfg.Transport()
	defer own.CloseIdleConnections()
	own.TLSClientConfig.ServerName = "changed"
	if _, err := fetch(t.Context(), &http.Client{Transport: own}, cfg.URL("/version")); err != nil {
		return err
	}
	conn, err := cfg.Dial(t.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = cfg.Diagnose(io.EOF)
	_, _, _, _ = cfg.TLSConfig(), cfg.Settings(), cfg.Warnings(), cfg.String()
	return exchange(conn, "ping")
}
