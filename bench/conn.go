package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	fixBuffers(conn)
	return conn, nil
}

// fixBuffers gives all connections buffers of one size, if the system lets it.
// The system would find one for each by itself, and some would stay a third
// faster than others.
func fixBuffers(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		const size = 128 << 10
		_ = tcp.SetReadBuffer(size)
		_ = tcp.SetWriteBuffer(size)
	}
}

// dialRecords makes the allocations of crypto/tls exact. It allocates each time
// it reads, and how often it reads depends on how much has arrived already.
func dialRecords(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &recordConn{Conn: conn}, nil
}

// recordHeader is type, version and length of a TLS record.
const recordHeader = 5

// A recordConn waits for the whole of what is asked for, but never reads beyond
// the header or the body of a record.
type recordConn struct {
	net.Conn
	left int // of the record's body
}

func (c *recordConn) Read(b []byte) (int, error) {
	if c.left > 0 {
		n, err := io.ReadFull(c.Conn, b[:min(len(b), c.left)])
		c.left -= n
		return n, err
	}
	n, err := io.ReadFull(c.Conn, b[:recordHeader]) // crypto/tls has more room than that
	if err == nil {
		c.left = int(binary.BigEndian.Uint16(b[recordHeader-2:]))
	}
	return n, err
}
