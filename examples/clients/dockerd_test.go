package clients

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
	docker "github.com/fsouza/go-dockerclient"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

const image = "busybox:test"

// Real daemons, which unlike the stand-in take the connection over from a
// server of their own, and multiplex the output.
func TestDockerd(t *testing.T) {
	dockerdtest.Require(t)
	root := dockerdtest.BusyboxTar(t)
	certs := t.TempDir()
	dockerdtest.DocsCerts(t, certs, "127.0.0.1")
	for _, flavour := range dockerdtest.Flavours() {
		start := func(t *testing.T, mode dockerdtest.Mode) *dockerdtest.Daemon {
			return dockerdtest.Start(t, flavour, dockerdtest.Options{
				Mode:     mode,
				CAFile:   filepath.Join(certs, "ca.pem"),
				CertFile: filepath.Join(certs, "server-cert.pem"),
				KeyFile:  filepath.Join(certs, "server-key.pem"),
			})
		}
		t.Run(string(flavour)+"/plain", func(t *testing.T) {
			t.Parallel()
			d := start(t, dockerdtest.Plain)
			checkClients(t, "tcp", dockertls.Options{Host: d.TCPHost()}, root)
			checkClients(t, "socket", dockertls.Options{Host: d.UnixHost()}, root)
		})
		t.Run(string(flavour)+"/tls", func(t *testing.T) {
			t.Parallel()
			d := start(t, dockerdtest.TLS)
			checkClients(t, "encrypted", dockertls.Options{Host: d.TCPHost(), TLS: new(true)}, root)
			verified := dockertls.Options{Host: d.TCPHost(), TLSVerify: new(true), CAFile: filepath.Join(certs, "ca.pem")}
			checkClients(t, "verified", verified, root)
			verified.CAFile, verified.CA = "", dockertlstest.NewCA().PEM()
			wantRefusal(t, verified, dockertls.ServerUntrusted)
		})
		t.Run(string(flavour)+"/tlsverify", func(t *testing.T) {
			t.Parallel()
			d := start(t, dockerdtest.TLSVerify)
			mutual := dockertls.Options{Host: d.TCPHost(), TLSVerify: new(true), CertPath: certs}
			checkClients(t, "mutual", mutual, root)
			mutual.CertFile, mutual.KeyFile = "none", "none"
			wantRefusal(t, mutual, dockertls.ClientCertRequired)
			mutual.CA = dockertlstest.NewCA().PEM()
			wantRefusal(t, mutual, dockertls.ServerUntrusted)
		})
	}
}

func checkClients(t *testing.T, name string, opts dockertls.Options, root []byte) {
	t.Helper()
	cfg := resolve(t, opts)
	for order, newClient := range mobyOrders() {
		t.Run(name+"/moby, "+order, func(t *testing.T) {
			cli := newClient(t, cfg)
			mobyPing(t, cli)
			mobyInfo(t, cli)
			mobyImages(t, cli, root)
			mobyContainers(t, cli)
		})
	}
	for recipe, newClient := range dockerClientRecipes() {
		t.Run(name+"/go-dockerclient, "+recipe, func(t *testing.T) {
			client := newClient(t, cfg)
			dockerClientCalls(t, client)
			dockerClientImport(t, client, root)
			dockerClientContainers(t, client)
		})
	}
}

// mobyImages imports the image, and loads what the daemon saves of it.
func mobyImages(t *testing.T, cli *client.Client, root []byte) {
	t.Helper()
	source := client.ImageImportSource{Source: bytes.NewReader(root), SourceName: "-"}
	imported, err := cli.ImageImport(t.Context(), source, image, client.ImageImportOptions{})
	if progress := readAll(t, imported, err); !strings.Contains(progress, "sha256:") {
		t.Errorf("import: %s", progress)
	}
	saved, err := cli.ImageSave(t.Context(), []string{image})
	archive := readAll(t, saved, err)
	loaded, err := cli.ImageLoad(t.Context(), strings.NewReader(archive))
	if progress := readAll(t, loaded, err); !strings.Contains(progress, "Loaded image: "+image) {
		t.Errorf("load: %s", progress)
	}
}

