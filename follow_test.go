package dockertls_test

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A rotation is a way in which new material comes into a folder.
type rotation func(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair)

func rotations() map[string]rotation {
	return map[string]rotation{
		"renamed": func(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
			check(t, dockertlstest.WriteCerts(dir, ca, client))
		},
		"written in place": func(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
			writeFile(t, filepath.Join(dir, "cert.pem"), client.CertPEM)
			writeFile(t, filepath.Join(dir, "key.pem"), client.KeyPEM)
			writeFile(t, filepath.Join(dir, "ca.pem"), ca.PEM())
		},
		"one after the other": func(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
			writeFile(t, filepath.Join(dir, "key.pem"), client.KeyPEM)
			time.Sleep(150 * time.Millisecond)
			writeFile(t, filepath.Join(dir, "cert.pem"), client.CertPEM)
		},
		"written in halves": func(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
			for name, data := range map[string][]byte{"cert.pem": client.CertPEM, "key.pem": client.KeyPEM} {
				writeFile(t, filepath.Join(dir, name), data[:len(data)/2])
				time.Sleep(100 * time.Millisecond)
				writeFile(t, filepath.Join(dir, name), data)
			}
		},
		"gone for a moment": func(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
			for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
				check(t, removeFile(filepath.Join(dir, name)))
			}
			time.Sleep(150 * time.Millisecond)
			check(t, dockertlstest.WriteCerts(dir, ca, client))
		},
	}
}

// removeFile tries for a while on Windows, where a file cannot be removed in the
// moment in which it is read.
func removeFile(path string) error {
	err := os.Remove(path)
	for end := time.Now().Add(time.Second); err != nil && runtime.GOOS == "windows" && time.Now().Before(end); err = os.Remove(path) {
		time.Sleep(time.Millisecond)
	}
	return err
}

// A sighting is a client that requests a daemon, again and again, and notes who
// the daemon saw.
type sighting struct {
	cfg    *dockertls.Config
	daemon *dockertlstest.Daemon
}

// name makes a request on a new connection, and returns the client's name.
func (s sighting) name(t *testing.T) string {
	t.Helper()
	client := s.cfg.HTTPClient()
	defer client.CloseIdleConnections()
	return s.nameOver(t, client)
}

func (s sighting) nameOver(t *testing.T, client *http.Client) string {
	t.Helper()
	resp, err := fetch(t.Context(), client, s.cfg.URL("/_ping"))
	check(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	requests := s.daemon.Requests()
	return requests[len(requests)-1].ClientName()
}

// waitName requests until the daemon sees that name. No request may fail
// meanwhile, and no other name than the two may show.
func (s sighting) waitName(t *testing.T, before, after string) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		switch name := s.name(t); {
		case name == after:
			return
		case name != before, time.Since(start) > 10*time.Second:
			t.Fatalf("the daemon sees %q, want %q or %q in the end", name, before, after)
		}
	}
}

// startFollowing starts a daemon and a client "one" that follows a folder.
func startFollowing(t *testing.T, edit ...func(*dockertlstest.Daemon)) (s sighting, ca *dockertlstest.CA, dir string) {
	t.Helper()
	ca = dockertlstest.NewCA()
	s.daemon, _ = startDaemon(t, dockertlstest.MutualTLS, ca, edit...)
	dir = t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
	s.cfg = resolve(t, dockertls.Options{Host: s.daemon.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond})
	return s, ca, dir
}

func TestRotation(t *testing.T) {
	t.Parallel()
	for name, rotate := range rotations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ca, dir := startFollowing(t)
			if got := s.name(t); got != "one" {
				t.Fatalf("the daemon sees %q", got)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				rotate(t, dir, ca, ca.ClientPair("two"))
			}()
			s.waitName(t, "one", "two")
			<-done
			if stats := s.cfg.Stats(); stats.Generation < 2 || stats.Reloads != stats.Generation-1 || len(stats.Failures) > 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// Kubernetes swaps a link to a folder, ..data, and nothing else.
func TestRotationBySymlink(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a link that is in use cannot be replaced on Windows: run this on another system")
	}
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		check(t, dockertlstest.WriteCerts(filepath.Join(dir, name), ca, ca.ClientPair(name)))
	}
	link := func(target string) {
		check(t, os.Symlink(target, filepath.Join(dir, "..new")))
		check(t, os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")))
	}
	link("one")
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		check(t, os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
	}
	s := sighting{resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond}), d}
	if got := s.name(t); got != "one" {
		t.Fatalf("the daemon sees %q", got)
	}
	link("two")
	s.waitName(t, "one", "two")
	link("one")
	s.waitName(t, "two", "one")
}

