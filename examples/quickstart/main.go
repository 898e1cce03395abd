// Command quickstart shows what package dockertls does, on a machine without
// Docker: it starts stand-ins for the daemon, connects to them as the docker
// command would, and prints what was decided and why. Then it makes the classic
// mistakes and prints what the library says about each.
//
//	go run ./examples/quickstart
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
	"path/filepath"
	"strings"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

const timeLimit = 10 * time.Second // for one scenario

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run plays all scenarios, one after the other: each has an environment of its
// own, and a process has only one.
func run(stdout io.Writer) error {
	if _, err := io.WriteString(stdout, introduction); err != nil {
		return err
	}
	for i, s := range scenarios() {
		text, err := s.play(i + 1)
		if err != nil {
			return fmt.Errorf("scenario %d (%s): %w", i+1, s.title, err)
		}
		if _, err := io.WriteString(stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// play starts the daemon, runs the command, and returns what to print. It is an
// error if anything else happens than the scenario says.
func (s scenario) play(number int) (string, error) {
	home, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(home)
	if err := s.writeFiles(filepath.Join(home, ".docker")); err != nil {
		return "", err
	}
	daemon := s.startDaemon()
	defer daemon.Close()

	command := strings.ReplaceAll(s.command, "ADDRESS", daemon.Host())
	env, args := splitCommand(command)
	if err := setEnvironment(home, env); err != nil {
		return "", err
	}
	page := newPage(home)
	page.scenario(number, s, command)
	cfg, answer, err := connect(args)
	if s.fails != "" {
		return page.failure(err), s.checkFailure(err)
	}
	if err != nil {
		return "", err
	}
	return page.success(cfg, answer), s.checkMode(cfg)
}

func (s scenario) checkFailure(err error) error {
	if !errors.Is(err, s.fails) {
		return fmt.Errorf("want the error %s, got: %v", s.fails, err)
	}
	return nil
}

func (s scenario) checkMode(cfg *dockertls.Config) error {
	if cfg.Mode() != s.mode {
		return fmt.Errorf("want mode %s, got %s", s.mode, cfg.Mode())
	}
	return nil
}

// connect is all a program needs to reach the daemon that docker would reach.
func connect(args []string) (*dockertls.Config, version, error) {
	cfg, err := resolve(args)
	if err != nil {
		return nil, version{}, err
	}
	answer, err := askVersion(cfg)
	return cfg, answer, cfg.Diagnose(err)
}

// resolve reads docker's flags from args. What they leave open is up to the
// environment, and then to the files in ~/.docker.
func resolve(args []string) (*dockertls.Config, error) {
	var opts dockertls.Options
	flags := flag.NewFlagSet("docker", flag.ContinueOnError)
	opts.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return dockertls.Resolve(opts, dockertls.FromEnv())
}

// A version is a part of the answer to /version.
type version struct{ Version, ApiVersion string }

func askVersion(cfg *dockertls.Config) (version, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.URL("/version"), nil)
	if err != nil {
		return version{}, err
	}
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return version{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return version{}, fmt.Errorf("the daemon answered %s", resp.Status)
	}
	var answer version
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer, err
}

// startDaemon starts a stand-in on a free port.
func (s scenario) startDaemon() *dockertlstest.Daemon {
	daemon := dockertlstest.NewUnstartedDaemon(s.daemon, s.ca)
	if s.daemon != dockertlstest.Plain {
		daemon.Server = s.ca.ServerPair(s.serverNames...)
	}
	daemon.Start()
	return daemon
}

func (s scenario) writeFiles(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, f := range s.files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// splitCommand takes a command line apart: "A=1 docker --tls version" sets A and
// has the arguments --tls and version.
func splitCommand(command string) (env, args []string) {
	before, after, _ := strings.Cut(command, "docker ")
	return strings.Fields(before), strings.Fields(after)
}

// setEnvironment removes from the environment whatever [dockertls.FromEnv] looks
// at, so that nothing of the user's own shows up, and sets the scenario's.
func setEnvironment(home string, env []string) error {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !isConnectionVariable(name) {
			continue
		}
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	env = append(env, "HOME="+home, "USERPROFILE="+home) // the latter is Windows' name for it
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

func isConnectionVariable(name string) bool {
	name = strings.ToUpper(name)
	return strings.HasPrefix(name, "DOCKER") || strings.HasSuffix(name, "_PROXY") || name == "REQUEST_METHOD"
}
