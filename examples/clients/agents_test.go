package clients

import (
	"bytes"
	"context"
	"errors"
	"expvar"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/docstest"
	"go.yaml.in/yaml/v3"
)

// docs/agents.md quotes what comes before the tests.

type agentConfig struct {
	Daemons map[string]dockertls.Options `yaml:"daemons"`
}

type pool struct {
	file     string
	logger   *slog.Logger
	alerts   chan string
	resolver dockertls.Resolver
	daemons  map[string]*daemon
}

type daemon struct {
	cfg    *dockertls.Config
	client *http.Client
	last   dockertls.Kind // of the last check
}

func (p *pool) add(name string, opts dockertls.Options) error {
	opts.Source = p.file + ": " + name
	opts.Logger = p.logger.With("daemon", name)
	opts.OnEvent = alert(name, p.alerts)
	cfg, err := p.resolver.Resolve(opts)
	if err != nil {
		return err // of this daemon only
	}
	p.daemons[name] = &daemon{cfg: cfg, client: cfg.HTTPClient()}
	return nil
}

func (d *daemon) ping(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.cfg.URL("/_ping"), nil)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return d.cfg.Diagnose(err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // to the end, or the connection is not kept
	return d.cfg.Diagnose(err)
}

func (d *daemon) log(logger *slog.Logger, err error) {
	logger = logger.With("daemon", d.cfg)
	var ours *dockertls.Error
	switch {
	case errors.As(err, &ours):
		logger.Error("docker does not answer", "err", ours)
	case err != nil:
		logger.Error("docker does not answer", "err", err.Error())
	}
	for _, w := range d.cfg.Warnings() {
		logger.Warn(w.Message, "code", w.Code, "source", w.Source)
	}
}

func needsPeople(err error) bool {
	for _, kind := range []dockertls.Kind{dockertls.ClientCertExpired, dockertls.ClientCertRejected, dockertls.ServerUntrusted} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func alert(name string, alerts chan<- string) func(dockertls.Event) {
	return func(e dockertls.Event) {
		text := name + ": new certificates are in use"
		switch e.Type {
		case dockertls.EventReloadFailed:
			text = e.Err.Error()
		case dockertls.EventExpiry:
			text = name + ": " + e.Expiry.Subject + " expires on " + e.Expiry.NotAfter.Format(time.DateOnly)
		}
		select {
		case alerts <- text:
		default: // nobody listens, and connecting does not wait
		}
	}
}

func (d *daemon) publish(name string) {
	expvar.Publish(name, expvar.Func(func() any { return d.cfg.Stats() }))
}

func (d *daemon) check(ctx context.Context, limit time.Duration) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = d.cfg.Check(ctx).Error()
	var kind dockertls.Kind
	errors.As(err, &kind)
	changed = kind != d.last
	d.last = kind
	return changed, err
}

func (d *daemon) command(dir, name string, args ...string) (*exec.Cmd, error) {
	vars, err := d.cfg.EnvironIn(dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), vars...)
	return cmd, nil
}

