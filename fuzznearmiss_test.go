package dockertls

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzNearMiss: a file is missing where another one lies, of any name, and a path
// is named that leads nowhere. The errors are those of missing files, and can be
// shown with their hints; a hint names the other file only if it is meant, and the
// path only if something is wrong with how it is written.
func FuzzNearMiss(f *testing.F) {
	for _, name := range []string{"", "CA.PEM", "ca.crt", "client.key", "ca.pem", "cert.pem", "rootCA.pem", "certs", "x\x1b[2J", "ca.pem ", "notes.txt", "K\u212ay.pem"} {
		for _, path := range []string{"gone", "~/ca.pem", "$HOME/ca.pem", "%HOME%", `"gone"`, " gone", "gone\x1b[2J", "gone\x00", strings.Repeat("a", 300), "'"} {
			f.Add(name, path)
		}
	}
	pki := newRulePKI(f)
	f.Fuzz(func(t *testing.T, name, path string) {
		dir := t.TempDir()
		beside := name != "" && filepath.Base(name) == name && name != ".." && os.WriteFile(filepath.Join(dir, name), pki.contents["ca.good"], 0o600) == nil
		opts := Options{Host: "tcp://box", TLSVerify: new(true), CertPath: dir}
		cfg, err := resolveFuzzed(t, []string{name}, opts)
		if there := beside && name == "ca.pem"; there != (cfg != nil) || err != nil && err.Kind != CAMissing {
			t.Fatalf("%q lies there: %v, %v", name, cfg, err)
		}
		if err != nil && strings.Contains(err.Hint, "lies beside it") && !(beside && strings.HasPrefix(err.Hint, oneLine(filepath.Join(dir, name)))) {
			t.Errorf("%q lies there: %s", name, err.Hint)
		}
		if _, statErr := os.Lstat(path); path == "" || statErr == nil || path == wordSystem {
			return
		}
		opts.CAFile = path
		cfg, err = resolveFuzzed(t, []string{name, path}, opts)
		if cfg != nil || err.Kind != CAMissing && err.Kind != FileUnreadable {
			t.Fatalf("%q: %v, %v", path, cfg, err)
		}
		plain := strings.Trim(path, "abcdefghijklmnopqrstuvwxyz0123456789/.") == ""
		if plain && (strings.Contains(err.Hint, "quotation") || strings.Contains(err.Hint, "expanded") || strings.Contains(err.Hint, "blank")) {
			t.Errorf("%q: %s", path, err.Hint)
		}
	})
}
