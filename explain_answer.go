package dockertls

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// answerSize bounds what is read of the first answer before it is judged.
const answerSize = 4 << 10

// TLS content types (RFC 8446, 5.1).
const (
	recordAlert     = 21
	recordHandshake = 22
)

// explainAnswer passes judgement on the first bytes of the first answer, and
// tells whether more of it is needed.
func (s scene) explainAnswer(head []byte) (e *Error, more bool) {
	e, more = s.judgeAnswer(head)
	if e != nil {
		e.Evidence.Answer = quoteAnswer(head)
		e = s.complete(e, nil)
	}
	return e, more
}

func (s scene) judgeAnswer(head []byte) (e *Error, more bool) {
	plain := !s.cfg.secured()
	switch {
	case plain && isTLSRecord(head) && (s.http || head[0] == recordAlert):
		if s.cfg.forwards() {
			return s.cfg.blameProxy("plain HTTP was sent to it, and it speaks TLS"), false
		}
		return s.tlsRequired(saidPlainToTLS), false
	case plain && len(head) < 3 && (head[0] == recordAlert || head[0] == recordHandshake), strings.HasPrefix(httpPrefix, string(head)):
		return nil, true
	case strings.HasPrefix(string(head), httpPrefix):
		return s.judgeStatus(head)
	case s.http:
		return s.notHTTP(head), false
	}
	return nil, false
}

const httpPrefix = "HTTP/1."

// isTLSRecord recognises an alert, or a handshake, of TLS.
func isTLSRecord(b []byte) bool {
	return len(b) >= 3 && (b[0] == recordAlert || b[0] == recordHandshake) && b[1] == 3 && b[2] <= 4
}

// judgeStatus looks at answers that may be those of something before the daemon.
// Their body tells; that of other answers is not waited for.
func (s scene) judgeStatus(head []byte) (e *Error, more bool) {
	const statusLine = len("HTTP/1.1 400")
	if len(head) < statusLine {
		return nil, true
	}
	if s.http && !hasHeader(head) {
		return nil, true // net/http waits for the whole header as well
	}
	code, _ := strconv.Atoi(string(head[statusLine-3 : statusLine]))
	forwarded := s.cfg.forwards()
	if code != http.StatusBadRequest && !(forwarded && isProxyStatus(code)) {
		return nil, false
	}
	st := readStatus(head)
	if !st.complete {
		return nil, true
	}
	e = s.tlsServerSays(st)
	if e == nil && s.http {
		e = s.certServerSays(st)
	}
	if e == nil && forwarded && isProxyStatus(code) && !st.docker {
		e = s.proxySays(st)
	}
	if e != nil {
		e.Evidence.Status = code
	}
	return e, e == nil && !s.bodiless && !st.docker && st.waiting
}

// hasHeader tells whether the header of an answer is whole. Like net/http it
// takes lines that end without a carriage return.
func hasHeader(head []byte) bool { return headerEnd(head) >= 0 }

