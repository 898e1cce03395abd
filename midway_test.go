package dockertls_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
)

// An upload ends on the connection that it began on, although there is new
// material midway, whether its length is known or not.
func TestUploadIsNotMovedMidway(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"length": 200_000, "chunks": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ca, dir := startFollowing(t)
			client := s.cfg.HTTPClient()
			defer client.CloseIdleConnections()
			s.nameOver(t, client)
			body, writer := io.Pipe()
			done := make(chan error, 1)
			go func() {
				req, err := http.NewRequest(http.MethodPost, s.cfg.URL("/images/load"), body)
				if err == nil {
					req.ContentLength = length
					var resp *http.Response
					if resp, err = client.Do(req); err == nil {
						resp.Body.Close()
					}
				}
				body.CloseWithError(io.ErrClosedPipe)
				done <- err
			}()
			half := bytes.Repeat([]byte("x"), 100_000)
			_, err := writer.Write(half)
			check(t, err)
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
			s.waitName(t, "one", "two")
			_, err = writer.Write(half)
			check(t, err)
			check(t, writer.Close())
			check(t, <-done)
			for _, r := range s.daemon.Requests() {
				if r.Path == "/images/load" && r.ClientName() != "one" {
					t.Errorf("the upload came from %q", r.ClientName())
				}
			}
		})
	}
}
