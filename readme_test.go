package dockertls_test

import (
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/docstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// README.md and docs/diagnostics.md quote these functions, and two programs.

func readmeUse() *http.Response {
	cfg, err := dockertls.Resolve(dockertls.FromEnv()) // what the docker command would do
	if err != nil {
		log.Fatalf("%+v", err) // one line, and a hint
	}
	resp, err := cfg.HTTPClient().Get(cfg.URL("/version"))
	if err != nil {
		log.Fatalf("%+v", cfg.Diagnose(err))
	}
	return resp
}

func readmeFlags() (*dockertls.Config, error) {
	var opts dockertls.Options
	opts.AddFlags(flag.CommandLine) // -H, --tlsverify, --tlscacert, ...: docker's own flags
	flag.Parse()
	cfg, err := dockertls.Resolve(opts, dockertls.FromEnv()) // what opts says wins
	return cfg, err
}

func readmeFailure(cfg *dockertls.Config, err error, renew func()) {
	var e *dockertls.Error
	switch err := cfg.Diagnose(err); {
	case errors.Is(err, dockertls.ClientCertExpired):
		renew()
	case errors.As(err, &e):
		slog.Error("docker", "err", e, "server", e.Evidence.Server)
	}
}

type readmeAgent struct{}

func (readmeAgent) Deploy(opts dockertls.Options) error {
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		return err
	}
	_, err = cfg.HTTPClient().Get(cfg.URL("/_ping"))
	renewed := false
	readmeFailure(cfg, err, func() { renewed = true })
	if !renewed {
		return errors.New("not taken for an expired certificate")
	}
	return err
}

var agent readmeAgent

func TestExpiredClientCertificate(t *testing.T) {
	daemon := dockertlstest.Start(t, dockertlstest.ClientCertExpired)
	if err := agent.Deploy(daemon.Options()); !errors.Is(err, dockertls.ClientCertExpired) {
		t.Errorf("got %v", err)
	}
}

// The code in README.md and docs/diagnostics.md compiles, and works.
func TestReadmeCode(t *testing.T) {
	for _, name := range []string{"README.md", "docs/diagnostics.md"} {
		parse(t, name).CheckCode(t, "readme_test.go", "examples/clients/moby/main.go", "examples/clients/readme_test.go")
	}
	daemon := dockertlstest.Start(t)
	daemon.Setenv(t)
	resp := readmeUse()
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "ApiVersion") {
		t.Errorf("got %s, %v", body, err)
	}
	cfg, err := readmeFlags()
	if err != nil || cfg.Host() != daemon.Host() {
		t.Errorf("got %v, %v", cfg, err)
	}
}

// README.md's commands for a checkout do what they should, and its diagnosis is
// one that the first of them prints.
func TestReadmeCheckout(t *testing.T) {
	t.Parallel()
	page := docstest.Read(t, "README.md")
	if diff := cmp.Diff([]string{"checkout", "module"}, page.Ways()); diff != "" {
		t.Error(diff)
	}
	programtest.Find(t, "docker", "docker.io")
	daemon := dockertlstest.Start(t, dockertlstest.Handle("GET /containers/json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "[]")
	}))
	results := page.Run(t, docstest.Session{
		Ways:    []string{"checkout"},
		Replace: map[string]string{"box:2376": daemon.Addr()},
		// This test is one of those that "go test ./..." would run.
		Env: append(daemon.Env(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -run=^$"),
	})
	if shown := readmeDiagnosis(t); !strings.Contains(unwrapped(results[0].Output), shown) {
		t.Errorf("README.md shows %s, but quickstart prints:\n%s", shown, results[0].Output)
	}
}

// readmeDiagnosis is what README.md shows of a failure, in one line.
func readmeDiagnosis(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	check(t, err)
	_, shown, _ := strings.Cut(string(text), "```text\n")
	shown, _, _ = strings.Cut(shown, "```")
	return unwrapped(shown)
}

// unwrapped makes one line of quickstart's output, with the address and the word
// before the hint as in README.md.
func unwrapped(text string) string {
	text = strings.ReplaceAll(text, "   hint   ", "hint: ")
	text = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "10.0.0.5:2376")
	return strings.Join(strings.Fields(text), " ")
}

