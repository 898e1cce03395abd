package docstest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckCode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(file, []byte("package a\n\nfunc f() {\n\tif true {\n\t\tg()\n\t}\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for code, ok := range map[string]bool{
		"if true {\n\tg()\n}\n":         true,
		"func f() {\n\tif true {\n":     true,
		"if true {\n}\n":                false, // a line is left out
		"true {\n\tg()\n":               false, // not from its beginning
		"if true {\n\tg()\n}\n}\n}\n":   false,
		"if true {\n\tg() // says so\n": false,
	} {
		page, err := Parse("page.md", "Prose.\n\n```go\n"+code+"```\n")
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{TB: t}
		page.CheckCode(r, file)
		if (r.failure == "") != ok || !ok && !strings.HasPrefix(r.failure, "page.md:4: ") {
			t.Errorf("%q: %s", code, r.failure)
		}
	}
}
