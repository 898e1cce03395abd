package clients

import (
	"log"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	docker "github.com/fsouza/go-dockerclient"
)

// README.md quotes this function; a test in the root compares them.
func readmeDockerClient(cfg *dockertls.Config) *docker.Client {
	cli, err := docker.NewClient(cfg.URL("")) // it takes tcp:// for plain HTTP; sockets: cfg.Host()
	if err != nil {
		log.Fatal(err)
	}
	cli.HTTPClient, cli.TLSConfig = cfg.HTTPClient(), cfg.TLSConfig()
	return cli
}

func TestReadmeDockerClient(t *testing.T) {
	t.Parallel()
	daemon := dockertlstest.Start(t)
	if err := readmeDockerClient(resolve(t, daemon.Options())).PingWithContext(t.Context()); err != nil {
		t.Error(err)
	}
}
