// Command moby prints the version of the daemon that docker's own command
// would reach, through moby's client.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/moby/moby/client"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "%+v\n", err)
		os.Exit(1)
	}
}

func run() error {
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	if err != nil {
		return err
	}
	// The host comes first: WithHost would replace our dialer and our proxy.
	cli, err := client.New(client.WithHost(cfg.Host()), client.WithHTTPClient(cfg.HTTPClient()))
	if err != nil {
		return err
	}
	defer cli.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	version, err := cli.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return cfg.Diagnose(err)
	}
	fmt.Printf("Docker %s (API %s) at %s\n", version.Version, version.APIVersion, cfg)
	return nil
}
