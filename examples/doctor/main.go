// Command doctor finds out why a Docker daemon cannot be reached, and what would
// help. It takes docker's flags and variables, tries the connection step by
// step, and exits with 0 only if the daemon answers.
//
//	go install github.com/dockertls/dockertls/examples/doctor@latest
//	doctor                       # what DOCKER_HOST and the context say
//	doctor -H tcp://box:2376 --tlsverify
//	doctor --json
//	doctor --explain 'remote error: tls: bad certificate'
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/dockertls/dockertls"
)

// Exit statuses.
const (
	exitHealthy = 0
	exitSick    = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, wantsASCII()))
}

// wantsASCII follows the customs of terminals (no-color.org): who switches
// colours off, or has a terminal that can do little, gets plain text.
func wantsASCII() bool {
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	locale := os.Getenv("LC_ALL") + os.Getenv("LC_CTYPE") + os.Getenv("LANG")
	utf8 := locale == "" || strings.Contains(strings.ToUpper(strings.ReplaceAll(locale, "-", "")), "UTF8")
	return os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" || !terminal || !utf8
}

// An order is what the command line asks for.
type order struct {
	opts    dockertls.Options
	json    bool
	explain string
	ascii   bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, ascii bool) int {
	o := order{ascii: ascii}
	fs := flag.NewFlagSet("doctor", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o.opts.AddFlags(fs)
	fs.BoolVar(&o.json, "json", false, "print the report as JSON")
	fs.BoolVar(&o.ascii, "ascii", ascii, "print ASCII only")
	fs.StringVar(&o.explain, "explain", "", "explain the `text` of an error, and connect to nothing")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitHealthy
	case err != nil:
		return exitUsage
	case fs.NArg() > 0:
		fmt.Fprintf(stderr, "doctor takes flags only, not %q\n", fs.Arg(0))
		return exitUsage
	}
	if o.explain != "" {
		return o.explainText(stdout)
	}
	return o.check(ctx, stdout, stderr)
}

func (o order) explainText(stdout io.Writer) int {
	text := errors.New(o.explain)
	err := dockertls.Diagnose(text)
	if err == text {
		fmt.Fprintln(stdout, "this text alone does not tell what is wrong: run doctor where the error occurs")
		return exitSick
	}
	fmt.Fprintf(stdout, "%+v\n", err)
	return exitHealthy
}

func (o order) check(ctx context.Context, stdout, stderr io.Writer) int {
	cfg, err := dockertls.Resolve(o.opts, dockertls.FromEnv())
	if err != nil {
		return o.refuse(err, stdout, stderr)
	}
	if o.json {
		report := cfg.Check(ctx)
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			fmt.Fprintln(stderr, err)
			return exitSick
		}
		return status(report)
	}
	report := cfg.Check(ctx, func(s dockertls.Step) { _ = s.WriteText(stdout, o.ascii) })
	fmt.Fprintln(stdout)
	_ = report.WriteConclusion(stdout)
	return status(report)
}

func status(r *dockertls.Report) int {
	if r.Healthy {
		return exitHealthy
	}
	return exitSick
}

// refuse is for settings that cannot be resolved: there is nothing to try.
func (o order) refuse(err error, stdout, stderr io.Writer) int {
	if o.json {
		json.NewEncoder(stdout).Encode(map[string]any{"healthy": false, "error": err})
		return exitSick
	}
	fmt.Fprintf(stderr, "%+v\n", err)
	return exitSick
}
