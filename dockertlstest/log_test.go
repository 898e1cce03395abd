package dockertlstest_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/dockertlstest"
)

// logged is what of a connection can be foretold.
type logged struct {
	Name, Client string
	Version      uint16
	Secured      bool
	Err          string // a part of it
	Requests     int
}

func checkLogged(t *testing.T, c dockertlstest.Connection, want logged) {
	t.Helper()
	got := logged{c.ServerName, c.ClientName(), c.TLSVersion, c.Secured, want.Err, c.Requests}
	if (c.HandshakeErr == nil) != (want.Err == "") || !strings.Contains(fmt.Sprint(c.HandshakeErr), want.Err) {
		got.Err = fmt.Sprint(c.HandshakeErr)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("connection (-want +got):\n%s", diff)
	}
	if c.Accepted.IsZero() || c.RemoteAddr == "" {
		t.Errorf("got %+v", c)
	}
}

func TestConnectionLog(t *testing.T) {
	t.Parallel()
	for name, version := range tlsVersions {
		for _, tt := range []struct {
			fault dockertlstest.Option
			edit  func(*tls.Config)
			want  logged
		}{
			{dockertlstest.MutualTLS, nil, logged{"", "client", version, true, "", 1}},
			{dockertlstest.MutualTLS, func(c *tls.Config) { c.RootCAs = poolOf(dockertlstest.NewCA()) },
				logged{"", "", version, false, "unknown certificate authority|bad certificate", 0}},
			{dockertlstest.ClientCertMissing, nil, logged{"", "", version, false, "didn't provide a certificate", 0}},
			{dockertlstest.ClientCertExpired, nil, logged{"", "client", version, false, "expired", 0}},
			{dockertlstest.ClientCertRefused, nil, logged{"", "client", version, false, "refused as asked for", 0}},
			{dockertlstest.ClientCATwin, nil, logged{"", "client", version, false, "unknown authority", 0}},
			{dockertlstest.Closes(dockertlstest.AfterRequest), nil, logged{"", "client", version, true, "", 1}},
		} {
			d := dockertlstest.Start(t, tt.fault, dockertlstest.MaxTLS(version))
			config := d.TLSClientConfig()
			if tt.edit != nil {
				tt.edit(config)
			}
			ping(t, d, config)
			c := d.WaitConnection(t, 1)
			if first, second, two := strings.Cut(tt.want.Err, "|"); two {
				tt.want.Err = first
				if strings.Contains(fmt.Sprint(c.HandshakeErr), second) {
					tt.want.Err = second
				}
			}
			t.Log(name, tt.fault)
			if tt.want.Requests > 0 {
				d.WaitRequest(t, 1)
				c = d.ConnectionLog()[0]
			}
			checkLogged(t, c, tt.want)
		}
	}
}

func TestServerNameIsLogged(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t, dockertlstest.TLS)
	conn, err := net.Dial("tcp", d.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	config := d.TLSClientConfig()
	config.ServerName = "localhost"
	if err := tls.Client(conn, config).Handshake(); err != nil {
		t.Fatal(err)
	}
	c := d.WaitConnection(t, 1)
	checkLogged(t, c, logged{"localhost", "", tls.VersionTLS13, true, "", 0})
	if c.Received == 0 || c.RemoteAddr != conn.LocalAddr().String() || !c.Closed.IsZero() {
		t.Errorf("got %+v", c)
	}
}

// Requests tell their connection, and connections count theirs.
func TestRequestsOfConnections(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t, dockertlstest.Plain)
	first, second := mustDial(t, d, nil), mustDial(t, d, nil)
	const get = "GET /info HTTP/1.1\r\nHost: docker\r\n\r\n"
	for _, conn := range []net.Conn{second, first, second} {
		response, _ := request(t, conn, get)
		response.Body.Close()
	}
	var got []int
	for _, r := range d.Requests() {
		got = append(got, r.Connection)
	}
	if log := d.ConnectionLog(); len(log) != 2 || len(got) != 3 || got[0] != got[2] || got[0] == got[1] ||
		log[got[0]-1].Requests != 2 || log[got[1]-1].Requests != 1 || log[got[0]-1].Received != int64(2*len(get)) {
		t.Errorf("requests on %v of %+v", got, log)
	}
}

func TestClosedIsLogged(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t, dockertlstest.Resets(dockertlstest.OnAccept))
	ping(t, d, d.TLSClientConfig())
	d.Close()
	if c := d.ConnectionLog()[0]; c.Closed.Before(c.Accepted) || c.Secured || c.HandshakeErr != nil {
		t.Errorf("got %+v", c)
	}
}

// The waiting begins before, and ends when there is something.
func TestWaiting(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if r := d.WaitRequest(t, 2); r.Path != "/_ping" || r.Connection != 2 {
			t.Errorf("got %+v", r)
		}
	})
	waiting.Go(func() {
		if c := d.WaitConnection(t, 2); !c.Secured || c.ClientName() != "client" {
			t.Errorf("got %+v", c)
		}
	})
	for range 2 {
		ping(t, d, d.TLSClientConfig())
	}
	waiting.Wait()
}

// A failing is a test that may fail.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes 10 s: run it without -short")
	}
	d := dockertlstest.Start(t)
	var waiting sync.WaitGroup
	start := time.Now()
	for want, wait := range map[string]func(testing.TB){
		"dockertlstest: no request 1 in 10s: there were 0":       func(t testing.TB) { d.WaitRequest(t, 1) },
		"dockertlstest: no connection 1 in 10s: 0 were accepted": func(t testing.TB) { d.WaitConnection(t, 1) },
	} {
		waiting.Go(func() {
			f := &failing{TB: t}
			var done sync.WaitGroup
			done.Go(func() { wait(f) })
			done.Wait()
			if f.said != want {
				t.Errorf("got %q, want %q", f.said, want)
			}
		})
	}
	waiting.Wait()
	if took := time.Since(start); took < 10*time.Second || took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}
