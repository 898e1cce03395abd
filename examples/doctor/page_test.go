package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/docstest"
)

var update = flag.Bool("update", false, "write docs/doctor.md anew")

const page = "../../docs/doctor.md"

// docs/doctor.md shows real sessions: those of the first patients, with what
// changes from run to run replaced.
func TestPage(t *testing.T) {
	shown := []string{"dind's /certs/client, and no variables", "a stale DOCKER_HOST of docker-machine", "files of another generation",
		"an expired client certificate", "a proxy in the way"}
	var b strings.Builder
	b.WriteString(pageIntro)
	for i, name := range shown {
		for _, p := range patients() {
			if p.name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				home := newHome(t)
				p.breakIt(t, home)
				fmt.Fprintf(&b, "\n## %d. %s\n\n```text\n%s$ doctor\n%s```\n", i+1, strings.ToUpper(name[:1])+name[1:], exports(home), steady(doctor(t).stdout, home))
			})
		}
	}
	if *update {
		check(t, os.WriteFile(page, []byte(b.String()), 0o644))
	}
	got, err := os.ReadFile(page)
	check(t, err)
	if string(got) != b.String() {
		t.Errorf("%s is not what doctor prints: go test ./examples/doctor -run TestPage -update\n%s", page, b.String())
	}
}

// The page's commands work, with the doctor of this checkout for the latest one.
func TestPageCommands(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	daemon := dockertlstest.Start(t)
	results := docstest.Read(t, page).Run(t, docstest.Session{
		Replace: map[string]string{"github.com/dockertls/dockertls/examples/doctor@latest": ".", "box:2376": daemon.Addr()},
		Env:     append(daemon.Env(), "GOBIN="+bin),
		Path:    []string{bin},
	})
	output := results[0].Output
	for _, want := range []string{"ok   settings", `"healthy": true`, "the daemon refused the client certificate"} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q in:\n%s", want, output)
		}
	}
}

// exports are the variables of a session, as a shell sets them.
func exports(home string) string {
	var b strings.Builder
	for _, name := range []string{"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "HTTPS_PROXY", "NO_PROXY"} {
		if value := os.Getenv(name); value != "" {
			fmt.Fprintf(&b, "$ export %s=%s\n", name, steady(value, home))
		}
	}
	return b.String()
}

// steady replaces what is another at each run.
func steady(output, home string) string {
	output = strings.ReplaceAll(output, home, "~")
	const date = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
	for _, r := range []struct{ pattern, with string }{
		{`(127\.0\.0\.1|\[::1\]|` + regexp.QuoteMeta(thisMachine) + `):\d+`, "$1:2376"},
		{regexp.QuoteMeta(thisMachine), "box"},
		{`(?m) +[\d.]+ ms$`, ""},
		{`(expired on|valid from) ` + date, "$1 2026-11-01 12:00:00"},
		{`(until) ` + date, "$1 2027-11-01 12:00:00"},
		{`(it is) ` + date, "$1 2026-11-30 12:00:00"},
		{`dockertlstest CA \w+`, "docker CA"},
	} {
		output = regexp.MustCompile(r.pattern).ReplaceAllString(output, r.with)
	}
	return output
}

const pageIntro = `# Doctor

` + "`examples/doctor`" + ` takes docker's flags and variables, tries the connection step by step, and says what is
wrong and what would help. Run it where the problem is, with the settings of the program that fails. It
exits with 0 only if the daemon answers.

` + "```" + `sh
go install github.com/dockertls/dockertls/examples/doctor@latest
doctor                       # what DOCKER_HOST and the docker context say
doctor -H tcp://box:2376 --tlsverify
doctor --json                # for programs, and for bug reports: no secrets are in it
doctor --explain 'remote error: tls: bad certificate'
` + "```" + `

After a failure it looks around: who speaks TLS where plain HTTP was refused, which ca.pem in the usual
places verifies the chain that the server shows, which cert.pem is of an authority that the daemon accepts,
which socket answers. "Checked" is said of nothing else. The doctor never sends a request to a server that
is not trusted, and never shows a client certificate, nor reads a key, that the settings did not choose. In a program, the same is ` + "`cfg.Check(ctx)`" + `.

The sessions below are real, except for times, dates, ports and names of machines.
`
