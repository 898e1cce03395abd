package clients

import (
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A user is what a test does with a client: small calls, uploads, streams.
type user struct{ ping, upload, streams func(*testing.T) }

func users(t *testing.T, cfg *dockertls.Config) map[string]user {
	users := map[string]user{}
	for name, newClient := range mobyOrders() {
		cli := newClient(t, cfg)
		users["moby, "+name] = user{
			func(t *testing.T) { mobyInfo(t, cli) }, func(t *testing.T) { mobyUpload(t, cli) }, func(t *testing.T) { mobyStreams(t, cli) },
		}
	}
	for name, newClient := range dockerClientRecipes() {
		client := newClient(t, cfg)
		users["go-dockerclient, "+name] = user{
			func(t *testing.T) { dockerClientCalls(t, client) }, func(t *testing.T) { dockerClientUpload(t, client) },
			func(t *testing.T) { dockerClientStreams(t, client) },
		}
	}
	return users
}

// A client made before new certificates came uses them after, on kept
// connections and for the streams that it opens itself, and no call fails.
func TestRotation(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	d := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	t.Cleanup(d.Close)
	dir := t.TempDir()
	write := func(name string) {
		if err := dockertlstest.WriteCerts(dir, ca, ca.ClientPair(name)); err != nil {
			t.Fatal(err)
		}
	}
	write("before")
	cfg := resolve(t, dockertls.Options{Host: d.Host(), TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond})
	users := users(t, cfg)
	for _, u := range users {
		u.ping(t)
	}
	wantNames(t, d.Requests(), "before")

	write("after")
	waitGeneration(t, cfg, 2)
	for name, u := range users {
		seen := len(d.Requests())
		u.upload(t)
		u.ping(t)
		u.streams(t)
		t.Log(name)
		wantNames(t, d.Requests()[seen:], "after")
	}
	if cfg.Stats().Renewals == 0 {
		t.Error("no kept connection was renewed")
	}
}

func wantNames(t *testing.T, requests []dockertlstest.Request, want string) {
	t.Helper()
	if len(requests) == 0 {
		t.Error("the daemon saw no requests")
	}
	for _, r := range requests {
		if r.ClientName() != want {
			t.Errorf("%s %s: client %q, want %q", r.Method, r.Path, r.ClientName(), want)
		}
	}
}

// waitGeneration makes connections until new material is in use.
func waitGeneration(t *testing.T, cfg *dockertls.Config, n uint64) {
	t.Helper()
	for start := time.Now(); cfg.Stats().Generation < n; {
		if time.Since(start) > 10*time.Second {
			t.Fatal("no new material in 10 s")
		}
		conn, err := cfg.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		time.Sleep(10 * time.Millisecond)
	}
}
