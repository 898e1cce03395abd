package dockertls_test

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

var soakLong = flag.Bool("soak", false, "let TestSoak make 100,000 requests instead of 3,000")

// TestSoak lets many workers use two daemons while certificates, authorities and
// daemons change under them. A request may fail only because its daemon was
// stopped meanwhile; it must show the certificate of the generation in use; and
// in the end nothing is left behind.
func TestSoak(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files that somebody reads cannot be replaced on Windows: run this on another system")
	}
	requests, lasting := 3_000, 6*time.Second
	if *soakLong {
		requests, lasting = 100_000, 5*time.Minute
	}
	oldCA, newCA := dockertlstest.NewCA(), dockertlstest.NewCA()
	warmUp(t, oldCA)
	before := measureLeftovers(leftovers{})
	s := newSoak(t, oldCA, newCA)
	s.run(requests, lasting)
	s.wantConvergence()
	s.closeIdle()
	for i, d := range s.daemons {
		d.stop()
		t.Logf("daemon %d: %d requests on %d connections, %d restarts, %d impostors", i, d.requests, d.connections, d.restarts, d.impostors)
		*d = soakDaemon{} // what it has seen is the test's own
	}
	s.logStats()
	after := measureLeftovers(before)
	t.Logf("before %+v, after %+v", before, after)
	if after.exceed(before) {
		t.Errorf("before %+v, after %+v", before, after)
		stacks := make([]byte, 1<<20)
		t.Logf("%s", stacks[:runtime.Stack(stacks, true)])
	}
	runtime.KeepAlive(s) // all its Configs and clients count
}

// warmUp makes the packages allocate what they keep for good.
func warmUp(t *testing.T, ca *dockertlstest.CA) {
	d := dockertlstest.New(dockertlstest.MutualTLS, dockertlstest.UseCA(ca))
	defer d.Close()
	check(t, request(resolve(t, d.Options())))
}

// A soaking is the test while it runs.
type soaking struct {
	t       *testing.T
	daemons []*soakDaemon
	folders []*soakFolder
	clients []*soakClient
	bundle  atomic.Pointer[[]byte]
	newCA   *dockertlstest.CA

	done, failed, unexcused atomic.Int64

	mu      sync.Mutex
	reasons map[string]int // of failures
}

// A soakClient is a Config with two clients that keep connections.
type soakClient struct {
	daemon *soakDaemon
	folder *soakFolder
	cfg    *dockertls.Config
	kept   [2]*http.Client

	mu    sync.Mutex
	names map[uint64]string // that the daemon saw, by generation
}

func newSoak(t *testing.T, oldCA, newCA *dockertlstest.CA) *soaking {
	s := &soaking{t: t, newCA: newCA, reasons: map[string]int{}}
	s.bundle.Store(pemBundle(oldCA))
	s.daemons = []*soakDaemon{newSoakDaemon(t, oldCA, newCA), newSoakDaemon(t, oldCA, oldCA, newCA)}
	s.folders = soakFolders(t, &s.bundle, oldCA, newCA)
	resolver := new(dockertls.Resolver)
	for i, folder := range s.folders {
		for j, daemon := range s.daemons {
			opts := dockertls.Options{Host: daemon.host(), TLSVerify: new(true), CertPath: folder.dir, Dialer: daemon.dial,
				ReloadInterval: 5 * time.Millisecond, DisableResumption: i+j == 0}
			cfg, err := resolver.Resolve(opts)
			if i%2 == 0 {
				cfg, err = dockertls.Resolve(opts)
			}
			check(t, err)
			s.clients = append(s.clients, &soakClient{daemon: daemon, folder: folder, cfg: cfg,
				kept: [2]*http.Client{cfg.HTTPClient(), cfg.HTTPClient()}, names: map[uint64]string{}})
		}
	}
	return s
}

