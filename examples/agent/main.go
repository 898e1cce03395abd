// Command agent keeps watch over Docker daemons, as the part of a deployment
// agent that talks to them would. It checks each of them again and again, logs a
// diagnosis when it changes, follows certificates that are renewed on disk, and
// serves /metrics for Prometheus and /healthz.
//
//	go run . --config agent.yaml
//	curl -s 127.0.0.1:9376/healthz
//
// A mistake in the file ends the program. An endpoint whose settings cannot be
// used, because a certificate is missing for example, is unhealthy until they
// can, and does not disturb the others.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

func run(ctx context.Context, args []string, stderr io.Writer) int {
	fs := flag.NewFlagSet("agent", flag.ContinueOnError)
	fs.SetOutput(stderr)
	path := fs.String("config", "agent.yaml", "the configuration `file`")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return exitUsage
	case fs.NArg() > 0:
		fmt.Fprintf(stderr, "agent takes flags only, not %q\n", fs.Arg(0))
		return exitUsage
	}
	c, err := readConfig(*path)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	log := c.logger(stderr)
	if err := newAgent(c, log).run(ctx, listener); err != nil {
		log.Error("ended", "err", err)
		return exitFailed
	}
	return exitDone
}
