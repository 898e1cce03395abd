package dockertlstest_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// patience is for what hangs without a limit of its own: it only has to be
// longer than what comes before takes.
const patience = 300 * time.Millisecond

// hangs tells whether nobody gives up but the caller.
func hangs(f dockertlstest.Fault) bool { return strings.HasPrefix(string(f), "hangs-") }

// limited is a context for a request to a daemon with that fault.
func limited(t *testing.T, f dockertlstest.Fault) context.Context {
	t.Helper()
	limit := 30 * time.Second
	if hangs(f) && f.Kind() == "" {
		limit = patience
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// fetch makes a request, and reads the answer.
func fetch(ctx context.Context, client *http.Client, url string) (status int, err error) {
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// ask makes a request through package dockertls.
func ask(ctx context.Context, t *testing.T, opts dockertls.Options) (status int, err error) {
	t.Helper()
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		t.Errorf("the options do not resolve: %v", err)
		return 0, err
	}
	return fetch(ctx, cfg.HTTPClient(), cfg.URL("/info"))
}

// askBare makes one through nothing but net/http and crypto/tls.
func askBare(ctx context.Context, d *dockertlstest.Daemon) (status int, err error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: d.TLSClientConfig()}}
	return fetch(ctx, client, d.URL("/info"))
}

// Every fault is of the kind it promises, and is real.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range dockertlstest.Faults() {
		for name, version := range tlsVersions {
			t.Run(string(fault)+", "+name, func(t *testing.T) {
				t.Parallel()
				if fault.Kind() == dockertls.Timeout {
					return // TestTimeouts is about it
				}
				d := dockertlstest.Start(t, fault, maxUnless(fault, version))
				status, err := ask(limited(t, fault), t, d.Options())
				checkKind(t, fault, status, err)
			})
			t.Run(string(fault)+", bare, "+name, func(t *testing.T) {
				t.Parallel()
				d := dockertlstest.Start(t, fault, maxUnless(fault, version))
				ctx := limited(t, fault)
				if hangs(fault) { // net/http would wait for longer than we want to
					var cancel func()
					ctx, cancel = context.WithTimeout(ctx, patience)
					defer cancel()
				}
				if status, err := askBare(ctx, d); err == nil && status == http.StatusOK {
					t.Error("no failure")
				}
			})
		}
	}
}

// Not as parallel tests, of which few would run at once: they only wait.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes 9 s: run it without -short")
	}
	var all sync.WaitGroup
	for _, fault := range dockertlstest.Faults() {
		if fault.Kind() != dockertls.Timeout {
			continue
		}
		d := dockertlstest.Start(t, fault)
		all.Go(func() {
			status, err := ask(t.Context(), t, d.Options())
			checkKind(t, fault, status, err)
		})
	}
	all.Wait()
}

// maxUnless leaves faults alone that choose a version.
func maxUnless(f dockertlstest.Fault, version uint16) dockertlstest.Option {
	if f == dockertlstest.TLSTooOld || f == dockertlstest.NoCommonCipher {
		return dockertlstest.MutualTLS // the default
	}
	return dockertlstest.MaxTLS(version)
}

func checkKind(t *testing.T, f dockertlstest.Fault, status int, err error) {
	t.Helper()
	if kind := f.Kind(); kind != "" {
		if !errors.Is(err, kind) {
			t.Errorf("got %v, want the kind %s", err, kind)
		}
		return
	}
	if err != nil && errors.As(err, new(*dockertls.Error)) {
		t.Errorf("got %v, want no kind", err)
	}
	switch {
	case hangs(f):
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	case f == dockertlstest.Closes(dockertlstest.InBody):
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want the body to end early", err)
		}
	default:
		if want := strings.TrimPrefix(string(f), "page-"); err != nil || fmt.Sprint(status) != want {
			t.Errorf("got %d, %v, want %s", status, err, want)
		}
	}
}

// The comment of each fault ends with its kind, and the package documentation
// lists it.
func TestFaultsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(source, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || fmt.Sprint(spec.Type) != "Fault" {
			return true
		}
		found++
		name := spec.Names[0].Name
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Error(err)
		}
		if kind := dockertlstest.Fault(text).Kind(); kind != "" && !strings.Contains(spec.Comment.Text(), ": "+string(kind)) {
			t.Errorf("the comment of %s does not name the kind %s", name, kind)
		}
		if !strings.Contains(string(page), name) {
			t.Errorf("doc.go does not list %s", name)
		}
		return true
	})
	if staged := 3 * 5; found+staged != len(dockertlstest.Faults()) {
		t.Errorf("%d constants, and %d faults in all", found, len(dockertlstest.Faults()))
	}
}