// run makes the requests, over some time, while everything changes.
func (s *soaking) run(requests int, lasting time.Duration) {
	const workers = 32
	stop := make(chan struct{})
	var changing, working sync.WaitGroup
	for _, f := range s.folders {
		changing.Go(func() { f.rotate(s.t, stop) })
	}
	changing.Go(func() { s.restartDaemons(stop, lasting) })
	start := time.Now()
	each := requests/workers + 1
	for w := range workers {
		working.Go(func() {
			for i := range each {
				if time.Since(start) > 4*lasting {
					return // on a machine with much else to do
				}
				time.Sleep(time.Until(start.Add(lasting * time.Duration(i) / time.Duration(each))))
				s.use(s.clients[(w+i)%len(s.clients)], w, i)
			}
		})
	}
	working.Wait()
	close(stop)
	changing.Wait()
	s.t.Logf("%d requests in %v, %d failed: %v", s.done.Load(), time.Since(start).Round(time.Second), s.failed.Load(), s.reasons)
}

// restartDaemons restarts a daemon now and then. Halfway the second one moves to
// the new authority, once all clients know it.
func (s *soaking) restartDaemons(stop <-chan struct{}, lasting time.Duration) {
	start, moved, pause := time.Now(), false, min(lasting/8, 2*time.Second)
	authority := s.daemons[0].server
	modes := []dockertlstest.Mode{dockertlstest.MutualTLS, dockertlstest.TLS, dockertlstest.MutualTLS, dockertlstest.Plain}
	for i := 0; ; i++ {
		select {
		case <-stop:
			if !moved {
				s.t.Error("the daemon was never moved to the new authority")
			}
			return
		case <-time.After(pause):
		}
		s.daemons[0].restart(s.daemons[0].server, modes[i%len(modes)])
		if s.bundle.Store(pemBundle(s.daemons[0].server, s.newCA)); !moved && time.Since(start) > lasting/3 && s.allTrustBoth() {
			moved, authority = true, s.newCA
		}
		s.daemons[1].restart(authority, modes[(i/2+1)%len(modes)])
	}
}

func (s *soaking) allTrustBoth() bool {
	for _, c := range s.clients {
		authorities := 0
		for _, e := range c.cfg.Expiries() {
			if e.Certificate == "ca" {
				authorities++
			}
		}
		if authorities < 2 {
			return false
		}
	}
	return true
}

// use makes one request.
func (s *soaking) use(c *soakClient, worker, i int) {
	id := fmt.Sprintf("%d.%d", worker, i)
	epoch := c.daemon.epoch.Load()
	var err error
	switch i % 16 {
	case 3, 11:
		err = c.stream(id, i)
	case 0, 8:
		fresh := c.cfg.HTTPClient()
		err = c.ask(fresh, http.MethodGet, id, nil, &epoch)
		fresh.CloseIdleConnections()
	case 1, 5, 6, 14:
		body := bytes.Repeat([]byte(id), 1+rand.IntN(30_000))
		err = c.ask(c.kept[i%2], http.MethodPost, id, body, &epoch)
	default:
		err = c.ask(c.kept[i/2%2], http.MethodGet, id, nil, &epoch)
	}
	s.done.Add(1)
	if err == nil {
		return
	}
	what, excused := c.daemon.excuses(epoch, err)
	s.mu.Lock()
	s.reasons[what]++
	s.mu.Unlock()
	if s.failed.Add(1); !excused && s.unexcused.Add(1) < 20 {
		s.t.Errorf("%s: %+v (%s)\nepoch %d, now %d; %+v", id, err, what, epoch, c.daemon.epoch.Load(), c.cfg.Stats())
	}
}

// ask makes a request, whose body cannot be sent twice, and checks the answer.
// The epoch becomes that of the oldest connection that was tried.
func (c *soakClient) ask(client *http.Client, method, id string, body []byte, epoch *int64) error {
	generation := c.cfg.Stats().Generation
	var mu sync.Mutex
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		mu.Lock()
		defer mu.Unlock()
		*epoch = min(*epoch, c.daemon.connected(info.Conn))
	}}
	var reader io.Reader
	if body != nil {
		reader = struct{ io.Reader }{bytes.NewReader(body)}
	}
	req, err := http.NewRequest(method, c.cfg.URL("/soak"), reader)
	if err != nil {
		return err
	}
	req.Header.Set("Soak-Id", id)
	resp, err := client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return c.judge(string(answer), id, body, generation)
}

