package dockertls

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// A framedRequest is a request as net/http writes it.
type framedRequest struct {
	text   string
	stream bool // it ends the tracking
}

func frameOf(req *http.Request) string {
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		panic(err)
	}
	return b.String()
}

// someRequest makes one of the requests there are.
func someRequest(r *rand.Rand) framedRequest {
	method := []string{"GET", "HEAD", "POST", "PUT", "DELETE"}[r.IntN(5)]
	body := someBody(r)
	req, err := http.NewRequest(method, "http://docker/v1.41/containers/x?all=1", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	if body == "" {
		req.Body = nil
	}
	for range r.IntN(3) {
		req.Header.Set(fmt.Sprintf("X-%d", r.IntN(99)), strings.Repeat("Content-Length: 9, ", r.IntN(9)))
	}
	stream := false
	switch r.IntN(10) {
	case 0, 1, 2:
		req.ContentLength = -1 // chunked
		req.Body = io.NopCloser(someReader{r, strings.NewReader(body)})
	case 3:
		req.ContentLength = -1
		req.Body = io.NopCloser(someReader{r, strings.NewReader(body)})
		req.Trailer = http.Header{"Digest": {"Upgrade: x"}, "X-Last": {strings.Repeat("z", r.IntN(200))}}
	case 4:
		req.Header.Set("X-Registry-Auth", strings.Repeat("a", r.IntN(40<<10)))
	case 5:
		if r.IntN(4) == 0 {
			req.Header.Set("Upgrade", "tcp")
			stream = true
		}
	case 6:
		if r.IntN(4) == 0 {
			req.Header.Set("Expect", "100-continue")
		}
	}
	return framedRequest{frameOf(req), stream}
}

// someBody may look like requests, or like the ends of them.
func someBody(r *rand.Rand) string {
	pieces := []string{"", "x", "\r\n", "\r\n\r\n", "0\r\n\r\n", "GET / HTTP/1.1\r\nUpgrade: tcp\r\n\r\n", "5\r\nhello\r\n",
		"POST /x HTTP/1.1\r\nHost: y\r\nContent-Length: 3\r\n\r\n", strings.Repeat("\x00", 5000)}
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// someReader reads in pieces: each becomes a chunk.
type someReader struct {
	r    *rand.Rand
	from io.Reader
}

func (s someReader) Read(b []byte) (int, error) {
	return s.from.Read(b[:min(len(b), 1+s.r.IntN(40))])
}

// advanceCut writes data cut at random places, and wants no end before the last byte.
func advanceCut(t *testing.T, f *requestFrames, r *rand.Rand, data string) {
	t.Helper()
	for rest := data; len(rest) > 0; {
		n := 1 + r.IntN(min(len(rest), 1+r.IntN(2000)))
		f.advance([]byte(rest[:n]))
		if rest = rest[n:]; f.between() && len(rest) > 0 {
			t.Fatalf("between requests %d bytes before the end of %q", len(rest), data)
		}
	}
}

// checkFrames writes requests one after the other, until one ends the tracking.
func checkFrames(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	var f requestFrames
	for range 1 + r.IntN(8) {
		if !f.between() {
			t.Fatal("not between requests")
		}
		req := someRequest(r)
		advanceCut(t, &f, r, req.text)
		if f.between() == req.stream {
			t.Fatalf("between requests: %t after %q", f.between(), req.text)
		}
		if req.stream {
			f.advance([]byte(someRequest(r).text))
			if f.between() {
				t.Fatal("the stream has ended")
			}
			return
		}
	}
}

func TestRequestFrames(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		checkFrames(t, seed)
	}
}

// FuzzRequestFrames: a request ends where net/http ended it, however it is cut
// into pieces; and what nobody ever wrote does not break anything.
func FuzzRequestFrames(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed, []byte("GET / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab"))
		f.Add(seed, []byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nA: b\r\n\r\n"))
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		checkFrames(t, seed)
		r := rand.New(rand.NewPCG(seed, 1))
		var whole, cut requestFrames
		whole.advance(data)
		for len(data) > 0 {
			n := 1 + r.IntN(len(data))
			cut.advance(data[:n])
			data = data[n:]
		}
		if whole.state != cut.state || whole.left != cut.left || !bytes.Equal(whole.head, cut.head) {
			t.Errorf("in one piece %v, %d left, %q; in many %v, %d left, %q", whole.state, whole.left, whole.head, cut.state, cut.left, cut.head)
		}
	})
}

// What is not understood has no further requests: better an old connection than
// one exchanged in the middle of a request.
func TestRequestFramesNotUnderstood(t *testing.T) {
	t.Parallel()
	const end = "\r\n\r\n"
	for name, text := range map[string]string{
		"CONNECT":                "CONNECT box:1 HTTP/1.1\r\nHost: box" + end,
		"HTTP/1.0":               "GET / HTTP/1.0\r\nHost: box" + end,
		"no HTTP":                "hello" + end,
		"negative length":        "POST / HTTP/1.1\r\nContent-Length: -1" + end,
		"no length":              "POST / HTTP/1.1\r\nContent-Length: x" + end,
		"length too large":       "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999" + end,
		"chunk without a length": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "x\r\n",
		"chunk too large":        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + end + "7fffffffffffffff\r\n",
		"line without end":       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + end + strings.Repeat("0", 70),
		"header without end":     "POST / HTTP/1.1\r\nX: " + strings.Repeat("x", maxHeader),
		"upgrade in lower case":  "GET / HTTP/1.1\r\nupgrade: tcp" + end,
	} {
		var f requestFrames
		f.advance([]byte(text))
		f.advance([]byte("GET / HTTP/1.1\r\nHost: box" + end))
		if f.state != frameStream {
			t.Errorf("%s: state %d", name, f.state)
		}
	}
}
