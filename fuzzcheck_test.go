package dockertls

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// What fuzz targets check of every outcome, whatever went in.

// LongestMessage is more than any message of ours may be, however much a peer or
// a file says.
const LongestMessage = 8 << 10

// CheckMessage checks that what a diagnosis says can be shown: whole, on one
// line, without control characters, and not as long as the peer likes. What the
// caller's own settings hold may be quoted: that is as much longer as they are.
// Host is not among it: that is an address for programs, as Config.Host returns it.
func CheckMessage(t testing.TB, err error, settings ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	ev := e.Evidence
	CheckShown(t, settings, e.Error(), e.Hint, e.Source, ev.Answer, ev.Address, ev.Proxy, ev.ServerName, ev.Alert, ev.Stderr)
	if _, err := e.MarshalJSON(); err != nil {
		t.Error(err)
	}
}

// CheckShown is the same for single texts.
func CheckShown(t testing.TB, settings []string, texts ...string) {
	t.Helper()
	most := LongestMessage + 20*len(strings.Join(settings, "")) // \U0010ffff, quoted twice
	for _, text := range texts {
		if strings.IndexFunc(text, unicode.IsControl) >= 0 || len(text) > most {
			t.Errorf("not fit to be shown: %.300q (%d bytes)", text, len(text))
		}
	}
}

// resolveFuzzed resolves layers, and checks what holds of every outcome: an error
// that says what is wrong and where, or a Config whose parts say the same. The
// settings are what went in.
func resolveFuzzed(t *testing.T, settings []string, layers ...Options) (*Config, *Error) {
	t.Helper()
	cfg, err := Resolve(layers...)
	if err == nil {
		checkConfig(t, cfg, settings)
		return cfg, nil
	}
	e, ok := err.(*Error)
	if !ok || cfg != nil || e.Kind == "" || e.Detail == "" || e.Source == "" {
		t.Fatalf("%q: an error that does not say enough: %#v, beside %v", settings, err, cfg)
	}
	CheckMessage(t, err, settings...)
	return nil, e
}

// checkConfig checks that a Config does not contradict itself.
func checkConfig(t *testing.T, cfg *Config, settings []string) {
	t.Helper()
	checkEndpoint(t, cfg.endpoint)
	req, err := http.NewRequest(http.MethodGet, cfg.URL("/_ping"), nil)
	if err != nil {
		t.Fatalf("%s has the URL %q: %v", cfg, cfg.URL("/_ping"), err)
	}
	if _, err := cfg.route(req); err != nil || (req.URL.Scheme == schemeHTTPS) != cfg.secured() {
		t.Errorf("%s does not serve its own URL %s: %v", cfg, req.URL, err)
	}
	checkMode(t, cfg)
	texts := []string{cfg.String()}
	names := map[string]bool{}
	for _, s := range cfg.Settings() {
		texts = append(texts, s.Name, s.Value, s.Source, s.String())
		if names[s.Name] {
			t.Errorf("%s: the setting %s is there twice", cfg, s.Name)
		}
		names[s.Name] = true
		if s.Name == "host" && s.Value != oneLine(cfg.Host()) {
			t.Errorf("the setting is %s, the address %s", s, cfg.Host())
		}
	}
	for _, w := range cfg.Warnings() {
		texts = append(texts, w.Source, w.Message)
	}
	if !names["host"] {
		t.Errorf("%s: no setting tells the address", cfg)
	}
	CheckShown(t, settings, texts...)
	checkEnviron(t, cfg, settings)
}

// checkMode: what is handed out to be used is as the mode says.
func checkMode(t *testing.T, cfg *Config) {
	t.Helper()
	mode, tls := cfg.Mode(), cfg.TLSConfig()
	switch {
	case (tls == nil) != (mode == Plain), tls != nil && !cfg.endpoint.isTCP():
		t.Fatalf("%s has the TLS configuration %v", cfg, tls)
	case tls == nil:
		return
	}
	if tls.InsecureSkipVerify != (mode == Encrypted) || tls.ServerName == "" || (mode == Mutual) != (mode != Encrypted && len(tls.Certificates) > 0) {
		t.Errorf("%s verifies: %t, the name %q, certificates: %d", cfg, !tls.InsecureSkipVerify, tls.ServerName, len(tls.Certificates))
	}
	if ca := cfg.current().ca(); (ca == nil) != (tls.RootCAs == nil) {
		t.Errorf("%s: authorities of %d bytes become %v", cfg, len(ca), tls.RootCAs)
	}
}

// checkEnviron: the variables for a child lead it to the same place, in the same
// mode, or there are none.
func checkEnviron(t *testing.T, cfg *Config, settings []string) {
	t.Helper()
	vars, err := cfg.Environ()
	if err != nil {
		if !errors.Is(err, EnvironUnsupported) || vars != nil {
			t.Errorf("%s: variables %q, and the error %v", cfg, vars, err)
		}
		CheckMessage(t, err, settings...)
		return
	}
	child, err := Resolve(fromEnv(vars, func() string { return "" }))
	if err != nil {
		t.Errorf("%s: the child cannot use %q: %v", cfg, vars, err)
		return
	}
	address := cfg.endpoint.address
	if cfg.endpoint.network == schemeUnix && address[0] != '@' {
		address, _ = filepath.Abs(address)
	}
	if child.endpoint.address != address || child.endpoint.network != cfg.endpoint.network || child.endpoint.basePath != cfg.endpoint.basePath || child.Mode() != cfg.Mode() {
		t.Errorf("%s: the child decides %s by %q", cfg, child, vars)
	}
	if cfg.Mode() == Mutual && !slices.EqualFunc(child.current().pair.Certificate, cfg.current().pair.Certificate, slices.Equal) {
		t.Errorf("%s: the child has another certificate by %q", cfg, vars)
	}
}

const (
	password   = "hunter2"
	passwordIn = "{P}" // where it stands in a fuzzed address
)

// checkHidden checks that nothing that can be shown of an outcome holds the
// password. Either of cfg and err is nil.
func checkHidden(t *testing.T, cfg *Config, err *Error, more ...any) {
	t.Helper()
	shown := more
	if err != nil {
		shown = append(shown, err)
	}
	if cfg != nil {
		shown = append(shown, cfg, cfg.LogValue().String(), cfg.URL(""), cfg.Settings(), cfg.Warnings(), cfg.mismatch("x"))
		environ, err := cfg.Environ()
		shown = append(shown, environ, err)
	}
	for _, v := range shown {
		marshalled, _ := json.Marshal(v)
		if text := fmt.Sprintf("%+v %s", v, marshalled); strings.Contains(text, password) {
			t.Errorf("the password is shown by a %T: %s", v, text)
		}
	}
}
