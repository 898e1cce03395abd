package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/dockertls/dockertls"
)

// A request is what every side sends.
type request struct {
	name, method, path string
	body               func() io.Reader // nil: none
	fresh              bool             // on a new connection each time
}

// imageSize is that of what is uploaded and downloaded.
const imageSize = 1 << 20

var image = make([]byte, imageSize)

// kept are the requests on a connection that is there already.
var kept = []request{
	{name: "GET /_ping", method: "GET", path: "/_ping"},
	{name: "POST 64 KiB", method: "POST", path: "/images/load", body: short},
	{name: "upload 1 MiB", method: "POST", path: "/images/load", body: stream},
	{name: "download 1 MiB", method: "GET", path: "/images/get"},
}

var fresh = request{name: "new, GET /_ping", method: "GET", path: "/_ping", fresh: true}

func short() io.Reader { return bytes.NewReader(image[:64<<10]) }

// stream is a body of unknown length, which is sent in chunks: what moby's
// client makes of an image's file.
func stream() io.Reader { return struct{ io.Reader }{bytes.NewReader(image)} }

// send sends the request and reads the answer to its end, so that the
// connection can be used again.
func (r request) send(client *http.Client, url string) error {
	var body io.Reader
	if r.body != nil {
		body = r.body()
	}
	req, err := http.NewRequest(r.method, url, body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(r.name + ": " + resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// side makes a client send the request.
func (r request) side(client *http.Client, cfg *dockertls.Config) func() error {
	url := cfg.URL(r.path)
	if !r.fresh {
		return func() error { return r.send(client, url) }
	}
	return func() error {
		defer client.CloseIdleConnections()
		return r.send(client, url)
	}
}

// bareClient is net/http with the same TLS and nothing else of ours. What it
// sends is the same.
func bareClient(cfg *dockertls.Config, dial dialFunc) *http.Client {
	network, address, _ := strings.Cut(cfg.Host(), "://")
	like := cfg.Transport()
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, network, address)
		},
		TLSClientConfig:    cfg.TLSConfig(),
		TLSNextProto:       like.TLSNextProto, // no HTTP/2
		DisableCompression: like.DisableCompression,
	}}
}

// A RequestResult is what a request needs with our transport, with a bare one
// of net/http, and with a second bare one: what chance does. Ratios are to the
// first bare one.
type RequestResult struct {
	Connection, Request string
	Kept                bool // the connection was there already
	Ours, Bare, Again   Side
}

// tolerance is how much more than chance our time may differ by.
const tolerance = 0.03

// TimeLimit is what the ratio of our time may be.
func (r RequestResult) TimeLimit() float64 { return r.Again.Ratio[1] + tolerance }

// Requests compares requests over every kind of connection, and hands each
// result to report.
func Requests(rounds int, report func(RequestResult)) error {
	for _, kind := range []string{mutualTLS, plainTCP, unixSocket} {
		requests := kept
		if kind == mutualTLS {
			requests = append(requests[:len(requests):len(requests)], fresh)
		}
		for _, r := range requests {
			result, err := r.compare(kind, rounds)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", kind, r.name, err)
			}
			report(result)
		}
	}
	return nil
}

// compare times and counts the sides. It counts on connections that hand out
// TLS records whole.
func (r request) compare(kind string, rounds int) (RequestResult, error) {
	var timings []Timing
	err := r.withSides(kind, dial, func(sides []func() error) (err error) {
		timings, err = timeAll(rounds, sides)
		return err
	})
	if err != nil {
		return RequestResult{}, err
	}
	counting := dial
	if kind == mutualTLS {
		counting = dialRecords
	}
	var counts []Count
	err = r.withSides(kind, counting, func(sides []func() error) (err error) {
		counts, err = countAll(sides)
		return err
	})
	if err != nil {
		return RequestResult{}, err
	}
	m := join(timings, counts)
	return RequestResult{Connection: kind, Request: r.name, Kept: !r.fresh, Bare: m[0], Ours: m[1], Again: m[2]}, nil
}

// withSides hands the sides to measure: bare, ours, bare again. They have a
// server to themselves, because servers keep what they have seen, and grow.
func (r request) withSides(kind string, dial dialFunc, measure func([]func() error) error) error {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	host, stop, err := startServer(kind, dir)
	if err != nil {
		return err
	}
	defer stop()
	cfg, err := resolve(kind, host, dir, dial)
	if err != nil {
		return err
	}
	clients := []*http.Client{bareClient(cfg, dial), cfg.HTTPClient(), bareClient(cfg, dial)}
	var sides []func() error
	for _, client := range clients {
		defer client.CloseIdleConnections()
		sides = append(sides, r.side(client, cfg))
	}
	if err := measure(sides); err != nil || r.fresh {
		return err
	}
	return checkKept(clients[0], cfg, len(clients))
}

func resolve(kind, host, dir string, dial dialFunc) (*dockertls.Config, error) {
	options := dockertls.Options{Host: host, Dialer: dial}
	if kind == mutualTLS {
		verify := true
		options.TLSVerify, options.CertPath = &verify, dir
	}
	return dockertls.Resolve(options)
}

// checkKept fails if the clients have not kept their connections. A few more are
// possible on a busy machine: net/http gives a connection up if its own goroutine
// does not get to say within 50 ms that the request is written.
func checkKept(client *http.Client, cfg *dockertls.Config, clients int) error {
	resp, err := client.Get(cfg.URL(connectionsPath))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var n int
	if _, err := fmt.Fscan(resp.Body, &n); err != nil {
		return err
	}
	if n > 3*clients {
		return fmt.Errorf("%d clients made %d connections", clients, n)
	}
	return nil
}
