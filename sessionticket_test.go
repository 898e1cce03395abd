package dockertls_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A session ticket that would not fit into the next hello is not kept: with it no
// connection could be made any more.
func TestGiantSessionTicket(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair().Certificate()
	needAES(t, pair)
	for _, size := range []int{100, 16 << 10, 40_000, 64_000, 65_000, 65_500} {
		address := script(t, func(conn net.Conn) {
			w, server, err := serveRecords(conn, pair)
			if err == nil {
				err = w.ticket(size)
			}
			if err != nil {
				t.Error(err)
				return
			}
			http.ReadRequest(bufio.NewReader(server))
			w.write(recordApplicationData, []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))
			io.Copy(io.Discard, server)
		})
		cfg := resolve(t, dockertls.Options{Host: "tcp://" + address, TLSVerify: new(true), CA: ca.PEM()})
		for range 3 {
			if _, err := get(t, cfg, cfg.URL("/_ping")); err != nil {
				t.Errorf("a ticket of %d bytes: %v", size, err)
			}
		}
	}
}
