package dockertls_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// Real daemons too see nothing but whole requests while certificates change, be
// it on kept connections or on new ones.
func TestSoakRealDaemon(t *testing.T) {
	dockerdtest.Require(t)
	ca := dockertlstest.NewCA()
	certs := issueCerts(t, ca, dockertlstest.ECDSA)
	for _, flavour := range dockerdtest.Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			d := dockerdtest.Start(t, flavour, daemonOptions(dockerdtest.TLSVerify, certs))
			opts := mutual(d, t.TempDir())
			opts.ReloadInterval = time.Millisecond
			check(t, dockertlstest.WriteCerts(opts.CertPath, ca, ca.ClientPair("client-0")))
			cfg := resolve(t, opts)
			end := time.Now().Add(3 * time.Second)
			var running sync.WaitGroup
			running.Go(func() {
				for i := 1; time.Now().Before(end); i++ {
					check(t, dockertlstest.WriteCerts(opts.CertPath, ca, ca.ClientPair(fmt.Sprintf("client-%d", i))))
					time.Sleep(100 * time.Millisecond)
				}
			})
			for range 8 {
				running.Go(func() { useUntil(t, cfg, end) })
			}
			running.Wait()
			stats := cfg.Stats()
			t.Logf("%+v", stats)
			if stats.Reloads < 5 || stats.Renewals < 5 || len(stats.Failures) > 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// useUntil makes requests, with bodies that cannot be sent again.
func useUntil(t *testing.T, cfg *dockertls.Config, end time.Time) {
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	for i := 0; time.Now().Before(end); i++ {
		path := "/_ping"
		ask := func() (*http.Response, error) { return client.Get(cfg.URL(path)) }
		if i%2 == 1 {
			path = "/images/load?quiet=1"
			archive := struct{ io.Reader }{strings.NewReader(strings.Repeat("\x00", 40<<10))} // an empty one
			ask = func() (*http.Response, error) { return client.Post(cfg.URL(path), "application/x-tar", archive) }
		}
		resp, err := ask()
		if err != nil {
			t.Error(err)
			return
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %q %v", path, resp.Status, answer, err)
			return
		}
	}
}
