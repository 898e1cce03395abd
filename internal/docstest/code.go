package docstest

import (
	"os"
	"strings"
	"testing"
)

// CheckCode checks that each of the page's blocks of Go stands in one of the
// files, line by line, but for the indentation: so it compiles, and is what a
// test there runs.
func (p Page) CheckCode(tb testing.TB, files ...string) {
	tb.Helper()
	sources := ""
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		sources += flush(string(data)) + "\n"
	}
	for _, f := range p.code {
		if !strings.Contains(sources, "\n"+flush(f.text)+"\n") {
			tb.Errorf("%s:%d: this code is in none of %v:\n%s", p.Path, f.first+1, files, f.text)
		}
	}
}

// flush is a text without indentation and final line breaks.
func flush(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
