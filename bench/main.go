// Command bench prints what dockertls needs beside what programs would use
// without it: moby's client, go-dockerclient, and net/http with the TLS of
// docker/go-connections; and whether it meets its goals.
//
//	go -C bench run .                                # the table; takes about ten minutes
//	go -C bench run . -only kept                     # a part of it
//	go -C bench run . -quick                         # no figures, but all of the machinery
//	go -C bench run . -md ../docs/performance.md     # writes the page, too
//
// The server is another process, or a real dockerd as root on Linux.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	serveIfAsked()
	isQuick := flag.Bool("quick", false, "few rounds: shows that it works, but no figures of use")
	page := flag.String("md", "", "also write the page to this `file`")
	only := flag.String("only", "", "only sections whose title contains this `text`")
	flag.Parse()
	e := thorough
	if *isQuick {
		e = quick
	}
	if err := run(e, *only, *page); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(e effort, only, page string) error {
	l, err := newLab(e)
	if err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	var text bytes.Buffer
	writeHead(&text)
	for _, p := range l.parts() {
		if !strings.Contains(strings.ToLower(p.title), strings.ToLower(only)) {
			continue
		}
		s, err := p.section()
		if err != nil {
			return err
		}
		if err := s.printText(os.Stdout); err != nil {
			return err
		}
		s.printMarkdown(&text)
	}
	if page == "" {
		return nil
	}
	return os.WriteFile(page, text.Bytes(), 0o644)
}

// A part is a section that is still to be measured.
type part struct {
	title, method string
	measure       func() ([]row, error)
}

func (l *lab) parts() []part {
	return []part{
		{"Resolve and build a client", resolveMethod, l.resolving},
		{newTitle, newMethod, l.newConnections},
		{"The first connection", firstMethod, l.firstConnections},
		{"Requests on a kept connection", keptMethod, l.keptConnections},
		{"Loading and saving images", transferMethod, l.transfers},
		{"Streams", streamMethod, l.streams},
		{"Many endpoints", manyMethod, l.manyEndpoints},
	}
}

func (p part) section() (section, error) {
	rows, err := p.measure()
	if err != nil {
		return section{}, fmt.Errorf("%s: %w", p.title, err)
	}
	return section{p.title, p.method, rows}, nil
}
