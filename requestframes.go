package dockertls

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// requestFrames follows what net/http writes to a connection, to know when one
// request has ended and another begins (RFC 9112, 6). Only what is written counts,
// by ourselves: nobody else can make a body look like a request. What is not
// understood, or is to become a stream, has no further requests.
type requestFrames struct {
	state frameState
	head  []byte // of a request, or of a chunk, as far as it was written
	left  int64  // of the body, or of the chunk
}

type frameState int

const (
	frameNone    frameState = iota // between requests
	frameHead                      // in the header
	frameBody                      // in a body of known length
	frameSize                      // in the line before a chunk
	frameChunk                     // in a chunk, the line end behind it included
	frameTrailer                   // behind the last chunk
	frameStream                    // until the end
)

// between tells whether no request is being written.
func (f *requestFrames) between() bool { return f.state == frameNone }

// streams tells whether no further request is expected.
func (f *requestFrames) streams() bool { return f.state == frameStream }

// advance takes note of what was written.
func (f *requestFrames) advance(b []byte) {
	for len(b) > 0 && f.state != frameStream {
		switch f.state {
		case frameNone, frameHead:
			f.state = frameHead
			b = f.until(b, "\r\n\r\n", maxHeader, f.endHead)
		case frameBody, frameChunk:
			n := min(f.left, int64(len(b)))
			f.left, b = f.left-n, b[n:]
			if f.left == 0 {
				f.endBody()
			}
		case frameSize:
			b = f.until(b, "\r\n", 64, f.endSize)
		case frameTrailer:
			b = f.until(b, "\r\n", maxHeader, f.endTrailer)
		}
	}
}

// until collects what is written until a delimiter, and returns what is behind it.
func (f *requestFrames) until(b []byte, delimiter string, limit int, end func(head []byte)) []byte {
	if len(f.head) == 0 { // mostly it is written in one go
		if i := bytes.Index(b, []byte(delimiter)); i >= 0 && i <= limit {
			end(b[:i])
			return b[i+len(delimiter):]
		}
	}
	seen := len(f.head)
	f.head = append(f.head, b...)
	i := bytes.Index(f.head[max(0, seen-len(delimiter)+1):], []byte(delimiter))
	if i >= 0 {
		i += max(0, seen-len(delimiter)+1)
	}
	switch {
	case i > limit, i < 0 && len(f.head) >= limit+len(delimiter):
		f.state, f.head = frameStream, nil
		return nil
	case i < 0:
		return nil
	}
	end(f.head[:i])
	f.head = f.head[:0]
	return b[i+len(delimiter)-seen:]
}

// endHead finds out what follows a header.
func (f *requestFrames) endHead(head []byte) {
	f.state = frameNone
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasSuffix(line, []byte(" HTTP/1.1")) || bytes.HasPrefix(line, []byte("CONNECT ")) {
		f.state = frameStream
		return
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case is(name, "Upgrade"):
			f.state = frameStream
			return
		case is(name, "Content-Length"):
			f.known(string(value))
		case is(name, "Transfer-Encoding"):
			f.state = frameSize
		}
	}
}

// is compares the name of a header field.
func is(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

func (f *requestFrames) known(length string) {
	n, err := strconv.ParseInt(length, 10, 64)
	switch {
	case err != nil || n < 0:
		f.state = frameStream
	case n > 0:
		f.state, f.left = frameBody, n
	}
}

func (f *requestFrames) endBody() {
	if f.state == frameChunk {
		f.state = frameSize
		return
	}
	f.state = frameNone
}

func (f *requestFrames) endSize(line []byte) {
	n, err := strconv.ParseInt(string(line), 16, 64)
	switch {
	case err != nil || n < 0 || n > math.MaxInt64-2:
		f.state = frameStream
	case n == 0:
		f.state = frameTrailer
	default:
		f.state, f.left = frameChunk, n+2
	}
}

// endTrailer ends a line of the trailer. An empty one ends the request.
func (f *requestFrames) endTrailer(line []byte) {
	if len(line) == 0 {
		f.state = frameNone
	}
}
