package dockertls

import (
	"cmp"
	"encoding/json"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fuzzHome makes a home folder with certificates and stored contexts: "tls",
// "open", "skip" and "socket".
func fuzzHome(f *testing.F) (root string) {
	root = f.TempDir()
	pki := newRulePKI(f)
	pki.lay(f, root, strings.Join([]string{set, certs, "bad/ca.pem=bad", "passwd-home/.docker/ca.pem=ca.foreign",
		storedContext("open", metaOf("tcp://box:1")), storedContext("socket", metaOf("unix:///x")),
		storedContext("tls", metaOf("tcp://box:1"), "ca.pem=ca.good", "cert.pem=cert.a", "key.pem=key.a"),
		storedContext("skip", `{"Endpoints":{"docker":{"Host":"tcp://box","SkipTLSVerify":true}}}`),
	}, " "))
	return root
}

// askedMode is what the variables ask for of a TCP endpoint (rules 13 and 14),
// which the client's pair can only make more of.
func askedMode(tlsVerify, tls string) Mode {
	switch {
	case tlsVerify != "":
		return Verified
	case tls != "":
		return Encrypted
	}
	return Plain
}

// hasPassword tells whether {P} stands where only a password can, in an address
// that was accepted or was not. Behind a slash an accepted one has its path, and one
// that begins with a slash is a path.
func hasPassword(address string, accepted bool) bool {
	trimmed := strings.TrimSpace(address)
	isPath := strings.HasPrefix(trimmed, "/") && !strings.HasPrefix(trimmed, "//")
	rest, isSocket := strings.CutPrefix(trimmed, "unix://")
	if !isSocket {
		rest, isSocket = strings.CutPrefix(trimmed, "npipe://")
	}
	start := 0
	if i := strings.Index(address, "://"); i >= 0 {
		start = i + len("://")
	}
	if i := strings.IndexAny(address[start:], "/?#"); i >= 0 && accepted {
		address = address[:start+i]
	}
	p, at := strings.Index(address, passwordIn), strings.LastIndexByte(address, '@')
	if isSocket && !strings.Contains(rest, "://") || isPath || p < start || at < p {
		return false
	}
	return strings.Contains(address[start:p], ":")
}

// FuzzEnvironment: whatever the variables hold, FromEnv and Resolve end in an
// error that can be shown, or in a Config that does not contradict itself, is no
// weaker than the variables ask for, hands a child the same decision, and shows
// no password. Without a variable that asks for TLS the default context has none.
func FuzzEnvironment(f *testing.F) {
	root := fuzzHome(f)
	for _, tc := range ruleCases() {
		value := func(name string) string { return lookup(strings.Split(tc.env, " "), name) }
		if len(tc.flags) == 0 && !strings.Contains(tc.env, "HOME") {
			f.Add(value(envHost), value(envContext), value(envTLSVerify), value(envTLS), value(envCertPath), value(envConfig), "")
		}
	}
	for _, host := range []string{"tcp://me:{P}@box", "tcp://me:{P}/x@box", "me:{P}@box:1", "ssh://me:{P}@box", "https://me:{P}@box", "tcp://a://b:{P}@", "unix://" + strings.Repeat("a/", 50) + "x", "tcp://\x1b[2J"} {
		f.Add(host, "", "1", "", "{T}/certs", "", "")
	}
	for _, name := range []string{"tls", "open", "skip", "socket", "gone", "\x1b[2J", "../tls"} {
		f.Add("", name, "1", "", "", "", "HTTPS_PROXY=http://proxy\nDOCKER_TLSVERIFY=1")
		f.Add("", name, "", "x", "{T}/bad", "{T}/home/.docker", "XDG_RUNTIME_DIR=/run\nno_proxy=*\nhttp_proxy=:")
	}
	f.Fuzz(func(t *testing.T, host, context, tlsVerify, tls, certPath, config, more string) {
		place := func(s string) string { return strings.ReplaceAll(s, "{T}", root) }
		environ := []string{envHost + "=" + strings.Replace(host, passwordIn, password, 1), envContext + "=" + context, envTLSVerify + "=" + tlsVerify,
			envTLS + "=" + tls, envCertPath + "=" + place(certPath), envConfig + "=" + place(config), homeName() + "=" + filepath.Join(root, "home")}
		environ = append(environ, strings.Split(more, "\n")...)
		env := fromEnv(environ, func() string { return filepath.Join(root, "passwd-home") })
		cfg, err := resolveFuzzed(t, environ, env)
		if hasPassword(host, err == nil) && !strings.Contains(strings.Join(environ[1:], ""), password) {
			checkHidden(t, cfg, err, env)
		}
		if text, err := json.Marshal(env); err != nil {
			t.Errorf("%q becomes %s, %v", environ, text, err)
		}
		if cfg != nil {
			checkAsked(t, cfg, host, context, askedMode(tlsVerify, tls))
		}
	})
}

func homeName() string {
	if runtime.GOOS == "windows" {
		return "USERPROFILE"
	}
	return "HOME"
}

// checkAsked checks the choice of the context (rule 1) and the mode.
func checkAsked(t *testing.T, cfg *Config, host, context string, asked Mode) {
	t.Helper()
	want := cmp.Or(context, wordDefault) // no config.json is reached but by DOCKER_CONFIG, and there is none
	if host != "" {
		want = wordDefault
	}
	if cfg.Context() != want {
		t.Errorf("%s is of the context %q, want %q", cfg, cfg.Context(), want)
	}
	switch mode := cfg.Mode(); {
	case !cfg.endpoint.isTCP():
	case mode < asked:
		t.Errorf("%s, although %s was asked for", cfg, asked)
	case asked == Plain && mode != Plain && want == wordDefault, asked == Encrypted && mode != Encrypted && want == wordDefault:
		t.Errorf("%s, although only %s was asked for", cfg, asked)
	}
}
