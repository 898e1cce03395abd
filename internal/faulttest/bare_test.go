package faulttest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
)

// Every fault is real: net/http and crypto/tls alone fail too, with the same
// certificates and on the same way. The log says how.
func TestFaultsAreReal(t *testing.T) {
	Each(t, checkReal)
}

func TestFaultsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range New(t) {
		if seen[f.Name] {
			t.Errorf("two faults are called %q", f.Name)
		}
		seen[f.Name] = true
	}
}

func checkReal(t *testing.T, f Fault, version uint16) {
	peer := f.Start(t, version)
	for _, size := range f.Sizes() {
		err := bareRequest(t, peer.Options, size, f.Slow)
		if err == nil {
			t.Errorf("a body of %d bytes: no failure", size)
		}
		t.Logf("%d bytes: %v", size, err)
	}
	if peer.Connections != nil && peer.Connections() == 0 {
		t.Error("nobody has connected")
	}
}

// bareRequest fails if the answer is not a daemon's success.
func bareRequest(t *testing.T, o dockertls.Options, size int, slow bool) error {
	limit := 30 * time.Second
	if slow {
		limit = time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	transport := bareTransport(t, o)
	defer transport.CloseIdleConnections()
	method, path, body := http.MethodGet, "/_ping", io.Reader(nil)
	if size > 0 {
		method, path, body = http.MethodPost, "/images/load", bytes.NewReader(make([]byte, size))
	}
	req, err := http.NewRequestWithContext(ctx, method, bareURL(o)+path, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		return fmt.Errorf("no error, but status %s, %.300q", resp.Status, answer)
	}
	if errors.Is(err, context.DeadlineExceeded) && !slow {
		t.Errorf("hangs: %v", err)
	}
	return err
}

func bareURL(o dockertls.Options) string {
	scheme := "http"
	if o.TLSVerify != nil {
		scheme = "https"
	}
	if strings.HasPrefix(o.Host, "unix:") {
		return "http://docker"
	}
	return scheme + "://" + strings.TrimPrefix(o.Host, "tcp://")
}

func bareTransport(t *testing.T, o dockertls.Options) *http.Transport {
	t.Helper()
	transport := &http.Transport{DialContext: o.Dialer}
	if path, ok := strings.CutPrefix(o.Host, "unix://"); ok {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			if o.Dialer != nil {
				return o.Dialer(ctx, "unix", path)
			}
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	if proxy := o.Proxy; proxy != nil {
		transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	}
	if o.TLSVerify != nil {
		transport.TLSClientConfig = bareTLS(t, o)
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return transport
}

func bareTLS(t *testing.T, o dockertls.Options) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Join(o.CertPath, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: o.ServerName}
	pair, err := tls.LoadX509KeyPair(filepath.Join(o.CertPath, "cert.pem"), filepath.Join(o.CertPath, "key.pem"))
	switch {
	case err == nil:
		config.Certificates = []tls.Certificate{pair}
	case !errors.Is(err, os.ErrNotExist):
		t.Fatal(err)
	}
	return config
}
