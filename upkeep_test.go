package dockertls

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// What the pages for contributors and the files for GitHub name is there:
// folders, files, tests, scripts, and what is exported.

var upkeepPages = []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ".github/PULL_REQUEST_TEMPLATE.md", ".github/ISSUE_TEMPLATE/connection.yml", ".github/workflows/test.yml"}

var (
	quotedWords = regexp.MustCompile("`([^`\n]+)`")
	command     = regexp.MustCompile("(?m)(?:^ *- run: |`|^ +)((?:go (?:-C|test|run)|\\.ci/)[^`\n]*)")
	runFlag     = regexp.MustCompile(`-run '?([\w|]+)'?`)
	selector    = regexp.MustCompile("`(Config|Options|Error|Evidence)\\.(\\w+)`")
	fileName    = regexp.MustCompile(`^[\w./*-]+\.(go|md|yml|golden)$`)
)

func TestUpkeepPages(t *testing.T) {
	t.Parallel()
	api := readText(t, filepath.Join("testdata", "api.golden"))
	for _, page := range upkeepPages {
		text := readText(t, page)
		commands := command.FindAllStringSubmatch(text, -1)
		for _, match := range commands {
			checkCommand(t, page, match[1])
		}
		for _, match := range selector.FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`(field|method \(\*?` + match[1] + `\)) ` + match[2] + `\b`).MatchString(api) {
				t.Errorf("%s: there is no %s.%s", page, match[1], match[2])
			}
		}
		if filepath.Ext(page) != ".md" {
			continue
		}
		for _, match := range quotedWords.FindAllStringSubmatch(text, -1) {
			if fileName.MatchString(match[1]) && !slices.Contains(notHere, match[1]) {
				if found, err := filepath.Glob(match[1]); err != nil || len(found) == 0 {
					t.Errorf("%s: there is no file %s", page, match[1])
				}
			}
		}
	}
}

// notHere are files of users.
var notHere = []string{"ca.pem", "key.pem"}

// checkCommand looks for the parts of a command that may have been renamed.
func checkCommand(t *testing.T, page, line string) {
	t.Helper()
	words := strings.Fields(line)
	dir := "."
	switch {
	case words[0] != "go":
		if info, err := os.Stat(words[0]); err != nil || info.Mode()&0o111 == 0 && filepath.Separator == '/' {
			t.Errorf("%s: %s: no script: %v", page, line, err)
		}
		if len(words) > 1 && !strings.Contains(readText(t, words[0]), words[1]+")") {
			t.Errorf("%s: %s: the script does not know %s", page, line, words[1])
		}
		return
	case words[1] == "-C":
		dir = words[2]
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			t.Errorf("%s: %s: %v", page, line, err)
		}
	case words[1] == "run":
		program, version, _ := strings.Cut(words[2], "@")
		program = strings.TrimPrefix(program, "github.com/dockertls/dockertls/")
		if found, _ := filepath.Glob(filepath.Join(program, "*.go")); len(found) == 0 || version != "latest" && !strings.HasPrefix(program, "./") {
			t.Errorf("%s: %s: no such program", page, line)
		}
	}
	if slices.Contains(words, "test") && !slices.Contains(words, "-timeout") && len(words) > 3 {
		t.Errorf("%s: %s: without -timeout", page, line)
	}
	if match := runFlag.FindStringSubmatch(line); match != nil {
		for name := range strings.SplitSeq(match[1], "|") {
			if !declaresTest(t, dir, name) {
				t.Errorf("%s: %s: there is no %s", page, line, name)
			}
		}
	}
}

func declaresTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	check(t, err)
	return slices.ContainsFunc(files, func(file string) bool {
		return strings.Contains(readText(t, file), "func "+name+"(t *testing.T)")
	})
}

// Dependabot knows every module; the workflow tests with the Go that go.mod wants.
func TestUpkeepModules(t *testing.T) {
	t.Parallel()
	var modules []string
	for _, pattern := range []string{"go.mod", "*/go.mod", "*/*/go.mod"} {
		found, err := filepath.Glob(pattern)
		check(t, err)
		modules = append(modules, found...)
	}
	dependabot := readText(t, ".github/dependabot.yml")
	for _, module := range modules {
		dir := path.Join("/", path.Dir(filepath.ToSlash(module)))
		if !strings.Contains(dependabot, "      - "+dir+"\n") {
			t.Errorf("dependabot.yml does not name %s", dir)
		}
	}
	_, version, _ := strings.Cut(readText(t, "go.mod"), "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	image := "golang:" + version[:strings.LastIndexByte(version, '.')] + "-"
	if !strings.Contains(readText(t, ".github/workflows/test.yml"), image) {
		t.Errorf("the workflow does not use %s, of go.mod's version %s", image, version)
	}
}

// The scripts are read by bash as they stand.
func TestUpkeepScripts(t *testing.T) {
	t.Parallel()
	bash := programtest.Find(t, "bash", "bash")
	for _, script := range []string{".ci/run", ".ci/coverage"} {
		if out, err := exec.Command(bash, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
