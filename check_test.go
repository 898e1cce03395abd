package dockertls_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

func stepNames(r *dockertls.Report) []dockertls.StepName {
	var names []dockertls.StepName
	for _, s := range r.Steps {
		names = append(names, s.Name)
	}
	return names
}

// A healthy daemon, in every mode: the steps that apply, and each of them told.
func TestCheckHealthy(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	socket := dockertlstest.NewSocketDaemon(filepath.Join(shortDir(t), "docker.sock"))
	t.Cleanup(socket.Close)
	plain, _ := startDaemon(t, dockertlstest.Plain, nil)
	_, mutual := startDaemon(t, dockertlstest.MutualTLS, ca)
	named := mutual
	named.Host = strings.Replace(mutual.Host, "127.0.0.1", "localhost", 1)
	for _, tt := range []struct {
		name string
		opts dockertls.Options
		want []dockertls.StepName
	}{
		{"socket", dockertls.Options{Host: socket.Host()}, []dockertls.StepName{"settings", "connect", "ping", "version"}},
		{"plain", dockertls.Options{Host: plain.Host()}, []dockertls.StepName{"settings", "connect", "ping", "version"}},
		{"mutual", mutual, []dockertls.StepName{"settings", "connect", "handshake", "client-certificate", "ping", "version"}},
		{"by name", named, []dockertls.StepName{"settings", "name", "connect", "handshake", "client-certificate", "ping", "version"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var told []dockertls.StepName
			report := resolve(t, tt.opts).Check(t.Context(), func(s dockertls.Step) { told = append(told, s.Name) })
			if !report.Healthy || report.Error() != nil || !slices.Equal(stepNames(report), tt.want) || !slices.Equal(told, tt.want) {
				t.Errorf("healthy %t (%v), steps %q, told %q; want %q", report.Healthy, report.Error(), stepNames(report), told, tt.want)
			}
			var text bytes.Buffer
			check(t, report.WriteText(&text, true))
			if strings.ContainsFunc(text.String(), func(r rune) bool { return r > 127 }) || !strings.Contains(text.String(), "healthy: ") {
				t.Errorf("the text is %q", text.String())
			}
			if _, err := json.Marshal(report); err != nil {
				t.Error(err)
			}
		})
	}
}

// A pair that lies around is judged, and never shown: the settings did not
// choose it.
func TestCheckShowsNoOtherCertificate(t *testing.T) {
	ca := dockertlstest.NewCA()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home) // the same on Windows
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG"} {
		t.Setenv(name, "")
	}
	check(t, dockertlstest.WriteCerts(filepath.Join(home, ".docker", "machine", "certs"), ca, ca.ClientPair("tempting")))
	d, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
	opts.Cert, opts.Key = nil, nil
	cfg, err := dockertls.Resolve(opts, dockertls.FromEnv())
	check(t, err)
	report := cfg.Check(t.Context())
	wantKind(t, report.Error(), dockertls.ClientCertRequired)
	if len(report.Remedies) != 1 || !strings.Contains(report.Remedies[0].Advice, filepath.Join("machine", "certs")) {
		t.Errorf("remedies %+v", report.Remedies)
	}
	if got := len(d.Requests()); got != 0 {
		t.Errorf("%d requests were answered", got)
	}
}

// Where TLS was asked for, no check speaks in the clear, wherever it looks.
func TestCheckNeverSpeaksPlain(t *testing.T) {
	t.Parallel()
	first := make(chan byte, 100)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1)
			if n, _ := conn.Read(b); n > 0 {
				first <- b[0]
			}
			conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
			conn.Close()
		}
	}()
	opts := dockertls.Options{Host: "tcp://" + listener.Addr().String(), TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()}
	report := resolve(t, opts).Check(t.Context())
	wantKind(t, report.Error(), dockertls.TLSNotOffered)
	listener.Close()
	for len(first) > 0 {
		if b := <-first; b != 22 { // a handshake record
			t.Errorf("a connection began with the byte %#x", b)
		}
	}
}

