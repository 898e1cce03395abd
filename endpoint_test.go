package dockertls

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// wantExplained checks kind and words of an error, hint included.
func wantExplained(t *testing.T, err error, kind Kind, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e == nil || e.Kind != kind {
		t.Errorf("got %+v, want the kind %s", err, kind)
		return
	}
	for _, w := range words {
		if text := fmt.Sprintf("%+v", e); !strings.Contains(text, w) {
			t.Errorf("%s\ndoes not say %q", text, w)
		}
	}
}

func resolveError(layers ...Options) error {
	_, err := Resolve(layers...)
	return err
}

// What is wrong with an address is said, and what was probably meant.
func TestAddressErrors(t *testing.T) {
	t.Parallel()
	for host, words := range map[string][]string{
		"//box:2376":      {"a path without a scheme", "write tcp://box:2376"},
		"/run/x.sock":     {"write unix:///run/x.sock"},
		"tcp://a[b]:1":    {"a bracket in the host name"},
		"tcp://[::1]x":    {"after the bracket"},
		"tcp://[::1":      {"the bracket is not closed"},
		"tcp://[1.2.3.4]": {"is no IPv6 address"},
		"unix://a\x00b":   {"a NUL character"},
		"ssh://fe80::1":   {"brackets"},
	} {
		wantExplained(t, resolveError(Options{Host: host}), HostInvalid, words...)
	}
}

func TestNamesOfModes(t *testing.T) {
	t.Parallel()
	if got := Mode(7).String(); got != "Mode(7)" {
		t.Errorf("got %s", got)
	}
}
