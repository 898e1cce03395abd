package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dockertls/dockertls"
)

const introduction = `How package dockertls reaches a Docker daemon: four modes, then six mistakes.
The daemons are stand-ins on local ports, and ~ is a throwaway home folder.
`

const (
	columns     = 100
	labelColumn = 3
	textColumn  = 16
)

// A page is the text about one scenario.
type page struct {
	text    strings.Builder
	shorten *strings.Replacer
}

func newPage(home string) *page {
	return &page{shorten: strings.NewReplacer(home, "~")}
}

// scenario prints what there is, and the command.
func (p *page) scenario(number int, s scenario, command string) {
	fmt.Fprintf(&p.text, "\n%d. %s\n", number, s.title)
	var names []string
	for _, f := range s.files {
		names = append(names, f.name)
	}
	p.row("dockerd", s.daemonFlags())
	p.row("~/.docker", cmp.Or(strings.Join(names, " "), "empty"))
	p.row("command", command)
}

// success prints the decision, where each setting came from, and the answer.
func (p *page) success(cfg *dockertls.Config, answer version) string {
	p.row("mode", cfg.Mode().String())
	for _, s := range cfg.Settings() {
		p.row("  "+s.Name, fmt.Sprintf("%-24s from %s", p.shorten.Replace(s.Value), s.Source))
	}
	for _, w := range cfg.Warnings() {
		p.row("warning", w.String())
	}
	p.row("answer", fmt.Sprintf("Docker %s, API %s", answer.Version, answer.ApiVersion))
	return p.text.String()
}

// failure prints what the library says: one line, and a hint on the next.
func (p *page) failure(err error) string {
	message, hint, hinted := strings.Cut(fmt.Sprintf("%+v", err), "\nhint: ")
	p.row("error", message)
	if hinted {
		p.row("hint", hint)
	}
	return p.text.String()
}

// row prints a label and a text beside it, in as many lines as it takes.
func (p *page) row(label, text string) {
	width := columns - textColumn
	for i, line := range wrap(p.shorten.Replace(text), width) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(&p.text, "%*s%-*s%s\n", labelColumn, "", textColumn-labelColumn, label, line)
	}
}

// wrap breaks text at spaces. What fits into one line stays as it is.
func wrap(text string, width int) []string {
	var lines []string
	for len(text) > width {
		end := strings.LastIndex(text[:width+1], " ")
		if end <= 0 { // a word wider than the page
			break
		}
		lines = append(lines, text[:end])
		text = text[end+1:]
	}
	return append(lines, text)
}
