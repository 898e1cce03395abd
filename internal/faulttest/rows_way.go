package faulttest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dockertls/dockertls"
)

// wayFaults: the connection does not come about, or does not last.
func wayFaults() []Fault {
	return slices.Concat(nameServerFaults(), brokenFaults(), silentFaults(), routeFaults())
}

func nameServerFaults() []Fault {
	fault := func(name string, slow bool, start func(testing.TB, uint16) *Peer) Fault {
		return Fault{Name: "name server: " + name, Start: start, Slow: slow, Kind: dockertls.DNS, Words: []string{"daemon.example.test"}}
	}
	return []Fault{
		fault("there is no such name", false, startUnresolved(dnsmessage.RCodeNameError, false)),
		fault("the name has no address", false, startUnresolved(dnsmessage.RCodeSuccess, false)),
		fault("it fails", false, startUnresolved(dnsmessage.RCodeServerFailure, false)),
		fault("it refuses", false, startUnresolved(dnsmessage.RCodeRefused, false)),
		fault("it does not answer", true, startUnresolved(0, true)),
	}
}

// brokenFaults: the connection is refused, closed or reset.
func brokenFaults() []Fault {
	nothing := func(net.Conn) {}
	var faults []Fault
	for _, row := range []struct {
		name     string
		versions []uint16
		start    func(testing.TB, uint16) *Peer
	}{
		{"closed at once, under TLS", nil, start(scripted(nothing))},
		{"reset at once, under TLS", nil, start(scripted(reset))},
		{"closed after the ClientHello", nil, start(scripted(answering("")))},
		{"reset after the ClientHello", nil, start(scripted(then(readSome, reset)))},
		{"closed amid the ServerHello", both, start(amidHandshake(func(net.Conn) {}))},
		{"reset amid the ServerHello", both, start(amidHandshake(reset))},
		{"closed after the handshake", both, start(overTLS(func(conn *tls.Conn, _ net.Conn) { conn.Close() }))},
		{"reset after the handshake", both, start(overTLS(thenReset))},
		{"closed after the request, under TLS", both, start(overTLS(func(conn *tls.Conn, _ net.Conn) { readHeaderOf(conn); conn.Close() }))},
		{"cut off after the request, under TLS", both, start(overTLS(func(conn *tls.Conn, _ net.Conn) { readHeaderOf(conn) }))},
		{"reset after the request, under TLS", both, start(overTLS(func(conn *tls.Conn, raw net.Conn) { readHeaderOf(conn); reset(raw) }))},
		{"closed amid the answer's header", both, start(overTLS(func(conn *tls.Conn, _ net.Conn) { halfHeader(conn); conn.Close() }))},
		{"closed amid the answer, under TLS", both, start(overTLS(func(conn *tls.Conn, _ net.Conn) { halfAnswer(conn); conn.Close() }))},
		{"cut off amid the answer, under TLS", both, start(overTLS(func(conn *tls.Conn, _ net.Conn) { halfAnswer(conn) }))},
		{"reset amid the answer, under TLS", both, start(overTLS(func(conn *tls.Conn, raw net.Conn) { halfAnswer(conn); reset(raw) }))},
		{"closed amid the answer, in the clear", nil, start(scripted(halfAnswer), inTheClear)},
		{"reset amid the answer, in the clear", nil, start(scripted(then(halfAnswer, reset)), inTheClear)},
	} {
		faults = append(faults, Fault{
			Name: "scripted: " + row.name, Start: row.start, Versions: row.versions,
			Kind: dockertls.ConnectionReset, InBody: strings.Contains(row.name, "amid the answer,"),
		})
	}
	// Servers that speak TLS do the same: see plainToTLS.
	for name, rude := range map[string]func(net.Conn){
		"closed after the request": readHeaderOf, "reset after the request": then(readHeaderOf, reset),
		"closed at once": nothing,
	} {
		faults = append(faults, Fault{
			Name: "scripted: " + name + ", in the clear", Start: start(scripted(rude), inTheClear),
			Kind: dockertls.TLSRequired, Words: []string{"without an answer"}, Hint: []string{"--tlsverify", "if the daemon does not speak TLS"},
		})
	}
	faults = append(faults, Fault{ // while connecting, or after
		Name: "scripted: reset at once, in the clear", Start: start(scripted(reset), inTheClear),
		Kind: dockertls.TLSRequired, Or: dockertls.ConnectionReset,
	})
	refused := Fault{Kind: dockertls.ConnectionRefused}
	refused.Name, refused.Start = "nobody listens, under TLS", start(nobodyListens)
	faults = append(faults, refused)
	refused.Name, refused.Start = "nobody listens, in the clear", start(nobodyListens, inTheClear)
	return append(faults, refused)
}

// nobodyListens is at the client's end of a connection, where nobody else can
// begin to listen meanwhile.
func nobodyListens(t testing.TB, _ server) endpoint {
	t.Helper()
	conn, err := net.Dial("tcp", script(t, hang).addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return endpoint{addr: conn.LocalAddr().String()}
}

func then(first, second func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		first(conn)
		second(conn)
	}
}

func readHeaderOf(conn net.Conn) { readHeader(bufio.NewReader(conn)) }

func halfHeader(conn net.Conn) {
	readHeaderOf(conn)
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le")
}

// halfAnswer comes after the whole request: closing a connection with something
// unread in it resets it, and then the answer may be lost on the way.
func halfAnswer(conn net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		io.Copy(io.Discard, req.Body)
	}
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it")
}

// amidHandshake does something when the server has sent a part of its first flight.
func amidHandshake(rude func(net.Conn)) starter {
	return func(t testing.TB, s server) endpoint {
		t.Helper()
		config := s.config()
		return script(t, func(raw net.Conn) {
			tls.Server(&oneFlight{Conn: raw}, config).Handshake()
			rude(raw)
		})
	}
}

// oneFlight fails when the other side is to be heard again.
type oneFlight struct {
	net.Conn
	written bool
}

func (c *oneFlight) Write(b []byte) (int, error) {
	if c.written { // the alert that says what we did
		return 0, io.ErrClosedPipe
	}
	c.written = true
	// Not all of it: a client that has all has finished its own handshake.
	return c.Conn.Write(b[:min(len(b), 90)])
}

func (c *oneFlight) Read(b []byte) (int, error) {
	if c.written {
		return 0, io.ErrUnexpectedEOF
	}
	return c.Conn.Read(b)
}

// silentFaults: nothing happens until the library's patience ends.
func silentFaults() []Fault {
	var faults []Fault
	for _, row := range []struct {
		name     string
		versions []uint16
		start    func(testing.TB, uint16) *Peer
	}{
		{"scripted: accepts and says nothing", nil, start(scripted(hang))},
		{"scripted: stops amid the ServerHello", both, start(amidHandshake(hang))},
		{"a full queue, under TLS", nil, start(fullQueue)},
		{"a full queue, in the clear", nil, start(fullQueue, inTheClear)},
	} {
		faults = append(faults, Fault{Name: row.name, Start: row.start, Versions: row.versions, Kind: dockertls.Timeout, Slow: true})
	}
	return faults
}
