package dockertls_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// plainPeer is a Config without TLS, for a peer that plays a script. The peer
// has read the first request, or what was sent.
func plainPeer(t *testing.T, play func(net.Conn)) *dockertls.Config {
	t.Helper()
	address := script(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4<<10))
		play(conn)
	})
	return resolve(t, dockertls.Options{Host: "tcp://" + address})
}

func sends(pieces ...string) func(net.Conn) {
	return func(conn net.Conn) {
		for i, piece := range pieces {
			if i > 0 {
				time.Sleep(30 * time.Millisecond)
			}
			io.WriteString(conn, piece)
		}
	}
}

// Answers that a daemon, or another server, may well give come through whole.
func TestAnswersComeThrough(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		code       int
		pieces     []string
	}{
		{"lines without carriage returns", "OK", 200, []string{"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK"}},
		{"in pieces", "OK", 200, []string{"H", "TTP/1.", "1 200 OK\r\nContent-", "Length: 2\r\n", "\r\n", "O", "K"}},
		{"a header of 6 KiB", "OK", 200, []string{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 6<<10) + "\r\nContent-Length: 2\r\n\r\nOK"}},
		{"a daemon's 400 about a registry", "Client sent an HTTP request to an HTTPS server", 400,
			[]string{"HTTP/1.1 400 Bad Request\r\nApi-Version: 1.51\r\nContent-Length: 46\r\n\r\nClient sent an HTTP request to an HTTPS server"}},
		{"somebody's 400 without a body", "", 400, []string{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}},
		{"somebody's 400 with a slow body", "slow", 400, []string{"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\n", "sl", "ow"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := plainPeer(t, sends(tt.pieces...))
			client := cfg.HTTPClient()
			defer client.CloseIdleConnections()
			resp, err := client.Get(cfg.URL("/_ping"))
			check(t, err)
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.code || string(body) != tt.body {
				t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
			}
		})
	}
}

// The words of a TLS server are understood in two pieces, too.
func TestTLSServerSaysInPieces(t *testing.T) {
	t.Parallel()
	cfg := plainPeer(t, sends("HTTP/1.0 400 Bad Request\r\n\r\n", "Client sent an HTTP request to an HTTPS server.\n"))
	_, err := get(t, cfg, cfg.URL("/_ping"))
	wantKind(t, err, dockertls.TLSRequired)
}

// A header whose body does not come is handed out after a moment.
func TestHeaderIsNotHeldForever(t *testing.T) {
	t.Parallel()
	cfg := plainPeer(t, func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n")
		io.Copy(io.Discard, conn)
	})
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	start := time.Now()
	resp, err := client.Get(cfg.URL("/_ping"))
	check(t, err)
	resp.Body.Close()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A server that has answered plain HTTP speaks no TLS, however it ends later.
func TestHangUpAfterPlainAnswers(t *testing.T) {
	t.Parallel()
	first := true
	address := script(t, func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		if first {
			first = false
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}
	})
	cfg := resolve(t, dockertls.Options{Host: "tcp://" + address})
	_, err := get(t, cfg, cfg.URL("/_ping"))
	check(t, err)
	_, err = get(t, cfg, cfg.URL("/_ping"))
	wantKind(t, err, dockertls.ConnectionReset)
}

// On a raw stream what comes is handed out as it comes, and the end is io.EOF
// for a reader only.
func TestRawStreamsAreTheCallers(t *testing.T) {
	t.Parallel()
	for _, opening := range []string{"H", "\x16\x03\x03", "HTTP/1.1", "\x15"} {
		cfg := plainPeer(t, func(conn net.Conn) { io.WriteString(conn, opening); io.Copy(io.Discard, conn) })
		conn, err := cfg.Dial(t.Context())
		check(t, err)
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, err = io.WriteString(conn, "x")
		check(t, err)
		b := make([]byte, 10)
		if n, err := conn.Read(b); string(b[:n]) != opening || err != nil {
			t.Errorf("%q: got %q, %v", opening, b[:n], err)
		}
	}
	conn, err := plainPeer(t, func(net.Conn) {}).Dial(t.Context())
	check(t, err)
	defer conn.Close()
	for err == nil {
		_, err = conn.Write(make([]byte, 1<<10))
	}
	if errors.Is(err, io.EOF) {
		t.Errorf("a write that failed returns %v", err)
	}
}

// A caller's deadline in the middle of an answer loses nothing.
func TestDeadlineInAHeader(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	cfg := plainPeer(t, func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-")
		<-more
		io.WriteString(conn, "Length: 0\r\n\r\n")
	})
	conn, err := cfg.Transport().DialContext(t.Context(), "tcp", strings.TrimPrefix(cfg.Host(), "tcp://"))
	check(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var timeout net.Error
	if _, err := conn.Read(make([]byte, 4<<10)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want the deadline", err)
	}
	conn.SetReadDeadline(time.Time{})
	close(more)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	check(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

// What a header says may be secret; addresses in one are shown without user and
// query.
func TestSecretsOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"http://user:hunter2@login.test/?token=hunter2", "http://user:hunter2" + strings.Repeat("x", 600) + "@login.test/"} {
		address := script(t, func(conn net.Conn) {
			conn.Read(make([]byte, 4<<10))
			io.WriteString(conn, "HTTP/1.1 302 Found\r\nLocation: "+location+"\r\nContent-Length: 0\r\n\r\n")
			io.Copy(io.Discard, conn)
		})
		cfg := resolve(t, dockertls.Options{Host: "tcp://" + address, TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()})
		_, err := get(t, cfg, cfg.URL("/_ping"))
		wantKind(t, err, dockertls.TLSNotOffered)
		dockertls.CheckMessage(t, err)
		e, _ := errors.AsType[*dockertls.Error](err)
		data, jsonErr := e.MarshalJSON()
		check(t, jsonErr)
		if strings.Contains(e.Error()+e.Hint+string(data), "hunter2") {
			t.Errorf("the password is shown: %+v\n%s", e, data)
		}
	}
}
