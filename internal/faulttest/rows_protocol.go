package faulttest

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/dockerdtest"
)

// protocolFaults: what answers speaks something else than we do.
func protocolFaults(d *daemons) []Fault {
	return slices.Concat(plainToTLS(d), tlsToPlain(d), tlsToOthers(), plainToOthers())
}

// inTheClear switches the client's TLS off.
func inTheClear(s *setup) { s.options.TLSVerify = nil }

// plainToTLS: we speak plain HTTP, and the server TLS. What servers answer, in
// 20 connections each, by a bare socket that reads until the end:
//
//	              no body                      1 MiB of body
//	Go, dockerd   400 as below, then EOF       400 as below, then RST or EOF; writing ends with EPIPE or ECONNRESET, or all is taken
//	nginx         400 as below, then EOF       the same; all is taken
//	openssl       nothing, EOF                 the same; all is taken
//	haproxy       nothing, EOF                 nothing, RST or EOF; writing ends with EPIPE or ECONNRESET, or all is taken
//	stunnel       nothing, RST                 the same; all is taken
//
//	Go    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
//	nginx "HTTP/1.1 400 Bad Request\r\nServer: nginx/1.22.1\r\n...<center>The plain HTTP request was sent to HTTPS port</center>..."
//
// OpenSSL, which all but Go are made with, knows GET, POST, HEAD and PUT, and
// sends no alert then. To other methods it sends 15 03 01 00 02 02 46.
func plainToTLS(d *daemons) []Fault {
	fault := func(name string) Fault {
		return Fault{Name: name, Kind: dockertls.TLSRequired, Hint: []string{"--tlsverify"}}
	}
	faults := once(d.on("dmgohns", fault("plain HTTP to a TLS port"), inTheClear))
	for _, row := range []struct {
		name  string
		start func(testing.TB, uint16) *Peer
	}{
		{"scripted: plain HTTP is answered by the alert unexpected_message", start(toPlainHTTP(answerAlert(10)), inTheClear)},
		{"scripted: plain HTTP is answered by the alert record_overflow", start(toPlainHTTP(answerAlert(22)), inTheClear)},
		{"scripted: plain HTTP is answered by the alert protocol_version", start(toPlainHTTP(answerAlert(70)), inTheClear)},
		{"scripted: plain HTTP is answered by hanging up", start(toPlainHTTP(func(net.Conn) {}), inTheClear)},
		{"scripted: plain HTTP is answered by a reset", start(toPlainHTTP(reset), inTheClear)},
		{"Go behind a SOCKS proxy: plain HTTP to a TLS port", startBehind("socks5", goTLS, inTheClear)},
		{"Go behind an HTTP proxy: plain HTTP to a TLS port", startBehind("http", goTLS, inTheClear)},
		{"Go behind haproxy: plain HTTP to a TLS port", start(behindHaproxy(goTLS), inTheClear)},
		{"openssl behind haproxy: plain HTTP to a TLS port", start(behindHaproxy(opensslServer), inTheClear)},
	} {
		f := fault(row.name)
		f.Start = row.start
		if strings.Contains(row.name, "behind an HTTP proxy") {
			f.Or = dockertls.ProxyFailed // the proxy may fail to send the body, and say 502
		}
		faults = append(faults, f)
	}
	return faults
}

// once is for faults that do not depend on the version.
func once(faults []Fault) []Fault {
	for i := range faults {
		faults[i].Versions = nil
	}
	return faults
}

// answerAlert sends a fatal alert in a record of TLS 1.0, as servers do that
// have not agreed on a version yet.
func answerAlert(alert byte) func(net.Conn) {
	return func(conn net.Conn) { conn.Write([]byte{21, 3, 1, 0, 2, 2, alert}) }
}

// tlsToPlain: we speak TLS, and the server plain HTTP.
func tlsToPlain(d *daemons) []Fault {
	const loginPage = "HTTP/1.1 302 Found\r\nLocation: http://login.example.test/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	var faults []Fault
	for _, row := range []struct {
		name  string
		start func(testing.TB, uint16) *Peer
	}{
		{"dockerd (debian)", d.start(dockerdtest.Debian, dockerdtest.Plain)},
		{"dockerd (modern)", d.start(dockerdtest.Modern, dockerdtest.Plain)},
		{"Go", start(goPlain)},
		{"nginx", start(nginxPlain)},
		{"haproxy", start(haproxyPlain)},
		{"Go behind an HTTP proxy", startBehind("http", goPlain)},
		{"Go behind a SOCKS proxy", startBehind("socks5", goPlain)},
	} {
		faults = append(faults, Fault{
			Name:  row.name + ": TLS to a plain port",
			Start: row.start,
			Kind:  dockertls.TLSNotOffered,
			Words: []string{"plain HTTP"},
			Hint:  []string{"--tlsverify", "port"},
		})
	}
	return append(faults, Fault{
		Name:    "scripted: a login page: TLS to a plain port",
		Start:   start(scripted(answering(loginPage))),
		Kind:    dockertls.TLSNotOffered,
		Words:   []string{"plain HTTP", "302", "http://login.example.test/"},
		Hint:    []string{"login page", "proxy"},
		NotHint: []string{"--tlsverify", "certificate"},
	})
}

