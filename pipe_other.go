//go:build !windows

package dockertls

import (
	"context"
	"net"

	"github.com/docker/go-connections/sockets"
)

// dialPipe is never reached: parsing refuses pipes here.
func dialPipe(context.Context, string, string) (net.Conn, error) {
	return nil, sockets.ErrProtocolNotAvailable
}
