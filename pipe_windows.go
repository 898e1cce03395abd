package dockertls

import (
	"context"
	"net"
	"net/http"

	"github.com/docker/go-connections/sockets"
)

// dialPipe opens a named pipe the way docker does.
func dialPipe(ctx context.Context, network, address string) (net.Conn, error) {
	var t http.Transport
	if err := sockets.ConfigureTransport(&t, schemeNpipe, address); err != nil {
		return nil, err
	}
	return t.DialContext(ctx, network, address)
}