// mobyContainers: cat sends its input back, as a container and within one.
func mobyContainers(t *testing.T, cli *client.Client) {
	t.Helper()
	ctx, input := t.Context(), random(t)
	cat := mobyCreate(t, cli, "cat")
	attached, err := cli.ContainerAttach(ctx, cat, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	mobyStart(t, cli, cat)
	wantEcho(t, demultiplex(t, mobyExchange(t, attached.HijackedResponse, input)), input)

	sleep := mobyCreate(t, cli, "sleep", "600")
	mobyStart(t, cli, sleep)
	exec, err := cli.ExecCreate(ctx, sleep, client.ExecCreateOptions{
		Cmd: []string{"cat"}, AttachStdin: true, AttachStdout: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	started, err := cli.ExecAttach(ctx, exec.ID, client.ExecAttachOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, demultiplex(t, mobyExchange(t, started.HijackedResponse, input)), input)
}

func mobyCreate(t *testing.T, cli *client.Client, command ...string) string {
	t.Helper()
	created, err := cli.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config:     &container.Config{Image: image, Cmd: command, OpenStdin: true, StdinOnce: true},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Not the test's context, which has ended.
		_, err := cli.ContainerRemove(context.Background(), created.ID, client.ContainerRemoveOptions{Force: true})
		if err != nil {
			t.Error(err)
		}
	})
	return created.ID
}

func mobyStart(t *testing.T, cli *client.Client, id string) {
	t.Helper()
	if _, err := cli.ContainerStart(t.Context(), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
}

// demultiplex returns the standard output in a stream without terminal.
func demultiplex(t *testing.T, stream []byte) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, bytes.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	return stdout.Bytes()
}

func dockerClientImport(t *testing.T, client *docker.Client, root []byte) {
	t.Helper()
	name, tag, _ := strings.Cut(image, ":")
	err := client.ImportImage(docker.ImportImageOptions{
		Repository: name, Tag: tag, Source: "-", InputStream: bytes.NewReader(root),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func dockerClientContainers(t *testing.T, client *docker.Client) {
	t.Helper()
	input := random(t)
	wantEcho(t, dockerClientAttach(t, client, dockerClientCreate(t, client, "cat"), input), input)

	sleep := dockerClientCreate(t, client, "sleep", "600")
	if err := client.StartContainer(sleep, nil); err != nil {
		t.Fatal(err)
	}
	exec, err := client.CreateExec(docker.CreateExecOptions{
		Container: sleep, Cmd: []string{"cat"}, AttachStdin: true, AttachStdout: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	err = client.StartExec(exec.ID, docker.StartExecOptions{InputStream: bytes.NewReader(input), OutputStream: &output})
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, output.Bytes(), input)
}

func dockerClientCreate(t *testing.T, client *docker.Client, command ...string) string {
	t.Helper()
	created, err := client.CreateContainer(docker.CreateContainerOptions{
		Config:     &docker.Config{Image: image, Cmd: command, OpenStdin: true, StdinOnce: true},
		HostConfig: &docker.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.RemoveContainer(docker.RemoveContainerOptions{ID: created.ID, Force: true}); err != nil {
			t.Error(err)
		}
	})
	return created.ID
}

// dockerClientAttach attaches before it starts the container, so that nothing is lost.
func dockerClientAttach(t *testing.T, client *docker.Client, id string, input []byte) []byte {
	t.Helper()
	var output bytes.Buffer
	attached := make(chan struct{})
	waiter, err := client.AttachToContainerNonBlocking(docker.AttachToContainerOptions{
		Container: id, Stream: true, Stdin: true, Stdout: true, Success: attached,
		InputStream: bytes.NewReader(input), OutputStream: &output,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-attached
	attached <- struct{}{}
	if err := client.StartContainer(id, nil); err != nil {
		t.Fatal(err)
	}
	if err := waiter.Wait(); err != nil {
		t.Fatal(err)
	}
	return output.Bytes()
}

// wantRefusal: no client gets through, neither with requests nor with streams.
func wantRefusal(t *testing.T, opts dockertls.Options, want dockertls.Kind) {
	t.Helper()
	cfg := resolve(t, opts)
	for order, newClient := range mobyOrders() {
		cli := newClient(t, cfg)
		_, err := cli.Ping(t.Context(), client.PingOptions{})
		if !errors.Is(cfg.Diagnose(err), want) {
			t.Errorf("moby, %s: ping: got %v, want %v", order, err, want)
		}
		if _, err = mobyExec(t, cli); err == nil {
			t.Errorf("moby, %s: exec: no error", order)
		}
	}
	for recipe, newClient := range dockerClientRecipes() {
		if err := newClient(t, cfg).Ping(); !errors.Is(cfg.Diagnose(err), want) {
			t.Errorf("go-dockerclient, %s: ping: got %v, want %v", recipe, err, want)
		}
	}
}
