package dockertls_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/internal/docstest"
)

// proofs tells which test runs the commands of a page, or compares its other
// blocks with what is true: by page, and by language and way of the blocks.
var proofs = map[string]map[string]string{
	"README.md": {
		"go":          "readme_test.go TestReadmeCode",
		"sh checkout": "readme_test.go TestReadmeCheckout",
		"sh module":   "readme_test.go TestReadmeModule",
		"text":        "readme_test.go TestReadmeCheckout",
		"text doctor": "readme_test.go TestReadmeDoctor",
		"text modes":  "readme_test.go TestReadmeModes",
	},
	"docs/agents.md": {
		"go":   "examples/clients/agents_test.go TestAgentsPage",
		"yaml": "examples/clients/agents_test.go TestAgentsPage",
	},
	"docs/architecture.md": {"text": "architecture_test.go TestArchitectureNamesFiles"},
	"docs/certificates.md": {
		"sh":         "examples/mkcerts/page_test.go TestCertificatesPage",
		"sh docker":  "examples/mkcerts/page_test.go TestCertificatesPage",
		"sh mkcerts": "examples/mkcerts/page_test.go TestCertificatesPage",
		"sh openssl": "examples/mkcerts/page_test.go TestCertificatesPage",
	},
	"docs/clients.md":     {"sh": "readme_test.go TestReadmeModule"},
	"docs/diagnostics.md": {"go": "readme_test.go TestReadmeCode"},
	"docs/doctor.md": {
		"sh":   "examples/doctor/page_test.go TestPageCommands",
		"text": "examples/doctor/page_test.go TestPage",
	},
	"docs/performance.md": {"sh": "bench/bench_test.go TestPageIsOfThisProgram"},
	"docs/migrating.md":   {"go": "examples/clients/migrate_test.go TestMigratingPage"},
}

// Every block of every page is run by a test, or compared: a new page, language
// or way must be entered above.
func TestBlocksAreTested(t *testing.T) {
	t.Parallel()
	for _, name := range pages(t) {
		page := parse(t, name)
		page.CheckLinks(t)
		for _, label := range page.Labels {
			if err := proven(name, proofs[name][label]); err != nil {
				t.Errorf("%s: blocks ```%s: %v", name, label, err)
			}
		}
		if diff := cmp.Diff(page.Labels, slices.Sorted(maps.Keys(proofs[name]))); len(page.Labels) < len(proofs[name]) {
			t.Errorf("%s: -page +proofs\n%s", name, diff)
		}
	}
}

// proven looks whether the test is there, and reads the page.
func proven(page, proof string) error {
	if proof == "" {
		return errors.New("no test runs them")
	}
	file, name, _ := strings.Cut(proof, " ")
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, want := range []string{"func " + name + "(t *testing.T)", path.Base(page)} {
		if !strings.Contains(string(source), want) {
			return fmt.Errorf("%s has no %s", file, want)
		}
	}
	return nil
}

// pages are the Markdown files of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var names []string
	check(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			names = append(names, filepath.ToSlash(path))
		}
		return err
	}))
	if len(names) < len(proofs) {
		t.Fatalf("found no more than %v", names)
	}
	return names
}

func parse(t *testing.T, path string) docstest.Page {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	page, err := docstest.Parse(path, string(text))
	check(t, err)
	return page
}
