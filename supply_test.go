package dockertls_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A vault supplies what was last put into it.
type vault struct {
	mu       sync.Mutex
	material dockertls.Material
	err      error
}

func (v *vault) put(m dockertls.Material, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.material, v.err = m, err
}

func (v *vault) get(context.Context) (dockertls.Material, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.material, v.err
}

func materialOf(ca *dockertlstest.CA, client *dockertlstest.Pair) dockertls.Material {
	return dockertls.Material{CA: ca.PEM(), Cert: client.CertPEM, Key: client.KeyPEM}
}

func TestSuppliedMaterialIsFollowed(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	var v vault
	v.put(materialOf(ca, ca.ClientPair("one")), nil)
	var events eventLog
	s := sighting{resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), Material: v.get,
		ReloadInterval: time.Millisecond, OnEvent: events.add, ExpiryWarnings: []time.Duration{}}), d}
	if got := s.name(t); got != "one" || s.cfg.Mode() != dockertls.Mutual {
		t.Fatalf("the daemon sees %q in mode %v", got, s.cfg.Mode())
	}
	v.put(materialOf(ca, ca.ClientPair("two")), nil)
	s.waitName(t, "one", "two")

	signer := materialOf(ca, ca.ClientPair("three"))
	broken := map[string]struct {
		material dockertls.Material
		err      error
		kind     dockertls.Kind
	}{
		"an error":          {dockertls.Material{}, errors.New("sealed"), dockertls.MaterialUnavailable},
		"nothing":           {dockertls.Material{}, nil, dockertls.MaterialUnavailable},
		"no CA":             {dockertls.Material{Cert: signer.Cert, Key: signer.Key}, nil, dockertls.MaterialUnavailable},
		"another's key":     {dockertls.Material{CA: signer.CA, Cert: signer.Cert, Key: ca.ClientPair("x").KeyPEM}, nil, dockertls.KeyPairMismatch},
		"half a CA":         {dockertls.Material{CA: signer.CA[:40], Cert: signer.Cert, Key: signer.Key}, nil, dockertls.CAInvalid},
		"no key any longer": {dockertls.Material{CA: signer.CA, Cert: signer.Cert}, nil, dockertls.MaterialUnavailable},
	}
	for name, tt := range broken {
		before := len(events.all())
		v.put(tt.material, tt.err)
		for range 5 {
			time.Sleep(2 * time.Millisecond)
			if got := s.name(t); got != "two" {
				t.Errorf("%s: the daemon sees %q", name, got)
			}
		}
		got := events.all()[before:]
		if len(got) != 1 || !errors.Is(got[0].Err, tt.kind) || got[0].Generation != 2 {
			t.Errorf("%s: events %+v, want one about %s", name, got, tt.kind)
		}
		if tt.err != nil && !errors.Is(got[0].Err, tt.err) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
	v.put(signer, nil)
	s.waitName(t, "two", "three")
}

// What Resolve gets is checked as if it had been written into the options.
func TestSuppliedMaterialIsChecked(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	whole := materialOf(ca, ca.ClientPair("one"))
	supplying := func(m dockertls.Material, err error) func(context.Context) (dockertls.Material, error) {
		return func(context.Context) (dockertls.Material, error) { return m, err }
	}
	for name, tt := range map[string]struct {
		opts dockertls.Options
		kind dockertls.Kind
	}{
		"an error":        {dockertls.Options{Material: supplying(dockertls.Material{}, errors.New("sealed"))}, dockertls.MaterialUnavailable},
		"nothing":         {dockertls.Options{Material: supplying(dockertls.Material{}, nil)}, dockertls.MaterialUnavailable},
		"half a pair":     {dockertls.Options{Material: supplying(dockertls.Material{CA: whole.CA, Cert: whole.Cert}, nil)}, dockertls.ClientKeyMissing},
		"set as well":     {dockertls.Options{Material: supplying(whole, nil), CA: ca.PEM()}, dockertls.OptionsConflict},
		"named as well":   {dockertls.Options{Material: supplying(whole, nil), KeyFile: "key.pem"}, dockertls.OptionsConflict},
		"key and signer":  {dockertls.Options{Material: supplying(dockertls.Material{CA: whole.CA, Cert: whole.Cert, Key: whole.Key, Signer: testSigner(t, ca.ClientPair("one"))}, nil)}, dockertls.OptionsConflict},
		"without TLS":     {dockertls.Options{Material: supplying(whole, nil), TLSVerify: nil}, dockertls.OptionsConflict},
		"no certificates": {dockertls.Options{Material: supplying(dockertls.Material{CA: []byte("none")}, nil)}, dockertls.CAInvalid},
	} {
		tt.opts.Host = "tcp://127.0.0.1:2376"
		if name != "without TLS" {
			tt.opts.TLSVerify = new(true)
		}
		_, err := dockertls.Resolve(tt.opts)
		t.Log(name)
		wantKind(t, err, tt.kind)
	}
}