// Others that listen, and what they say.
const (
	// A packet of protocol 10 with its length, a version, a thread and the
	// beginning of the salt.
	mysqlGreeting = "\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00\xff\xdf\x15" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00mysql_native_password\x00"
	redisError   = "-ERR Protocol error: unbalanced quotes in request\r\n"
	smtpGreeting = "220 mail.example.test ESMTP Postfix (Debian/GNU)\r\n"
)

// other is a service that speaks neither TLS nor HTTP/1.
type other struct {
	name  string
	start starter
	words []string
	mute  bool // it hangs up without a word, so nobody can tell what it is
}

func others() []other {
	return []other{
		{name: "sshd", start: sshd, words: []string{"SSH"}},
		{name: "nginx with h2c only", start: nginxHTTP2, words: []string{"HTTP/2"}},
		{name: "haproxy with h2c only", start: haproxyHTTP2, mute: true},
		{name: "scripted MySQL", start: scripted(greeting(mysqlGreeting)), words: []string{"MySQL"}},
		{name: "scripted redis", start: scripted(answering(redisError))},
		{name: "scripted mail server", start: scripted(greeting(smtpGreeting))},
	}
}

// fault is what they are to a client that sends them something.
func (o other) fault(what string, kind dockertls.Kind, edits ...edit) Fault {
	switch {
	case o.mute && kind == dockertls.NotHTTP && len(edits) > 0: // in the clear: as a server does that speaks TLS
		return Fault{Name: o.name + ": " + what, Start: start(o.start, edits...), Kind: dockertls.TLSRequired, Words: []string{"without an answer"}}
	case o.mute:
		kind = dockertls.ConnectionReset
	}
	return Fault{Name: o.name + ": " + what, Start: start(o.start, edits...), Kind: kind, Words: o.words}
}

func tlsToOthers() []Fault {
	var faults []Fault
	for _, o := range others() {
		faults = append(faults, o.fault("TLS to it", dockertls.NotTLS))
	}
	for _, o := range []other{
		{name: "haproxy with h2 only", start: haproxyTLSHTTP2, mute: true},
		{name: "scripted swarm port", start: overTLS(swarm), words: []string{"HTTP/2"}},
	} {
		f := o.fault("HTTP 1 in TLS to it", dockertls.NotHTTP)
		f.Versions = both
		faults = append(faults, f)
	}
	return faults
}

func plainToOthers() []Fault {
	var faults []Fault
	for _, o := range others() {
		faults = append(faults, o.fault("plain HTTP to it", dockertls.NotHTTP, inTheClear))
	}
	return faults
}

func nginxHTTP2(t testing.TB, _ server) endpoint {
	t.Helper()
	return nginx(t, "listen %s http2")
}

func haproxyHTTP2(t testing.TB, _ server) endpoint {
	t.Helper()
	return haproxy(t, "mode http\n  bind %s proto h2\n  http-request return status 200\n")
}

// haproxyTLSHTTP2 speaks HTTP/2 whether the client has agreed to it or not.
func haproxyTLSHTTP2(t testing.TB, s server) endpoint {
	t.Helper()
	s.extra = []string{"proto", "h2"}
	return haproxyTLS(t, s)
}

// swarm does what the port for a swarm's managers does with a client that has
// not agreed to HTTP/2, in both kinds of dockerd: it sends its settings, waits
// for the client's preface, and hangs up. It is not the real one, because that
// makes a network bridge on the machine.
func swarm(conn *tls.Conn, _ net.Conn) {
	const settings, settingMaxFrameSize = 4, "\x00\x05\x00\x00\x40\x00"
	conn.Write([]byte("\x00\x00\x06" + string(rune(settings)) + "\x00\x00\x00\x00\x00" + settingMaxFrameSize))
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	io.ReadFull(conn, preface)
	conn.Close()
}
