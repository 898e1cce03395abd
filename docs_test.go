package dockertls_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls/internal/docstest"
)

// No page leads nowhere.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	check(t, err)
	for _, path := range append(pages, "README.md") {
		text, err := os.ReadFile(path)
		check(t, err)
		page, _ := docstest.Parse(path, string(text)) // an error: not all have commands
		page.CheckLinks(t)
	}
}
