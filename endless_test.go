package dockertls_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// longestUse is more than any use of a peer that is never silent may take, on a
// busy machine too.
const longestUse = 8 * time.Second

// mostHeap is what one use may take, in MiB, the peer's part included. Without a
// bound it would be gigabytes.
const mostHeap = 48

// An endlessAnswer begins, and goes on and on.
type endlessAnswer struct {
	begin, more string
	long        bool // it takes a MiB to be given up
}

func endlessAnswers() map[string]endlessAnswer {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	return map[string]endlessAnswer{
		"header":              {"HTTP/1.1 200 OK\r\n", "X-More: " + strings.Repeat("x", 50) + "\r\n", true},
		"header of a refusal": {"HTTP/1.1 400 Bad Request\r\n", "X-More: " + strings.Repeat("x", 50) + "\r\n", true},
		"header line":         {"HTTP/1.1 200 OK\r\nX: ", "more", true},
		"status line":         {"HTTP/1.1 200 ", "OK ", true},
		"continue":            {"", "HTTP/1.1 100 Continue\r\n\r\n", true},
		"early hints":         {"", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", true},
		"chunk size":          {chunked, "0", false},
		"chunk extension":     {chunked + "1;", "more", false},
		"trailers":            {chunked + "0\r\n", "X-More: x\r\n", false},
		"blank lines":         {"", "\r\n", false},
		"garbage":             {"", "\x80\xff\x00", false},
	}
}

// goOn writes a text again and again, until nobody reads it.
func goOn(w io.Writer, text string) {
	text = strings.Repeat(text, 1+16<<10/len(text))
	for {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
}

func (a endlessAnswer) play(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		io.WriteString(conn, a.begin)
		goOn(conn, a.more)
	}
}

// overTLS plays behind a handshake.
func overTLS(pair tls.Certificate, version uint16, play func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: version, MaxVersion: version})
		conn.SetDeadline(time.Now().Add(time.Minute))
		if secured.Handshake() == nil {
			play(secured)
		}
	}
}

// readWhole makes a request, and reads its answer to the end.
func readWhole(ctx context.Context, cfg *dockertls.Config) error {
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.URL("/_ping"), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// everyUse makes a request, or checks, in turn.
func everyUse(ctx context.Context, cfg *dockertls.Config, i int) error {
	if i%2 == 0 {
		return readWhole(ctx, cfg)
	}
	return cfg.Check(ctx).Error()
}

// wantFailure checks that a use failed with something that can be shown, by itself.
func wantFailure(t *testing.T, what string, start time.Time, err error) {
	t.Helper()
	dockertls.CheckMessage(t, err)
	if took := time.Since(start); err == nil || took > longestUse || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: got %v after %v", what, err, took)
	}
}

// What has no end is given up, soon, with little memory, and nothing stays.
func TestEndlessAnswers(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair().Certificate()
	for name, answer := range endlessAnswers() {
		for _, secured := range []bool{false, true} {
			if secured == answer.long && *repeats < 20 {
				continue
			}
			var opts dockertls.Options
			play := answer.play
			if secured {
				opts.TLSVerify, opts.CA = new(true), ca.PEM()
				play = overTLS(pair, tls.VersionTLS13, play)
			}
			opts.Host = "tcp://" + script(t, play)
			cfg := resolve(t, opts)
			what := fmt.Sprintf("endless %s, TLS %t", name, secured)
			repeat(t, what, func(i int) {
				start := time.Now()
				wantFailure(t, what, start, everyUse(t.Context(), cfg, i))
			})
		}
	}
}

// A check of a daemon whose answer to the ping has no end says so.
func TestCheckOfAnEndlessAnswer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"header", "status line"} {
		cfg := resolve(t, dockertls.Options{Host: "tcp://" + script(t, endlessAnswers()[name].play)})
		wantKind(t, cfg.Check(t.Context()).Error(), dockertls.NotHTTP, cfg.Host(), "no end")
	}
	body := endlessAnswer{"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", "body", true}
	cfg := resolve(t, dockertls.Options{Host: "tcp://" + script(t, body.play)})
	wantKind(t, cfg.Check(t.Context()).Error(), dockertls.NotHTTP, cfg.Host(), "no end")
}

// Certificates of any size, and chains of any length.
func giantCertificates(ca *dockertlstest.CA) map[string]tls.Certificate {
	issue := func(by *dockertlstest.CA, extra int, behind ...[]byte) tls.Certificate {
		pair := by.Issue(dockertlstest.CertSpec{Names: []string{"127.0.0.1"}, Server: true, Edit: func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: make([]byte, extra)}}
		}}).Certificate()
		pair.Certificate = append(pair.Certificate[:1:1], behind...)
		return pair
	}
	var deep, wide [][]byte
	below, foreign := ca, dockertlstest.NewCA()
	for i := range 120 {
		below = below.Intermediate(fmt.Sprint("authority ", i))
		deep = append([][]byte{below.Certificate().Raw}, deep...)
	}
	for range 120 {
		wide = append(wide, foreign.Twin().Certificate().Raw)
	}
	for len(wide) < 1000 {
		wide = append(wide, wide...)
	}
	return map[string]tls.Certificate{
		"a certificate of a MiB":        issue(ca, 1<<20),
		"a chain of a thousand":         issue(ca, 1, wide...),
		"120 authorities, one deeper":   issue(below, 1, deep...),
		"120 authorities with one name": issue(foreign, 1, wide[:120]...),
	}
}

