package faulttest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/dockertls/dockertls/internal/conntest"
)

// script starts a peer that does with every connection what talk says, and
// then closes it. When the test ends, it closes those that are left.
func script(t testing.TB, talk func(net.Conn)) endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return scriptOn(t, listener, talk)
}

func scriptOn(t testing.TB, listener net.Listener, talk func(net.Conn)) endpoint {
	server := conntest.Serve(listener, talk)
	t.Cleanup(server.Close)
	return endpoint{addr: listener.Addr().String(), connections: server.Accepted}
}

// scripted is a starter that does not care for TLS.
func scripted(talk func(net.Conn)) starter {
	return func(t testing.TB, _ server) endpoint {
		t.Helper()
		return script(t, talk)
	}
}

// What a script may do.

// reset ends a connection by RST instead of FIN.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// hang waits until the other side closes, or the test ends.
func hang(conn net.Conn) { io.Copy(io.Discard, conn) }

// readSome reads what has come, at least a byte.
func readSome(conn net.Conn) { conn.Read(make([]byte, 4<<10)) }

// greeting speaks first, and hangs up once it has an answer.
func greeting(text string) func(net.Conn) {
	return func(conn net.Conn) {
		io.WriteString(conn, text)
		readSome(conn)
	}
}

// answering waits for the client to speak, answers, and hangs up.
func answering(text string) func(net.Conn) {
	return func(conn net.Conn) {
		readSome(conn)
		io.WriteString(conn, text)
	}
}

// overTLS is a starter whose script begins after the handshake, whether that
// succeeds or not. The script gets the connection below too.
func overTLS(talk func(conn *tls.Conn, raw net.Conn)) starter {
	return func(t testing.TB, s server) endpoint {
		t.Helper()
		config := s.config()
		return script(t, func(raw net.Conn) {
			conn := tls.Server(raw, config)
			conn.Handshake() // a failure shows in the script
			talk(conn, raw)
		})
	}
}

// toPlainHTTP is a starter that serves TLS as it should, and to a client that
// does not speak it does something else, once it has sent the header of a request.
func toPlainHTTP(rude func(net.Conn)) starter {
	return func(t testing.TB, s server) endpoint {
		t.Helper()
		config := s.config()
		return script(t, func(raw net.Conn) {
			const recordHandshake = 22
			reader := bufio.NewReader(raw)
			first, err := reader.Peek(1)
			switch {
			case err != nil:
			case first[0] == recordHandshake:
				serveOK(tls.Server(peekedConn{raw, reader}, config))
			default:
				readHeader(reader)
				rude(raw)
			}
		})
	}
}

// peekedConn reads what a reader has already.
type peekedConn struct {
	net.Conn
	reader io.Reader
}

func (c peekedConn) Read(b []byte) (int, error) { return c.reader.Read(b) }

// readHeader reads up to the empty line.
func readHeader(r *bufio.Reader) {
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return
		}
	}
}

// serveOK answers one request.
func serveOK(conn net.Conn) {
	readHeader(bufio.NewReader(conn))
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
	conn.Close()
}
