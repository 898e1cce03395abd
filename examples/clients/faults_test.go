package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	docker "github.com/fsouza/go-dockerclient"
	"github.com/moby/moby/client"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/faulttest"
)

// A way is one of the recipes in doc.go: how a client makes a request.
type way struct {
	name    string
	request func(t *testing.T, cfg *dockertls.Config, size int) error

	// ownWay tells whether the client makes the connection itself. Its errors
	// are explained by Config.Diagnose then, but for the gaps.
	ownWay func(cfg *dockertls.Config, size int) bool
	gaps   []dockertls.Kind
}

func ways() []way {
	never := func(*dockertls.Config, int) bool { return false }
	return []way{
		{"moby, host first", mobyRequest(mobyHostFirst), never, nil},
		{"moby, host last", mobyRequest(mobyHostLast), func(cfg *dockertls.Config, _ int) bool { return cfg.Mode() == dockertls.Plain }, hostLastGaps()},
		{"go-dockerclient", dockerClientRequest, func(cfg *dockertls.Config, size int) bool { return isSocket(cfg) && size > 0 }, nil},
	}
}

func isSocket(cfg *dockertls.Config) bool { return strings.HasPrefix(cfg.Host(), "unix://") }

// hostLastGaps are what moby's client does not tell of connections that it made
// itself: it drops the cause, or what was seen of the answer is not in the
// error. docs/clients.md lists them.
func hostLastGaps() []dockertls.Kind {
	return []dockertls.Kind{
		dockertls.ConnectionRefused, dockertls.SocketMissing, dockertls.SocketPermission, dockertls.Timeout,
		dockertls.TLSRequired, dockertls.NotHTTP,
	}
}

func mobyRequest(newClient newMoby) func(*testing.T, *dockertls.Config, int) error {
	return func(t *testing.T, cfg *dockertls.Config, size int) error {
		cli := newClient(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if size == 0 {
			_, err := cli.Ping(ctx, client.PingOptions{})
			return err
		}
		load, err := cli.ImageLoad(ctx, bytes.NewReader(make([]byte, size)))
		if err != nil {
			return err
		}
		defer load.Close()
		_, err = io.Copy(io.Discard, load)
		return err
	}
}

func dockerClientRequest(t *testing.T, cfg *dockertls.Config, size int) error {
	cli := dockerClientTLSConfig(t, cfg)
	cli.SkipServerVersionCheck = true
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if size == 0 {
		return cli.PingWithContext(ctx)
	}
	return cli.LoadImage(docker.LoadImageOptions{InputStream: bytes.NewReader(make([]byte, size)), OutputStream: io.Discard, Context: ctx})
}

// Whatever fails, these clients' errors tell it as ours do.
func TestFaults(t *testing.T) {
	t.Parallel()
	faulttest.Each(t, func(t *testing.T, fault faulttest.Fault, version uint16) {
		opts := fault.Start(t, version).Options
		for _, way := range ways() {
			way.checkAll(t, opts, fault)
		}
	})
}

// docs/clients.md lists the gaps.
func TestGapsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []dockertls.Kind
	for line := range strings.Lines(string(page)) {
		if kind, ok := strings.CutPrefix(line, "- `"); ok {
			kind, _, _ = strings.Cut(kind, "`")
			listed = append(listed, dockertls.Kind(kind))
		}
	}
	gaps := hostLastGaps()
	slices.Sort(gaps)
	if !slices.Equal(gaps, listed) {
		t.Errorf("the page lists %q, the tests know %q", listed, gaps)
	}
}

func (w way) checkAll(t *testing.T, opts dockertls.Options, fault faulttest.Fault) {
	t.Helper()
	cfg := resolve(t, opts)
	sizes := fault.Sizes()
	if fault.Slow {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		own := w.ownWay(cfg, size)
		switch {
		case own && (opts.Dialer != nil || opts.Proxy != nil): // goes elsewhere, without them
		case fault.InBody && size == 0: // asked for by HEAD
		default:
			w.check(t, cfg, size, fault, own)
		}
	}
}

func (w way) check(t *testing.T, cfg *dockertls.Config, size int, fault faulttest.Fault, own bool) {
	t.Helper()
	err := w.request(t, cfg, size)
	where := fmt.Sprintf("%s, %d bytes", w.name, size)
	var ours *dockertls.Error
	found := errors.As(err, &ours)
	switch diagnosed := cfg.Diagnose(err); {
	case err == nil:
		t.Errorf("%s: no error", where)
	case fault.InBody && errors.Is(err, io.ErrUnexpectedEOF):
	case own && !errors.Is(diagnosed, fault.Kind) && fault.Or == "" && !slices.Contains(w.gaps, fault.Kind):
		t.Errorf("%s: got %q, diagnosed as %q, want %s", where, err, diagnosed, fault.Kind)
	case own:
	case !found:
		t.Errorf("%s: no *dockertls.Error in %q, want %s", where, err, fault.Kind)
	case !fault.Is(ours.Kind):
		t.Errorf("%s: got %s (%v), want %s", where, ours.Kind, ours, fault.Kind)
	case diagnosed.Error() != ours.Error():
		t.Errorf("%s: diagnosed as %q, want %q alone", where, diagnosed, ours)
	}
}
