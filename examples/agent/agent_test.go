package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A running is an agent under test.
type running struct {
	url  string
	log  *logBuffer
	stop func() error // ends it, and waits
}

// A logBuffer is the log of an agent, a line of JSON for each message.
type logBuffer struct{ programtest.Output }

// A line is one of the log.
type line struct {
	Level, Msg, Endpoint string
	Err                  struct{ Kind, Hint string }
	Event                struct {
		Type   string
		Err    struct{ Kind string }
		Expiry struct{ Certificate, Subject string }
	}
}

func (b *logBuffer) lines(t *testing.T) []line {
	t.Helper()
	var lines []line
	for text := range strings.Lines(b.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// diagnoses are what was logged about the health of an endpoint.
func (b *logBuffer) diagnoses(t *testing.T, endpoint string) []string {
	t.Helper()
	var all []string
	for _, l := range b.lines(t) {
		switch {
		case l.Endpoint != endpoint:
		case l.Msg == "healthy":
			all = append(all, "healthy")
		case l.Msg == "unhealthy":
			all = append(all, l.Err.Kind)
		}
	}
	return all
}

// events are what the library logged about an endpoint's certificates.
func (b *logBuffer) events(t *testing.T, endpoint string) []string {
	t.Helper()
	var all []string
	for _, l := range b.lines(t) {
		if l.Endpoint == endpoint && l.Event.Type != "" {
			all = append(all, strings.TrimSpace(l.Event.Type+" "+l.Event.Err.Kind+l.Event.Expiry.Subject))
		}
	}
	return all
}

// start runs an agent with these endpoints, in YAML, and checks ten times a
// second.
func start(t *testing.T, endpoints ...string) *running {
	t.Helper()
	text := "log_format: json\ninterval: 100ms\nmax_interval: 100ms\nendpoints:\n" + strings.Join(endpoints, "")
	c, err := parseConfig("agent.yaml", []byte(text))
	check(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := &running{url: "http://" + listener.Addr().String(), log: new(logBuffer)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- newAgent(c, c.logger(r.log)).run(ctx, listener) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { check(t, r.stop()) })
	return r
}

// inYAML is an endpoint in YAML, with further keys.
func inYAML(name, host, certPath string, more ...string) string {
	text := fmt.Sprintf("  %s:\n    host: %q\n", name, host)
	if certPath != "" {
		more = append(more, "tls_verify: true", fmt.Sprintf("cert_path: %q", certPath))
	}
	for _, key := range append(more, "reload_interval: 1ms") {
		text += "    " + key + "\n"
	}
	return text
}

func (r *running) get(t *testing.T, path string) (status int, body []byte) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(r.url + path)
	check(t, err)
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	check(t, err)
	return resp.StatusCode, body
}

func (r *running) health(t *testing.T) (status int, h health) {
	t.Helper()
	status, body := r.get(t, "/healthz")
	check(t, json.Unmarshal(body, &h))
	return status, h
}

// await waits until an endpoint has that state and kind, and then for two more
// checks, which change nothing.
func (r *running) await(t *testing.T, name, state string, kind dockertls.Kind) endpointHealth {
	t.Helper()
	var seen endpointHealth
	eventually(t, func() error {
		_, h := r.health(t)
		if seen = h.Endpoints[name]; seen.State != state || seen.Kind != kind {
			return fmt.Errorf("%s is %+v, want %s %s", name, seen, state, kind)
		}
		return nil
	})
	checks := fmt.Sprintf("dockertls_checks_total{endpoint=%q}", name)
	before := r.metrics(t)[checks]
	eventually(t, func() error {
		if now := r.metrics(t)[checks]; now < before+2 {
			return fmt.Errorf("%v checks, want %v", now, before+2)
		}
		return nil
	})
	return seen
}

func eventually(t *testing.T, try func() error) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Since(start) > 30*time.Second {
			t.Fatal(err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "ag") // sockets have short paths
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := dockertlstest.NewSocketDaemon(filepath.Join(dir, "docker.sock"))
	t.Cleanup(socket.Close)
	mutual, plain := dockertlstest.Start(t), dockertlstest.Start(t, dockertlstest.Plain)
	r := start(t, inYAML("mutual", mutual.Host(), mutual.CertPath()), inYAML("plain", plain.Host(), ""), inYAML("socket", socket.Host(), ""))
	for _, name := range []string{"mutual", "plain", "socket"} {
		if e := r.await(t, name, "healthy", ""); e.Host == "" || e.Version == "" || e.Since.After(e.Checked) {
			t.Errorf("%s: %+v", name, e)
		}
		wantList(t, name, r.log.diagnoses(t, name), "healthy")
	}
	if status, h := r.health(t); status != http.StatusOK || !h.Healthy || len(h.Endpoints) != 3 {
		t.Errorf("status %d, %+v", status, h)
	}
}

// A daemon whose certificate changes behind the agent's back: one line for each
// change, however many checks there are.
func TestOneLineForEachChange(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	server := newServerCert(ca.ServerPair())
	d := dockertlstest.Start(t, dockertlstest.UseCA(ca), server.option())
	steady := dockertlstest.Start(t)
	r := start(t, inYAML("changing", d.Host(), d.CertPath()), inYAML("steady", steady.Host(), steady.CertPath()))
	r.await(t, "changing", "healthy", "")

	server.set(ca.Issue(dockertlstest.CertSpec{Names: []string{"127.0.0.1"}, Server: true, NotAfter: time.Now().Add(-time.Hour)}))
	e := r.await(t, "changing", "unhealthy", dockertls.ServerCertExpired)
	if e.Hint == "" || e.Error == "" {
		t.Errorf("%+v", e)
	}
	if status, h := r.health(t); status != http.StatusServiceUnavailable || h.Healthy || h.Endpoints["steady"].State != "healthy" {
		t.Errorf("status %d, %+v", status, h)
	}
	server.set(dockertlstest.NewCA().ServerPair())
	r.await(t, "changing", "unhealthy", dockertls.ServerUntrusted)
	server.set(ca.ServerPair())
	r.await(t, "changing", "healthy", "")
	wantList(t, "changing", r.log.diagnoses(t, "changing"), "healthy", "server-cert-expired", "server-untrusted", "healthy")
	wantList(t, "steady", r.log.diagnoses(t, "steady"), "healthy")
}

// A daemon that goes away, and comes back at the same address.
func TestDaemonComesBack(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	first := dockertlstest.Start(t, dockertlstest.UseCA(ca))
	dir := t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("client")))
	r := start(t, inYAML("one", first.Host(), dir))
	r.await(t, "one", "healthy", "")
	first.Close()
	r.await(t, "one", "unhealthy", dockertls.ConnectionRefused)
	listener, err := net.Listen("tcp", first.Addr())
	check(t, err)
	dockertlstest.Start(t, dockertlstest.UseCA(ca), dockertlstest.Configure(func(d *dockertlstest.Daemon) {
		d.Listener.Close()
		d.Listener = listener
	}))
	r.await(t, "one", "healthy", "")
	got := r.log.diagnoses(t, "one")
	// While it closes, a connection may be cut off before there is none.
	got = slices.DeleteFunc(got, func(s string) bool { return s == string(dockertls.ConnectionReset) })
	wantList(t, "one", got, "healthy", "connection-refused", "healthy")
}

