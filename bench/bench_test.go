package main

import (
	"bytes"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/dockerdtest"
	"github.com/dockertls/dockertls/internal/programtest"
)

func TestMain(m *testing.M) {
	serveIfAsked()
	os.Exit(m.Run())
}

func openLab(t *testing.T, e effort) *lab {
	t.Helper()
	l, err := newLab(e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(l.dir) })
	return l
}

// Figures are for the program; here is shown that every row gets some.
func TestEverySection(t *testing.T) {
	l := openLab(t, quick)
	for _, p := range l.parts() {
		t.Run(p.title, func(t *testing.T) {
			if p.title == newTitle {
				requireDaemons(t)
			}
			s, err := p.section()
			if err != nil {
				t.Fatal(err)
			}
			if len(s.rows) == 0 {
				t.Error("no rows")
			}
			for _, r := range s.rows {
				checkRow(t, r)
			}
			checkPrinting(t, s)
		})
	}
}

// requireDaemons: without a daemon a row says so.
func requireDaemons(t *testing.T) {
	t.Helper()
	for _, f := range dockerdtest.Flavours() {
		if err := f.Missing(); err != nil {
			programtest.Missing(t, err)
		}
	}
}

func checkRow(t *testing.T, r row) {
	t.Helper()
	for _, s := range []side{ours, moby} {
		if r.values[s] == "" {
			t.Errorf("%s, %s: nothing for %s", r.name, r.per, names[s])
		}
	}
	for _, g := range r.goals {
		if g.want == "" || g.got == "" {
			t.Errorf("%s, %s: a goal without words: %+v", r.name, r.per, g)
		}
	}
}

func checkPrinting(t *testing.T, s section) {
	t.Helper()
	var text, page bytes.Buffer
	if err := s.printText(&text); err != nil {
		t.Error(err)
	}
	s.printMarkdown(&page)
	for _, r := range s.rows {
		if !strings.Contains(text.String(), r.name) || !strings.Contains(page.String(), r.name) {
			t.Errorf("%s is not printed", r.name)
		}
	}
	for _, line := range strings.Split(page.String(), "\n") {
		if cells := strings.Count(line, "|") - 1; strings.HasPrefix(line, "|") && cells != len(columns) {
			t.Errorf("%d cells, want %d: %s", cells, len(columns), line)
		}
	}
}

func TestMissedGoalIsCalledMissed(t *testing.T) {
	s := section{title: "title", rows: []row{{name: "name", per: "time", goals: []goal{
		{want: "wanted", got: "got", met: true},
		{want: "wanted more", got: "got less", reason: "Because."},
	}}}}
	var out bytes.Buffer
	if err := s.printText(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "MISSED: name, time (wanted more). Because.") {
		t.Errorf("got %s", out.String())
	}
	lines := s.lines()
	if got := lines[0][len(columns)-1] + " " + lines[1][len(columns)-1]; got != "met MISSED" {
		t.Errorf("got %s", got)
	}
}

// Times are for the program; allocations are exact.
func TestAllocationsOnKeptConnections(t *testing.T) {
	if raceDetector(t) {
		t.Skip("with the race detector a sync.Pool forgets at random: run it without -race")
	}
	e := quick
	e.exact = true
	rows, err := openLab(t, e).keptConnections()
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, r := range rows {
		if r.per != "allocations" {
			continue
		}
		counted++
		for _, g := range r.goals {
			if !g.met {
				t.Errorf("%s: ours %s, net/http %s", r.name, r.values[ours], r.values[bare])
			}
		}
	}
	if counted == 0 {
		t.Error("nothing was counted")
	}
}

// raceDetector tells whether it is on: then a sync.Pool forgets at random.
func raceDetector(t *testing.T) bool {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// The page is written by the program: this fails when it was not run again after
// a change of what or how it measures.
func TestPageIsOfThisProgram(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{pageHead}
	for _, p := range new(lab).parts() {
		wanted = append(wanted, "## "+p.title+"\n\n"+strings.TrimSpace(p.method)+"\n")
	}
	for _, w := range wanted {
		if !bytes.Contains(page, []byte(w)) {
			t.Errorf("run: go -C bench run . -md ../docs/performance.md\nthe page lacks:\n%s", w)
		}
	}
}
