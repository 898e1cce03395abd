package docstest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = "# Title\n\n" +
	"```sh\nA=1\n```\n\n" +
	"```sh server\nsleep 100\n```\n" +
	"```go\nfmt.Println()\n```\n" +
	"```sh one fails\nfalse\n```\n\n" +
	"```text\nno ...\n```\n\n" +
	"```sh two\necho \\\n  two\n```\n\nProse.\n\n```text\nnot of this block\n```\n"

func TestParse(t *testing.T) {
	page, err := Parse("page.md", strings.ReplaceAll(example, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{Line: 4, Words: []string{}, Text: "A=1\n"},
		{Line: 8, Words: []string{"server"}, Text: "sleep 100\n"},
		{Line: 14, Words: []string{"one", "fails"}, Text: "false\n", Output: "no ...\n"},
		{Line: 22, Words: []string{"two"}, Text: "echo \\\n  two\n"},
	}
	if diff := cmp.Diff(want, page.Blocks); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"one", "two"}, page.Ways()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"go", "sh", "sh one", "sh two", "text"}, page.Labels); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"```sh\nA=1\n":      "page.md:1: this block has no end",
		"Prose.\n ```sh\n":  "page.md:2: a block that is not seen",
		"~~~sh\nA=1\n~~~\n": "page.md:1: a block that is not seen",
		"\n    A=1\n":       "page.md:2: a block that is not seen",
	} {
		if _, err := Parse("page.md", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestChoose(t *testing.T) {
	page, err := Parse("page.md", "```sh\nA=1 # why\nexport B=2\n```\n```sh one\n1\n```\n```sh two three\n2\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		session Session
		want    []string
		fails   string
	}{
		{session: Session{}, want: []string{"A=1 # why\nexport B=2\n"}},
		{session: Session{Ways: []string{"one"}}, want: []string{"A=1 # why\nexport B=2\n", "1\n"}},
		{session: Session{Ways: []string{"three"}}, want: []string{"A=1 # why\nexport B=2\n", "2\n"}},
		{session: Session{Set: map[string]string{"A": "/$x"}}, want: []string{"A=/$x # why\nexport B=2\n"}},
		{session: Session{Set: map[string]string{"B": "3"}}, fails: "no line sets B"},
		{session: Session{Replace: map[string]string{"why": "so"}}, want: []string{"A=1 # so\nexport B=2\n"}},
		{session: Session{Replace: map[string]string{"how": "so"}}, fails: "no command has how"},
	} {
		blocks, err := tt.session.choose(page.Blocks)
		if tt.fails != "" {
			if err == nil || err.Error() != tt.fails {
				t.Errorf("error %v, want %s", err, tt.fails)
			}
			continue
		}
		var got []string
		for _, b := range blocks {
			got = append(got, b.Text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	if page.Blocks[0].Text != "A=1 # why\nexport B=2\n" {
		t.Error("the page was changed")
	}
}

func TestCheckOutput(t *testing.T) {
	const got = "first line\nsecond (line)\nthird\n"
	for _, tt := range []struct {
		want string
		ok   bool
	}{
		{"", true},
		{"first\nthird\n", true},
		{"...rst li...\nsecond (line)\n", true},
		{"third\nfirst\n", false},
		{"first ... third\n", false}, // within a line
		{"sec.nd\n", false},
	} {
		if err := (Block{Output: tt.want}).checkOutput(got); (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.want, err)
		}
	}
}

func TestCheckLink(t *testing.T) {
	dir := t.TempDir()
	text := "# One page\n\n```sh\n# no heading\n```\n\n## `code`, and-a hyphen\n"
	if err := os.WriteFile(filepath.Join(dir, "other.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	page, err := Parse(filepath.Join(dir, "page.md"), text)
	if err != nil {
		t.Fatal(err)
	}
	for target, ok := range map[string]bool{
		"#one-page": true, "#code-and-a-hyphen": true, "#no-heading": false, "other.md": true, "other.md#one-page": true,
		"other.md#two": false, "missing.md": false, "missing.md#one-page": false, ".": true, "https://example.com/#x": true,
	} {
		if err := page.checkLink(target); (err == nil) != ok {
			t.Errorf("%s: %v", target, err)
		}
	}
}