// A daemon that never answers costs one check its time, and nobody else.
func TestSlowDaemon(t *testing.T) {
	t.Parallel()
	slow, good := dockertlstest.Start(t, dockertlstest.Hangs(dockertlstest.AfterRequest)), dockertlstest.Start(t)
	c, err := parseConfig("agent.yaml", []byte("timeout: 200ms\nendpoints:\n"+inYAML("slow", slow.Host(), slow.CertPath())))
	check(t, err)
	e := newAgent(c, c.logger(io.Discard)).endpoints[0]
	defer e.close()
	if e.check(t.Context()) || e.snapshot().Err.Kind != dockertls.Timeout || e.snapshot().Took > 5*time.Second {
		t.Errorf("%+v", e.snapshot().state)
	}
	r := start(t, inYAML("slow", slow.Host(), slow.CertPath()), inYAML("good", good.Host(), good.CertPath()))
	r.await(t, "good", "healthy", "")
	if status, h := r.health(t); status != http.StatusServiceUnavailable || h.Endpoints["slow"].State == "healthy" {
		t.Errorf("status %d, %+v", status, h)
	}
}

// Settings that cannot be used yet do not stop the others, and are used once
// they can be.
func TestSettingsBecomeUsable(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d := dockertlstest.Start(t, dockertlstest.UseCA(ca))
	dir := filepath.Join(t.TempDir(), "certs")
	r := start(t, inYAML("early", d.Host(), dir), inYAML("ready", d.Host(), d.CertPath()))
	r.await(t, "ready", "healthy", "")
	e := r.await(t, "early", "unhealthy", dockertls.CAMissing)
	if !strings.Contains(e.Error, "agent.yaml: early: cert_path") {
		t.Errorf("%+v", e)
	}
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("early")))
	r.await(t, "early", "healthy", "")
	wantList(t, "early", r.log.diagnoses(t, "early"), "ca-missing", "healthy")
}
