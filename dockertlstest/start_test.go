package dockertlstest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// In every mode everything fits, whichever way the client is told.
func TestStart(t *testing.T) {
	t.Parallel()
	for mode, want := range map[dockertlstest.Mode]dockertls.Mode{
		dockertlstest.Plain:     dockertls.Plain,
		dockertlstest.TLS:       dockertls.Verified,
		dockertlstest.MutualTLS: dockertls.Mutual,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			d := dockertlstest.Start(t, mode)
			dir := filepath.Join(t.TempDir(), ".docker")
			if err := d.WriteConfig(dir); err != nil {
				t.Fatal(err)
			}
			for way, opts := range map[string]dockertls.Options{
				"options":  d.Options(),
				"files":    filesOf(d),
				"context":  {Context: "dockertlstest", ConfigDir: dir},
				"cert.pem": {Host: d.Host(), TLSVerify: d.Options().TLSVerify, CertPath: dir},
			} {
				cfg, err := dockertls.Resolve(opts)
				if err != nil || cfg.Mode() != want || cfg.Host() != d.Host() {
					t.Fatalf("%s: got %v, %v, want mode %v", way, cfg, err, want)
				}
				if status, err := ask(t.Context(), t, opts); err != nil || status != http.StatusOK {
					t.Errorf("%s: got %d, %v", way, status, err)
				}
			}
			if status, err := askBare(t.Context(), d); err != nil || status != http.StatusOK {
				t.Errorf("net/http: got %d, %v", status, err)
			}
		})
	}
}

// filesOf are options with the certificate folder.
func filesOf(d *dockertlstest.Daemon) dockertls.Options {
	return dockertls.Options{Host: d.Host(), TLSVerify: d.Options().TLSVerify, CertPath: d.CertPath()}
}

// The environment is complete: what was set before does not shine through.
func TestSetenv(t *testing.T) {
	for _, mode := range []dockertlstest.Mode{dockertlstest.MutualTLS, dockertlstest.Plain} {
		for _, name := range []string{"DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CONTEXT", "DOCKER_CERT_PATH"} {
			t.Setenv(name, "users-own")
		}
		t.Setenv("HOME", t.TempDir())
		d := dockertlstest.Start(t, mode)
		d.Setenv(t)
		if status, err := ask(t.Context(), t, dockertls.FromEnv()); err != nil || status != http.StatusOK {
			t.Errorf("%v: got %d, %v", mode, status, err)
		}
	}
}

// A daemon made in the older way knows the same.
func TestOptionsOfAnUnstartedDaemon(t *testing.T) {
	t.Parallel()
	servers, clients := dockertlstest.NewCA(), dockertlstest.NewCA()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.MutualTLS, servers)
	d.ClientCA = clients
	d.Start()
	t.Cleanup(d.Close)
	if status, err := ask(t.Context(), t, d.Options()); err != nil || status != http.StatusOK {
		t.Errorf("got %d, %v", status, err)
	}
	if name := d.WaitRequest(t, 1).ClientName(); name != "client" {
		t.Errorf("the client was %q", name)
	}
}

func TestOptionsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]dockertlstest.Option{
		"server-cert-expired makes no sense in mode Plain":   {dockertlstest.Plain, dockertlstest.ServerCertExpired},
		"client-cert-missing makes no sense in mode TLS":     {dockertlstest.ClientCertMissing, dockertlstest.TLS},
		"NoAcceptedCAs makes no sense in mode TLS":           {dockertlstest.TLS, dockertlstest.NoAcceptedCAs()},
		"a failure after-hello makes no sense in mode Plain": {dockertlstest.Plain, dockertlstest.Hangs(dockertlstest.AfterHello)},
		`no such fault: "out-of-paper"`:                      {dockertlstest.Fault("out-of-paper")},
		`no such fault: "hangs-at-noon"`:                     {dockertlstest.Hangs("at-noon")},
		`no such stage: "at-noon"`:                           {dockertlstest.Sends("at-noon", "x")},
		"no such mode: Mode(7)":                              {dockertlstest.Mode(7)},
	} {
		got := panicOf(func() { dockertlstest.New(options...) })
		if got != "dockertlstest: "+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

// Without TLS the stages and the strangers are there as well.
func TestFaultsWithoutTLS(t *testing.T) {
	t.Parallel()
	hungUp := []dockertls.Kind{dockertls.TLSRequired, dockertls.ConnectionReset}
	for fault, kinds := range map[dockertlstest.Fault][]dockertls.Kind{
		dockertlstest.SSHServer:                            {dockertls.NotHTTP},
		dockertlstest.MySQLServer:                          {dockertls.NotHTTP},
		dockertlstest.HTTP2Server:                          {dockertls.NotHTTP},
		dockertlstest.NotListening:                         {dockertls.ConnectionRefused},
		dockertlstest.Closes(dockertlstest.OnAccept):       hungUp,
		dockertlstest.Closes(dockertlstest.AfterHandshake): hungUp,
		dockertlstest.Resets(dockertlstest.AfterRequest):   hungUp,
		dockertlstest.Resets(dockertlstest.InBody):         {dockertls.ConnectionReset},
	} {
		d := dockertlstest.Start(t, dockertlstest.Plain, fault)
		status, err := ask(t.Context(), t, d.Options())
		if !slices.ContainsFunc(kinds, func(k dockertls.Kind) bool { return errors.Is(err, k) }) {
			t.Errorf("%s: got %d, %v, want one of %v", fault, status, err, kinds)
		}
	}
}

// Who does not name authorities gets to see every certificate, and judges alike.
func TestNoAcceptedCAs(t *testing.T) {
	t.Parallel()
	for fault, kind := range map[dockertlstest.Fault]dockertls.Kind{
		dockertlstest.ClientCAUnknown:      dockertls.ClientCertRejected,
		dockertlstest.ClientCATwin:         dockertls.ClientCertRejected,
		dockertlstest.ClientCertExpired:    dockertls.ClientCertExpired,
		dockertlstest.ClientCertForServers: dockertls.ClientCertRejected,
		dockertlstest.ClientCertMissing:    dockertls.ClientCertRequired,
		dockertlstest.ClientCertRefused:    dockertls.ClientCertRejected,
	} {
		for name, version := range tlsVersions {
			d := dockertlstest.Start(t, fault, dockertlstest.NoAcceptedCAs(), dockertlstest.NoSessionTickets(), dockertlstest.MaxTLS(version))
			if status, err := ask(t.Context(), t, d.Options()); !errors.Is(err, kind) {
				t.Errorf("%s, %s: got %d, %v, want %s", fault, name, status, err, kind)
			}
		}
	}
	d := dockertlstest.Start(t, dockertlstest.NoAcceptedCAs())
	if status, err := ask(t.Context(), t, d.Options()); err != nil || status != http.StatusOK {
		t.Errorf("a good client got %d, %v", status, err)
	}
}

// What the options say about TLS is what a client sees.
func TestTLSOptions(t *testing.T) {
	t.Parallel()
	for name, version := range tlsVersions {
		d := dockertlstest.Start(t, dockertlstest.MaxTLS(version))
		if _, err := askBare(t.Context(), d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := d.WaitConnection(t, 1).TLSVersion; got != version {
			t.Errorf("%s: got %s", name, tls.VersionName(got))
		}
	}
	for _, option := range []dockertlstest.Option{dockertlstest.MutualTLS, dockertlstest.NoSessionTickets()} {
		d := dockertlstest.Start(t, option)
		config := d.TLSClientConfig()
		cache := &countingCache{ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		config.ClientSessionCache = cache
		if got, err := ping(t, d, config); got != "OK" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if wanted := option == dockertlstest.MutualTLS; wanted != (cache.puts > 0) {
			t.Errorf("%d tickets came, wanted: %t", cache.puts, wanted)
		}
	}
}

type countingCache struct {
	tls.ClientSessionCache
	puts int
}

func (c *countingCache) Put(key string, session *tls.ClientSessionState) {
	c.puts++
	c.ClientSessionCache.Put(key, session)
}

func TestUseCA(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	one, other := dockertlstest.Start(t, dockertlstest.UseCA(ca)), dockertlstest.Start(t, dockertlstest.UseCA(ca))
	opts := one.Options()
	opts.Host = other.Host()
	if status, err := ask(t.Context(), t, opts); err != nil || status != http.StatusOK {
		t.Errorf("got %d, %v", status, err)
	}
	if one.CA() != ca {
		t.Error("another CA")
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t, dockertlstest.Plain,
		dockertlstest.Handle("GET /info", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "mine") }),
		dockertlstest.Handle("POST /containers/{id}/stop", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "stopped "+r.PathValue("id"))
		}),
		dockertlstest.Handle("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }),
	)
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1.41/info", 200, "mine"},
		{"GET", "/info", 200, "mine"},
		{"POST", "/containers/abc/stop", 200, "stopped abc"},
		{"GET", "/_ping", 500, ""},
		{"GET", "/version", 200, `"ApiVersion":"1.51"`},
		{"POST", "/info", 404, "page not found"},
		{"GET", "/v9.99/info", 400, "too new"},
	} {
		response, body := send(t, d, tt.method, tt.path, "")
		if response.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: got %d %s, want %d with %s", tt.method, tt.path, response.StatusCode, body, tt.status, tt.want)
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	shout := func(conn net.Conn, r *http.Request) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, r.URL.Path+": "+strings.ToUpper(line))
		conn.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, conn)
	}
	for _, mode := range []dockertlstest.Mode{dockertlstest.Plain, dockertlstest.MutualTLS} {
		for path, text := range map[string]string{"/containers/abc/attach": attachRequest, "/exec/abc/start": execRequest} {
			d := dockertlstest.Start(t, mode, dockertlstest.Stream(shout))
			conn := mustDial(t, d, d.TLSClientConfig())
			_, reader := request(t, conn, text+"hello\n") // along with the request
			got, err := io.ReadAll(reader)
			if want := path + ": HELLO\n"; string(got) != want || err != nil {
				t.Errorf("%v: got %q, %v, want %q", mode, got, err, want)
			}
		}
	}
}