// judge checks that an answer is that to the request, and that the daemon saw
// the certificate of the generation, where that did not change meanwhile.
func (c *soakClient) judge(answer, id string, body []byte, generation uint64) error {
	fields := strings.Fields(answer)
	if len(fields) != 4 || fields[0] != id || fields[2] != fmt.Sprint(len(body)) || fields[3] != fmt.Sprint(crc32.ChecksumIEEE(body)) {
		return fmt.Errorf("the answer is %q, for %s with %d bytes", answer, id, len(body))
	}
	if c.cfg.Stats().Generation != generation {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.names[generation]; known != "" && known != fields[1] {
		return fmt.Errorf("generation %d is both %s and %s", generation, known, fields[1])
	}
	c.names[generation] = fields[1]
	return nil
}

// stream attaches to a container, or reads events.
func (c *soakClient) stream(id string, i int) error {
	if i%32 < 16 {
		conn, err := c.cfg.Dial(c.daemon.t.Context())
		if err != nil {
			return err
		}
		defer conn.Close()
		return exchange(conn, strings.Repeat(id, 1+rand.IntN(30_000)))
	}
	req, err := http.NewRequest(http.MethodGet, c.cfg.URL("/soak/events"), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Soak-Id", id)
	client := c.cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	events, err := io.ReadAll(resp.Body)
	if n := strings.Count(string(events), id+" "); err == nil && n != 8 {
		return fmt.Errorf("there are %d events: %q", n, events)
	}
	return err
}

// wantConvergence waits until every client shows the last certificate.
func (s *soaking) wantConvergence() {
	for _, c := range s.clients {
		for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			fresh := c.cfg.HTTPClient()
			err := c.ask(fresh, http.MethodGet, "end", nil, new(int64))
			fresh.CloseIdleConnections()
			if err != nil {
				s.t.Error(err)
			}
			generation := c.cfg.Stats().Generation
			if c.names[generation] == c.folder.name {
				break
			}
			if time.Since(start) > 10*time.Second {
				s.t.Errorf("the daemon sees %s, want %s; %+v", c.names[generation], c.folder.name, c.cfg.Stats())
				break
			}
		}
	}
}

func (s *soaking) closeIdle() {
	for _, c := range s.clients {
		for _, client := range c.kept {
			client.CloseIdleConnections()
		}
		c.names = nil
	}
}

func (s *soaking) logStats() {
	var sum dockertls.Stats
	failures := map[dockertls.Kind]uint64{}
	for _, c := range s.clients {
		n := c.cfg.Stats()
		if n.Reloads == 0 || n.Renewals == 0 {
			s.t.Errorf("a client changed over nothing: %+v", n)
		}
		sum.Connections += n.Connections
		sum.Handshakes += n.Handshakes
		sum.Resumptions += n.Resumptions
		sum.Renewals += n.Renewals
		sum.Reloads += n.Reloads
		sum.ReloadFailures += n.ReloadFailures
		for kind, n := range n.Failures {
			failures[kind] += n
		}
	}
	sum.Failures = maps.Clone(failures)
	turns := 0
	for _, f := range s.folders {
		turns += f.turns
	}
	s.t.Logf("%d rotations; all clients: %+v", turns, sum)
}

// leftovers are what a process holds.
type leftovers struct {
	Goroutines, Files int
	HeapKB            int64
}

// exceed allows for what the runtime and the test itself keep.
func (l leftovers) exceed(before leftovers) bool {
	return l.Goroutines > before.Goroutines+2 || l.Files > before.Files || l.HeapKB > before.HeapKB+1024
}

// measureLeftovers waits for a while for a process to become as it was.
func measureLeftovers(wanted leftovers) leftovers {
	var now leftovers
	for range 50 {
		runtime.GC()
		runtime.GC() // pools are emptied by the second one
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		now = leftovers{Goroutines: runtime.NumGoroutine(), HeapKB: int64(m.HeapAlloc >> 10)}
		if files, err := os.ReadDir("/proc/self/fd"); err == nil {
			now.Files = len(files)
		}
		if wanted != (leftovers{}) && !now.exceed(wanted) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return now
}
