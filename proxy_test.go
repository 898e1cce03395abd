package dockertls_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/proxytest"
	"github.com/google/go-cmp/cmp"
)

// Requests in plain mode name the whole address to an HTTP proxy, as docker's
// do; everything else asks for a tunnel. No proxy sees the client certificate.
func TestThroughProxy(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	const forward, tunnel = "GET http://daemon.test:2375/_ping", "CONNECT daemon.test:2375"
	user := url.UserPassword("user", "p@ss:word")
	for _, tt := range []struct {
		mode          dockertlstest.Mode
		scheme        string
		user          *url.Userinfo
		request, dial string // what the proxy sees
	}{
		{dockertlstest.Plain, "http", nil, forward, tunnel},
		{dockertlstest.Plain, "http", user, forward, tunnel},
		{dockertlstest.Plain, "socks5", nil, tunnel, tunnel},
		{dockertlstest.Plain, "socks5h", user, tunnel, tunnel},
		{dockertlstest.MutualTLS, "http", nil, tunnel, tunnel},
		{dockertlstest.MutualTLS, "http", user, tunnel, tunnel},
		{dockertlstest.MutualTLS, "http", url.User("user"), tunnel, tunnel},
		{dockertlstest.MutualTLS, "https", user, tunnel, tunnel},
		{dockertlstest.MutualTLS, "socks5", nil, tunnel, tunnel},
		{dockertlstest.MutualTLS, "socks5", user, tunnel, tunnel},
	} {
		t.Run(fmt.Sprintf("%s/%s %v", tt.mode, tt.scheme, tt.user), func(t *testing.T) {
			t.Parallel()
			d, opts := startDaemon(t, tt.mode, ca, serving(ca, "daemon.test"))
			opts.Host = "tcp://daemon.test"
			p := through(t, &opts, ca, proxytest.Options{Scheme: tt.scheme, User: tt.user}, d)
			cfg := resolve(t, opts)
			transport := cfg.Transport()
			defer transport.CloseIdleConnections()

			_, err := fetch(t.Context(), &http.Client{Transport: transport}, cfg.URL("/_ping"))
			check(t, err)
			conn, err := cfg.Dial(t.Context())
			check(t, err)
			defer conn.Close()
			check(t, exchange(conn, "from Dial"))
			hijack := transport.DialContext
			if transport.DialTLSContext != nil {
				hijack = transport.DialTLSContext
			}
			conn, err = hijack(t.Context(), "tcp", "daemon.test:2375")
			check(t, err)
			defer conn.Close()
			check(t, exchange(conn, "from a client that hijacks"))

			var want []proxytest.Request
			for _, asked := range []string{tt.request, tt.dial, tt.dial} {
				verb, target, _ := strings.Cut(asked, " ")
				r := proxytest.Request{Verb: verb, Target: target}
				if tt.user != nil {
					password, _ := tt.user.Password()
					r.User = tt.user.Username() + ":" + password
				}
				want = append(want, r)
			}
			if diff := cmp.Diff(want, p.Requests()); diff != "" {
				t.Errorf("the proxy saw (-want +got):\n%s", diff)
			}
			for _, r := range d.Requests() {
				if r.Header.Get("Proxy-Authorization") != "" || tt.mode == dockertlstest.MutualTLS && r.ClientName() != "client" {
					t.Errorf("the daemon saw %v from %q", r.Header, r.ClientName())
				}
			}
		})
	}
}

// A proxy that forwards goes by the Host header and by an opaque URL, which
// must not lead it elsewhere.
func TestProxyReachesTheEndpointOnly(t *testing.T) {
	t.Parallel()
	d, opts := startDaemon(t, dockertlstest.Plain, nil)
	opts.Host = "tcp://daemon.test"
	p := through(t, &opts, nil, proxytest.Options{Scheme: "http"}, d)
	cfg := resolve(t, opts)
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	for name, edit := range map[string]func(*http.Request){
		"Host header":      func(r *http.Request) { r.Host = "other.test:2375" },
		"port":             func(r *http.Request) { r.Host = "daemon.test" },
		"opaque URL":       func(r *http.Request) { r.URL.Opaque = "//other.test:2375/_ping" },
		"URL":              func(r *http.Request) { r.URL.Host = "other.test:2375" },
		"URL, with a Host": func(r *http.Request) { r.URL.Host, r.Host = "other.test:2375", "daemon.test:2375" },
		"TLS":              func(r *http.Request) { r.URL.Scheme = "https" },
		"the proxy itself": func(r *http.Request) { r.URL.Host = p.URL.Host },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.URL("/_ping"), nil)
		check(t, err)
		edit(req)
		if _, err := client.Do(req); !errors.Is(err, dockertls.EndpointMismatch) {
			t.Errorf("%s: got %v, want %s", name, err, dockertls.EndpointMismatch)
		}
	}
	if got := p.Requests(); got != nil {
		t.Errorf("the proxy saw %v", got)
	}
	for _, host := range []string{"", "daemon.test:2375", "DAEMON.test:2375"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.URL("/_ping"), nil)
		check(t, err)
		req.Host = host
		resp, err := client.Do(req)
		check(t, err)
		check(t, resp.Body.Close())
	}
}

