package dockertls_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/faulttest"
)

// Every failure in the catalogue, through this package's own transport, with a
// body and without one.
func TestFaults(t *testing.T) {
	t.Parallel()
	faulttest.Each(t, func(t *testing.T, f faulttest.Fault, version uint16) {
		var sizes sync.WaitGroup
		for _, size := range f.Sizes() {
			sizes.Go(func() {
				t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
					cfg := resolve(t, f.Start(t, version).Options)
					err := upload(cfg, size)
					if f.InBody && errors.Is(err, io.ErrUnexpectedEOF) {
						return
					}
					checkFault(t, f, cfg, err)
				})
			})
		}
		sizes.Wait()
	})
}

// A server that refuses a client competes with the client's own writing. Who
// wins must not matter, be it in a row or in a crowd.
func TestClientCertFaultsAlways(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute: run it without -short")
	}
	const times, crowd = 50, 16
	for _, f := range faulttest.New(t) {
		if !f.ClientCert {
			continue
		}
		for _, version := range f.TLSVersions() {
			t.Run(f.Name+"/"+tls.VersionName(version), func(t *testing.T) {
				opts := f.Start(t, version).Options
				for _, workers := range []int{1, crowd} {
					dials := countDials(&opts)
					kinds := uploads(t, opts, times, workers)
					t.Logf("%d at once: %d requests made %d connections: %v", workers, times, dials.Load(), kinds)
					if kinds[f.Kind] != times {
						t.Errorf("%d at once: want %s %d times", workers, f.Kind, times)
					}
				}
			})
		}
	}
}

// checkFault compares a diagnosis with what it must say.
func checkFault(t *testing.T, f faulttest.Fault, cfg *dockertls.Config, err error) {
	t.Helper()
	e, ok := errors.AsType[*dockertls.Error](err)
	if !ok {
		t.Fatalf("no diagnosis, want %s: %v", f.Kind, err)
	}
	if !f.Is(e.Kind) {
		t.Errorf("kind %s, want %s", e.Kind, f.Kind)
	}
	if got := cfg.Diagnose(err); got != error(e) {
		t.Errorf("Diagnose makes something else of it: %v", got)
	}
	if f.Or == "" {
		wantText(t, "message", e.Error(), f.Words, nil)
		wantText(t, "hint", e.Hint, f.Hint, f.NotHint)
	}
	if t.Failed() {
		t.Logf("%+v\ncause: %v", e, e.Err)
	}
}

// wantText looks for words in what users read, which must be one clean line.
func wantText(t *testing.T, what, text string, want, unwanted []string) {
	t.Helper()
	if strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("the %s has control characters: %q", what, text)
	}
	folded := strings.ToLower(text)
	for _, word := range want {
		if !strings.Contains(folded, strings.ToLower(word)) {
			t.Errorf("the %s lacks %q: %s", what, word, text)
		}
	}
	for _, word := range unwanted {
		if strings.Contains(folded, strings.ToLower(word)) {
			t.Errorf("the %s has %q: %s", what, word, text)
		}
	}
}

// upload makes a request of that size on a transport of its own.
func upload(cfg *dockertls.Config, size int) error {
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	var resp *http.Response
	var err error
	if size == 0 {
		resp, err = client.Get(cfg.URL("/_ping"))
	} else {
		resp, err = client.Post(cfg.URL("/images/load"), "application/x-tar", bytes.NewReader(make([]byte, size)))
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	return fmt.Errorf("no error, but %s", resp.Status)
}

// uploads makes so many requests with a body, and counts the diagnoses.
func uploads(t *testing.T, opts dockertls.Options, times, workers int) map[dockertls.Kind]int {
	t.Helper()
	cfg := resolve(t, opts)
	left := make(chan struct{}, times)
	for range times {
		left <- struct{}{}
	}
	close(left)
	var mu sync.Mutex
	kinds, others := map[dockertls.Kind]int{}, map[string]bool{}
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for range left {
				err := upload(cfg, 1<<20)
				e, ok := errors.AsType[*dockertls.Error](err)
				mu.Lock()
				if ok {
					kinds[e.Kind]++
				} else {
					kinds["none"]++
					others[err.Error()] = true
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	if len(others) > 0 {
		t.Logf("without a diagnosis: %q", slices.Sorted(maps.Keys(others)))
	}
	return kinds
}

// countDials counts the connections made with opts.
func countDials(opts *dockertls.Options) *atomic.Int64 {
	dial := opts.Dialer
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	count := new(atomic.Int64)
	opts.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		count.Add(1)
		return dial(ctx, network, address)
	}
	return count
}