// headerEnd is where the body begins, -1 if that has not come.
func headerEnd(head []byte) int {
	for i, b := range head {
		if b != '\n' {
			continue
		}
		rest := head[i+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return -1
}

// isProxyStatus tells whether proxies answer with a status by themselves.
func isProxyStatus(code int) bool {
	switch code {
	case http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, http.StatusNetworkAuthenticationRequired:
		return true
	}
	return false
}

// goSays is what a TLS server of Go's net/http says to plain HTTP.
const goSays = "Client sent an HTTP request to an HTTPS server"

// tlsServerSays recognises how servers that speak TLS refuse plain HTTP: Go's,
// which is dockerd's own and comes before any handler; nginx's; Apache's.
func (s scene) tlsServerSays(st status) *Error {
	if s.cfg.secured() || st.code != http.StatusBadRequest || st.docker {
		return nil
	}
	for _, says := range []string{
		goSays,
		"The plain HTTP request was sent to HTTPS port",
		"speaking plain HTTP to an SSL-enabled server port",
	} {
		if strings.Contains(st.body, says) {
			return s.tlsRequired(saidPlainToTLS)
		}
	}
	return nil
}

// certServerSays recognises how nginx, which checks client certificates after
// the handshake, refuses them.
func (s scene) certServerSays(st status) *Error {
	if s.seen == nil || !s.seen.requested || st.docker {
		return nil
	}
	switch {
	case strings.Contains(st.body, "No required SSL certificate was sent"):
		return s.certRequired()
	case strings.Contains(st.body, "The SSL certificate error") && s.seen.sent:
		return s.certRejected(alertBadCertificate)
	case strings.Contains(st.body, "The SSL certificate error"):
		return s.certRequired()
	}
	return nil
}

// proxySays is about a proxy that forwards plain HTTP, and does not.
func (s scene) proxySays(st status) *Error {
	return s.cfg.proxyError(proxyRefusal(st.code))
}

// notHTTP is about answers that are no HTTP/1.
func (s scene) notHTTP(head []byte) *Error {
	if s.cfg.usesSSH() {
		return s.noise()
	}
	e := &Error{Kind: NotHTTP, Source: s.hostSource(), Detail: "what answers there does not speak HTTP"}
	who := recognise(head)
	switch {
	case isHTTP2(head):
		e.Detail = "the server speaks HTTP/2 only, not the HTTP/1.1 of a Docker daemon"
		return e.hint("this is not the Engine API: port 2377 is that of swarm, for one; check the port of the address%s", s.fromHost())
	case who != "":
		e.Detail = who + " answered"
	}
	return e.hint("check the address%s", s.fromHost())
}

// isHTTP2 recognises the frames that a server of HTTP/2 begins with: SETTINGS,
// or GOAWAY (RFC 9113, 4.1).
func isHTTP2(b []byte) bool {
	return len(b) >= 9 && b[0] == 0 && (b[3] == 4 || b[3] == 7) && b[5]&0x7f == 0 && b[6]|b[7]|b[8] == 0
}

// recognise names who speaks like this, "" if nobody known.
func recognise(b []byte) string {
	has := func(prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }
	switch {
	case has("SSH-"):
		return "an SSH server"
	case len(b) >= 5 && b[3] == 0 && (b[4] == 10 || b[4] == 0xff) && b[2] == 0 && b[0] != 0:
		return "a MySQL server"
	case isHTTP2(b), has("\x00\x00") && len(b) == 5 && b[3] == 4:
		return "an HTTP/2 server without TLS"
	case has("220 "), has("220-"):
		return "a mail or file server (SMTP, FTP)"
	case has("-ERR"), has("-NOAUTH"), has("-DENIED"):
		return "a Redis server"
	case has("+OK"):
		return "a POP3 server"
	case has("* OK"):
		return "an IMAP server"
	case has("RFB "):
		return "a VNC server"
	}
	return ""
}

// quoteAnswer makes the beginning of an answer fit for messages and logs. Of
// HTTP it takes the first line only: headers may hold secrets.
func quoteAnswer(b []byte) string {
	if bytes.HasPrefix(b, []byte("HTTP/")) {
		b, _, _ = bytes.Cut(b, []byte("\n"))
	}
	return strconv.QuoteToASCII(string(b[:min(len(b), maxQuote/2)]))
}

// A status is what the beginning of an HTTP/1 answer tells.
type status struct {
	code             int
	server, location string
	docker           bool   // it has headers that only a daemon sends
	body             string // as far as it was read
	complete         bool   // the header is whole
	waiting          bool   // more of the body was announced
}

// readStatus reads what there is of an answer.
func readStatus(head []byte) status {
	var st status
	end := headerEnd(head)
	header, body := head, []byte(nil)
	if end >= 0 {
		header, body = head[:end], head[end:]
	}
	st.complete, st.body = end >= 0, string(body)
	if line, _, _ := strings.Cut(string(header), "\n"); len(line) >= len("HTTP/1.1 400") {
		st.code, _ = strconv.Atoi(line[len("HTTP/1.1 "):][:3])
	}
	if !st.complete {
		return st
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(header)), nil)
	if err != nil {
		return st
	}
	st.server = cut(oneLine(resp.Header.Get("Server")), maxQuote)
	st.location = withoutSecrets(resp.Header.Get("Location"))
	st.docker = resp.Header.Get("Api-Version") != "" || strings.HasPrefix(st.server, "Docker/")
	st.waiting = resp.ContentLength < 0 || int64(len(body)) < min(resp.ContentLength, int64(answerSize-len(header)))
	return st
}

// withoutSecrets is where an address leads, without user and query.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return cut(oneLine((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()), maxQuote)
}