// What comes after the handshake may be there before the request is sent, which
// net/http does not take for an answer: TestFaults has that case, in HTTP2Server.
func TestSends(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
	for stage, want := range map[dockertlstest.Stage]string{
		dockertlstest.OnAccept:     "malformed HTTP response|first record does not look like|HTTP response to HTTPS client",
		dockertlstest.AfterHello:   "first record does not look like|HTTP response to HTTPS client",
		dockertlstest.AfterRequest: "",
		dockertlstest.InBody:       "unexpected EOF",
	} {
		d := dockertlstest.Start(t, dockertlstest.Sends(stage, answer))
		status, err := askBare(t.Context(), d)
		switch {
		case want == "" && (err != nil || status != http.StatusForbidden):
			t.Errorf("%s: got %d, %v", stage, status, err)
		case want != "" && !containsOne(fmt.Sprint(err), want):
			t.Errorf("%s: got %v, want %s", stage, err, want)
		}
	}
}

func containsOne(text, words string) bool {
	for word := range strings.SplitSeq(words, "|") {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// Everything a test can ask for is over when the daemon is closed. Not parallel:
// it looks for goroutines of daemons.
func TestNoFaultLeavesGoroutines(t *testing.T) {
	for _, fault := range dockertlstest.Faults() {
		d := dockertlstest.New(fault)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if !hangs(fault) {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
		}
		askBare(ctx, d)
		cancel()
		d.Close()
		checkNoGoroutines(t)
	}
}

func TestCertPathIsRemoved(t *testing.T) {
	t.Parallel()
	d := dockertlstest.New()
	dir := d.CertPath()
	found := map[string][]string{}
	for _, when := range []string{"before", "after"} {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			found[when] = append(found[when], filepath.Base(f))
		}
		d.Close()
	}
	if diff := cmp.Diff(map[string][]string{"before": {"ca.pem", "cert.pem", "key.pem"}}, found); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
