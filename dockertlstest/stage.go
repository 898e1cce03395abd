package dockertlstest

import (
	"io"
	"net/http"
)

// Stage is a point in the life of a connection, at which a daemon may fail.
type Stage string

const (
	// OnAccept is before anything was read or sent.
	OnAccept Stage = "on-accept"

	// AfterHello is when the client's first message of TLS was read, and not
	// answered. There is no such point in mode Plain.
	AfterHello Stage = "after-hello"

	// AfterHandshake is before a request is read; in mode Plain it is the same
	// as OnAccept.
	AfterHandshake Stage = "after-handshake"

	// AfterRequest is when the request's header was read, and nothing of its
	// body. The request is recorded.
	AfterRequest Stage = "after-request"

	// InBody is in the middle of an answer: status 200, the header, and a part
	// of the body that was announced.
	InBody Stage = "in-body"
)

// stages are all there are.
func stages() []Stage { return []Stage{OnAccept, AfterHello, AfterHandshake, AfterRequest, InBody} }

// A misdeed is what a daemon does at a stage in place of the right thing.
type misdeed struct {
	says string
	end  ending
}

type ending int

const (
	closes ending = iota
	hangs
	resets
)

// partOfAnAnswer announces more than it holds.
const partOfAnAnswer = "HTTP/1.1 200 OK\r\nApi-Version: " + engineAPI +
	"\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n{\"ID\":\"dockertls"

// misbehave does what is due at a stage, if anything is, and tells whether it
// did. The connection is then closed. What is said goes to top, which may be
// TLS; how it ends is TCP's business.
func (d *Daemon) misbehave(stage Stage, conn *tap, top io.Writer) bool {
	m, due := d.misdeeds[stage]
	if !due {
		return false
	}
	defer conn.Close()
	d.note(func() { conn.entry.settled = true })
	if stage == InBody {
		m.says = partOfAnAnswer + m.says
	}
	if m.says != "" {
		if _, err := io.WriteString(top, m.says); err != nil {
			return true
		}
	}
	switch m.end {
	case hangs:
		<-d.done
	case resets:
		if tcp, ok := conn.Conn.(interface{ SetLinger(int) error }); ok {
			tcp.SetLinger(0)
		}
	case closes:
		// To close a connection with something unread in it is to reset it.
		if closeWrite(conn) == nil {
			io.Copy(io.Discard, conn)
		}
	}
	return true
}

// misbehaving does what is due once there is a request.
func (d *Daemon) misbehaving(next http.Handler) http.Handler {
	stage := AfterRequest
	if _, due := d.misdeeds[stage]; !due {
		stage = InBody
	}
	if _, due := d.misdeeds[stage]; !due {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			d.misbehave(stage, tapOf(conn), conn)
		}
	})
}