// A module of the reader's own gets this one, and starts its tests with the
// variables of a daemon, as README.md and docs/clients.md say.
func TestReadmeModule(t *testing.T) {
	t.Parallel()
	root, err := os.Getwd()
	check(t, err)
	sums, err := os.ReadFile("go.sum")
	check(t, err)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module example.test/own\n\ngo 1.26\n\nreplace github.com/dockertls/dockertls => " + filepath.ToSlash(root) + "\n",
		"go.sum":       string(sums),
		"ping_test.go": ownTest,
	} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	daemon := dockertlstest.Start(t)
	// No proxy knows what is in this checkout. What it needs is downloaded before.
	check(t, exec.Command("go", "mod", "download").Run())
	docstest.Read(t, "README.md").Run(t, docstest.Session{Dir: dir, Ways: []string{"module"}, Env: []string{"GOPROXY=off"}})
	docstest.Read(t, "docs/clients.md").Run(t, docstest.Session{Dir: dir, Env: daemon.Env()})
	if len(daemon.Requests()) != 1 {
		t.Errorf("the module's test has sent %d requests to the daemon", len(daemon.Requests()))
	}
}

const ownTest = `package own

import (
	"testing"

	"github.com/dockertls/dockertls"
)

func TestPing(t *testing.T) {
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.HTTPClient().Get(cfg.URL("/_ping")); err != nil {
		t.Fatal(err)
	}
}
`

// README.md shows a session of docs/doctor.md, which is a real one.
func TestReadmeDoctor(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/doctor.md")
	check(t, err)
	shown, _, _ := strings.Cut(afterReadme(t, "```text doctor\n$ go run ./examples/doctor\n"), "```")
	if !strings.Contains(string(page), "$ doctor\n"+shown) {
		t.Errorf("docs/doctor.md has no session\n%s", shown)
	}
}

// What a program says, by README.md, is of the kind that it links to.
func TestReadmeTexts(t *testing.T) {
	t.Parallel()
	rows := tableRows(afterReadme(t, "| it says |"))
	for _, cells := range rows {
		text := strings.Trim(cells[0], "`")
		kind, link, _ := strings.Cut(strings.Trim(cells[1], "[)"), "](docs/diagnostics.md#")
		if kind != link || !errors.Is(dockertls.Diagnose(errors.New(text)), dockertls.Kind(kind)) {
			t.Errorf("%s is said to be %s (#%s): %v", text, kind, link, dockertls.Diagnose(errors.New(text)))
		}
	}
	if len(rows) < 5 {
		t.Errorf("found %d rows", len(rows))
	}
}

// The comparison in README.md is part of that in docs/migrating.md, which is tested.
func TestReadmeComparison(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/migrating.md")
	check(t, err)
	rows := tableRows(afterReadme(t, "| set | moby"))
	for _, cells := range rows {
		if row := "| " + strings.Join(cells, " | ") + " |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/migrating.md has no row %s", row)
		}
	}
	if len(rows) < 5 {
		t.Errorf("found %d rows", len(rows))
	}
}

// The drawing has every mode, in the order of the table, with the daemon's flags there.
func TestReadmeModes(t *testing.T) {
	t.Parallel()
	drawing, _, _ := strings.Cut(afterReadme(t, "```text modes\n"), "```")
	var drawn []string
	for line := range strings.Lines(drawing) {
		if mode, rest, _ := strings.Cut(line, " "); mode != "" {
			_, flags, ok := strings.Cut(rest, "dockerd")
			if !ok {
				t.Errorf("no daemon in %q", line)
			}
			drawn = append(drawn, mode+" "+strings.TrimSpace(flags))
		}
	}
	var want []string
	for _, cells := range tableRows(afterReadme(t, "| mode | asked for by")) {
		want = append(want, cells[0]+" "+strings.Trim(strings.TrimPrefix(cells[2], "nothing"), "`"))
	}
	if diff := cmp.Diff(want, drawn); diff != "" || len(want) != 4 {
		t.Errorf("-table +drawing\n%s", diff)
	}
}

// afterReadme is what follows a text in README.md.
func afterReadme(t *testing.T, mark string) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	check(t, err)
	_, after, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("README.md has no %q", mark)
	}
	return after
}

// tableRows are the cells of the table that a text is in the heading of.
func tableRows(text string) [][]string {
	var rows [][]string
	_, text, _ = strings.Cut(text, "\n") // the rest of the heading
	_, text, _ = strings.Cut(text, "\n")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.Split(strings.Trim(line, "| \n"), " | "))
	}
	return rows
}
