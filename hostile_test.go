package dockertls_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A hostileServer sends bytes at some stage, and hangs up.
type hostileServer struct {
	stage string
	data  []byte
	pair  tls.Certificate
}

func (h hostileServer) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		limit := 5 * time.Second
		if h.stage == "handshake" {
			limit = 30 * time.Millisecond // a spoiled length makes both sides wait
		}
		server.SetDeadline(time.Now().Add(limit))
		h.serve(server)
	}()
	return client, nil
}

func (h hostileServer) serve(conn net.Conn) {
	switch h.stage {
	case "handshake":
		// A real server's first flight, with the fuzzer's bytes laid over it.
		conn = &spoiled{Conn: conn, over: h.data}
		tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{h.pair}, ClientAuth: tls.RequestClientCert}).Handshake()
		return
	case "request":
		secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{h.pair}, ClientAuth: tls.RequestClientCert})
		if secured.Handshake() != nil {
			return
		}
		conn = secured
	}
	if _, err := conn.Read(make([]byte, 4<<10)); err != nil {
		return
	}
	go io.Copy(io.Discard, conn)
	conn.Write(h.data)
}

// A spoiled connection changes what is written on it: two bytes of the
// fuzzer's say where, the third how.
type spoiled struct {
	net.Conn
	over []byte
	at   int
}

func (s *spoiled) Write(b []byte) (int, error) {
	b = bytes.Clone(b)
	for i := 0; i+2 < len(s.over); i += 3 {
		place := int(s.over[i])<<8 | int(s.over[i+1])
		if place >= s.at && place < s.at+len(b) {
			b[place-s.at] ^= s.over[i+2]
		}
	}
	s.at += len(b)
	return s.Conn.Write(b)
}

// hostileStages are the places where a peer's bytes are read, each with the
// options that lead there.
func hostileStages(ca *dockertlstest.CA) map[string]dockertls.Options {
	secured := dockertls.Options{Host: "tcp://daemon.test", TLSVerify: new(true), CA: ca.PEM()}
	through := func(o dockertls.Options, proxy string) dockertls.Options {
		o.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(proxy) }
		return o
	}
	plain := dockertls.Options{Host: "tcp://daemon.test"}
	return map[string]dockertls.Options{
		"plain":     plain,
		"tls":       secured,
		"handshake": secured,
		"request":   secured,
		"connect":   through(secured, "http://user:hunter2@proxy.test"),
		"forward":   through(plain, "http://user:hunter2@proxy.test"),
		"socks":     through(secured, "socks5://user:hunter2@proxy.test"),
	}
}

// Whatever a server sends, and whenever: an answer in a moment if it was one and
// came where answers do, or else an error, and messages that can be shown.
func FuzzHostileServer(f *testing.F) {
	for _, seed := range []string{
		"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 9999999999\r\n\r\n<html>", "HTTP/1.1 407 \x1b[31m\r\nServer: \x1b[2J\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://user:pass@\x01\x02\r\n\r\n", "\x15\x03\x01\x00\x02\x02\x0a", "\x16\x03\x03\xff\xff",
		"SSH-2.0-\x1b]0;x\x07\r\n", "\x4a\x00\x00\x00\x0a8.0.36\x00", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", "\x05\x01\x00\x03", "\x05\x02\x01\x01",
		"HTTP/1.1 ", "HTTP/1.1 40", "HTTP/9.9 abc", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 20), "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1000),
	} {
		f.Add([]byte(seed))
	}
	fuzzStages(f, "plain", "tls", "request", "connect", "forward", "socks")
}

// FuzzHostileHandshake is the same for a real server's messages, in which bytes
// are changed.
func FuzzHostileHandshake(f *testing.F) {
	for _, seed := range []string{"\x00\x05\xff", "\x00\x2b\x40\x00\x90\x80", "\x00\x01\x02", "\x00\x60\x01\x01\x00\x33"} {
		f.Add([]byte(seed))
	}
	fuzzStages(f, "handshake")
}

