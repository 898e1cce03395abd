package main

import (
	"bufio"
	"crypto/tls"
	"net"
)

// bulkSize is what the server reads and writes at once, if there is so much.
const bulkSize = 256 << 10

// A bulkConn reads and writes many TLS records by one system call.
type bulkConn struct {
	net.Conn // *tls.Conn, or what is below
	below    *bulkRaw
}

type bulkRaw struct {
	net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	hold bool // what is written is kept until the whole is there
}

func newBulkConn(conn net.Conn, cfg *tls.Config) *bulkConn {
	raw := &bulkRaw{Conn: conn, r: bufio.NewReaderSize(conn, bulkSize), w: bufio.NewWriterSize(conn, bulkSize)}
	if cfg == nil {
		return &bulkConn{raw, raw}
	}
	return &bulkConn{tls.Server(raw, cfg), raw}
}

func (c *bulkRaw) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c *bulkRaw) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	if err == nil && !c.hold {
		err = c.w.Flush()
	}
	return n, err
}

// Write is never called by two at once, and TLS writes nothing by itself in
// between: the server reads only when it does not write.
func (c *bulkConn) Write(b []byte) (int, error) {
	c.below.hold = true
	n, err := c.Conn.Write(b)
	c.below.hold = false
	if err == nil {
		err = c.below.w.Flush()
	}
	return n, err
}
