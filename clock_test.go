package dockertls_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// clockCase is a clock, and a daemon's certificate, of which one is wrong.
type clockCase struct {
	name string
	ca   *dockertlstest.CA
	pair *dockertlstest.Pair
	kind dockertls.Kind
	hint string
}

func clockCases() []clockCase {
	now := time.Now()
	always := dockertlstest.CertSpec{NotBefore: now.AddDate(-30, 0, 0), NotAfter: now.AddDate(30, 0, 0)}
	ca := dockertlstest.NewCAFrom(always)
	issue := func(from, to time.Time) *dockertlstest.Pair {
		return ca.Issue(dockertlstest.CertSpec{Names: []string{"127.0.0.1"}, Server: true, NotBefore: from, NotAfter: to})
	}
	young := dockertlstest.NewCAFrom(dockertlstest.CertSpec{NotBefore: now.Add(time.Hour), NotAfter: now.AddDate(1, 0, 0)})
	return []clockCase{
		{"the server's certificate begins in an hour", ca, issue(now.Add(time.Hour), now.AddDate(1, 0, 0)), dockertls.ServerCertNotYet, "clock"},
		{"it begins in years", ca, issue(now.AddDate(10, 0, 0), now.AddDate(11, 0, 0)), dockertls.ServerCertNotYet, "clock"},
		{"it ended an hour ago", ca, issue(now.AddDate(-1, 0, 0), now.Add(-time.Hour)), dockertls.ServerCertExpired, "again"},
		{"it ended years ago", ca, issue(now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)), dockertls.ServerCertExpired, "again"},
		{"its authority begins in an hour", young, young.ServerPair(), dockertls.ServerCertNotYet, "clock"},
	}
}

// Not yet and no more are told from each other, with both dates; where a clock
// may be wrong the hint says so.
func TestServerCertificateAgainstTheClock(t *testing.T) {
	t.Parallel()
	for _, tt := range clockCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, opts := startDaemon(t, dockertlstest.TLS, tt.ca, func(d *dockertlstest.Daemon) { d.Server = tt.pair })
			cfg := resolve(t, opts)
			_, err := get(t, cfg, cfg.URL("/_ping"))
			wantKind(t, cfg.Diagnose(err), tt.kind, "and it is "+time.Now().UTC().Format(time.DateOnly), tt.hint)
			if got := len(d.Requests()); got != 0 {
				t.Errorf("%d requests", got)
			}
		})
	}
}

// A machine that wakes up in the wrong year: new connections fail with the
// clock named, and kept ones go on. When the clock is right, all is well.
func TestClockOfAnotherYear(t *testing.T) {
	needBubble(t)
	t.Parallel()
	year := func(y int) time.Time { return time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC) }
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{NotBefore: year(2001), NotAfter: year(2003)})
	pair := ca.Issue(dockertlstest.CertSpec{Names: []string{"daemon.test"}, Server: true, NotBefore: year(2001), NotAfter: year(2003)}).Certificate()
	synctest.Test(t, func(t *testing.T) { // in which it is 2000
		serve := peer(func(conn net.Conn) { // which is never in the client's way
			secured := tls.Server(pump(conn), &tls.Config{Certificates: []tls.Certificate{pair}})
			if secured.Handshake() == nil {
				io.Copy(secured, secured)
			}
		})
		cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test", TLSVerify: new(true), CA: ca.PEM(), Dialer: serve.dial})
		_, err := cfg.Dial(t.Context())
		wantKind(t, err, dockertls.ServerCertNotYet, "it is 2000-01-01", "clock of this machine")
		time.Sleep(time.Until(year(2002)))
		kept, err := cfg.Dial(t.Context())
		check(t, err)
		time.Sleep(time.Until(year(2010)))
		_, err = cfg.Dial(t.Context())
		wantKind(t, err, dockertls.ServerCertExpired, "it is 2010-01-01")
		_, err = kept.Write([]byte("x"))
		check(t, err)
		_, err = kept.Read(make([]byte, 1))
		check(t, err)
		check(t, kept.Close())
		time.Sleep(time.Minute) // for the peers to end
	})
}

// A pumpedConn takes whatever the other side writes at once, as a network does.
type pumpedConn struct {
	net.Conn
	came chan []byte
	rest []byte
}

func pump(conn net.Conn) *pumpedConn {
	p := &pumpedConn{Conn: conn, came: make(chan []byte, 1000)}
	go func() {
		defer close(p.came)
		for {
			b := make([]byte, 4<<10)
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			p.came <- b[:n]
		}
	}()
	return p
}

func (p *pumpedConn) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		more, ok := <-p.came
		if !ok {
			return 0, io.EOF
		}
		p.rest = more
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// New material is looked for by a clock that no one sets; files from the future
// and from the beginning of time are files like others.
func TestFilesOfAnotherYear(t *testing.T) {
	t.Parallel()
	for _, year := range []int{1970, 2106} {
		s, ca, dir := startFollowing(t)
		if got := s.name(t); got != "one" {
			t.Fatalf("the daemon sees %q", got)
		}
		check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
		for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
			when := time.Date(year, time.January, 2, 0, 0, 0, 0, time.UTC)
			check(t, os.Chtimes(filepath.Join(dir, name), when, when))
		}
		s.waitName(t, "one", "two")
	}
}

// recordsDeadlines keeps the latest deadline for reading.
type recordsDeadlines struct {
	net.Conn
	latest time.Time
}

func (r *recordsDeadlines) SetReadDeadline(d time.Time) error {
	r.latest = d
	return r.Conn.SetReadDeadline(d)
}

// A deadline that is put back after the first answer is still one of the
// monotonic clock: a clock that is set meanwhile does not move it.
func TestDeadlineIsKeptWhole(t *testing.T) {
	t.Parallel()
	var recorded *recordsDeadlines
	cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test", Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
		inner, err := peer(func(conn net.Conn) { answerOnce(conn) }).dial(ctx, network, address)
		recorded = &recordsDeadlines{Conn: inner}
		return recorded, err
	}})
	conn, err := cfg.Transport().DialContext(t.Context(), "tcp", "daemon.test:2375")
	check(t, err)
	defer conn.Close()
	deadline := time.Now().Add(time.Minute)
	check(t, conn.SetReadDeadline(deadline))
	_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: daemon\r\n\r\n"))
	check(t, err)
	_, err = conn.Read(make([]byte, 4<<10))
	check(t, err)
	if recorded.latest != deadline { // == compares the monotonic clock too
		t.Errorf("the deadline became %v, was %v", recorded.latest, deadline)
	}
}
