package dockertls

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dockersCurrentContext is config.json as docker reads it.
func dockersCurrentContext(data []byte) (string, error) {
	var file struct {
		CurrentContext string `json:"currentContext"`
	}
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&file)
	if errors.Is(err, io.EOF) { // empty
		err = nil
	}
	return file.CurrentContext, err
}

// dockersMeta is meta.json as docker reads it, with the types of rule 23.
func dockersMeta(data []byte) (contextMeta, error) {
	var file struct {
		Metadata  struct{ Description string }
		Endpoints map[string]*contextMeta
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return contextMeta{}, err
	}
	if file.Endpoints["docker"] == nil {
		return contextMeta{}, errors.New("no docker endpoint")
	}
	return *file.Endpoints["docker"], nil
}

// FuzzContextMetadata: meta.json and config.json come from anywhere. What is read
// of them is what docker reads; what docker cannot read is an error, and nothing
// else comes beside that.
func FuzzContextMetadata(f *testing.F) {
	for _, tc := range storedContextRules() {
		_, text, _ := strings.Cut(tc.files, "=text:")
		f.Add([]byte(text))
	}
	for _, text := range []string{prodCurrent, `{"currentContext":7}`, "", "null", `{"Endpoints":{"docker":{"Host":"a"},"Docker":{}}}`, `{"currentContext":"a","CURRENTCONTEXT":"b"}x`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		meta, err := parseContextMeta(data)
		if err != nil && (err.Error() == "" || meta != contextMeta{}) {
			t.Errorf("%q: %+v beside the error %q", data, meta, err)
		}
		if docker, dockersErr := dockersMeta(data); err == nil && (dockersErr != nil || meta != docker) {
			t.Errorf("%q: %+v, which docker reads as %+v, %v", data, meta, docker, dockersErr)
		}
		name, err := parseCurrentContext(data)
		if err != nil && name != "" {
			t.Errorf("%q: the name %q beside the error %v", data, name, err)
		}
		if docker, dockersErr := dockersCurrentContext(data); name != docker && err == nil || (err == nil) != (dockersErr == nil) {
			t.Errorf("%q: %q and %v, where docker reads %q, %v", data, name, err, docker, dockersErr)
		}
	})
}

// A fuzzedStore is a folder with config.json and one stored context.
type fuzzedStore struct {
	dir   string
	where contextFolder
	pki   *rulePKI
}

// Bits of what lies in a fuzzedStore, and of what the environment asks for.
const (
	hasCA = 1 << iota
	hasCert
	hasKey
	hasFolder    // of TLS data, with the files above
	tooHigh      // they lie beside it
	asksTLS      // DOCKER_TLS
	asksVerified // DOCKER_TLS_VERIFY
)

// lay writes the files. extra is the name of one more in the folder of TLS data,
// if there can be such a file.
func (s fuzzedStore) lay(t *testing.T, config, meta []byte, bits byte, extra string) {
	t.Helper()
	write := func(path string, data []byte) { check(t, os.WriteFile(path, data, 0o600)) }
	check(t, os.MkdirAll(filepath.Dir(s.where.meta), 0o700))
	write(filepath.Join(s.dir, "config.json"), config)
	write(s.where.meta, meta)
	if bits&(hasFolder|tooHigh) == 0 {
		return
	}
	folder := s.where.tls
	if bits&hasFolder != 0 {
		folder = filepath.Join(folder, "docker")
	}
	check(t, os.MkdirAll(folder, 0o700))
	for i, name := range []string{"ca.good", "cert.a", "key.a"} {
		if bits&(1<<i) != 0 {
			write(filepath.Join(folder, []string{"ca.pem", "cert.pem", "key.pem"}[i]), s.pki.contents[name])
		}
	}
	if extra != "" && filepath.Base(extra) == extra && extra != ".." && !strings.HasSuffix(extra, ".pem") {
		_ = os.WriteFile(filepath.Join(folder, extra), nil, 0o600)
	}
}