// In plain mode no CA is configured: an https proxy is verified with the
// system's roots, which are set for a process of its own.
func TestPlainThroughHTTPSProxy(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, opts := startDaemon(t, dockertlstest.Plain, nil)
	p := through(t, &opts, ca, proxytest.Options{Scheme: "https"}, d)
	const variable = "DOCKERTLS_TEST_PROXY"
	if os.Getenv(variable) == "" {
		cfg := resolve(t, opts)
		_, err := get(t, cfg, cfg.URL("/_ping"))
		wantKind(t, err, dockertls.ProxyFailed, p.URL.Host)
		_, err = cfg.Dial(t.Context())
		wantKind(t, err, dockertls.ProxyFailed, p.URL.Host)
		if got := p.Requests(); got != nil {
			t.Errorf("a proxy that nobody knows saw %v", got)
		}
		if runtime.GOOS != "linux" {
			return // only there can a test choose the system's roots
		}
		dir := t.TempDir()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestPlainThroughHTTPSProxy$")
		child.Env = append(os.Environ(), variable+"="+dir, "SSL_CERT_FILE="+filepath.Join(dir, "roots.pem"), "SSL_CERT_DIR="+dir)
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	writeFile(t, os.Getenv("SSL_CERT_FILE"), ca.PEM()) // before the first look at it
	cfg := resolve(t, opts)
	ping(t, cfg)
	conn, err := cfg.Dial(t.Context())
	check(t, err)
	defer conn.Close()
	check(t, exchange(conn, "ping"))
	want := []proxytest.Request{{Verb: "GET", Target: cfg.URL("/_ping")}, {Verb: "CONNECT", Target: d.Addr()}}
	if diff := cmp.Diff(want, p.Requests()); diff != "" {
		t.Errorf("the proxy saw (-want +got):\n%s", diff)
	}
}

// An https proxy is verified with the daemon's roots.
func TestHTTPSProxyIsVerified(t *testing.T) {
	t.Parallel()
	ca, foreign := dockertlstest.NewCA(), dockertlstest.NewCA()
	for name, server := range map[string]*dockertlstest.Pair{"unknown CA": foreign.ServerPair(), "wrong name": ca.ServerPair("elsewhere")} {
		d, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
		p := proxytest.Start(t, proxytest.Options{Scheme: "https", Target: d.Addr(), Server: server, User: url.UserPassword("user", "hunter2")})
		opts.Proxy = p.Choose
		for _, use := range uses(resolve(t, opts)) {
			err := use(t.Context())
			wantKind(t, err, dockertls.ProxyFailed, p.URL.Host, "certificate")
			wantOneKind(t, err)
		}
		if got := p.Requests(); got != nil {
			t.Errorf("%s: the proxy saw %v", name, got)
		}
	}
}

// The name of a proxy may be international, as a daemon's.
func TestHTTPSProxyByInternationalName(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, opts := startDaemon(t, dockertlstest.MutualTLS, ca, serving(ca, "daemon.test"))
	p := proxytest.Start(t, proxytest.Options{Scheme: "https", Target: d.Addr(), Server: ca.ServerPair("xn--bcher-kva.test")})
	opts.Host = "tcp://daemon.test"
	opts.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse("https://bücher.test") }
	opts.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "xn--bcher-kva.test:443" {
			t.Errorf("dialled %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, p.URL.Host)
	}
	ping(t, resolve(t, opts))
}

// uses are the two ways to reach a daemon.
func uses(cfg *dockertls.Config) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"request": func(ctx context.Context) error {
			client := cfg.HTTPClient()
			defer client.CloseIdleConnections()
			_, err := fetch(ctx, client, cfg.URL("/_ping"))
			return err
		},
		"Dial": func(ctx context.Context) error {
			_, err := cfg.Dial(ctx)
			return err
		},
	}
}

