package dockertls

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A wire is where everything that leaves a client arrives: the daemon, a proxy, and
// another host that nobody is to reach. Each keeps every byte.
type wire struct {
	rows map[string]string
	pki  *weakPKI
	ears map[string]net.Listener

	mu      sync.Mutex
	arrived *sync.Cond
	conns   []*heard
	phase   int             // 1 after the change
	ours    map[string]bool // connections that were made by dial, by their own address
	direct  bool            // others were, too
	running sync.WaitGroup
}

// A heard connection is what was heard of one.
type heard struct {
	ear       string
	phase     int // when it was made
	conn      net.Conn
	raw       []byte // at the socket
	tunnel    []byte // behind what was said to the proxy
	tunnelled bool
	plain     int // bytes of raw that were for a proxy
	sightings []sighting
}

// A sighting is something that a server got to see in the clear, behind TLS.
type sighting struct {
	kind    string // of the server
	toProxy bool
	phase   int
	text    []byte
}

func newWire(rows map[string]string, pki *weakPKI) (*wire, error) {
	w := &wire{rows: rows, pki: pki, ears: map[string]net.Listener{}, ours: map[string]bool{}}
	w.arrived = sync.NewCond(&w.mu)
	for _, ear := range []string{"daemon", "proxy", "other"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		w.ears[ear] = ln
		w.running.Go(func() { w.listen(ear, ln) })
	}
	return w, nil
}

func (w *wire) address(ear string) string { return w.ears[ear].Addr().String() }

func (w *wire) listen(ear string, ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		h := &heard{ear: ear, conn: conn}
		w.mu.Lock()
		h.phase = w.phase
		w.conns = append(w.conns, h)
		w.mu.Unlock()
		w.arrived.Broadcast()
		w.running.Go(func() {
			defer conn.Close()
			tapped := &tap{Conn: conn, heard: func(b []byte) { w.note(func() { h.raw = append(h.raw, b...) }) }}
			if ear == "proxy" {
				w.serveProxy(h, tapped)
			} else {
				w.serve(h, tapped)
			}
		})
	}
}

// dial makes a connection that is known to be ours: any other process may try a port
// that it knew when it was somebody else's.
func (w *wire) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		w.note(func() { w.ours[conn.LocalAddr().String()] = true })
	}
	return conn, err
}

func (w *wire) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// A tap tells of what is read.
type tap struct {
	net.Conn
	heard func([]byte)
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.heard(b[:n])
	}
	return n, err
}

// doing is what the daemon does now.
func (w *wire) doing() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return serverNow(w.rows, w.phase)
}

func serverNow(rows map[string]string, phase int) string {
	if then := rows["then.server"]; phase == 1 && then != "" {
		return then
	}
	return rows["server"]
}

// serve is the daemon, or the other host, which has a good certificate.
func (w *wire) serve(h *heard, conn net.Conn) {
	kind := w.doing()
	if h.ear == "other" {
		kind = "good"
	}
	switch kind {
	case "hangup":
	case "garbage":
		_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.6\r\n")
		drain(conn)
	case "plain":
		w.answer(conn)
	default:
		secured := tls.Server(conn, w.pki.serverConfig(kind, w.rows["server.mutual"] != "", w.rows["server.tls12"] != ""))
		if err := secured.Handshake(); err != nil {
			refusePlain(conn, err)
			return
		}
		w.answer(w.sighting(h, secured, kind, false))
		secured.Close()
	}
}

// sighting takes down what is read behind TLS, of a tunnel only what asks for it. On a
// kept connection a request says itself when it was made: it may be read later.
func (w *wire) sighting(h *heard, conn net.Conn, kind string, toProxy bool) net.Conn {
	return &tap{Conn: conn, heard: func(b []byte) {
		w.note(func() {
			if toProxy && h.tunnelled {
				return
			}
			phase := h.phase
			if bytes.Contains(b, []byte(phaseMark+"1")) {
				phase = 1
			}
			h.sightings = append(h.sightings, sighting{kind, toProxy, phase, bytes.Clone(b)})
		})
	}}
}

// phaseMark stands in URLs, before the number of the phase.
const phaseMark = "phase="

// path is that of the requests of the moment.
func (w *wire) path() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("/_ping?%s%d", phaseMark, w.phase)
}

// refusePlain says what Go's server says to plain HTTP.
func refusePlain(conn net.Conn, err error) {
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok && header.Conn != nil {
		_, _ = io.WriteString(conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	drain(conn)
}

// drain reads on, so that what was written is not lost by a reset.
func drain(conn net.Conn) {
	if tcp, ok := conn.(*tap).Conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, conn)
}

// answer speaks HTTP.
func (w *wire) answer(conn net.Conn) {
	reader := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(reader)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request")
			}
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		closing := w.rows["server.close"] != ""
		if _, err := io.WriteString(conn, w.response(req, closing)); err != nil || closing {
			return
		}
	}
}

func (w *wire) response(req *http.Request, closing bool) string {
	head := "HTTP/1.1 200 OK\r\nApi-Version: 1.47\r\nContent-Length: 2\r\n"
	daemon, other := w.address("daemon"), w.address("other")
	if to := w.rows["server.redirects"]; to != "" && !strings.HasSuffix(req.URL.Path, "/redirected") {
		location := map[string]string{"http": "http://" + daemon, "other": "https://" + other, "other plain": "http://" + other,
			"with a user": "http://user:theirs@" + other}[to] + "/redirected"
		head = "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + location + "\r\nContent-Length: 2\r\n"
	}
	if closing {
		head += "Connection: close\r\n"
	}
	if req.Method == http.MethodHead {
		return head + "\r\n"
	}
	return head + "\r\nOK"
}

