package dockertls_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A nameServer answers every question as it likes, over UDP and TCP.
type nameServer struct {
	addresses []string      // of every name
	raw       []byte        // instead: no answer at all
	loop      bool          // instead: each name is another one's
	delay     time.Duration // before
	drip      bool          // a byte a second, over TCP
	asked     atomic.Int64
}

// dnsAddrs are those of the name server of this process.
type dnsAddrs struct{ udp, tcp net.Addr }

var (
	dnsInUse atomic.Pointer[dnsAddrs]
	takeOver sync.Once
)

// become makes the server that of this process, for good. The test must be alone.
func (s *nameServer) become(t *testing.T) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	go s.serveUDP(udp)
	go s.serveTCP(tcp)
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	dnsInUse.Store(&dnsAddrs{udp.LocalAddr(), tcp.Addr()})
	takeOver.Do(func() {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			addr := dnsInUse.Load().udp
			if strings.HasPrefix(network, "tcp") {
				addr = dnsInUse.Load().tcp
			}
			return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
		}}
	})
}

func (s *nameServer) serveUDP(conn net.PacketConn) {
	question := make([]byte, 4<<10)
	for {
		n, from, err := conn.ReadFrom(question)
		if err != nil {
			return
		}
		s.asked.Add(1)
		time.Sleep(s.delay)
		conn.WriteTo(s.answer(question[:n], true), from)
	}
}

func (s *nameServer) serveTCP(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute))
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			question := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(conn, question); err != nil {
				return
			}
			answer := s.answer(question, false)
			answer = append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)
			for s.drip && len(answer) > 0 {
				if _, err := conn.Write(answer[:1]); err != nil {
					return
				}
				answer = answer[1:]
				time.Sleep(200 * time.Millisecond)
			}
			conn.Write(answer)
		}()
	}
}

func (s *nameServer) answer(question []byte, short bool) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || s.raw != nil {
		return s.raw
	}
	name := m.Questions[0].Name
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	header := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1}
	switch {
	case short && (s.drip || len(s.addresses) > 20):
		m.Truncated = true // ask over TCP
	case s.loop:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.CNAMEResource{CNAME: name}}}
	case m.Questions[0].Type == dnsmessage.TypeA:
		for _, address := range s.addresses {
			var a dnsmessage.AResource
			copy(a.A[:], net.ParseIP(address).To4())
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &a})
		}
	}
	answer, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return answer
}

const liedName = "daemon.example.test"

// lying has every name be these addresses, and returns the options for a daemon
// of that name.
func lying(t *testing.T, s *nameServer, ca *dockertlstest.CA, addr string) *dockertls.Config {
	t.Helper()
	s.become(t)
	_, port, err := net.SplitHostPort(addr)
	check(t, err)
	client := ca.ClientPair("client")
	return resolve(t, dockertls.Options{Host: "tcp://" + net.JoinHostPort(liedName, port), TLSVerify: new(true),
		CA: ca.PEM(), Cert: client.CertPEM, Key: client.KeyPEM})
}

// A name server that leads elsewhere leads to an error, and to no request.
func TestDNSLeadsElsewhere(t *testing.T) {
	if !alone(t) {
		return
	}
	ca, foreign := dockertlstest.NewCA(), dockertlstest.NewCA()
	for name, tt := range map[string]struct {
		server *dockertlstest.Pair
		kind   dockertls.Kind
	}{
		"to another authority's server": {foreign.ServerPair(liedName), dockertls.ServerUntrusted},
		"to another of our servers":     {ca.ServerPair("other.example.test", "127.0.0.1"), dockertls.ServerNameMismatch},
	} {
		impostor, _ := startDaemon(t, dockertlstest.MutualTLS, ca, func(d *dockertlstest.Daemon) { d.Server = tt.server })
		cfg := lying(t, &nameServer{addresses: []string{"127.0.0.1"}}, ca, impostor.Addr())
		repeat(t, "a name that leads "+name, func(i int) {
			wantKind(t, useEach(t.Context(), cfg, i), tt.kind, liedName)
		})
		if got := impostor.Requests(); len(got) != 0 {
			t.Errorf("%s: it got %d requests", name, len(got))
		}
		impostor.Close()
	}
}

// Answers that are none, and how they end.
func TestDNSAnswersBadly(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	closed := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	closed.Close()
	for name, tt := range map[string]struct {
		server *nameServer
		kind   dockertls.Kind
		within time.Duration
		times  int
	}{
		"no address":               {&nameServer{}, dockertls.DNS, longestUse, *repeats},
		"a name that is itself":    {&nameServer{loop: true}, dockertls.DNS, longestUse, *repeats},
		"thousands of addresses":   {&nameServer{addresses: manyAddresses(1000)}, dockertls.ConnectionRefused, longestUse, *repeats},
		"garbage, again and again": {&nameServer{raw: []byte("\x00garbage")}, dockertls.DNS, 12 * time.Second, 1},
		"a byte now and then":      {&nameServer{drip: true}, dockertls.DNS, 12 * time.Second, 1},
	} {
		cfg := lying(t, tt.server, ca, closed.Addr())
		once := func(i int) {
			start := time.Now()
			err := useOnce(t.Context(), cfg, i)
			wantKind(t, err, tt.kind, cfg.Host())
			dockertls.CheckMessage(t, err)
			if took := time.Since(start); took > tt.within {
				t.Errorf("%s: it took %v", name, took)
			}
		}
		if tt.times == 1 && *repeats < 20 {
			continue // it takes 9 s
		}
		if tt.times == 1 {
			start := time.Now()
			once(0)
			t.Logf("%s: %v", name, time.Since(start))
			continue
		}
		repeatTimes(t, "DNS says "+name, tt.times, mostHeap, once)
	}
}

func manyAddresses(n int) []string {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("127.1.%d.%d", i>>8, i&0xff)
	}
	return addresses
}

// The daemon behind thousands of addresses where nobody is, and a slow server.
func TestDNSThatHelpsInTheEnd(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca, serving(ca, liedName))
	for name, server := range map[string]*nameServer{
		"the last of thousands": {addresses: append(manyAddresses(1000), "127.0.0.1")},
		"slow":                  {addresses: []string{"127.0.0.1"}, delay: 200 * time.Millisecond},
	} {
		cfg := lying(t, server, ca, d.Addr())
		report := cfg.Check(t.Context())
		if err := report.Error(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, step := range report.Steps {
			if seen := strings.Join(step.Seen, "\n"); len(seen) > dockertls.LongestMessage {
				t.Errorf("%s: %s says %d bytes", name, step.Name, len(seen))
			}
		}
	}
}

// Contexts that end while a name server is silent, or while the system connects.
func TestCancelledInALookup(t *testing.T) {
	if !alone(t) {
		return
	}
	s := &nameServer{delay: time.Minute}
	cfg := lying(t, s, dockertlstest.NewCA(), "127.0.0.1:2376")
	reached := make(chan struct{}, 100)
	repeatTimes(t, "cancelled in a lookup", 2**repeats, mostHeap, func(i int) {
		cancelled(t, "a lookup", i, reached, func(ctx context.Context) error {
			time.AfterFunc(5*time.Millisecond, func() { reached <- struct{}{} })
			return useEach(ctx, cfg, i/2)
		})
	})
	if s.asked.Load() == 0 {
		t.Error("it was not asked")
	}
}
