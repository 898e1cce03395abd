package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/faulttest"
)

// answerLimit is how long a user waits for an error at most.
const answerLimit = 10 * time.Second

// Whatever fails: one line and its hints, soon enough, and a failing exit.
func TestFaults(t *testing.T) {
	newHome(t)
	faults := faulttest.New(t)
	busy := make(chan struct{}, 4)
	for _, fault := range faults {
		for _, version := range fault.TLSVersions()[:1] {
			t.Run(fault.Name, func(t *testing.T) {
				t.Parallel()
				if !fault.Slow {
					busy <- struct{}{}
					defer func() { <-busy }()
				}
				args, ok := flags(fault.Start(t, version).Options)
				if !ok {
					return // made in code, which flags cannot say
				}
				checkFault(t, fault, args)
			})
		}
	}
}

func checkFault(t *testing.T, fault faulttest.Fault, args []string) {
	t.Helper()
	if fault.InBody {
		return // it asks by HEAD first
	}
	start := time.Now()
	got := runProgram(args...)
	// Those that only wait run at once, and have all of the time: the library's
	// limit is a second shorter.
	if took := time.Since(start); took > answerLimit && (fault.Slow || took > 3*answerLimit) {
		t.Errorf("it took %v", took)
	}
	got.stderr = withoutWarnings(got.stderr)
	got.wantFailure(t, "")
	if fault.Hint != nil && !strings.Contains(got.stderr, "\nhint: ") {
		t.Errorf("no hint in:\n%s", got.stderr)
	}
	for _, word := range fault.Words {
		if !strings.Contains(strings.ToLower(got.stderr), strings.ToLower(word)) {
			t.Errorf("no %q in:\n%s", word, got.stderr)
		}
	}
	if strings.ContainsFunc(strings.ReplaceAll(got.stderr, "\n", ""), unicode.IsControl) {
		t.Errorf("control characters in %q", got.stderr)
	}
}

func withoutWarnings(stderr string) string {
	var rest strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "warning: ") {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

// flags says what options say, if flags can.
func flags(o dockertls.Options) (args []string, ok bool) {
	if o.Dialer != nil || o.Proxy != nil || o.ServerName != "" {
		return nil, false
	}
	args = []string{"--host", o.Host}
	for _, file := range []struct{ flag, name string }{{"--tlscacert", "ca.pem"}, {"--tlscert", "cert.pem"}, {"--tlskey", "key.pem"}} {
		path := filepath.Join(o.CertPath, file.name)
		if _, err := os.Stat(path); o.CertPath != "" && err == nil {
			args = append(args, file.flag, path)
		}
	}
	if o.TLS != nil {
		args = append(args, fmt.Sprintf("--tls=%t", *o.TLS))
	}
	if o.TLSVerify != nil {
		args = append(args, fmt.Sprintf("--tlsverify=%t", *o.TLSVerify))
	}
	return args, true
}
