package clients

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/moby/moby/client"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// What a proxy was used for.
const (
	unused    = "nothing"
	forwarded = "requests"
	tunnelled = "tunnels"
	both      = "both"
)

// A proxy makes tunnels for CONNECT and forwards all other requests.
type proxy struct {
	url    *url.URL
	daemon string // the address that every name leads to

	mu              sync.Mutex
	forward, tunnel bool
}

func startProxy(t *testing.T, daemon string) *proxy {
	t.Helper()
	p := &proxy{daemon: daemon}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	var err error
	if p.url, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	return p
}

// choose is for Options.Proxy, which counts for loopback addresses too.
func (p *proxy) choose(*url.URL) (*url.URL, error) { return p.url, nil }

// use returns what the proxy was used for since the last call.
func (p *proxy) use() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.forward, p.tunnel = false, false }()
	switch {
	case p.forward && p.tunnel:
		return both
	case p.forward:
		return forwarded
	case p.tunnel:
		return tunnelled
	}
	return unused
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	connect := r.Method == http.MethodConnect
	p.mu.Lock()
	p.tunnel = p.tunnel || connect
	p.forward = p.forward || !connect
	p.mu.Unlock()
	if connect {
		p.serveTunnel(w, r)
		return
	}
	transport := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
	handler := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: transport}
	handler.ServeHTTP(w, r)
}

func (p *proxy) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", p.daemon)
}

func (p *proxy) serveTunnel(w http.ResponseWriter, r *http.Request) {
	server, err := p.dial(r.Context(), "", "")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.Copy(server, buffered)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, server)
	client.(*net.TCPConn).CloseWrite()
	<-sent
}

// throughProxy gives the target a proxy.
func (tg *target) throughProxy(t *testing.T) *proxy {
	t.Helper()
	p := startProxy(t, tg.Addr())
	tg.opts.Proxy = p.choose
	return p
}

func (p *proxy) wantUse(t *testing.T, what, want string) {
	t.Helper()
	if got := p.use(); got != want {
		t.Errorf("%s: the proxy was used for %s, want %s", what, got, want)
	}
}

func TestMobyProxy(t *testing.T) {
	t.Parallel()
	hostFirst, hostLast := mobyHostFirst, mobyHostLast
	for _, tt := range []struct {
		name              string
		newClient         newMoby
		start             func(*testing.T) target
		requests, streams string
	}{
		{"plain, host first", hostFirst, startPlain, forwarded, tunnelled},
		{"plain, host last", hostLast, startPlain, unused, unused},
		{"verified, host first", hostFirst, startVerified, tunnelled, unused},
		{"verified, host last", hostLast, startVerified, tunnelled, unused},
		{"mutual, host first", hostFirst, startMutual, tunnelled, unused},
		{"mutual, host last", hostLast, startMutual, tunnelled, unused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tg := tt.start(t)
			p := tg.throughProxy(t)
			cli := tt.newClient(t, tg.resolve(t))
			mobyPing(t, cli)
			mobyUpload(t, cli)
			p.wantUse(t, "requests", tt.requests)
			mobyStreams(t, cli)
			p.wantUse(t, "streams", tt.streams)
			tg.wantSecured(t)
		})
	}
}

func TestDockerClientProxy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		newClient         newDockerClient
		start             func(*testing.T) target
		requests, streams string
	}{
		{"plain", dockerClientTLSConfig, startPlain, forwarded, unused},
		{"plain, Dialer", dockerClientDialer, startPlain, forwarded, tunnelled},
		{"verified", dockerClientTLSConfig, startVerified, tunnelled, unused},
		{"verified, Dialer", dockerClientDialer, startVerified, tunnelled, tunnelled},
		{"mutual", dockerClientTLSConfig, startMutual, tunnelled, unused},
		{"mutual, Dialer", dockerClientDialer, startMutual, tunnelled, tunnelled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tg := tt.start(t)
			p := tg.throughProxy(t)
			client := tt.newClient(t, tg.resolve(t))
			dockerClientCalls(t, client)
			dockerClientUpload(t, client)
			p.wantUse(t, "requests", tt.requests)
			dockerClientStreams(t, client)
			p.wantUse(t, "streams", tt.streams)
			tg.wantSecured(t)
		})
	}
}

const (
	envChild   = "DOCKERTLS_TEST_CHILD"
	remoteName = "daemon.test"
	remoteHost = "tcp://" + remoteName + ":2376"
)

// The proxy variables count in both orders: in one of them it is net/http that
// makes the tunnel and does TLS, with our TLSClientConfig.
func TestMobyProxyVariables(t *testing.T) {
	if os.Getenv(envChild) != "" {
		pingThroughVariables(t)
		return
	}
	t.Parallel()
	for name, mode := range map[string]dockertlstest.Mode{
		"plain":  dockertlstest.Plain,
		"mutual": dockertlstest.MutualTLS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := dockertlstest.NewCA()
			daemon := dockertlstest.NewUnstartedDaemon(mode, ca)
			daemon.Server = ca.ServerPair(remoteName)
			daemon.Start()
			t.Cleanup(daemon.Close)
			p := startProxy(t, daemon.Addr())
			tg, use := target{Daemon: daemon, mode: dockertls.Plain}, forwarded
			env := []string{"HTTP_PROXY=" + p.url.String(), "HTTPS_PROXY=" + p.url.String()}
			if mode == dockertlstest.MutualTLS {
				tg.mode, use = dockertls.Mutual, tunnelled
				env = append(env, mutualEnv(t, ca)...)
			}
			runChild(t, env)
			p.wantUse(t, "requests", use)
			tg.wantSecured(t)
		})
	}
}

func mutualEnv(t *testing.T, ca *dockertlstest.CA) []string {
	t.Helper()
	dir := t.TempDir()
	if err := dockertlstest.WriteCerts(dir, ca, ca.ClientPair(clientName)); err != nil {
		t.Fatal(err)
	}
	return []string{"DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + dir}
}

// runChild: net/http reads the proxy variables once per process, so it takes
// another one.
func runChild(t *testing.T, env []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMobyProxyVariables$", "-test.v")
	cmd.Env = append(env, envChild+"=1", "HOME="+t.TempDir(), "DOCKER_HOST="+remoteHost)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// pingThroughVariables is what the other process does.
func pingThroughVariables(t *testing.T) {
	t.Helper()
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	if err != nil {
		t.Fatal(err)
	}
	for _, newClient := range []newMoby{mobyHostFirst, mobyHostLast} {
		cli := newClient(t, cfg)
		if cli.DaemonHost() != remoteHost {
			t.Errorf("the client is for %s, want %s", cli.DaemonHost(), remoteHost)
		}
		if _, err := cli.Info(t.Context(), client.InfoOptions{}); err != nil {
			t.Error(err)
		}
	}
}
