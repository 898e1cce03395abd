package docstest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A recorder is a test that may fail without failing its parent.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// runText runs a page that consists of a text.
func runText(t *testing.T, text string, s Session) (outputs []string, failure string) {
	t.Helper()
	page, err := Parse("page.md", text)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, result := range page.Run(r, s) {
			outputs = append(outputs, result.Output)
		}
	}()
	<-done
	return outputs, r.failure
}

// block writes a block of commands.
func block(words string, lines ...string) string {
	return "```sh " + words + "\n" + strings.Join(lines, "\n") + "\n```\n\n"
}

// One shell runs all, in the folder and with the variables that a page says.
func TestRun(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://users-own:2376")
	t.Setenv("HTTPS_PROXY", "http://users-own")
	dir := t.TempDir()
	text := block("", "A=1", "say() { echo \"said $1\"; }") + block("", "mkdir sub", "cd sub", "echo $A >&2", "pwd -P") +
		block("never", "exit 3") +
		block("fails", "echo before", "false") +
		block("", "say \"$A\"", "basename \"$PWD\"", "echo ${DOCKER_HOST-none} ${HTTPS_PROXY-none}", "echo $MORE", "cat")
	got, failure := runText(t, text, Session{Dir: dir, Set: map[string]string{"A": "2"}, Env: []string{"MORE=more"}})
	if failure != "" {
		t.Fatal(failure)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "2\n" + filepath.Join(real, "sub") + "\n", "before\n", "said 2\nsub\nnone none\nmore\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRunFails(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"a command", block("", "echo before", "false", "echo after"), "page.md:2: a command failed\nbefore\n"},
		{"an unset variable", block("", "echo $MISSING"), "MISSING"},
		{"a syntax error", block("", "if"), "page.md:2: a command failed"},
		{"exit", block("", "exit 0"), "page.md:2: a command failed"},
		{"what should fail", block("", "true") + block("fails", "true"), "page.md:6: it was to fail, and did not"},
		{"another output", block("", "echo one") + "```text\ntwo\n```\n", `the page says that it prints "two"`},
		{"too slow", block("", "sleep 100"), "page.md:2: not done within 1s"},
		{"a server that ends", block("server", "echo why; false"), "the server has ended"},
		{"a server that does not begin", block("server", "sleep 100"), "the server is not ready: not yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			notReady := func(context.Context) error { return errors.New("not yet") }
			_, failure := runText(t, tt.text, Session{Ready: notReady, Limit: time.Second})
			if !strings.Contains(failure, tt.want) {
				t.Errorf("got %q, want %q", failure, tt.want)
			}
		})
	}
}

// A server ends before the next begins, and with the page, in its own time.
func TestServers(t *testing.T) {
	dir := t.TempDir()
	server := filepath.Join(dir, "server")
	script := "#!/bin/sh\ntrap 'sleep 0.2; echo end $1 >>log; exit' TERM\necho begin $1 >>log\nwhile :; do sleep 0.1; done\n"
	if err := os.WriteFile(server, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	lines := func() string {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return string(log)
	}
	begun := 0
	ready := func(context.Context) error {
		if strings.Count(lines(), "begin") <= begun {
			return errors.New("not yet")
		}
		begun++
		return nil
	}
	text := block("", "N=1") + block("server", "./server $N") + block("", "cat log") + block("server", "./server 2") + block("", "cat log")
	got, failure := runText(t, text, Session{Dir: dir, Ready: ready, Limit: 10 * time.Second})
	if failure != "" {
		t.Fatal(failure)
	}
	if diff := cmp.Diff([]string{"", "", "begin 1\n", "", "begin 1\nend 1\nbegin 2\n"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("begin 1\nend 1\nbegin 2\nend 2\n", lines()); diff != "" {
		t.Error(diff)
	}
}