// Material that cannot be used is told once; what was in use stays.
func TestBrokenMaterialIsToldOnce(t *testing.T) {
	t.Parallel()
	otherCA := dockertlstest.NewCA()
	other := otherCA.ClientPair("other")
	for name, tt := range map[string]struct {
		file string
		data []byte // nil: the file is removed
		kind dockertls.Kind
	}{
		"key of another certificate": {"key.pem", other.KeyPEM, dockertls.KeyPairMismatch},
		"half a key":                 {"key.pem", other.KeyPEM[:80], dockertls.ClientKeyInvalid},
		"empty certificate":          {"cert.pem", []byte{}, dockertls.ClientCertInvalid},
		"no certificate":             {"cert.pem", nil, dockertls.ClientCertMissing},
		"no key":                     {"key.pem", nil, dockertls.ClientKeyMissing},
		"no authority":               {"ca.pem", nil, dockertls.CAMissing},
		"half a bundle":              {"ca.pem", slices.Concat(otherCA.PEM(), otherCA.PEM()[:300]), dockertls.CAInvalid},
		"authority is a text":        {"ca.pem", []byte("to be done\n"), dockertls.CAInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := dockertlstest.NewCA()
			d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
			dir := t.TempDir()
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
			var events eventLog
			s := sighting{resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir,
				ReloadInterval: time.Millisecond, OnEvent: events.add, ExpiryWarnings: []time.Duration{}}), d}
			path := filepath.Join(dir, tt.file)
			if tt.data == nil {
				check(t, removeFile(path))
			} else {
				writeFile(t, path, tt.data)
			}
			for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
				if got := s.name(t); got != "one" {
					t.Fatalf("the daemon sees %q", got)
				}
			}
			if got := events.all(); len(got) != 1 || got[0].Type != dockertls.EventReloadFailed || !errors.Is(got[0].Err, tt.kind) || got[0].Host != d.Host() {
				t.Errorf("events %+v, want one about %s", got, tt.kind)
			} else if text := got[0].Err.Error(); !strings.Contains(text, path) {
				t.Errorf("%q does not name %s", text, path)
			}
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
			s.waitName(t, "one", "two")
			if got := events.all(); len(got) < 2 || got[len(got)-1].Type != dockertls.EventReloaded {
				t.Errorf("events %+v", got)
			}
			if stats := s.cfg.Stats(); stats.ReloadFailures == 0 || stats.Reloads == 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// An eventLog keeps what OnEvent is told.
type eventLog struct {
	mu     sync.Mutex
	events []dockertls.Event
}

func (l *eventLog) add(e dockertls.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *eventLog) all() []dockertls.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// A client certificate that comes to be there is used, as docker would if it
// were started again; a moment without changes nothing.
func TestPairAppears(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	dir := t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, ca, nil))
	cfg := resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond})
	wantKind(t, request(cfg), dockertls.ClientCertRequired)
	if cfg.Mode() != dockertls.Verified {
		t.Errorf("mode %v", cfg.Mode())
	}
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
	time.Sleep(100 * time.Millisecond)
	check(t, request(cfg))
	if cfg.Mode() != dockertls.Mutual {
		t.Errorf("mode %v", cfg.Mode())
	}
}

