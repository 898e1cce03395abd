// Command version is "docker version" in small: it takes docker's global flags
// and variables, connects as docker does, and prints what both sides run.
//
//	go run ./examples/version -H tcp://box:2376 --tlsverify version
//	go run ./examples/version -H ssh://me@box
//	go run ./examples/version --show-config
//	go run ./examples/version load -i image.tar
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/dockertls/dockertls"
)

// answerTimeout is how long the daemon may take to begin an answer.
const answerTimeout = 8 * time.Second

// exitUsage is docker's exit status for a mistake in the flags.
const exitUsage = 125

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var opts dockertls.Options
	fs := flag.NewFlagSet("version", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: version [flags] [version | load -i FILE]")
		fs.PrintDefaults()
	}
	opts.AddFlags(fs)
	showConfig := fs.Bool("show-config", false, "print the settings with their sources, and stop")
	args, err := normalize(args)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	cfg, err := dockertls.Resolve(opts, dockertls.FromEnv())
	if err != nil {
		fmt.Fprintf(stderr, "%+v\n", err)
		return 1
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintln(stderr, "warning:", w)
	}
	if *showConfig {
		printConfig(stdout, cfg)
		return 0
	}
	err = command(ctx, cfg, fs.Args(), stdout)
	var usage usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, err)
		return exitUsage
	case err != nil:
		fmt.Fprintf(stderr, "%+v\n", cfg.Diagnose(err))
		return 1
	}
	return 0
}

type usageError string

func (e usageError) Error() string { return string(e) }

// command runs the word after the flags.
func command(ctx context.Context, cfg *dockertls.Config, args []string, stdout io.Writer) error {
	word := "version"
	if len(args) > 0 {
		word, args = args[0], args[1:]
	}
	api := newAPI(cfg)
	defer api.close()
	switch word {
	case "version":
		if len(args) > 0 {
			return usageError("version takes no arguments")
		}
		return printVersion(ctx, cfg, api, stdout)
	case "load":
		fs := flag.NewFlagSet("load", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		file := fs.String("i", "", "image `file`")
		if err := fs.Parse(args); err != nil || *file == "" {
			return usageError("usage: load -i FILE")
		}
		return load(ctx, api, *file, stdout)
	}
	return usageError("unknown command " + word)
}

func printConfig(w io.Writer, cfg *dockertls.Config) {
	fmt.Fprintln(w, cfg)
	for _, s := range cfg.Settings() {
		fmt.Fprintln(w, " ", s)
	}
}

func printVersion(ctx context.Context, cfg *dockertls.Config, api *api, w io.Writer) error {
	var server struct{ Version, ApiVersion, MinAPIVersion, GoVersion, Os, Arch string }
	resp, err := api.do(ctx, http.MethodGet, "/version", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&server); err != nil {
		return fmt.Errorf("the answer to /version: %w", err)
	}
	fmt.Fprintf(w, "Client: dockertls example\n API version: %s\n Go version:  %s\n OS/Arch:     %s/%s\n Endpoint:    %s\n",
		api.version, runtime.Version(), runtime.GOOS, runtime.GOARCH, cfg)
	fmt.Fprintf(w, "Server: Docker %s\n API version: %s (minimum %s)\n Go version:  %s\n OS/Arch:     %s/%s\n",
		server.Version, server.ApiVersion, server.MinAPIVersion, server.GoVersion, server.Os, server.Arch)
	return nil
}

// load sends an image archive and prints what the daemon says about it.
func load(ctx context.Context, api *api, file string, w io.Writer) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	resp, err := api.do(ctx, http.MethodPost, "/images/load?quiet=1", f)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for answers := json.NewDecoder(resp.Body); ; {
		var line struct{ Stream, Error string }
		if err := answers.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("the answer to /images/load: %w", err)
		}
		if line.Error != "" {
			return errors.New(strings.TrimSpace(line.Error))
		}
		fmt.Fprint(w, line.Stream)
	}
}
