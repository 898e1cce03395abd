package dockertls_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A soakDaemon is a daemon that is restarted on the same address now and then.
// Its epoch is even while it runs, and odd from before its end to after its next
// start: a request may only fail if the epoch changed under it.
type soakDaemon struct {
	t      *testing.T
	addr   string
	accept []*dockertlstest.CA // of clients

	epoch  atomic.Int64
	epochs sync.Map // by the client's address: the epoch in which it connected

	mu      sync.Mutex // while it is started or stopped
	server  *dockertlstest.CA
	running *dockertlstest.Daemon

	requests, connections, restarts, impostors int
}

func newSoakDaemon(t *testing.T, server *dockertlstest.CA, accept ...*dockertlstest.CA) *soakDaemon {
	s := &soakDaemon{t: t, addr: "127.0.0.1:0", accept: accept, server: server}
	s.start()
	s.addr = s.running.Addr()
	return s
}

func (s *soakDaemon) host() string { return "tcp://" + s.addr }

// listen puts a listener on the daemon's address. A client may have got its port
// for a moment.
func (s *soakDaemon) listen(d *dockertlstest.Daemon) {
	d.Listener.Close()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		listener, err := net.Listen("tcp", s.addr)
		if err == nil {
			d.Listener = listener
			return
		}
		if time.Since(start) > 10*time.Second {
			panic(err)
		}
	}
}

func (s *soakDaemon) start() {
	s.running = dockertlstest.New(dockertlstest.MutualTLS, dockertlstest.UseCA(s.server),
		dockertlstest.Handle("GET /soak", s.answer), dockertlstest.Handle("POST /soak", s.answer),
		dockertlstest.Handle("GET /soak/events", s.events),
		dockertlstest.Configure(func(d *dockertlstest.Daemon) {
			s.listen(d)
			d.TLSConfig = func(cfg *tls.Config) {
				for _, ca := range s.accept {
					cfg.ClientCAs.AppendCertsFromPEM(ca.PEM())
				}
			}
		}))
}

// stop ends the daemon, and checks who has come.
func (s *soakDaemon) stop() {
	s.running.Close()
	for _, r := range s.running.Requests() {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || !strings.HasPrefix(r.ClientName(), "client-") {
			s.t.Errorf("%s %s came from %q, TLS %t", r.Method, r.Path, r.ClientName(), r.TLS != nil)
		}
	}
	s.requests += len(s.running.Requests())
	s.connections += s.running.Connections()
	s.running = nil
}

// restart starts the daemon again, under another authority if there is one.
// Meanwhile nobody listens, or somebody who must not get a single request.
func (s *soakDaemon) restart(server *dockertlstest.CA, impostor dockertlstest.Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch.Add(1)
	defer s.epoch.Add(1)
	s.stop()
	s.restarts++
	time.Sleep(20 * time.Millisecond)
	if impostor != dockertlstest.MutualTLS {
		s.impostors++
		ca := dockertlstest.NewCA()
		false := dockertlstest.New(impostor, dockertlstest.UseCA(ca), dockertlstest.Configure(s.listen))
		time.Sleep(60 * time.Millisecond)
		false.Close()
		if n := len(false.Requests()); n > 0 {
			s.t.Errorf("an impostor in mode %v got %d requests", impostor, n)
		}
	}
	s.server = server
	s.start()
}

// answer says who asked for what, and what arrived.
func (s *soakDaemon) answer(w http.ResponseWriter, r *http.Request) {
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, "%s %s %d %d", r.Header.Get("Soak-Id"), r.TLS.PeerCertificates[0].Subject.CommonName, n, sum.Sum32())
}

// events answers bit by bit.
func (s *soakDaemon) events(w http.ResponseWriter, r *http.Request) {
	for i := range 8 {
		if i > 0 {
			select {
			case <-r.Context().Done():
				panic(http.ErrAbortHandler) // not an answer that ends well
			case <-time.After(25 * time.Millisecond):
			}
		}
		fmt.Fprintf(w, "%s %d\n", r.Header.Get("Soak-Id"), i)
		w.(http.Flusher).Flush()
	}
}

// dial is the Dialer of the daemon's clients.
func (s *soakDaemon) dial(ctx context.Context, network, address string) (net.Conn, error) {
	epoch := s.epoch.Load()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		s.epochs.Store(conn.LocalAddr().String(), epoch)
	}
	return conn, err
}

// connected is the epoch in which a connection was made.
func (s *soakDaemon) connected(conn net.Conn) int64 {
	epoch, _ := s.epochs.Load(conn.LocalAddr().String())
	n, _ := epoch.(int64)
	return n
}

// excuses tells whether the daemon's state accounts for an error of a request
// that began, or whose connection did, in an epoch.
func (s *soakDaemon) excuses(epoch int64, err error) (what string, ok bool) {
	what = "another error"
	for _, kind := range []dockertls.Kind{dockertls.ConnectionRefused, dockertls.ConnectionReset,
		dockertls.ServerUntrusted, dockertls.TLSNotOffered} { // the last two are of impostors
		if errors.Is(err, kind) {
			what, ok = string(kind), true
		}
	}
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if !ok && errors.Is(err, e) {
			what, ok = e.Error(), true
		}
	}
	for _, text := range []string{"server closed idle connection", "cannot rewind body after connection loss", "connection reset by peer", "broken pipe"} {
		if !ok && strings.Contains(err.Error(), text) {
			what, ok = text, true
		}
	}
	now := s.epoch.Load()
	return what, ok && (now != epoch || now%2 == 1)
}