// wantOneKind checks that the failure of a proxy is not the daemon's too.
func wantOneKind(t *testing.T, err error) {
	t.Helper()
	for _, kind := range []dockertls.Kind{dockertls.ServerUntrusted, dockertls.ServerNameMismatch, dockertls.ConnectionRefused, dockertls.DNS, dockertls.Timeout} {
		if errors.Is(err, kind) {
			t.Errorf("%v is of the kind %s too", err, kind)
		}
	}
}

// script starts a listener that reads what a client has to say, plays its
// part, and hangs up. It returns its address.
func script(t *testing.T, play func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			play(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// answers reads the head of a request, and answers.
func answers(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.WriteString(conn, text)
		}
	}
}

// endlessHeader is a proxy whose answer has no end.
func endlessHeader(conn net.Conn) {
	line := strings.Repeat("X-Endless: and so on\r\n", 1<<10)
	_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	for err == nil {
		_, err = io.WriteString(conn, line)
	}
}

// socksReplies is a SOCKS proxy that says these one after the other.
func socksReplies(replies ...string) func(net.Conn) {
	return func(conn net.Conn) {
		for _, reply := range replies {
			if _, err := conn.Read(make([]byte, 1<<10)); err != nil {
				return
			}
			io.WriteString(conn, reply)
		}
		conn.Read(make([]byte, 1<<10))
	}
}

// A proxy that fails is named, with the setting it came from, and why; the
// daemon is not blamed. Its password is not shown, and nothing stays open.
func TestProxyFails(t *testing.T) {
	t.Parallel()
	const password = "hunter2"
	for _, tt := range []struct {
		name, scheme string
		play         func(net.Conn) // nil: nobody listens
		why          string
	}{
		{"refused", "http", nil, "nobody listens"},
		{"refused", "https", nil, "nobody listens"},
		{"refused", "socks5", nil, "nobody listens"},
		{"407", "http", answers("HTTP/1.1 407 Hello " + password + "\r\n\r\n"), "it answered 407 Proxy Authentication Required"},
		{"403", "http", answers("HTTP/1.1 403 \x1b[2J\r\n\r\n"), "it answered 403 Forbidden"},
		{"502", "http", answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nhello"), "it answered 502 Bad Gateway"},
		{"200 to nobody", "http", answers("HTTP/1.1 299 Whatever\r\n\r\n"), "it answered 299"},
		{"garbage", "http", answers("SSH-2.0-OpenSSH_9.2\r\n"), ""},
		{"closing", "http", answers(""), ""},
		{"closing at once", "http", func(net.Conn) {}, ""},
		{"closing amid its answer", "http", answers("HTTP/1.1 200 OK\r\nX-Cut:"), ""},
		{"endless headers", "http", endlessHeader, ""},
		{"endless status", "http", func(conn net.Conn) { io.Copy(conn, zeroes{}) }, ""},
		{"garbage", "https", answers("HTTP/1.1 400 Bad Request\r\n\r\n"), ""},
		{"closing", "socks5", func(net.Conn) {}, ""},
		{"garbage", "socks5", socksReplies("HTTP/1.1 400 Bad Request\r\n\r\n"), ""},
		{"no method", "socks5", socksReplies("\x05\xff"), ""},
		{"wrong password", "socks5", socksReplies("\x05\x02", "\x01\x01"), ""},
		{"not allowed", "socks5", socksReplies("\x05\x00", "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"), ""},
	} {
		t.Run(tt.scheme+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			proxy := &url.URL{Scheme: tt.scheme, User: url.UserPassword("user", password), Host: "127.0.0.1:1"}
			if tt.play != nil {
				proxy.Host = script(t, tt.play)
			}
			track := new(tracker)
			cfg := resolve(t, dockertls.Options{
				Host: "tcp://daemon.test", TLSVerify: new(true), CA: dockertlstest.NewCA().PEM(), Dialer: track.dial, Source: "agent.yaml",
				Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil },
			})
			for _, use := range uses(cfg) {
				err := use(t.Context())
				wantKind(t, err, dockertls.ProxyFailed, proxy.Host, "agent.yaml: proxy", cfg.Host(), tt.why)
				wantOneKind(t, err)
				for e := err; e != nil; e = cause(e) {
					if text := fmt.Sprintf("%v %+v %#v %q", e, e, e, e); strings.Contains(text, password) {
						t.Errorf("%s shows the password", text)
					}
				}
			}
			if tt.play != nil {
				track.wantClosed(t)
			}
		})
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// cause is the next error of a chain.
func cause(err error) error {
	if e, ok := err.(*dockertls.Error); ok {
		return e.Err
	}
	return errors.Unwrap(err)
}

// Plain requests, too, say so if it is the proxy that cannot be reached.
func TestPlainProxyIsNamed(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "socks5"} {
		cfg := resolve(t, dockertls.Options{
			Host:  "tcp://daemon.test",
			Proxy: func(*url.URL) (*url.URL, error) { return url.Parse(scheme + "://127.0.0.1:1") },
		})
		for _, use := range uses(cfg) {
			err := use(t.Context())
			wantKind(t, err, dockertls.ProxyFailed, scheme+"://127.0.0.1:1", "Options.Proxy")
			wantKind(t, cfg.Diagnose(err), dockertls.ProxyFailed)
			wantOneKind(t, err)
		}
	}
}

