package dockertls

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzParseHost: an address is refused with an error that says why, or it
// becomes an endpoint that reads back as itself and that net/http understands.
func FuzzParseHost(f *testing.F) {
	for _, tc := range slices.Concat(addressRules(), socketRules(), sshRules()) {
		if host, ok := strings.CutPrefix(tc.env, "DOCKER_HOST="); ok {
			f.Add(host)
		}
	}
	for _, host := range []string{"tcp://u:p/w@box", "tcp://[::ffff:1.2.3.4]:1", "tcp://b\u00fccher:1", "tcp://box/\x7f", "npipe://", "tcp://box/%2520", "://", "[", "a@://", "\u00ad", "0/%2500", "/\n0", "tcp://:@"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if strings.TrimSpace(host) == "" {
			return
		}
		e, err := parseHost(host)
		if err != nil {
			checkRefusal(t, host, err)
			return
		}
		checkEndpoint(t, e)
		if back, err := parseHost(e.String()); (e.network == schemeTCP || e.network == schemeSSH) && (err != nil || back.address != e.address) {
			t.Errorf("%q becomes %s, which reads back as %s (%v)", host, e, back, err)
		}
	})
}

// FuzzParseContextHost is the same for addresses of contexts.
func FuzzParseContextHost(f *testing.F) {
	for _, host := range []string{"tcp://box", "tcp://box:1/p", "https://box:1", "unix:///x", "tcp://[::1]", "tcp://:1", "x", "http://a@b", "ssh://me@box:22/x"} {
		f.Add(host, true)
		f.Add(host, false)
	}
	f.Fuzz(func(t *testing.T, host string, tls bool) {
		if host == "" {
			return
		}
		e, err := parseContextHost(host, tls)
		if err != nil {
			checkRefusal(t, host, err)
			return
		}
		checkEndpoint(t, e)
	})
}

func checkRefusal(t *testing.T, host string, err *Error) {
	t.Helper()
	if err.Detail == "" || !errors.Is(err, HostInvalid) && !errors.Is(err, HostUnsupported) {
		t.Errorf("%q is refused with %#v", host, err)
	}
	if text := err.Detail + err.Hint; strings.ContainsAny(text, "\n\r\x1b") {
		t.Errorf("%q is refused with control characters: %q", host, text)
	}
}

func checkEndpoint(t *testing.T, e endpoint) {
	t.Helper()
	if !e.isTCP() {
		return
	}
	u, err := url.Parse(e.url(schemeHTTPS, "/_ping"))
	if err != nil || u.Host == "" || !strings.HasSuffix(u.Path, "/_ping") {
		t.Fatalf("%+v makes the URL %q: %v", e, e.url(schemeHTTPS, "/_ping"), err)
	}
	if got := hostPort(u); !sameAddress(got, e.address) && u.Port() != "" {
		t.Errorf("%+v is dialled as %q by net/http", e, got)
	}
}
