package dockertls_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// docs/architecture.md names every source file of the package, and none that
// there is not.
func TestArchitectureNamesFiles(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/architecture.md")
	check(t, err)
	for _, name := range regexp.MustCompile(`[a-z_]+\.go\b`).FindAllString(string(page), -1) {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("it names %s: %v", name, err)
		}
	}
	words := strings.FieldsFunc(string(page), func(r rune) bool { return !unicode.IsLetter(r) })
	sources, err := filepath.Glob("*.go")
	check(t, err)
	for _, name := range sources {
		word, _, _ := strings.Cut(strings.TrimSuffix(name, ".go"), "_") // of pipe_windows.go "pipe"
		if !strings.HasSuffix(name, "_test.go") && !slices.Contains(words, word) {
			t.Errorf("it does not name %s", name)
		}
	}
}

// Imports run one way: the package needs nothing of this module, dockertlstest
// needs only the package, and none of it needs what is for tests.
func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	const module = "github.com/dockertls/dockertls"
	for _, tt := range []struct {
		pkg  string
		want []string
	}{
		{".", nil},
		{"./dockertlstest", []string{module}},
	} {
		out, err := exec.Command("go", "list", "-f", `{{join .Deps "\n"}}`, tt.pkg).Output()
		check(t, err)
		var ours []string
		for dep := range strings.Lines(string(out)) {
			if dep = strings.TrimSpace(dep); dep == module || strings.HasPrefix(dep, module+"/") {
				ours = append(ours, dep)
			}
		}
		if !slices.Equal(ours, tt.want) {
			t.Errorf("%s imports %q, want %q", tt.pkg, ours, tt.want)
		}
	}
}
