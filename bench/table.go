package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A section is a part of the table, with how it was measured.
type section struct {
	title, method string
	rows          []row
}

var columns = []string{"what", "per run", names[ours], names[moby], names[fsouza], names[bare], "goal", "median (quartiles)", ""}

// lines are the cells of a section: a goal beyond the first has a line of its own.
func (s section) lines() [][]string {
	var lines [][]string
	for _, r := range s.rows {
		line := append([]string{r.name, r.per}, r.values[:]...)
		for _, g := range r.goals {
			lines = append(lines, append(line, g.want, g.got, g.verdict()))
			line = make([]string, 2+len(r.values))
		}
		if len(r.goals) == 0 {
			lines = append(lines, append(line, "", "", ""))
		}
	}
	return lines
}

// printText prints a section for a terminal.
func (s section) printText(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", s.title)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, line := range append([][]string{columns}, s.lines()...) {
		fmt.Fprintln(t, strings.Join(line, "\t")+"\t")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, reason := range s.reasons() {
		fmt.Fprintln(w, reason)
	}
	return nil
}

// printMarkdown prints a section for docs/performance.md.
func (s section) printMarkdown(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n", s.title, strings.TrimSpace(s.method))
	fmt.Fprintf(w, "| %s |\n|---|---|%s---|---|---|\n", strings.Join(columns, " | "), strings.Repeat("--:|", int(bare)+1))
	for _, line := range s.lines() {
		fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
	}
	for _, reason := range s.reasons() {
		fmt.Fprintf(w, "\n%s\n", reason)
	}
}

// reasons are those of what was missed.
func (s section) reasons() []string {
	var reasons []string
	for _, r := range s.rows {
		for _, g := range r.goals {
			if !g.met && g.reason != "" {
				reasons = append(reasons, fmt.Sprintf("MISSED: %s, %s (%s). %s", r.name, r.per, g.want, g.reason))
			}
		}
	}
	return reasons
}
