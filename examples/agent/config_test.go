package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
)

func TestExampleFile(t *testing.T) {
	t.Parallel()
	c, err := readConfig("agent.yaml")
	check(t, err)
	if len(c.endpoints) != 3 {
		t.Fatalf("%+v", c.endpoints)
	}
	build, edge := c.endpoints[0], c.endpoints[1]
	if build.name != "build" || build.Interval != c.Interval || len(build.Options.ExpiryWarnings) != 2 || build.Options.Source != "agent.yaml: build" ||
		edge.Interval != time.Minute || !*edge.Options.TLSVerify || edge.Options.TLS != nil {
		t.Errorf("%+v\n%+v", build, edge)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	const good = "endpoints: {one: {host: tcp://box}}\n"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "agent.yaml: it is empty"},
		{"no YAML", "a: [", "agent.yaml: yaml: line 1: "},
		{"two documents", good + "---\n" + good, "agent.yaml: there is more than one document in it"},
		{"a list", "- one\n", "agent.yaml: line 1: these must be keys with values"},
		{"no endpoints", "interval: 1s\n", "agent.yaml: endpoints: there are none"},
		{"unknown key", good + "intervall: 1s\n", "agent.yaml: intervall: line 2: there is no such key"},
		{"key twice", good + "listen: :1\nlisten: :2\n", "agent.yaml: listen: line 3: it is there twice"},
		{"endpoint twice", "endpoints:\n  one: {}\n  one: {}\n", `agent.yaml: endpoints: line 3: mapping key "one" already defined at line 2`},
		{"number for a time", good + "interval: 15\n", "agent.yaml: interval: line 2: cannot unmarshal !!int `15` into time.Duration"},
		{"too often", good + "interval: 1ms\n", "agent.yaml: interval: 1ms is less than 100ms"},
		{"no time", good + "timeout: 0s\n", "agent.yaml: timeout: 0s is less than 100ms"},
		{"format", good + "log_format: xml\n", `agent.yaml: log_format: "xml" is neither text nor json`},
		{"level", good + "log_level: loud\n", `agent.yaml: log_level: slog: level string "loud": unknown name`},
		{"address", good + "listen: box\n", "agent.yaml: listen: address box: missing port in address"},
		{"endpoint is a text", "endpoints: {one: tcp://box}\n", "agent.yaml: one: line 1: these must be keys with values"},
		{"unknown key of one", "endpoints:\n  one:\n    hots: tcp://box\n", "agent.yaml: one: hots: line 3: there is no such key"},
		{"no boolean", "endpoints:\n  one:\n    tls_verify: maybe\n", "agent.yaml: one: tls_verify: line 3: cannot unmarshal !!str `maybe` into bool"},
		{"too often for one", "endpoints: {one: {interval: 1ms}}\n", "agent.yaml: one: interval: 1ms is less than 100ms"},
		{"several", "endpoints: {one: {hots: a}, two: {tls: 3}}\n",
			"agent.yaml: one: hots: line 1: there is no such key\nagent.yaml: two: tls: line 1: cannot unmarshal !!int `3` into bool"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseConfig("agent.yaml", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// An anchor serves several endpoints.
func TestAnchor(t *testing.T) {
	t.Parallel()
	c, err := parseConfig("agent.yaml", []byte("endpoints:\n  a: {host: &box tcp://box, tls_verify: &yes true}\n  b: {host: *box, tls_verify: *yes}\n"))
	check(t, err)
	if b := c.endpoints[1].Options; b.Host != "tcp://box" || !*b.TLSVerify {
		t.Errorf("%v", b)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.yaml")
	check(t, os.WriteFile(taken, []byte("listen: 192.0.2.1:1\nendpoints: {one: {}}\n"), 0o600)) // nobody has this address
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, exitDone, "-config"},
		{[]string{"--what"}, exitUsage, "not defined: -what"},
		{[]string{"agent.yaml"}, exitUsage, `not "agent.yaml"`},
		{[]string{"--config", filepath.Join(dir, "none.yaml")}, exitUsage, "none.yaml"},
		{[]string{"--config", taken}, exitFailed, "192.0.2.1:1"},
	} {
		var stderr bytes.Buffer
		if code := run(context.Background(), tt.args, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%q: exit status %d, %s", tt.args, code, stderr.String())
		}
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	p := pace{10 * time.Second, time.Minute}
	for failures, want := range []time.Duration{10, 10, 20, 40, 60, 60} {
		if got := p.next(failures, 0.5); got != want*time.Second {
			t.Errorf("after %d failures %v, want %v", failures, got, want*time.Second)
		}
	}
	if low, high := p.next(0, 0), p.next(0, 0.999); low != 9*time.Second || high < 10*time.Second || high > 11*time.Second {
		t.Errorf("from %v to %v", low, high)
	}
	if got := (pace{time.Hour, time.Minute}).next(9, 0.5); got != time.Hour {
		t.Errorf("an interval above the limit becomes %v", got)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	dns, other := &dockertls.Error{Kind: dockertls.DNS}, &dockertls.Error{}
	if !same(nil, nil) || !same(dns, &dockertls.Error{Kind: dockertls.DNS, Detail: "again"}) || same(dns, other) || same(nil, other) || same(other, nil) {
		t.Error("kinds are not what counts")
	}
}