// A new authority counts, and the old one no longer does.
func TestRotationOfTheAuthority(t *testing.T) {
	t.Parallel()
	const otherClients = "connections of another client"
	for name, uses := range map[string]func(*dockertls.Config) func(context.Context) error{
		"requests": func(cfg *dockertls.Config) func(context.Context) error {
			return func(ctx context.Context) error {
				client := cfg.HTTPClient()
				defer client.CloseIdleConnections()
				_, err := fetch(ctx, client, cfg.URL("/_ping"))
				return err
			}
		},
		otherClients: func(cfg *dockertls.Config) func(context.Context) error {
			transport := cfg.Transport() // of before
			return func(ctx context.Context) error {
				dialer := &tls.Dialer{Config: transport.TLSClientConfig}
				conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(cfg.Host(), "tcp://"))
				if err == nil {
					conn.Close()
				}
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oldCA, newCA := dockertlstest.NewCA(), dockertlstest.NewCA()
			server := oldCA.ServerPair("127.0.0.1")
			var mu sync.Mutex
			d, _ := startDaemon(t, dockertlstest.TLS, oldCA, func(d *dockertlstest.Daemon) {
				d.TLSConfig = func(cfg *tls.Config) {
					cfg.Certificates = nil
					cfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
						mu.Lock()
						defer mu.Unlock()
						return new(server.Certificate()), nil
					}
				}
			})
			dir := t.TempDir()
			check(t, dockertlstest.WriteCerts(dir, oldCA, nil))
			cfg := resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond, DisableResumption: true})
			use := uses(cfg)
			check(t, use(t.Context()))
			check(t, dockertlstest.WriteCerts(dir, newCA, nil))
			time.Sleep(100 * time.Millisecond)
			wantKind(t, use(t.Context()), dockertls.ServerUntrusted)
			mu.Lock()
			server = newCA.ServerPair("127.0.0.1")
			mu.Unlock()
			if name == otherClients && fips140.Enabled() {
				// There crypto/tls verifies as well, by the roots that it began with.
				wantKind(t, cfg.Diagnose(use(t.Context())), dockertls.ServerUntrusted)
				use = uses(cfg)
			}
			check(t, use(t.Context()))
		})
	}
}

// Kept connections change over with their next request, whatever its body;
// streams end on what they began with.
func TestKeptConnectionsChangeOver(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, ca, dir := startFollowing(t, func(d *dockertlstest.Daemon) {
		d.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/events" {
				io.WriteString(w, "begin\n")
				w.(http.Flusher).Flush()
				<-release
				io.WriteString(w, "end\n")
				return
			}
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%d %v", n, err)
		})
	})
	client := s.cfg.HTTPClient()
	defer client.CloseIdleConnections()
	stream, err := client.Get(s.cfg.URL("/events"))
	check(t, err)
	defer stream.Body.Close()
	if got := s.nameOver(t, client); got != "one" {
		t.Fatalf("the daemon sees %q", got)
	}
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	s.waitName(t, "one", "two") // by connections of other clients

	body := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1<<20))} // which cannot be sent twice
	resp, err := client.Post(s.cfg.URL("/images/load"), "application/x-tar", body)
	check(t, err)
	answer, err := io.ReadAll(resp.Body)
	check(t, err)
	resp.Body.Close()
	if string(answer) != "1048576 <nil>" {
		t.Errorf("the daemon answers %q", answer)
	}
	requests := s.daemon.Requests()
	if last := requests[len(requests)-1]; last.ClientName() != "two" {
		t.Errorf("the daemon sees %q", last.ClientName())
	}
	if s.cfg.Stats().Renewals == 0 {
		t.Error("no connection was renewed")
	}
	close(release)
	rest, err := io.ReadAll(stream.Body)
	if string(rest) != "begin\nend\n" || err != nil {
		t.Errorf("the stream ends with %q, %v", rest, err)
	}
	if got := s.nameOver(t, client); got != "two" {
		t.Errorf("the daemon sees %q", got)
	}
}