func TestGiantCertificates(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	for name, pair := range giantCertificates(ca) {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cfg := resolve(t, dockertls.Options{TLSVerify: new(true), CA: ca.PEM(),
				Host: "tcp://" + script(t, overTLS(pair, version, func(net.Conn) { t.Error("it was accepted") }))})
			what := fmt.Sprintf("%s, %s", name, tls.VersionName(version))
			kind := dockertls.TLSHandshake
			if strings.HasPrefix(name, "120") {
				kind = dockertls.ServerCertInvalid
			}
			repeat(t, what, func(i int) {
				start := time.Now()
				err := everyUse(t.Context(), cfg, i)
				wantFailure(t, what, start, err)
				wantKind(t, err, kind, cfg.Host())
			})
		}
	}
}

// A list of authorities as long as TLS allows, and one that no server can send.
func TestEndlessAuthorities(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	for _, count := range []int{280, 1000} {
		list := x509.NewCertPool()
		for i := range count {
			list.AddCert(&x509.Certificate{Raw: []byte{byte(i >> 8), byte(i)}, RawSubject: rawName(t, fmt.Sprint(i, strings.Repeat(" authority", 20)))})
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			d, opts := startDaemon(t, dockertlstest.MutualTLS, ca, func(d *dockertlstest.Daemon) {
				d.TLSConfig = func(cfg *tls.Config) { cfg.ClientCAs, cfg.MaxVersion = list, version }
			})
			cfg := resolve(t, opts)
			repeat(t, fmt.Sprintf("%d authorities, %s", count, tls.VersionName(version)), func(i int) {
				start := time.Now()
				err := everyUse(t.Context(), cfg, i)
				wantFailure(t, "authorities", start, err)
				if required := errors.Is(err, dockertls.ClientCertRequired); required != (count == 280) || !behind[*dockertls.Error](err) {
					t.Errorf("%d authorities: got %v", count, err)
				}
			})
			d.Close()
		}
	}
}

// Records that carry nothing, again and again, before the first answer.
func TestEndlessRecords(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair().Certificate()
	needAES(t, pair)
	raw := func(record string) func(w *recordWriter) error {
		return func(w *recordWriter) error { _, err := io.WriteString(w.conn, record); return err }
	}
	for name, again := range map[string]func(w *recordWriter) error{
		"session tickets":       func(w *recordWriter) error { return w.ticket(100) },
		"giant session tickets": func(w *recordWriter) error { return w.ticket(65_000) },
		"key updates":           func(w *recordWriter) error { return w.keyUpdate(0) },
		"key update requests":   func(w *recordWriter) error { return w.keyUpdate(1) },
		"empty records":         func(w *recordWriter) error { return w.write(recordApplicationData, nil) },
		"warnings":              func(w *recordWriter) error { return w.write(recordAlert, []byte{1, 90}) },
		"a giant message":       func(w *recordWriter) error { return w.message(messageSessionTicket, make([]byte, 1<<20)) },
		"change cipher spec":    raw("\x14\x03\x03\x00\x01\x01"),
		"a damaged record":      raw("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)),
		"a giant record":        raw("\x17\x03\x03\xff\xff" + strings.Repeat("x", 0xffff)),
	} {
		address := script(t, func(conn net.Conn) {
			conn.SetDeadline(time.Now().Add(time.Minute))
			w, server, err := serveRecords(conn, pair)
			if err != nil {
				t.Error(err)
				return
			}
			gone := make(chan struct{})
			go func() { io.Copy(io.Discard, server); close(gone) }()
			for again(w) == nil {
			}
			conn.Close()
			<-gone
		})
		cfg := resolve(t, dockertls.Options{Host: "tcp://" + address, TLSVerify: new(true), CA: ca.PEM()})
		repeat(t, "endless "+name, func(i int) {
			if name == "a giant message" {
				i = 1 // only what does not write and read at once: there is a race in crypto/tls itself (Go 1.26)
			}
			start := time.Now()
			err := everyUse(t.Context(), cfg, i)
			wantFailure(t, name, start, err)
			wantKind(t, err, dockertls.TLSHandshake, cfg.Host())
		})
	}
}

// The same in the clear, in place of a server's first message.
func TestEndlessRecordsInPlaceOfAHello(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	for name, record := range map[string]string{
		"warnings":           "\x15\x03\x03\x00\x02\x01\x5a",
		"empty messages":     "\x16\x03\x03\x00\x00",
		"change cipher spec": "\x14\x03\x03\x00\x01\x01",
		"a giant message":    "\x16\x03\x03\x40\x00\x02\xff\xff\xff" + strings.Repeat("x", 0x4000-4),
		"hello requests":     "\x16\x03\x03\x00\x04\x00\x00\x00\x00",
	} {
		address := script(t, func(conn net.Conn) {
			conn.SetDeadline(time.Now().Add(time.Minute))
			conn.Read(make([]byte, 4<<10))
			goOn(conn, record)
		})
		cfg := resolve(t, dockertls.Options{Host: "tcp://" + address, TLSVerify: new(true), CA: ca.PEM()})
		repeat(t, "endless "+name, func(i int) {
			start := time.Now()
			err := everyUse(t.Context(), cfg, i)
			wantFailure(t, name, start, err)
			wantKind(t, err, dockertls.TLSHandshake, cfg.Host())
		})
	}
}