// readPage reads the page's configuration.
func readPage(t *testing.T) (page string, config agentConfig) {
	t.Helper()
	page = readText(t, "../../docs/agents.md")
	_, text, _ := strings.Cut(page, "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	return page, config
}

func TestAgentsPage(t *testing.T) {
	t.Parallel()
	page, config := readPage(t)
	wantCode(t, page, "agents_test.go")
	parsed, _ := docstest.Parse("../../docs/agents.md", page) // an error: it has no commands
	parsed.CheckLinks(t)
	if edge := config.Daemons["edge"]; len(config.Daemons) != 2 || edge.KeyFile != "/etc/agent/edge.key" || !*edge.TLSVerify || edge.TLS != nil {
		t.Errorf("the configuration reads as %v", config)
	}
	// Nothing is there: every daemon has its own error, which names the setting.
	for name, setting := range map[string]string{"edge": "ca_file", "build": "cert_path"} {
		err := newPool().add(name, config.Daemons[name])
		if !errors.Is(err, dockertls.CAMissing) || !strings.Contains(err.Error(), "agent.yaml: "+name+": "+setting) {
			t.Errorf("got %v", err)
		}
	}
}

func newPool() *pool {
	return &pool{file: "agent.yaml", logger: slog.New(slog.DiscardHandler), alerts: make(chan string, 10), daemons: map[string]*daemon{}}
}

// poolOf has one daemon, called "one".
func poolOf(t *testing.T, opts dockertls.Options) (*pool, *daemon) {
	t.Helper()
	p := newPool()
	if err := p.add("one", opts); err != nil {
		t.Fatal(err)
	}
	return p, p.daemons["one"]
}

func TestAgent(t *testing.T) {
	t.Parallel()
	_, good := poolOf(t, dockertlstest.Start(t).Options())
	_, bad := poolOf(t, dockertlstest.Start(t, dockertlstest.ClientCertMissing).Options())
	if err := good.ping(t.Context(), time.Minute); err != nil {
		t.Errorf("%+v", err)
	}
	err := bad.ping(t.Context(), time.Minute)
	if !errors.Is(err, dockertls.ClientCertRequired) || needsPeople(err) {
		t.Errorf("got %v", err)
	}
	var log bytes.Buffer
	bad.log(slog.New(slog.NewJSONHandler(&log, nil)), err)
	for _, want := range []string{`"kind":"client-cert-required"`, `"hint":`, `"mode":"verified"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log.String())
		}
	}
	for i, want := range []bool{true, false} {
		changed, err := bad.check(t.Context(), time.Minute)
		if changed != want || !errors.Is(err, dockertls.ClientCertRequired) {
			t.Errorf("check %d: %v, changed %t", i, err, changed)
		}
	}
	if changed, err := good.check(t.Context(), time.Minute); changed || err != nil {
		t.Errorf("%v, changed %t", err, changed)
	}
}

// What is told, and counted, when certificates on disk are replaced.
func TestAgentEvents(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: "lasting", NotAfter: time.Now().Add(1000 * time.Hour)})
	d := dockertlstest.Start(t, dockertlstest.UseCA(ca))
	dir := t.TempDir()
	write := func(name string, left time.Duration) {
		pair := ca.Issue(dockertlstest.CertSpec{CommonName: name, Client: true, NotAfter: time.Now().Add(left)})
		if err := dockertlstest.WriteCerts(dir, ca, pair); err != nil {
			t.Fatal(err)
		}
	}
	write("short", time.Hour)
	p, one := poolOf(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond,
		ExpiryWarnings: []time.Duration{24 * time.Hour}})
	one.publish(dir)
	waitFor := func(want string) {
		t.Helper()
		for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
			if _, err := one.check(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
			select {
			case text := <-p.alerts:
				if strings.HasPrefix(text, want) {
					return
				}
				t.Logf("told %q", text)
			default:
			}
		}
		t.Fatalf("nobody was told %q", want)
	}
	waitFor("one: CN=short expires on ")
	write("long", 500*time.Hour)
	waitFor("one: new certificates are in use")
	if err := os.Remove(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	waitFor("tcp://127.0.0.1:")
	stats := expvar.Get(dir).String()
	if !strings.Contains(stats, `"reloads":1`) || one.cfg.Expiries()[0].Subject != "CN=long" {
		t.Errorf("%s, %v", stats, one.cfg.Expiries())
	}
}

func TestAgentTimeLimit(t *testing.T) {
	t.Parallel()
	_, slow := poolOf(t, dockertlstest.Start(t, dockertlstest.Hangs(dockertlstest.AfterRequest)).Options())
	err := slow.ping(t.Context(), 100*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*dockertls.Error)) {
		t.Errorf("got %v", err)
	}
}

func TestAgentCommand(t *testing.T) {
	t.Parallel()
	_, one := poolOf(t, dockertlstest.Start(t).Options())
	dir := filepath.Join(t.TempDir(), "one")
	cmd, err := one.command(dir, "docker", "ps")
	if err != nil || cmd.Env[len(cmd.Env)-1] != "DOCKER_CERT_PATH="+dir {
		t.Errorf("got %v, %v", cmd, err)
	}
}
