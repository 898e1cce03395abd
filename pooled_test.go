package dockertls_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A rotten connection cannot be closed without an error, once spoilt.
type rotten struct {
	*net.TCPConn
	spoilt atomic.Bool
}

var errRotten = errors.New("rotten")

func (r *rotten) Write(b []byte) (int, error) {
	if r.spoilt.Load() {
		return 0, errRotten
	}
	return r.TCPConn.Write(b)
}

func (r *rotten) Close() error {
	err := r.TCPConn.Close()
	if r.spoilt.Load() {
		err = errRotten
	}
	return err
}

// Whatever becomes of the old connection, a request goes over the new one, even
// one that cannot be sent again.
func TestRenewalWhileTheOldConnectionFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(old *rotten){
		"it cannot be closed":         func(old *rotten) { old.spoilt.Store(true) },
		"it ends while it is renewed": func(old *rotten) { old.CloseRead() },
		"reading it fails meanwhile":  func(old *rotten) { old.SetReadDeadline(time.Unix(1, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ca, dir := startFollowing(t)
			var old *rotten
			opts := dockertls.Options{Host: s.daemon.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond,
				Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
					if ctx.Err() != nil {
						return nil, ctx.Err()
					}
					if old != nil {
						fail(old)
						time.Sleep(100 * time.Millisecond) // until the reader has noticed
					}
					conn, err := new(net.Dialer).DialContext(ctx, network, address)
					if err != nil || old != nil {
						return conn, err
					}
					old = &rotten{TCPConn: conn.(*net.TCPConn)}
					return old, nil
				}}
			cfg := resolve(t, opts)
			client := cfg.HTTPClient()
			defer client.CloseIdleConnections()
			kept := sighting{cfg, s.daemon}
			if got := kept.nameOver(t, client); got != "one" {
				t.Fatalf("the daemon sees %q", got)
			}
			check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
			lookAgain(t, cfg)
			body := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1<<20))}
			resp, err := client.Post(cfg.URL("/images/load"), "application/x-tar", body)
			check(t, err)
			_, err = io.Copy(io.Discard, resp.Body)
			check(t, err)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || cfg.Stats().Renewals != 1 {
				t.Errorf("%s, %+v", resp.Status, cfg.Stats())
			}
		})
	}
}

// lookAgain lets a Config find new material, without the daemon.
func lookAgain(t *testing.T, cfg *dockertls.Config) {
	t.Helper()
	before := cfg.Stats().Generation
	for start := time.Now(); cfg.Stats().Generation == before; time.Sleep(20 * time.Millisecond) {
		look(t, cfg)
		if time.Since(start) > 10*time.Second {
			t.Fatal("it finds nothing new")
		}
	}
}

// look makes a Config look for new material, and connects to nobody.
func look(t *testing.T, cfg *dockertls.Config) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if conn, err := cfg.Dial(ctx); err == nil {
		conn.Close()
	}
}
