package faulttest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The table above plainToTLS holds: of all servers, these two say something to
// plain HTTP, and the others hang up.
func TestAnswersToPlainHTTP(t *testing.T) {
	d := &daemons{owner: t}
	for letter, m := range d.makers() {
		t.Run(m.name, func(t *testing.T) {
			want := map[rune]string{
				'n': "The plain HTTP request was sent to HTTPS port",
				'd': "Client sent an HTTP request to an HTTPS server.\n",
				'm': "Client sent an HTTP request to an HTTPS server.\n",
				'g': "Client sent an HTTP request to an HTTPS server.\n",
			}[letter]
			addr := strings.TrimPrefix(m.start(inTheClear)(t, 0).Options.Host, "tcp://")
			for _, size := range []int{0, 1 << 20} {
				answer, end := plainAnswer(t, addr, size)
				t.Logf("%d bytes of body: %q, then %s", size, answer, end)
				if want == "" && len(answer) > 0 || !bytes.Contains(answer, []byte(want)) {
					t.Errorf("%d bytes of body: want %q", size, want)
				}
			}
		})
	}
}

// plainAnswer reads until the connection ends, however it does.
func plainAnswer(t *testing.T, addr string, size int) (answer []byte, end string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	header := "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
	if size > 0 {
		header = fmt.Sprintf("POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: %d\r\n\r\n", size)
	}
	go io.WriteString(conn, header+strings.Repeat("x", size))
	answer, err = io.ReadAll(conn)
	if err != nil {
		return answer, err.Error()
	}
	return answer, "EOF"
}