// What the daemon says right behind the proxy's answer belongs to the stream.
func TestTunnelLosesNothing(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"bare":           "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.0":       "HTTP/1.0 200 Connection established\r\n\r\n",
		"without reason": "HTTP/1.1 200\r\n\r\n",
		"line feeds":     "HTTP/1.1 200 OK\nVia: x\n\n",
		"headers":        "HTTP/1.1 200 OK\r\nVia: x\r\nProxy-Agent: y\r\n\r\n",
		"folded header":  "HTTP/1.1 200 OK\r\nVia: x\r\n y\r\n\r\n",
		"length":         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
		"chunked":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"connection":     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
		"a long header":  "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 32<<10) + "\r\n\r\n",
	} {
		const stream = "\r\n HTTP/1.1 first words of the daemon"
		address := script(t, answers(head+stream))
		conn, err := resolve(t, dockertls.Options{
			Host:  "tcp://daemon.test",
			Proxy: func(*url.URL) (*url.URL, error) { return &url.URL{Scheme: "http", Host: address}, nil },
		}).Dial(t.Context())
		if err != nil {
			t.Errorf("%s: %v: %v", name, err, cause(err))
			continue
		}
		got, err := io.ReadAll(conn)
		check(t, err)
		if string(got) != stream {
			t.Errorf("%s: got %q, want %q", name, got, stream)
		}
		check(t, conn.Close())
	}
}

// The environment's proxy variables (rule 28), used and named.
func TestProxyVariables(t *testing.T) {
	ca := dockertlstest.NewCA()
	for _, tt := range []struct {
		name, host string
		tls        bool
		env        map[string]string // {P} is the proxy's address
		want       string            // the variable in use, "" for none
	}{
		{"plain", "tcp://daemon.test", false, map[string]string{"HTTP_PROXY": "http://{P}"}, "HTTP_PROXY"},
		{"small letters", "tcp://daemon.test", false, map[string]string{"http_proxy": "http://{P}"}, "http_proxy"},
		{"without scheme", "tcp://daemon.test", false, map[string]string{"HTTP_PROXY": "{P}"}, "HTTP_PROXY"},
		{"TLS", "tcp://daemon.test", true, map[string]string{"HTTPS_PROXY": "http://{P}", "HTTP_PROXY": "http://wrong.test:1"}, "HTTPS_PROXY"},
		{"TLS, small letters", "tcp://daemon.test", true, map[string]string{"https_proxy": "http://{P}"}, "https_proxy"},
		{"the other one", "tcp://127.0.0.1:1", false, map[string]string{"HTTPS_PROXY": "http://{P}"}, ""},
		{"ALL_PROXY", "tcp://daemon.test", false, map[string]string{"ALL_PROXY": "http://{P}"}, ""},
		{"NO_PROXY", "tcp://daemon.test", false, map[string]string{"HTTP_PROXY": "http://{P}", "NO_PROXY": "other, .test"}, ""},
		{"no_proxy", "tcp://daemon.test", true, map[string]string{"HTTPS_PROXY": "http://{P}", "no_proxy": "daemon.test"}, ""},
		{"NO_PROXY of a port", "tcp://daemon.test:1", false, map[string]string{"HTTP_PROXY": "http://{P}", "NO_PROXY": "daemon.test:2"}, "HTTP_PROXY"},
		{"loopback", "tcp://127.0.0.1:1", false, map[string]string{"HTTP_PROXY": "http://{P}"}, ""},
		{"loopback, TLS", "tcp://127.9.9.9:1", true, map[string]string{"HTTPS_PROXY": "http://{P}"}, ""},
		{"localhost", "tcp://localhost:1", true, map[string]string{"HTTPS_PROXY": "http://{P}"}, ""},
		{"IPv6 loopback", "tcp://[::1]:1", false, map[string]string{"HTTP_PROXY": "http://{P}"}, ""},
		{"malformed", "tcp://daemon.test", false, map[string]string{"HTTP_PROXY": "http://%zz"}, ""},
		{"socket", "unix:///run/x.sock", false, map[string]string{"HTTP_PROXY": "http://{P}"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUEST_METHOD", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY"} {
				t.Setenv(name, "")
				t.Setenv(strings.ToLower(name), "")
			}
			mode := dockertlstest.Plain
			if tt.tls {
				mode = dockertlstest.MutualTLS
			}
			d, opts := startDaemon(t, mode, ca, serving(ca, "daemon.test"))
			opts.Host = tt.host
			p := proxytest.Start(t, proxytest.Options{Scheme: "http", Target: d.Addr()})
			for name, value := range tt.env {
				t.Setenv(name, strings.ReplaceAll(value, "{P}", p.URL.Host))
			}
			cfg, err := dockertls.Resolve(opts, dockertls.FromEnv())
			check(t, err)
			var source string
			for _, s := range cfg.Settings() {
				if s.Name == "proxy" {
					source = s.Source
				}
			}
			if runtime.GOOS == "windows" {
				tt.want = strings.ToUpper(tt.want) // the same variable there
			}
			if source != tt.want {
				t.Fatalf("the proxy comes from %q, want %q", source, tt.want)
			}
			if tt.want != "" {
				ping(t, cfg)
				if n := len(p.Requests()); n != 1 {
					t.Errorf("the proxy saw %d requests", n)
				}
			}
		})
	}
}

