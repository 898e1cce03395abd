// Command run starts another program, such as docker, docker compose or a test,
// with the daemon that docker's flags, variables and contexts choose: in
// DOCKER_* variables, address and TLS as one unit, and nothing left over of the
// caller's own.
//
//	go run ./examples/run -- docker ps
//	go run ./examples/run -H tcp://box:2376 --tlsverify -- docker compose up
//	go run ./examples/run --context prod --write-certs ~/prod-certs -- ./deploy
//
// The variables can only name a folder with ca.pem, cert.pem and key.pem. Where
// the files lie otherwise, --write-certs names a folder to copy them to, and
// without it the program says why it cannot start.
//
// The exit status is the program's: 125 is a mistake in the flags, 126 and 127
// are a program that cannot be started, or is not there, and 1 is also what a
// diagnosis ends with. On Unix the program takes this one's place, so that signals
// reach it and nobody else.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/dockertls/dockertls"
)

// Exit statuses, as those of docker run.
const (
	exitUsage    = 125
	exitNoStart  = 126
	exitNotFound = 127
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns only if the program did not take this one's place.
func run(args []string, stderr io.Writer) int {
	var opts dockertls.Options
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: run [flags] -- PROGRAM [ARGUMENT...]")
		fs.PrintDefaults()
	}
	opts.AddFlags(fs)
	writeCerts := fs.String("write-certs", "", "write ca.pem, cert.pem and key.pem to this `folder`, and let the program use them there")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	case fs.NArg() == 0:
		fs.Usage()
		return exitUsage
	}
	vars, err := variables(opts, *writeCerts, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "%+v\n", err)
		return 1
	}
	return start(fs.Args(), append(os.Environ(), vars...), stderr)
}

// variables are those of the daemon that the flags and the environment choose.
func variables(opts dockertls.Options, writeCerts string, stderr io.Writer) ([]string, error) {
	cfg, err := dockertls.Resolve(opts, dockertls.FromEnv())
	if err != nil {
		return nil, err
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintln(stderr, "warning:", w)
	}
	if writeCerts != "" {
		return cfg.EnvironIn(writeCerts)
	}
	vars, err := cfg.Environ()
	var e *dockertls.Error
	if errors.As(err, &e) && e.Hint != "" {
		e.Hint += "; here that is --write-certs"
	}
	return vars, err
}

// start finds the program and lets it run.
func start(command, environ []string, stderr io.Writer) int {
	path, err := exec.LookPath(command[0])
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitNotFound
	}
	cmd := exec.Command(path, command[1:]...)
	cmd.Args[0], cmd.Env = command[0], environ
	code, err := become(cmd)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitNoStart
	}
	return code
}