func fuzzStages(f *testing.F, stages ...string) {
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair("daemon.test").Certificate()
	options := hostileStages(ca)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, stage := range stages {
			opts := options[stage]
			opts.Dialer = hostileServer{stage, data, pair}.dial
			cfg := resolve(t, opts)
			start := time.Now()
			_, err := get(t, cfg, cfg.URL("/_ping"))
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("%s: it took %v", stage, took)
			}
			checkAnswer(t, stage, data, err)
			err = cfg.Diagnose(err)
			dockertls.CheckMessage(t, err)
			if err != nil && strings.Contains(fmt.Sprintf("%+v", err), "hunter2") {
				t.Errorf("%s: the password is shown: %+v", stage, err)
			}
		}
	})
}

// checkAnswer checks that nothing else than an answer is taken for one, and that
// what cannot be one from the beginning is explained.
func checkAnswer(t *testing.T, stage string, data []byte, err error) {
	t.Helper()
	switch stage {
	case "plain", "forward", "request":
		if _, readErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil); readErr != nil && err == nil {
			t.Errorf("%s: taken for an answer, although net/http says: %v", stage, readErr)
		}
	case "handshake":
		if err == nil { // it may succeed, and what is damaged come behind it
			t.Error("taken for an answer")
		}
	default:
		// A pipe in memory has an error of its own where TCP has EPIPE.
		if err == nil || !behind[*dockertls.Error](err) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: got %v", stage, err)
		}
	}
}

// Certificates and lists of authorities as large as they can be, with names
// that would move a cursor.
func TestOversizedCertificates(t *testing.T) {
	t.Parallel()
	evil := "evil \x1b[31m\r\n" + strings.Repeat("x", 5000)
	var names []string
	for i := range 2500 {
		names = append(names, fmt.Sprintf("host-%d.test", i))
	}
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: evil})
	many := ca.Issue(dockertlstest.CertSpec{CommonName: evil, Names: names, Server: true})
	listed := x509.NewCertPool()
	for i := range 1000 {
		listed.AddCert(&x509.Certificate{Raw: []byte{byte(i >> 8), byte(i)}, RawSubject: rawName(t, fmt.Sprintf("CA %d %s", i, evil[:30]))})
	}
	edits := map[string]func(*dockertlstest.Daemon){
		"names": func(d *dockertlstest.Daemon) { d.Server = many },
		"authorities": func(d *dockertlstest.Daemon) {
			d.TLSConfig = func(cfg *tls.Config) { cfg.ClientCAs = listed }
		},
		"foreign": func(d *dockertlstest.Daemon) {
			d.Server = dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: evil}).ServerPair()
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, opts := startDaemon(t, dockertlstest.MutualTLS, ca, edit)
			cfg := resolve(t, opts)
			_, err := get(t, cfg, cfg.URL("/_ping"))
			// A pipe in memory has an error of its own where TCP has EPIPE.
			if err == nil || !behind[*dockertls.Error](err) && !errors.Is(err, io.ErrClosedPipe) {
				t.Fatalf("got %v", err)
			}
			dockertls.CheckMessage(t, err)
		})
	}
}

func rawName(t *testing.T, name string) []byte {
	t.Helper()
	return dockertlstest.NewCAFrom(dockertlstest.CertSpec{Edit: func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
	}}).Certificate().RawSubject
}

// Headers without end are given up, with little memory.
func TestEndlessHeaders(t *testing.T) {
	t.Parallel()
	endless := peer(func(conn net.Conn) {
		go io.Copy(io.Discard, conn)
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n")
		for {
			if _, err := io.WriteString(conn, "X-More: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	cfg := resolve(t, dockertls.Options{Host: "tcp://daemon.test", Dialer: endless.dial})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := get(t, cfg, cfg.URL("/_ping"))
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("no error")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MiB were allocated", used>>20)
	}
}