// Nothing that a Config prints or logs shows the proxy's password.
func TestProxyPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	d, opts := startDaemon(t, dockertlstest.Plain, nil)
	through(t, &opts, nil, proxytest.Options{Scheme: "http", User: url.UserPassword("user", "hunter2")}, d)
	cfg := resolve(t, opts)
	ping(t, cfg)
	_, mismatch := get(t, cfg, "http://other.test/")
	var out bytes.Buffer
	text, json := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{cfg, cfg.Settings(), cfg.Warnings(), opts, cfg.HTTPClient(), cfg.Transport(), cfg.TLSConfig(), mismatch} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		text.Info("x", "v", v)
		json.Info("x", "v", v)
	}
	if len(leaks(out.String(), "hunter2", "user:")) > 0 || !strings.Contains(out.String(), "xxxxx@") {
		t.Errorf("want no password:\n%s", out.String())
	}
}

// An address with a password that cannot be parsed becomes another one, with the
// password in its path: net/http reads it so, and so does docker.
func TestProxyPasswordElsewhereIsNotShown(t *testing.T) {
	for _, address := range []string{"http://user:hunter2@127.0.0.1:3128 x", "user:hunter2@proxy.test/x?y", "http://proxy.test:1/hunter2", "http://proxy.test:1/?p=hunter2#hunter2"} {
		t.Setenv("HTTPS_PROXY", address)
		opts := dockertls.Options{Host: "tcp://daemon.test:2376", TLSVerify: new(true), CAFile: "system", Dialer: noDialer}
		cfg, err := dockertls.Resolve(opts, dockertls.FromEnv())
		check(t, err)
		shown := fmt.Sprintf("%v %+v %v %s", cfg, cfg.Settings(), cfg.Warnings(), cfg.LogValue())
		if len(leaks(shown, "hunter2", "user:")) > 0 || !strings.Contains(shown, "HTTPS_PROXY") {
			t.Errorf("%s: want no password: %s", address, shown)
		}
	}
}

// The proxy's URL is not shared with whom a transport's Proxy function tells it.
func TestProxyURLIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	d, opts := startDaemon(t, dockertlstest.Plain, nil)
	through(t, &opts, nil, proxytest.Options{Scheme: "http"}, d)
	cfg := resolve(t, opts)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cfg.URL("/_ping"), nil)
	check(t, err)
	told, err := cfg.Transport().Proxy(req)
	check(t, err)
	told.Host = "127.0.0.1:1"
	ping(t, cfg)
}
