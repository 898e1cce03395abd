package dockerdtest

import (
	"context"
	"net"
	"net/http"
)

// socket is the path of a unix socket, an Endpoint without any of the code under test.
type socket string

// HTTPClient returns a client that keeps no connections, so it needs no cleaning up.
func (s socket) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Dial(ctx) },
	}}
}

func (s socket) URL(path string) string { return "http://docker" + path }

func (s socket) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", string(s))
}