// Material may be printed and logged although its signer is a key in memory.
func TestMaterialShowsNoSecret(t *testing.T) {
	t.Parallel()
	pair := dockertlstest.NewCA().ClientPair("client")
	key := testSigner(t, pair).(*ecdsa.PrivateKey)
	number, err := key.Bytes()
	check(t, err)
	m := dockertls.Material{Cert: pair.CertPEM, Key: pair.KeyPEM, Signer: key}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+verb+verb, m, &m, []dockertls.Material{m})
	}
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "m", m, "p", &m)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "m", m, "p", &m)
	marshalled, err := json.Marshal([]any{m, &m})
	check(t, err)
	shown.Write(marshalled)
	secrets := []string{strings.Split(string(pair.KeyPEM), "\n")[1], new(big.Int).SetBytes(number).String(), fmt.Sprintf("%x", number)}
	if found := leaks(shown.String(), secrets...); found != nil {
		t.Errorf("it shows %q: %s", found, shown.String())
	}
}

// A function that hangs fails no connection, and is not called again meanwhile.
func TestSupplyThatHangs(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	var calls atomic.Int64
	release, material := make(chan struct{}), materialOf(ca, ca.ClientPair("one"))
	cfg := resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), ReloadInterval: time.Nanosecond,
		Material: func(context.Context) (dockertls.Material, error) {
			if calls.Add(1) > 1 {
				<-release
			}
			return material, nil
		}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 5 {
		conn, err := cfg.Dial(ctx)
		check(t, err)
		conn.Close()
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("it was called %d times", n)
	}
	close(release)
}

// A function may write what it supplies next into the same memory.
func TestSuppliedMemoryMayChange(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	one := materialOf(ca, ca.ClientPair("one"))
	cfg := resolve(t, dockertls.Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), ReloadInterval: time.Millisecond,
		Material: func(context.Context) (dockertls.Material, error) { return one, nil }})
	two := materialOf(ca, ca.ClientPair("two"))
	one.Cert, one.Key = append(one.Cert[:0], two.Cert...), append(one.Key[:0], two.Key...)
	lookAgain(t, cfg)
	if got := clientOf(cfg); got != "CN=two" {
		t.Errorf("it has %s", got)
	}
}

// A function that panics has supplied nothing: it runs where nobody could recover.
func TestSupplyPanics(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	var calls atomic.Int64
	var events eventLog
	material := materialOf(ca, ca.ClientPair("one"))
	cfg := resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), ReloadInterval: time.Nanosecond, OnEvent: events.add,
		ExpiryWarnings: []time.Duration{},
		Material: func(context.Context) (dockertls.Material, error) {
			if calls.Add(1) > 1 {
				panic("sealed")
			}
			return material, nil
		}})
	for range 3 {
		check(t, request(cfg))
	}
	got := events.all()
	if len(got) != 1 || !errors.Is(got[0].Err, dockertls.MaterialUnavailable) || !strings.Contains(fmt.Sprint(got[0].Err.Err), "sealed") {
		t.Errorf("events %+v", got)
	}
	if calls.Load() < 3 {
		t.Errorf("it was asked %d times", calls.Load())
	}
}

// A failure is told once, although some who connect do not wait for it.
func TestSupplyFailsForThePatient(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	var v vault
	v.put(materialOf(ca, ca.ClientPair("one")), nil)
	cfg := resolve(t, dockertls.Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), ReloadInterval: time.Nanosecond, Material: v.get})
	v.put(dockertls.Material{}, errors.New("sealed"))
	for range 3 {
		conn, err := cfg.Dial(t.Context())
		if err == nil {
			conn.Close()
		}
		look(t, cfg) // with a context that has ended
	}
	if n := cfg.Stats().ReloadFailures; n != 1 {
		t.Errorf("it was told %d times", n)
	}
}

// Reload ends with its context, although another one waits for a function that
// hangs.
func TestReloadHeedsTheContext(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	release, calls := make(chan struct{}), 0
	defer close(release)
	cfg := resolve(t, dockertls.Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), ReloadInterval: time.Nanosecond,
		Material: func(context.Context) (dockertls.Material, error) {
			if calls++; calls > 1 {
				<-release
			}
			return materialOf(ca, ca.ClientPair("one")), nil
		}})
	if conn, err := cfg.Dial(t.Context()); err == nil { // it looks, and does not wait for long
		conn.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := cfg.Reload(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
