// Command dockerclient prints the version of the daemon that docker's own
// command would reach, through go-dockerclient.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dockertls/dockertls"
	docker "github.com/fsouza/go-dockerclient"
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
	client, err := newClient(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	version, err := client.VersionWithContext(ctx)
	if err != nil {
		return cfg.Diagnose(err)
	}
	fmt.Printf("Docker %s (API %s) at %s\n", version.Get("Version"), version.Get("ApiVersion"), cfg)
	return nil
}

func newClient(cfg *dockertls.Config) (*docker.Client, error) {
	endpoint := cfg.URL("") // this client takes tcp:// for plain HTTP, and knows no ssh://
	if isSocket(cfg) {
		endpoint = cfg.Host()
	}
	client, err := docker.NewClient(endpoint)
	if err != nil {
		return nil, err
	}
	client.HTTPClient = cfg.HTTPClient()
	client.TLSConfig = cfg.TLSConfig() // of exec and attach; nil in plain mode
	return client, nil
}

func isSocket(cfg *dockertls.Config) bool {
	return strings.HasPrefix(cfg.Host(), "unix://") || strings.HasPrefix(cfg.Host(), "npipe://")
}