// FuzzStoredContext is FuzzContextMetadata through Resolve, with the files in a
// folder: what config.json chooses is what docker reads there, a context lies
// within the folder whatever its name is, its TLS data and SkipTLSVerify decide
// on the mode (rule 25), and nothing is weaker than the environment asks for.
func FuzzStoredContext(f *testing.F) {
	pki := newRulePKI(f)
	for i, tc := range storedContextRules() {
		_, text, _ := strings.Cut(tc.files, "=text:")
		text, _, _ = strings.Cut(text, " ")
		f.Add([]byte(prodCurrent), []byte(text), "", byte(i), "notes.txt")
		f.Add([]byte("{}"), []byte(text), "prod", byte(hasFolder|hasCA|hasCert|hasKey), "\x1b[2J")
	}
	f.Add([]byte(`{"currentContext":"../\u001b[2J"}`), []byte(metaOf("https://box:1")), "", byte(asksVerified), "")
	f.Add([]byte("{x"), []byte(metaOf("tcp://me:{P}@box")), "\x1b[2J", byte(hasFolder|asksTLS), "a")
	f.Add([]byte("{}"), []byte(metaOf("https://me:{P}@box")), "x", byte(0), "")
	f.Add([]byte("{}"), []byte(metaOf("https://box:1")), "x", byte(0), "")
	f.Fuzz(func(t *testing.T, config, meta []byte, name string, bits byte, extra string) {
		current, configErr := dockersCurrentContext(config)
		chosen := name
		if chosen == "" {
			chosen = current
		}
		dir := t.TempDir()
		store := fuzzedStore{dir, newContextFolder(dir, chosen), pki}
		if !strings.HasPrefix(store.where.meta, dir+string(filepath.Separator)+"contexts") {
			t.Fatalf("%q lies at %s", chosen, store.where.meta)
		}
		store.lay(t, config, bytes.Replace(meta, []byte(passwordIn), []byte(password), 1), bits, extra)
		environ := []string{envConfig + "=" + dir, envContext + "=" + name}
		if bits&asksTLS != 0 {
			environ = append(environ, envTLS+"=1")
		}
		if bits&asksVerified != 0 {
			environ = append(environ, envTLSVerify+"=1")
		}
		cfg, err := resolveFuzzed(t, append(environ, string(config), string(meta), extra), fromEnv(environ, func() string { return "" }))
		if stored, _ := dockersMeta(meta); hasPassword(stored.Host, err == nil) {
			checkHidden(t, cfg, err)
		}
		if name == "" && configErr != nil && (err == nil || err.Kind != ContextInvalid) {
			t.Errorf("config.json %q: %v, %v, although docker says %v", config, cfg, err, configErr)
		}
		if cfg != nil && chosen != "" && chosen != wordDefault {
			store.check(t, cfg, chosen, meta, bits)
		}
	})
}

// check compares a decision with the rules.
func (s fuzzedStore) check(t *testing.T, cfg *Config, name string, data []byte, bits byte) {
	t.Helper()
	meta, err := dockersMeta(bytes.Replace(data, []byte(passwordIn), []byte(password), 1))
	if err != nil || cfg.Context() != name {
		t.Fatalf("%s is of the context %q, want %q (%v)", cfg, cfg.Context(), name, err)
	}
	if !cfg.endpoint.isTCP() {
		return
	}
	want := Plain
	switch {
	case meta.SkipTLSVerify:
		want = Encrypted
	case bits&hasFolder != 0 && bits&hasCert != 0 && bits&hasKey != 0:
		want = Mutual
	case bits&hasFolder != 0, strings.HasPrefix(meta.Host, "https://"):
		want = Verified
	}
	if cfg.Mode() != want {
		t.Errorf("%s, want %s: SkipTLSVerify is %t, %b", cfg, want, meta.SkipTLSVerify, bits)
	}
	if asked := askedMode(strings.Repeat("1", int(bits&asksVerified)), strings.Repeat("1", int(bits&asksTLS))); cfg.Mode() < asked {
		t.Errorf("%s, although %s was asked for", cfg, asked)
	}
	if bits&tooHigh != 0 && bits&hasFolder == 0 && bits&(hasCA|hasCert|hasKey) != 0 {
		t.Errorf("%s, although its TLS data is in the wrong place", cfg)
	}
	if cfg.secured() && (cfg.TLSConfig().RootCAs != nil) != (bits&hasFolder != 0 && bits&hasCA != 0) {
		t.Errorf("%s has the authorities %v: %b", cfg, cfg.TLSConfig().RootCAs, bits)
	}
}
