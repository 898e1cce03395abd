package dockerdtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Stream is what attach and exec make of a connection: the command's input in one direction, its
// output in the other.
type Stream struct {
	conn net.Conn
	r    *bufio.Reader
}

// newStream sends a request to upgrade the connection.
func newStream(conn net.Conn, req *http.Request) (*Stream, error) {
	if err := conn.SetDeadline(time.Now().Add(streamLimit)); err != nil {
		return nil, err
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	// The reader may hold output already, which came with the answer.
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		message, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("%s: %s", resp.Status, message)
	}
	return &Stream{conn: conn, r: r}, nil
}

// Exchange sends input and its end, and returns the output until its end. Both go on at the
// same time, as a command may answer before it has read all.
func (s *Stream) Exchange(input []byte) (stdout, stderr []byte, err error) {
	sent := make(chan error, 1)
	go func() { sent <- s.send(input) }()
	stdout, stderr, err = s.receive()
	if err != nil {
		// Ends a send that nobody reads any more.
		s.conn.Close()
	}
	return stdout, stderr, errors.Join(err, <-sent)
}

// send sends input, then its end by half-close: the other direction stays open.
func (s *Stream) send(input []byte) error {
	if _, err := s.conn.Write(input); err != nil {
		return err
	}
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("%T has no CloseWrite", s.conn)
	}
	return half.CloseWrite()
}

// receive takes the two outputs apart. They come in frames: a byte for which it is, three
// zero bytes, the length, and the data.
func (s *Stream) receive() (stdout, stderr []byte, err error) {
	outputs := [3]bytes.Buffer{} // 0 would be stdin
	for {
		var header [8]byte
		if _, err := io.ReadFull(s.r, header[:]); errors.Is(err, io.EOF) {
			return outputs[1].Bytes(), outputs[2].Bytes(), nil
		} else if err != nil {
			return nil, nil, err
		}
		if int(header[0]) >= len(outputs) {
			return nil, nil, fmt.Errorf("frame of output %d", header[0])
		}
		size := int64(binary.BigEndian.Uint32(header[4:]))
		if _, err := io.CopyN(&outputs[header[0]], s.r, size); err != nil {
			return nil, nil, err
		}
	}
}