// serveProxy is any kind of proxy, as the client speaks to it. Behind it is the
// daemon.
func (w *wire) serveProxy(h *heard, conn net.Conn) {
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return
	}
	var through net.Conn = &ahead{conn, first}
	switch first[0] {
	case 5:
		w.serveSOCKS(h, through)
		return
	case 22:
		kind := w.rows["proxy.shows"]
		if kind == "" {
			kind = "good"
		}
		secured := tls.Server(through, w.pki.serverConfig(kind, false, false))
		if secured.Handshake() != nil {
			_, _ = io.Copy(io.Discard, conn)
			return
		}
		through = w.sighting(h, secured, kind, true)
	}
	reader := bufio.NewReader(byteByByte{through})
	req, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	if req.Method != http.MethodConnect {
		_, _ = io.WriteString(through, w.response(req, true))
		return
	}
	if w.misbehaves(through, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") {
		_, _ = io.Copy(io.Discard, through)
		return
	}
	_, _ = io.WriteString(through, "HTTP/1.1 200 Connection established\r\n\r\n")
	w.serveBehind(h, through)
}

// serveSOCKS is a SOCKS 5 proxy (RFC 1928 and 1929).
func (w *wire) serveSOCKS(h *heard, conn net.Conn) {
	if w.misbehaves(conn, "\x05\xff") {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(conn, b)
		return b
	}
	methods := read(int(read(2)[1]))
	if bytes.IndexByte(methods, 2) >= 0 {
		_, _ = conn.Write([]byte{5, 2})
		read(int(read(2)[1])) // the user
		read(int(read(1)[0])) // and the password
		_, _ = conn.Write([]byte{1, 0})
	} else {
		_, _ = conn.Write([]byte{5, 0})
	}
	switch head := read(4); head[3] {
	case 1:
		read(4 + 2)
	case 3:
		read(int(read(1)[0]) + 2)
	case 4:
		read(16 + 2)
	}
	_, _ = conn.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 1})
	w.serveBehind(h, conn)
}

// misbehaves tells whether the proxy does something else than a proxy should.
func (w *wire) misbehaves(conn net.Conn, refusal string) bool {
	text := map[string]string{"refuse": refusal, "garbage": "SSH-2.0-OpenSSH_9.6\r\n",
		"redirect": "HTTP/1.1 302 Found\r\nLocation: http://" + w.address("other") + "/\r\nContent-Length: 0\r\n\r\n"}
	does := w.rows["proxy.does"]
	if does == "hangup" {
		conn.Close()
		return true
	}
	_, _ = io.WriteString(conn, text[does])
	return text[does] != ""
}

// serveBehind is what a tunnel leads to.
func (w *wire) serveBehind(h *heard, conn net.Conn) {
	w.note(func() { h.tunnelled, h.plain = true, len(h.raw) })
	conn = &tap{Conn: conn, heard: func(b []byte) { w.note(func() { h.tunnel = append(h.tunnel, b...) }) }}
	if w.rows["proxy.does"] == "plain" {
		w.answer(conn)
		return
	}
	w.serve(h, conn)
}

// ahead gives back a byte that was read.
type ahead struct {
	net.Conn
	first []byte
}

func (a *ahead) Read(b []byte) (int, error) {
	if len(a.first) > 0 && len(b) > 0 {
		n := copy(b, a.first)
		a.first = a.first[n:]
		return n, nil
	}
	return a.Conn.Read(b)
}

// byteByByte reads not a byte more than it must.
type byteByByte struct{ io.Reader }

func (r byteByByte) Read(b []byte) (int, error) { return r.Reader.Read(b[:min(len(b), 1)]) }

// settle waits until all connections that were made so far have been accepted: they
// are accepted in the order in which they are made.
func (w *wire) settle() error {
	for _, ln := range w.ears {
		last, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			return fmt.Errorf("to know what was accepted: %w", err)
		}
		w.mu.Lock()
		for !w.forget(last.LocalAddr().String()) {
			w.arrived.Wait()
		}
		w.mu.Unlock()
		last.Close()
	}
	return nil
}

// forget removes a connection of the test's own.
func (w *wire) forget(address string) bool {
	for i, h := range w.conns {
		if h.conn.RemoteAddr().String() == address {
			w.conns = append(w.conns[:i], w.conns[i+1:]...)
			return true
		}
	}
	return false
}

// finish reads all there is to read, and returns it.
func (w *wire) finish() ([]*heard, error) {
	err := w.settle()
	for _, ln := range w.ears {
		ln.Close()
	}
	w.mu.Lock()
	for _, h := range w.conns {
		_ = h.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // clients have closed theirs
	}
	w.mu.Unlock()
	w.running.Wait()
	if !w.direct {
		w.conns = slices.DeleteFunc(w.conns, func(h *heard) bool { return !w.ours[h.conn.RemoteAddr().String()] })
	}
	return w.conns, err
}

// quoteHead shows the beginning of what arrived.
func quoteHead(b []byte) string { return fmt.Sprintf("%.120q", b) }
