package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/docker/go-connections/tlsconfig"
	"github.com/dockertls/dockertls"
	docker "github.com/fsouza/go-dockerclient"
	"github.com/moby/moby/client"
)

// An endpoint is what all sides get to know.
type endpoint struct {
	host  string   // as DOCKER_HOST has it
	certs certDir  // "" without TLS
	dial  dialFunc // nil: what the side does by itself
}

// An api is a side's way to ask a daemon.
type api struct {
	ping   func() error
	load   func(io.Reader) error
	save   func(size int) error
	hangUp func() // closes the idle connections
}

// sink is written to as files are: in pieces, which io.Copy needs a buffer for.
var sink = struct{ io.Writer }{io.Discard}

// open makes the client of a side.
func (e endpoint) open(s side) (*api, error) {
	client, err := e.client(s, dockertls.Resolve)
	if err != nil {
		return nil, err
	}
	return e.api(client), nil
}

// client makes it with the given Resolve, if it is our side.
func (e endpoint) client(s side, resolve resolveFunc) (any, error) {
	switch s {
	case ours:
		cfg, err := e.resolve(resolve)
		if err != nil {
			return nil, err
		}
		return cfg.HTTPClient(), nil
	case moby:
		return client.New(e.mobyOptions()...)
	case fsouza:
		return e.fsouzaClient()
	}
	transport, err := e.bareTransport()
	return &http.Client{Transport: transport}, err
}

// api asks by means of a client.
func (e endpoint) api(of any) *api {
	switch c := of.(type) {
	case *client.Client:
		return mobyAPI(c)
	case *docker.Client:
		return fsouzaAPI(c)
	}
	return httpAPI(of.(*http.Client), e.url())
}

// A resolveFunc is Resolve, or that of a Resolver.
type resolveFunc = func(...dockertls.Options) (*dockertls.Config, error)

func (e endpoint) resolve(resolve resolveFunc) (*dockertls.Config, error) {
	options := dockertls.Options{Host: e.host, Dialer: e.dial}
	if e.certs != "" {
		verify := true
		options.TLSVerify, options.CertPath = &verify, string(e.certs)
	}
	return resolve(options)
}

// url is what net/http wants.
func (e endpoint) url() string {
	_, address, _ := strings.Cut(e.host, "://")
	switch {
	case e.certs != "":
		return "https://" + address
	case e.isSocket():
		return "http://localhost"
	}
	return "http://" + address
}

// bareTransport is what a careful program makes of net/http and the TLS of
// docker/go-connections.
func (e endpoint) bareTransport() (*http.Transport, error) {
	t := &http.Transport{DialContext: e.dialAddress()}
	if e.certs == "" {
		t.DisableCompression = e.isSocket() // what is sent is the same as ours
		return t, nil
	}
	var err error
	t.TLSClientConfig, err = tlsconfig.Client(tlsconfig.Options{
		CAFile: e.certs.ca(), CertFile: e.certs.cert(), KeyFile: e.certs.key(), ExclusiveRootPools: true,
	})
	return t, err
}

func (e endpoint) isSocket() bool { return strings.HasPrefix(e.host, "unix:") }

// dialAddress dials the endpoint whatever name stands for it; nil is the side's
// own way, which is right for TCP.
func (e endpoint) dialAddress() dialFunc {
	if !e.isSocket() {
		return e.dial
	}
	_, path, _ := strings.Cut(e.host, "://")
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx, "unix", path) }
}

// httpAPI needs nothing but an HTTP client.
func httpAPI(c *http.Client, baseURL string) *api {
	return &api{
		ping: func() error { return send(c, http.MethodHead, baseURL+"/_ping", nil, io.Discard) },
		load: func(body io.Reader) error {
			return send(c, http.MethodPost, baseURL+"/images/load", body, io.Discard)
		},
		save: func(size int) error {
			return send(c, http.MethodGet, baseURL+"/images/get?names="+imageName(size), nil, sink)
		},
		hangUp: c.CloseIdleConnections,
	}
}

func imageName(size int) string { return fmt.Sprintf("size%d", size) }

// send sends a request and reads the answer to its end, so that the connection
// can be used again.
func send(c *http.Client, method, url string, body io.Reader, answer io.Writer) error {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(url + ": " + resp.Status)
	}
	_, err = io.Copy(answer, resp.Body)
	return err
}

// mobyOptions are what FromEnv makes of the variables.
func (e endpoint) mobyOptions() []client.Opt {
	var options []client.Opt
	if e.certs != "" {
		options = append(options, client.WithTLSClientConfig(e.certs.ca(), e.certs.cert(), e.certs.key()))
	}
	options = append(options, client.WithHost(e.host))
	if e.dial != nil {
		options = append(options, client.WithDialContext(e.dialAddress()))
	}
	return options
}

func mobyAPI(cli *client.Client) *api {
	ctx := context.Background()
	return &api{
		ping: func() error {
			_, err := cli.Ping(ctx, client.PingOptions{})
			return err
		},
		load: func(body io.Reader) error {
			answer, err := cli.ImageLoad(ctx, body)
			return drain(io.Discard, answer, err)
		},
		save: func(size int) error {
			image, err := cli.ImageSave(ctx, []string{imageName(size)})
			return drain(sink, image, err)
		},
		hangUp: func() { cli.Close() },
	}
}

// drain reads an answer to its end, if there is one.
func drain(w io.Writer, r io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

func (e endpoint) fsouzaClient() (*docker.Client, error) {
	if e.certs == "" {
		return docker.NewClient(e.host) // which dials as it likes
	}
	cli, err := docker.NewTLSClient(e.host, e.certs.cert(), e.certs.key(), e.certs.ca())
	if err == nil && e.dial != nil {
		cli.HTTPClient.Transport.(*http.Transport).DialContext = e.dial
	}
	return cli, err
}

func fsouzaAPI(cli *docker.Client) *api {
	return &api{
		ping: cli.Ping,
		load: func(body io.Reader) error {
			return cli.LoadImage(docker.LoadImageOptions{InputStream: body, OutputStream: io.Discard})
		},
		save: func(size int) error {
			return cli.ExportImage(docker.ExportImageOptions{Name: imageName(size), OutputStream: sink})
		},
		hangUp: cli.HTTPClient.CloseIdleConnections,
	}
}
