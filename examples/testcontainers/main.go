package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/dockertls/dockertls"
	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

func main() {
	var opts dockertls.Options
	opts.AddFlags(flag.CommandLine)
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: testcontainers [flags] IMAGE COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	if err := run(context.Background(), opts, flag.Arg(0), flag.Args()[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%+v\n", err)
		os.Exit(1)
	}
}

// run runs a command in a container, and prints what it prints.
func run(ctx context.Context, opts dockertls.Options, image string, command []string, stdout io.Writer) error {
	cfg, err := dockertls.Resolve(opts, dockertls.FromEnv())
	if err != nil {
		return err
	}
	relay, err := startRelay(cfg)
	if err != nil {
		return err
	}
	defer relay.Close()
	if err := use(relay, cfg); err != nil {
		return err
	}
	return printOutput(ctx, image, command, stdout)
}

// use makes all of testcontainers-go in this process speak to the relay. It
// must come before anything else of that package is called, and can be called
// once.
func use(r *relay, cfg *dockertls.Config) error {
	runtime := testcontainers.RuntimeConfig{
		DockerHost:       r.Host,
		DockerSocketPath: "/var/run/docker.sock",
		PublishedHost:    publishedHost(cfg),
	}
	err := testcontainers.RegisterProvider("podman", func() testcontainers.RuntimeProvider { return fixed(runtime) })
	if err != nil {
		return err
	}
	provider, err := testcontainers.ProviderPodman.GetProvider() //nolint:staticcheck // deprecated, but no other ProviderType chooses a registered runtime in code
	if err != nil {
		return err
	}
	return provider.Close()
}

// publishedHost is where the ports of containers are reached.
func publishedHost(cfg *dockertls.Config) string {
	u, err := url.Parse(cfg.Host())
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	return u.Hostname()
}

// fixed is a runtime that needs no preparation.
type fixed testcontainers.RuntimeConfig

func (f fixed) Initialize(context.Context) (testcontainers.RuntimeConfig, error) {
	return testcontainers.RuntimeConfig(f), nil
}

// printOutput is what any program with testcontainers-go does: it knows nothing
// of how the daemon is reached.
func printOutput(ctx context.Context, image string, command []string, stdout io.Writer) (err error) {
	ctr, err := testcontainers.Run(ctx, image,
		testcontainers.WithCmd(command...),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) { c.NetworkMode = "none" }),
		testcontainers.WithWaitStrategy(wait.ForExit()),
	)
	defer func() { err = errors.Join(err, testcontainers.TerminateContainer(ctr)) }()
	if err != nil {
		return err
	}
	logs, err := ctr.Logs(ctx)
	if err != nil {
		return err
	}
	defer logs.Close()
	_, err = io.Copy(stdout, logs)
	return err
}
