package clients

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	docker "github.com/fsouza/go-dockerclient"
)

// A newDockerClient makes go-dockerclient's client for a Config.
type newDockerClient func(*testing.T, *dockertls.Config) *docker.Client

// dockerClientTLSConfig: the client dials its streams itself, with our TLS.
func dockerClientTLSConfig(t *testing.T, cfg *dockertls.Config) *docker.Client {
	t.Helper()
	client := dockerClient(t, cfg)
	client.TLSConfig = cfg.TLSConfig()
	return client
}

// dockerClientDialer: the streams take our way, TLS included.
func dockerClientDialer(t *testing.T, cfg *dockertls.Config) *docker.Client {
	t.Helper()
	client := dockerClient(t, cfg)
	client.Dialer = dialer{cfg}
	return client
}

func dockerClientRecipes() map[string]newDockerClient {
	return map[string]newDockerClient{"TLSConfig": dockerClientTLSConfig, "Dialer": dockerClientDialer}
}

// eachRecipe runs a test for both ways to hand our TLS to the streams.
func eachRecipe(t *testing.T, test func(t *testing.T, newClient newDockerClient)) {
	for name, newClient := range dockerClientRecipes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newClient)
		})
	}
}

// A dialer is a docker.Dialer. The client knows no context for it.
type dialer struct{ cfg *dockertls.Config }

func (d dialer) Dial(_, _ string) (net.Conn, error) { return d.cfg.Dial(context.Background()) }

func dockerClient(t *testing.T, cfg *dockertls.Config) *docker.Client {
	t.Helper()
	endpoint := cfg.URL("")
	if isSocket(cfg) {
		endpoint = cfg.Host()
	}
	client, err := docker.NewClient(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	client.HTTPClient = cfg.HTTPClient()
	t.Cleanup(client.HTTPClient.CloseIdleConnections)
	return client
}

func TestDockerClient(t *testing.T) {
	t.Parallel()
	eachRecipe(t, func(t *testing.T, newClient newDockerClient) {
		eachTarget(t, func(t *testing.T, tg target) {
			client := newClient(t, tg.resolve(t))
			dockerClientCalls(t, client)
			dockerClientUpload(t, client)
			dockerClientStreams(t, client)
			tg.wantSecured(t)
		})
	})
}

func dockerClientCalls(t *testing.T, client *docker.Client) {
	t.Helper()
	if err := client.Ping(); err != nil {
		t.Fatal(err)
	}
	version, err := client.Version()
	if err != nil {
		t.Fatal(err)
	}
	if version.Get("Os") != "linux" {
		t.Errorf("version: the daemon's system is %q", version.Get("Os"))
	}
}

func dockerClientUpload(t *testing.T, client *docker.Client) {
	t.Helper()
	image := random(t)
	if err := client.LoadImage(docker.LoadImageOptions{InputStream: bytes.NewReader(image)}); err != nil {
		t.Error("load:", err)
	}
	err := client.ImportImage(docker.ImportImageOptions{
		Repository: "test", Source: "-", InputStream: bytes.NewReader(image),
	})
	if err != nil {
		t.Error("import:", err)
	}
}

// dockerClientStreams: the stand-in sends back what it reads, without
// multiplexing, as a terminal would.
func dockerClientStreams(t *testing.T, client *docker.Client) {
	t.Helper()
	input := random(t)
	output, err := dockerClientExec(t, client, input)
	if err != nil {
		t.Fatal("exec:", err)
	}
	wantEcho(t, output, input)

	var attached bytes.Buffer
	err = client.AttachToContainer(docker.AttachToContainerOptions{
		Container: "any", Stream: true, Stdin: true, Stdout: true, RawTerminal: true,
		InputStream: bytes.NewReader(input), OutputStream: &attached,
	})
	if err != nil {
		t.Fatal("attach:", err)
	}
	wantEcho(t, attached.Bytes(), input)
}

func dockerClientExec(t *testing.T, client *docker.Client, input []byte) ([]byte, error) {
	t.Helper()
	var output bytes.Buffer
	err := client.StartExec("any", docker.StartExecOptions{
		Tty: true, RawTerminal: true,
		InputStream: bytes.NewReader(input), OutputStream: &output,
	})
	return output.Bytes(), err
}

func TestDockerClientForeignServer(t *testing.T) {
	t.Parallel()
	eachRecipe(t, func(t *testing.T, newClient newDockerClient) {
		tg := startForeign(t)
		cfg := tg.resolve(t)
		client := newClient(t, cfg)

		if err := client.Ping(); !errors.Is(err, dockertls.ServerUntrusted) {
			t.Errorf("ping: got %v, want %v", err, dockertls.ServerUntrusted)
		}
		_, err := dockerClientExec(t, client, nil)
		if foreign := new(x509.UnknownAuthorityError); !errors.As(err, foreign) {
			t.Errorf("exec: got %v, want %T", err, foreign)
		}
		if err := cfg.Diagnose(err); !errors.Is(err, dockertls.ServerUntrusted) {
			t.Errorf("exec: explained as %v, want %v", err, dockertls.ServerUntrusted)
		}
		if requests := tg.Requests(); len(requests) > 0 {
			t.Errorf("the daemon saw %v", requests)
		}
	})
}

// With tcp:// the client makes http:// requests whatever transport it has. They
// fail before anything is sent.
func TestDockerClientPlainEndpoint(t *testing.T) {
	t.Parallel()
	tg := startVerified(t)
	cfg := tg.resolve(t)
	client, err := docker.NewClient(cfg.Host())
	if err != nil {
		t.Fatal(err)
	}
	client.HTTPClient = cfg.HTTPClient()
	if err := client.Ping(); !errors.Is(err, dockertls.EndpointMismatch) {
		t.Errorf("got %v, want %v", err, dockertls.EndpointMismatch)
	}
	if n := tg.Connections(); n > 0 {
		t.Errorf("%d connections", n)
	}
}

func TestDockerClientNeverSpeaksPlain(t *testing.T) {
	t.Parallel()
	eachRecipe(t, func(t *testing.T, newClient newDockerClient) {
		host, seen := firstBytes(t)
		opts := dockertls.Options{Host: host, TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()}
		client := newClient(t, resolve(t, opts))
		if err := client.Ping(); err == nil {
			t.Error("ping: no error")
		}
		if _, err := dockerClientExec(t, client, nil); err == nil {
			t.Error("exec: no error")
		}
		wantHandshakes(t, seen())
	})
}