// With sessions shared across generations, a server would go on seeing the old
// client certificate: crypto/tls resumes them.
func TestSessionsStayInTheirGeneration(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			s, ca, dir := startFollowing(t, upTo(version))
			wantSeen := func(name string, resumed bool) {
				t.Helper()
				if got := s.name(t); got != name {
					t.Errorf("the daemon sees %q, want %q", got, name)
				}
				requests := s.daemon.Requests()
				if state := requests[len(requests)-1].TLS; state.DidResume != resumed {
					t.Errorf("resumed: %t, want %t", state.DidResume, resumed)
				}
			}
			wantSeen("one", false)
			wantSeen("one", true)

			late, err := s.cfg.Dial(t.Context()) // its tickets are read later
			check(t, err)
			defer late.Close()
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
			s.waitName(t, "one", "two")
			_, err = io.WriteString(late, "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
			check(t, err)
			_, err = late.Read(make([]byte, 100))
			check(t, err)
			wantSeen("two", true)
			wantSeen("two", true)
			if stats := s.cfg.Stats(); stats.Resumptions < 3 || stats.Handshakes < stats.Resumptions+2 {
				t.Errorf("%+v", stats)
			}

			shared := tls.NewLRUClientSessionCache(1)
			for _, name := range []string{"one", "one", "three"} { // the first two make the session
				old := s.daemon.Requests()
				requestWith(t, s.daemon, ca, ca.ClientPair(name), shared)
				if got := s.daemon.Requests()[len(old)].ClientName(); got != "one" {
					t.Errorf("with a shared cache the daemon sees %q: it would do no harm", got)
				}
			}
		})
	}
}

// requestWith makes a request with a configuration of its own.
func requestWith(t *testing.T, d *dockertlstest.Daemon, ca *dockertlstest.CA, pair *dockertlstest.Pair, sessions tls.ClientSessionCache) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: "127.0.0.1", Certificates: []tls.Certificate{pair.Certificate()}, ClientSessionCache: sessions,
	}}}
	defer client.CloseIdleConnections()
	_, err := fetch(t.Context(), client, d.URL("/_ping"))
	check(t, err)
}

// Files that come back as they were are nothing new.
func TestSameContentIsNothingNew(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string, data []byte) error{
		"written again": func(path string, data []byte) error { return os.WriteFile(path, data, 0o600) },
		"gone for a moment": func(path string, data []byte) error {
			err := removeFile(path)
			time.Sleep(20 * time.Millisecond)
			return errors.Join(err, os.WriteFile(path, data, 0o600))
		},
		"half of it for a moment": func(path string, data []byte) error {
			err := os.WriteFile(path, data[:len(data)/2], 0o600)
			time.Sleep(80 * time.Millisecond)
			return errors.Join(err, os.WriteFile(path, data, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, dir := startFollowing(t)
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					default:
						s.name(t)
					}
				}
			}()
			for _, file := range []string{"ca.pem", "cert.pem", "key.pem"} {
				data, err := os.ReadFile(filepath.Join(dir, file))
				check(t, err)
				check(t, change(filepath.Join(dir, file), data))
			}
			time.Sleep(100 * time.Millisecond)
			close(stop)
			<-done
			if stats := s.cfg.Stats(); stats.Reloads > 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// A clingingConn cannot be closed without an error.
type clingingConn struct{ net.Conn }

func (c clingingConn) Close() error {
	return errors.Join(c.Conn.Close(), errors.New("not closed properly"))
}

// How the old connection ends is of no account to a request on the new one.
func TestOldConnectionEndsBadly(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
	var v vault
	v.put(materialOf(ca, ca.ClientPair("one")), nil)
	opts = dockertls.Options{Host: opts.Host, TLSVerify: opts.TLSVerify, Material: v.get, ReloadInterval: time.Nanosecond,
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return clingingConn{conn}, nil
		}}
	s := sighting{resolve(t, opts), d}
	client := s.cfg.HTTPClient()
	defer client.CloseIdleConnections()
	s.nameOver(t, client)
	v.put(materialOf(ca, ca.ClientPair("two")), nil)
	s.waitName(t, "one", "two")
	resp, err := client.Post(s.cfg.URL("/images/load"), "application/x-tar", struct{ io.Reader }{strings.NewReader("abc")})
	check(t, err)
	resp.Body.Close()
	if s.cfg.Stats().Renewals == 0 {
		t.Error("no connection was renewed")
	}
}
