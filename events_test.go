package dockertls_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

func TestExpiries(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Now()
	root := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: "root", NotAfter: now.Add(3 * day)})
	client := root.Issue(dockertlstest.CertSpec{CommonName: "client", Client: true, NotAfter: now.Add(40 * day)})
	d, opts := startDaemon(t, dockertlstest.TLS, root)
	opts.Cert, opts.Key = client.CertPEM, client.KeyPEM
	var events eventLog
	opts.OnEvent, opts.ReloadInterval = events.add, time.Nanosecond
	cfg := resolve(t, opts)

	var got []string
	for _, e := range cfg.Expiries() {
		got = append(got, e.Certificate+" "+e.Subject+" "+e.NotAfter.Sub(now).Round(day).String()+" "+e.Source)
	}
	want := []string{"ca CN=root 72h0m0s Options.CA", "client CN=client 960h0m0s Options.Cert"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("expiries (-want +got):\n%s", diff)
	}
	for range 3 { // it is told once, at the threshold of seven days
		check(t, request(cfg))
	}
	told := events.all()
	if len(told) != 1 || told[0].Type != dockertls.EventExpiry || told[0].Expiry.Subject != "CN=root" || told[0].Host != d.Host() {
		t.Errorf("events %+v", told)
	}
}

// A certificate that comes to the next threshold is told again, and in the end
// that it has expired.
func TestExpiryAtEachThreshold(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	_, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
	end := time.Now().Add(3 * time.Second).Truncate(time.Second)
	client := ca.Issue(dockertlstest.CertSpec{CommonName: "short", Client: true, NotBefore: end.Add(-time.Hour), NotAfter: end})
	opts.Cert, opts.Key = client.CertPEM, client.KeyPEM
	var events eventLog
	opts.OnEvent, opts.ReloadInterval = events.add, time.Nanosecond
	opts.ExpiryWarnings = []time.Duration{time.Second, time.Minute}
	cfg := resolve(t, opts)
	for len(events.all()) < 3 && time.Now().Before(end.Add(10*time.Second)) {
		_ = request(cfg)
		time.Sleep(20 * time.Millisecond)
	}
	_ = request(cfg)
	if told := events.all(); len(told) != 3 {
		t.Errorf("%d events, want 3: %+v", len(told), told)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, opts := startDaemon(t, dockertlstest.MutualTLS, ca)
	var log programtest.Output
	opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opts.ReloadInterval = time.Nanosecond
	cfg := resolve(t, opts)
	if log.String() != "" {
		t.Errorf("Resolve logs %s", log.String())
	}
	check(t, request(cfg))
	opts.CA = dockertlstest.NewCA().PEM()
	wantKind(t, request(resolve(t, opts)), dockertls.ServerUntrusted)
	for _, want := range []string{
		"level=DEBUG msg=connected host=" + d.Host(), "tls=\"TLS 1.3\" resumed=false",
		"level=WARN msg=\"a certificate expires\"", "event.type=expiry",
		"level=DEBUG msg=\"a connection failed\" err.kind=server-untrusted",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in\n%s", want, log.String())
		}
	}
	if got := leaks(log.String(), string(opts.Key)); len(got) > 0 {
		t.Errorf("the log has %q", got)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	_, opts := startDaemon(t, dockertlstest.MutualTLS, dockertlstest.NewCA())
	cfg := resolve(t, opts)
	check(t, request(cfg))
	check(t, request(cfg))
	opts.Host = "tcp://127.0.0.1:1"
	nobody := resolve(t, opts)
	wantKind(t, request(nobody), dockertls.ConnectionRefused)
	data, err := json.Marshal([]dockertls.Stats{cfg.Stats(), nobody.Stats()})
	check(t, err)
	want := `[{"generation":1,"connections":2,"handshakes":2,"resumptions":1,"renewals":0,"reloads":0,"reload_failures":0,"failures":{}},` +
		`{"generation":1,"connections":0,"handshakes":0,"resumptions":0,"renewals":0,"reloads":0,"reload_failures":0,"failures":{"connection-refused":1}}]`
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}
