package docstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The words after "sh" that are no ways.
const (
	wordServer = "server"
	wordFails  = "fails"
)

// A Page is a Markdown page.
type Page struct {
	Path   string
	Blocks []Block  // the commands
	Labels []string // what kinds of blocks there are, sorted: "go", "sh", "sh openssl", ...
	text   string
	code   []fence
}

// A Block is a fenced block of commands.
type Block struct {
	Line   int      // in the page, of the first command
	Words  []string // after "sh"
	Text   string
	Output string // what it prints, or part of it; empty if the page does not say
}

// Read reads a page. One without any commands fails the test: so would one whose
// blocks got another language by mistake.
func Read(tb testing.TB, path string) Page {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	page, err := Parse(path, string(data))
	if err != nil {
		tb.Fatal(err)
	}
	if len(page.Blocks) == 0 {
		tb.Fatalf("%s: no block of commands (```sh)", path)
	}
	return page
}

// A fence is any fenced block.
type fence struct {
	first, last int // lines, from 0, of what is inside; last is that of the closing fence
	info, text  string
}

// Parse takes the text of a page apart. The path is for messages and links.
func Parse(path, text string) (Page, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	page := Page{Path: path, text: text}
	fences, err := fencesOf(text)
	if err != nil {
		return page, fmt.Errorf("%s:%w", path, err)
	}
	lines := strings.Split(text, "\n")
	for i, f := range fences {
		switch words := strings.Fields(f.info); {
		case len(words) > 0 && words[0] == "sh":
			page.Blocks = append(page.Blocks, Block{Line: f.first + 1, Words: words[1:], Text: f.text})
		case f.info == "text" && i > 0 && fences[i-1].isCommands() && onlyBlanks(lines[fences[i-1].last+1:f.first-1]):
			page.Blocks[len(page.Blocks)-1].Output = f.text
			continue // a part of its commands
		case f.info == "go":
			page.code = append(page.code, f)
		}
		page.Labels = append(page.Labels, f.labels()...)
	}
	slices.Sort(page.Labels)
	page.Labels = slices.Compact(page.Labels)
	return page, nil
}

func (f fence) isCommands() bool { return f.info == "sh" || strings.HasPrefix(f.info, "sh ") }

// labels are the language, and with a way both, one for each way.
func (f fence) labels() []string {
	if !f.isCommands() {
		return []string{f.info}
	}
	ways := Block{Words: strings.Fields(f.info)[1:]}.ways()
	if len(ways) == 0 {
		return []string{"sh"}
	}
	for i := range ways {
		ways[i] = "sh " + ways[i]
	}
	return ways
}

// hidden is how a page may begin a block beside a line with ```.
var hidden = regexp.MustCompile("^\\s+```|^\\s*~~~|^(    |\t)\\s*\\S")

func fencesOf(text string) ([]fence, error) {
	const mark = "```"
	var fences []fence
	var inside []string
	open := false
	for i, line := range strings.Split(text, "\n") {
		info, isMark := strings.CutPrefix(line, mark)
		switch {
		case !isMark && open:
			inside = append(inside, line)
		case !isMark && hidden.MatchString(line):
			return nil, fmt.Errorf("%d: a block that is not seen here: begin it with ``` and no blanks", i+1)
		case isMark && !open:
			fences = append(fences, fence{first: i + 1, info: strings.TrimSpace(info)})
			open, inside = true, nil
		case isMark:
			last := &fences[len(fences)-1]
			last.last, last.text = i, strings.Join(inside, "\n")+"\n"
			open = false
		}
	}
	if open {
		return nil, fmt.Errorf("%d: this block has no end", fences[len(fences)-1].first)
	}
	return fences, nil
}

func onlyBlanks(lines []string) bool {
	return strings.TrimSpace(strings.Join(lines, "")) == ""
}

// Ways are the words by which blocks are chosen, sorted. A test that has a list
// of ways compares it with this one, so that no block is left out.
func (p Page) Ways() []string {
	var ways []string
	for _, b := range p.Blocks {
		ways = append(ways, b.ways()...)
	}
	slices.Sort(ways)
	return slices.Compact(ways)
}

func (b Block) ways() []string {
	var ways []string
	for _, w := range b.Words {
		if w != wordServer && w != wordFails {
			ways = append(ways, w)
		}
	}
	return ways
}

func (b Block) has(word string) bool { return slices.Contains(b.Words, word) }

// onWay tells whether a session that goes these ways runs the block.
func (b Block) onWay(ways []string) bool {
	own := b.ways()
	return len(own) == 0 || slices.ContainsFunc(own, func(w string) bool { return slices.Contains(ways, w) })
}

// checkOutput compares what a block printed with what the page says.
func (b Block) checkOutput(got string) error {
	rest := got
	for line := range strings.Lines(b.Output) {
		line = strings.TrimSpace(line)
		pattern := strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, ".*")
		where := regexp.MustCompile(pattern).FindStringIndex(rest)
		if where == nil {
			return fmt.Errorf("the page says that it prints %q, but it printed:\n%s", line, got)
		}
		rest = rest[where[1]:]
	}
	return nil
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
)

// CheckLinks checks that what the page links to is there: files, and headings in
// them. Links to other hosts are left alone.
func (p Page) CheckLinks(tb testing.TB) {
	tb.Helper()
	for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(p.text, ""), -1) {
		if err := p.checkLink(match[1]); err != nil {
			tb.Errorf("%s: link to %s: %v", p.Path, match[1], err)
		}
	}
}

func (p Page) checkLink(target string) error {
	if strings.Contains(target, "://") {
		return nil
	}
	path, anchor, hasAnchor := strings.Cut(target, "#")
	text := p.text
	if path != "" {
		path = filepath.Join(filepath.Dir(p.Path), path)
		if !hasAnchor {
			_, err := os.Stat(path)
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = string(data)
	}
	if !slices.Contains(anchors(text), anchor) {
		return errors.New("no such heading")
	}
	return nil
}

// anchors are the names that GitHub gives to headings.
func anchors(text string) []string {
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	var names []string
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(match[1])), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
