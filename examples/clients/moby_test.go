package clients

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/moby/moby/client"
)

// A newMoby makes moby's client for a Config.
type newMoby func(*testing.T, *dockertls.Config) *client.Client

// mobyHostFirst is the order to prefer.
func mobyHostFirst(t *testing.T, cfg *dockertls.Config) *client.Client {
	t.Helper()
	return moby(t, client.WithHost(cfg.Host()), client.WithHTTPClient(cfg.HTTPClient()))
}

func mobyHostLast(t *testing.T, cfg *dockertls.Config) *client.Client {
	t.Helper()
	return moby(t, client.WithHTTPClient(cfg.HTTPClient()), client.WithHost(cfg.Host()))
}

func mobyOrders() map[string]newMoby {
	return map[string]newMoby{"host first": mobyHostFirst, "host last": mobyHostLast}
}

// eachOrder runs a test for both orders of moby's options.
func eachOrder(t *testing.T, test func(t *testing.T, newClient newMoby)) {
	for name, newClient := range mobyOrders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newClient)
		})
	}
}

func moby(t *testing.T, opts ...client.Opt) *client.Client {
	t.Helper()
	cli, err := client.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cli.Close() })
	return cli
}

func TestMoby(t *testing.T) {
	t.Parallel()
	eachOrder(t, func(t *testing.T, newClient newMoby) {
		eachTarget(t, func(t *testing.T, tg target) {
			cli := newClient(t, tg.resolve(t))
			mobyPing(t, cli)
			mobyInfo(t, cli)
			mobyUpload(t, cli)
			mobyStreams(t, cli)
			tg.wantSecured(t)
		})
	})
}

func mobyPing(t *testing.T, cli *client.Client) {
	t.Helper()
	ping, err := cli.Ping(t.Context(), client.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		t.Fatal(err)
	}
	if cli.ClientVersion() != ping.APIVersion {
		t.Errorf("negotiated %s, the daemon offers %s", cli.ClientVersion(), ping.APIVersion)
	}
}

func mobyInfo(t *testing.T, cli *client.Client) {
	t.Helper()
	info, err := cli.Info(t.Context(), client.InfoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Info.OSType != "linux" {
		t.Errorf("info: the daemon's system is %q", info.Info.OSType)
	}
}

func mobyUpload(t *testing.T, cli *client.Client) {
	t.Helper()
	image := random(t)
	load, err := cli.ImageLoad(t.Context(), bytes.NewReader(image))
	progress := readAll(t, load, err)
	if want := fmt.Sprintf("Read %d bytes", len(image)); !strings.Contains(progress, want) {
		t.Errorf("load: got %s, want %q in it", progress, want)
	}
	source := client.ImageImportSource{Source: bytes.NewReader(image), SourceName: "-"}
	imported, err := cli.ImageImport(t.Context(), source, "test", client.ImageImportOptions{})
	readAll(t, imported, err)
}

// mobyStreams: the stand-in sends back what it reads, without multiplexing.
func mobyStreams(t *testing.T, cli *client.Client) {
	t.Helper()
	input := random(t)
	exec, err := mobyExec(t, cli)
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, mobyExchange(t, exec, input), input)

	attach, err := cli.ContainerAttach(t.Context(), "any", client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, mobyExchange(t, attach.HijackedResponse, input), input)
}

func mobyExec(t *testing.T, cli *client.Client) (client.HijackedResponse, error) {
	t.Helper()
	exec, err := cli.ExecAttach(t.Context(), "any", client.ExecAttachOptions{TTY: true})
	return exec.HijackedResponse, err
}

// mobyExchange sends input and then closes its side, while it reads to the end.
func mobyExchange(t *testing.T, stream client.HijackedResponse, input []byte) []byte {
	t.Helper()
	defer stream.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := stream.Conn.Write(input)
		sent <- errors.Join(err, stream.CloseWrite())
	}()
	output, err := io.ReadAll(stream.Reader)
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatal(err)
	}
	return output
}

