package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/dockertls/dockertls"
	"go.yaml.in/yaml/v3"
)

// FuzzConfig: a configuration file is refused with mistakes of a line each, which
// can be shown, or every endpoint in it can be watched: it has a name of its own
// and intervals that hammer no daemon. Its options can be written and read again,
// and never show their key.
func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile("agent.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, text := range []string{
		"", "# nothing", "---\n...\n", "a: [", "- one", "endpoints: {one: {}, two: {}}", "endpoints: {one: &a {host: tcp://box}, two: *a}", "endpoints: {one: {<<: {host: x}}}",
		"endpoints: &a {one: *a}", "interval: 1ns\nendpoints: {\"\\e[2J\\n\": {interval: 1ms}}", "endpoints:\n  one: {host: \"tcp://me:pw@box\", tls_verify: yes, key: |\n    -----BEGIN\n    x, ca: x, reload_interval: -1s, expiry_warnings: [1h]}",
		"log_level: WARN+2\nlog_format: json\nlisten: :0\nendpoints: {one: {tls: ~, expiry_warnings: []}}", "endpoints: {one: {key: [x]}}", "? {a: b}\n: c", "endpoints: !!binary aGk=", "%YAML 9.9\n---\na: b",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig("agent.yaml", data)
		if err != nil {
			checkMistakes(t, c, err)
			return
		}
		if len(c.endpoints) == 0 || len(c.endpoints) != len(c.Endpoints) || c.Timeout < minInterval || c.MaxInterval < minInterval {
			t.Errorf("%+v", c)
		}
		if !slices.IsSortedFunc(c.endpoints, func(a, b endpointConfig) int { return strings.Compare(a.name, b.name) }) {
			t.Errorf("not in order: %+v", c.endpoints)
		}
		for _, e := range c.endpoints {
			if e.Interval < minInterval || e.Options.Source != "agent.yaml: "+e.name {
				t.Errorf("%+v", e)
			}
			checkOptions(t, e.Options)
		}
	})
}

func checkMistakes(t *testing.T, c *config, err error) {
	t.Helper()
	if c != nil {
		t.Errorf("%+v beside the error %v", c, err)
	}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "agent.yaml: ") || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("a mistake that cannot be shown: %q", line)
		}
	}
}

// checkOptions writes options and reads them again, without what is not written.
func checkOptions(t *testing.T, o dockertls.Options) {
	t.Helper()
	if key := string(o.Key); len(key) > 40 && strings.Contains(fmt.Sprintf("%+v %v %#v", o, o.Key, o), key) {
		t.Errorf("the key is shown: %+v", o)
	}
	o.Key = nil
	if len(o.ExpiryWarnings) == 0 {
		o.ExpiryWarnings = nil // libraries for YAML leave out an empty list
	}
	text, err := yaml.Marshal(o)
	if err != nil {
		t.Fatalf("%s cannot be written: %v", o, err)
	}
	var back, again dockertls.Options
	if err := yaml.Unmarshal(text, &back); err != nil {
		t.Fatalf("%q, of %s, cannot be read: %v", text, o, err)
	}
	o.CA, o.Cert = back.CA, back.Cert // of which the certificates are written only
	if o.String() != back.String() {
		t.Errorf("%s becomes %s by %q", o, back, text)
	}
	if text, err = yaml.Marshal(back); err == nil {
		err = yaml.Unmarshal(text, &again)
	}
	if err != nil || again.String() != back.String() {
		t.Errorf("%s becomes %s by %q, %v", back, again, text, err)
	}
}
