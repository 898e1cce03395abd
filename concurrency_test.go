package dockertls_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// Resolve, connections, new material, CloseIdleConnections and Close come at the
// same time. What nobody closed on purpose succeeds.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	dir := t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
	opts := dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Nanosecond}
	r := new(dockertls.Resolver)
	cfg, err := r.Resolve(opts)
	check(t, err)
	kept, idle := cfg.HTTPClient(), cfg.HTTPClient()
	defer kept.CloseIdleConnections()
	defer idle.CloseIdleConnections()

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var running sync.WaitGroup
	again := func(what string, act func() error) {
		running.Go(func() {
			for ctx.Err() == nil {
				if err := act(); err != nil {
					t.Errorf("%s: %+v", what, err)
					return
				}
			}
		})
	}
	for range 2 {
		again("Resolve", func() error { return resolvedMeanwhile(dockertls.Resolve(opts)) })
		again("Resolver", func() error { return resolvedMeanwhile(r.Resolve(opts)) })
		again("a kept connection", func() error { return postOnce(kept, cfg) })
		again("a connection that is closed when idle", func() error { return postOnce(idle, cfg) })
		again("a stream that is closed", func() error { return closeMeanwhile(t.Context(), cfg) })
		again("a request that is cancelled", func() error { return cancelMeanwhile(t.Context(), kept, cfg) })
	}
	again("CloseIdleConnections", func() error {
		idle.CloseIdleConnections()
		time.Sleep(time.Millisecond)
		return nil
	})
	again("looks", func() error {
		_, _, _, _, _ = cfg.Stats(), cfg.Expiries(), cfg.TLSConfig(), cfg.Mode(), cfg.Transport()
		time.Sleep(time.Millisecond)
		return cfg.Check(t.Context()).Error()
	})
	again("new material", func() error {
		err := dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two"))
		time.Sleep(150 * time.Millisecond)
		return err
	})
	running.Wait()
	if n := cfg.Stats(); n.Reloads == 0 || n.Renewals == 0 {
		t.Errorf("too little happened: %+v", n)
	}
	for _, request := range d.Requests() {
		if request.ClientName() == "" {
			t.Fatalf("%s came from nobody", request.Path)
		}
	}
}

// resolvedMeanwhile allows for a pair of which one half is new.
func resolvedMeanwhile(_ *dockertls.Config, err error) error {
	if errors.Is(err, dockertls.KeyPairMismatch) {
		return nil
	}
	return err
}

// postOnce sends what cannot be sent again.
func postOnce(client *http.Client, cfg *dockertls.Config) error {
	resp, err := client.Post(cfg.URL("/images/load"), "application/x-tar", struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 40_000))})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// closeMeanwhile closes a stream while both directions are in use.
func closeMeanwhile(ctx context.Context, cfg *dockertls.Config) error {
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return err
	}
	done := make(chan struct{}, 2)
	go func() { _ = exchange(conn, strings.Repeat("x", 200_000)); done <- struct{}{} }()
	time.Sleep(3 * time.Millisecond)
	for range 2 {
		go func() { _ = conn.Close(); done <- struct{}{} }()
	}
	for range 3 {
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			return errors.New("a closed stream goes on")
		}
	}
	return nil
}

func cancelMeanwhile(ctx context.Context, client *http.Client, cfg *dockertls.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Millisecond)
	defer cancel()
	if _, err := fetch(ctx, client, cfg.URL("/version")); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
