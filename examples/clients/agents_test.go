package clients

import (
	"bytes"
	"context"
	"errors"
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

type pool struct{ daemons map[string]*daemon }

type daemon struct {
	cfg    *dockertls.Config
	client *http.Client
}

func newPool(file string, settings map[string]dockertls.Options) (*pool, error) {
	p := &pool{daemons: map[string]*daemon{}}
	var errs []error
	for name, opts := range settings {
		opts.Source = file + ": " + name
		cfg, err := dockertls.Resolve(opts)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.daemons[name] = &daemon{cfg: cfg, client: cfg.HTTPClient()}
	}
	return p, errors.Join(errs...)
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
	return resp.Body.Close()
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

func (d *daemon) renew(opts dockertls.Options) error {
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		return err // the old one stays in use
	}
	old := d.client
	d.cfg, d.client = cfg, cfg.HTTPClient()
	old.CloseIdleConnections()
	return nil
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
	_, err := newPool("agent.yaml", config.Daemons)
	if !errors.Is(err, dockertls.CAMissing) || !strings.Contains(err.Error(), "agent.yaml: edge: ca_file") ||
		!strings.Contains(err.Error(), "agent.yaml: build: cert_path") {
		t.Errorf("got %v", err)
	}
}

// Two daemons with authorities of their own, one of which refuses us, and then
// gets what it wants.
func TestAgent(t *testing.T) {
	t.Parallel()
	good, bad := dockertlstest.Start(t), dockertlstest.Start(t, dockertlstest.ClientCertMissing)
	p, err := newPool("agent.yaml", map[string]dockertls.Options{"good": good.Options(), "bad": bad.Options()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.daemons["good"].ping(t.Context(), time.Minute); err != nil {
		t.Errorf("%+v", err)
	}
	err = p.daemons["bad"].ping(t.Context(), time.Minute)
	if !errors.Is(err, dockertls.ClientCertRequired) || needsPeople(err) {
		t.Errorf("got %v", err)
	}
	var log bytes.Buffer
	p.daemons["bad"].log(slog.New(slog.NewJSONHandler(&log, nil)), err)
	for _, want := range []string{`"kind":"client-cert-required"`, `"hint":`, `"mode":"verified"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log.String())
		}
	}
	if err := p.daemons["bad"].renew(good.Options()); err != nil {
		t.Fatal(err)
	}
	if err := p.daemons["bad"].ping(t.Context(), time.Minute); err != nil {
		t.Errorf("after renewal: %+v", err)
	}
}

func TestAgentTimeLimit(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t, dockertlstest.Hangs(dockertlstest.AfterRequest))
	p, err := newPool("agent.yaml", map[string]dockertls.Options{"slow": d.Options()})
	if err != nil {
		t.Fatal(err)
	}
	err = p.daemons["slow"].ping(t.Context(), 100*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*dockertls.Error)) {
		t.Errorf("got %v", err)
	}
}

func TestAgentCommand(t *testing.T) {
	t.Parallel()
	p, err := newPool("agent.yaml", map[string]dockertls.Options{"one": dockertlstest.Start(t).Options()})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "one")
	cmd, err := p.daemons["one"].command(dir, "docker", "ps")
	if err != nil || cmd.Env[len(cmd.Env)-1] != "DOCKER_CERT_PATH="+dir {
		t.Errorf("got %v, %v", cmd, err)
	}
}