// The end of the context ends the check.
func TestCheckEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test", Dialer: says("").dial, TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()})
	start := time.Now()
	report := cfg.Check(ctx)
	if took := time.Since(start); report.Healthy || report.Error() == nil || took > 3*time.Second {
		t.Errorf("healthy %t, error %v, after %v", report.Healthy, report.Error(), took)
	}
}

// So it does while the daemon is slow to answer, as a matter of time.
func TestCheckOfASlowDaemon(t *testing.T) {
	t.Parallel()
	for _, mode := range []dockertlstest.Mode{dockertlstest.Plain, dockertlstest.MutualTLS} {
		d := dockertlstest.Start(t, mode, dockertlstest.Hangs(dockertlstest.AfterRequest))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		wantKind(t, resolve(t, d.Options()).Check(ctx).Error(), dockertls.Timeout)
	}
}

// What answers but is no daemon is not healthy.
func TestCheckOfAnotherServer(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewUnstartedDaemon(dockertlstest.Plain, nil)
	d.Handler = http.NotFoundHandler()
	d.Start()
	t.Cleanup(d.Close)
	if report := resolve(t, dockertls.Options{Host: d.Host()}).Check(t.Context()); report.Healthy || report.Error() == nil {
		t.Errorf("healthy %t, error %v", report.Healthy, report.Error())
	}
}

// A check looks for new certificates itself, as a program may do nothing else
// for days, and is counted.
func TestCheckFollows(t *testing.T) {
	t.Parallel()
	s, ca, dir := startFollowing(t)
	clientOf := func() string {
		report := s.cfg.Check(t.Context())
		check(t, report.Error())
		requests := s.daemon.Requests()
		return requests[len(requests)-1].ClientName()
	}
	if got := clientOf(); got != "one" {
		t.Fatalf("the daemon sees %q", got)
	}
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	time.Sleep(100 * time.Millisecond) // they settle
	if got := clientOf(); got != "two" {
		t.Errorf("the daemon sees %q", got)
	}
	if got := s.cfg.Stats(); got.Generation != 2 || got.Connections != 2 || got.Handshakes != 2 {
		t.Errorf("%+v", got)
	}
	s.daemon.Close()
	wantKind(t, s.cfg.Check(t.Context()).Error(), dockertls.ConnectionRefused)
	if got := s.cfg.Stats().Failures[dockertls.ConnectionRefused]; got != 1 {
		t.Errorf("%d failures", got)
	}
}

// A path may hold anything; a terminal is not given it.
func TestConclusionIsFitToBeShown(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	check(t, (&dockertls.Report{Host: "unix:///x\x1b[2J", Healthy: true}).WriteConclusion(&text))
	if want := "healthy: unix:///x\\x1b[2J (plain)\n"; text.String() != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
}

// Over TCP without TLS, and on a socket, a report says plain, as the Config does.
func TestCheckTellsThePlainMode(t *testing.T) {
	t.Parallel()
	for _, opts := range []dockertls.Options{dockertlstest.Start(t, dockertlstest.Plain).Options(), {Host: "unix:///nowhere.sock"}} {
		cfg := resolve(t, opts)
		if report := cfg.Check(t.Context()); report.Mode != dockertls.Plain || cfg.Mode() != dockertls.Plain {
			t.Errorf("%s: the report says %v, the Config %v", cfg.Host(), report.Mode, cfg.Mode())
		}
	}
}

// An address without a port leads to 2375, with TLS too, where a daemon with TLS
// does not usually listen.
func TestHintOnAMissingPort(t *testing.T) {
	t.Parallel()
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	for host, want := range map[string]bool{"tcp://box": true, "box": true, "tcp://box:2375": false} {
		cfg := resolve(t, dockertls.Options{Host: host, TLSVerify: new(true), CAFile: "system", Dialer: refuse})
		var e *dockertls.Error
		if err := request(cfg); !errors.As(err, &e) || e.Kind != dockertls.ConnectionRefused || strings.Contains(e.Hint, "has no port") != want {
			t.Errorf("%s: %+v", host, err)
		}
	}
}