func TestMobyForeignServer(t *testing.T) {
	t.Parallel()
	eachOrder(t, func(t *testing.T, newClient newMoby) {
		tg := startForeign(t)
		cfg := tg.resolve(t)
		cli := newClient(t, cfg)

		_, pingErr := cli.Ping(t.Context(), client.PingOptions{})
		if !errors.Is(pingErr, dockertls.ServerUntrusted) {
			t.Errorf("ping: got %v, want %v", pingErr, dockertls.ServerUntrusted)
		}
		// The client dials this one itself, with the transport's TLS configuration.
		_, execErr := mobyExec(t, cli)
		if !errors.As(execErr, new(*dockertls.Error)) || !errors.Is(execErr, dockertls.ServerUntrusted) {
			t.Errorf("exec: got %v, want %v", execErr, dockertls.ServerUntrusted)
		}
		if foreign := new(x509.UnknownAuthorityError); !errors.As(execErr, foreign) {
			t.Errorf("exec: got %v, want %T in it", execErr, foreign)
		}
		if requests := tg.Requests(); len(requests) > 0 {
			t.Errorf("the daemon saw %v", requests)
		}
	})
}

func TestMobyWithoutCertificate(t *testing.T) {
	t.Parallel()
	eachOrder(t, func(t *testing.T, newClient newMoby) {
		tg := startMutual(t)
		tg.mode, tg.opts.Cert, tg.opts.Key = dockertls.Verified, nil, nil
		cfg := tg.resolve(t)
		cli := newClient(t, cfg)

		_, err := cli.Ping(t.Context(), client.PingOptions{})
		if err := cfg.Diagnose(err); !errors.Is(err, dockertls.ClientCertRequired) {
			t.Errorf("ping: got %v, want %v", err, dockertls.ClientCertRequired)
		}
		// The rejection comes late, on a connection of the client's own.
		_, execErr := mobyExec(t, cli)
		if err := cfg.Diagnose(execErr); !errors.Is(err, dockertls.ClientCertRequired) {
			t.Errorf("exec: got %v, explained as %v, want %v", execErr, err, dockertls.ClientCertRequired)
		}
		if requests := tg.Requests(); len(requests) > 0 {
			t.Errorf("the daemon saw %v", requests)
		}
	})
}

// A TLS client starts every connection with a handshake, also after failures.
func TestMobyNeverSpeaksPlain(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]dockertls.Options{
		"encrypted": {TLS: new(true)},
		"verified":  {TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()},
	} {
		t.Run(name, func(t *testing.T) {
			eachOrder(t, func(t *testing.T, newClient newMoby) {
				host, seen := firstBytes(t)
				opts := opts
				opts.Host = host
				cli := newClient(t, resolve(t, opts))
				if _, err := cli.Ping(t.Context(), client.PingOptions{}); err == nil {
					t.Error("ping: no error")
				}
				if _, err := mobyExec(t, cli); err == nil {
					t.Error("exec: no error")
				}
				wantHandshakes(t, seen())
			})
		})
	}
}

// Clients take a TLSClientConfig for "the daemon speaks TLS", and net/http
// leaves one behind where it prepares for HTTP/2.
func TestPlainTransportStaysPlain(t *testing.T) {
	t.Parallel()
	tg := startPlain(t)
	cfg := tg.resolve(t)
	transport, bare := cfg.Transport(), cfg.Transport()
	bare.DialContext = nil // with a dialer net/http does not prepare for HTTP/2
	for _, tr := range []*http.Transport{transport.Clone(), transport, bare.Clone(), bare} {
		t.Cleanup(tr.CloseIdleConnections)
		resp, err := (&http.Client{Transport: tr}).Get(cfg.URL("/_ping"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if after := tr.Clone(); tr.TLSClientConfig != nil || after.TLSClientConfig != nil {
			t.Errorf("TLSClientConfig %v, of a clone %v", tr.TLSClientConfig, after.TLSClientConfig)
		}
	}
}

// A redirect leads to no other server, least of all to one without TLS.
func TestMobyRedirect(t *testing.T) {
	t.Parallel()
	eachOrder(t, func(t *testing.T, newClient newMoby) {
		elsewhere, ca := startPlain(t), dockertlstest.NewCA()
		daemon := dockertlstest.NewUnstartedDaemon(dockertlstest.TLS, ca)
		daemon.Handler = http.RedirectHandler("http://"+elsewhere.Addr()+"/_ping", http.StatusTemporaryRedirect)
		daemon.Start()
		t.Cleanup(daemon.Close)

		cfg := resolve(t, dockertls.Options{Host: daemon.Host(), TLSVerify: new(true), CA: ca.PEM()})
		_, err := newClient(t, cfg).Ping(t.Context(), client.PingOptions{})
		if !errors.Is(err, dockertls.EndpointMismatch) {
			t.Errorf("got %v, want %v", err, dockertls.EndpointMismatch)
		}
		if n := elsewhere.Connections(); n > 0 {
			t.Errorf("%d connections to the other server", n)
		}
	})
}
