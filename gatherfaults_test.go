package dockertls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A gathered is both ends of a TLS connection; the client's gathers.
type gathered struct {
	client *gatheringWriter
	below  *gatheringConn
	raw    *faultyConn
	server *tls.Conn
}

// A faultyConn fails every Write once it has sent so many bytes.
type faultyConn struct {
	net.Conn
	left atomic.Int64
}

var errFault = errors.New("the cable is cut")

func (c *faultyConn) Write(b []byte) (int, error) {
	left := c.left.Add(-int64(len(b)))
	if left >= 0 {
		return c.Conn.Write(b)
	}
	n, err := c.Conn.Write(b[:max(0, int64(len(b))+left)])
	c.left.Store(0)
	if err == nil {
		err = errFault
	}
	return n, err
}

// eachVersion runs a test with both versions of TLS.
func eachVersion(t *testing.T, test func(t *testing.T, g *gathered)) {
	ca := newTestCA(t, "gathering", nil)
	cert, key := ca.pair("server", newTestKey(t), func(c *x509.Certificate) { c.ExtKeyUsage = nil })
	pair, err := tls.X509KeyPair(cert, key)
	check(t, err)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			test(t, newGathered(t, pair, version))
		})
	}
}

func newGathered(t *testing.T, pair tls.Certificate, version uint16) *gathered {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	check(t, err)
	accepted, err := listener.Accept()
	check(t, err)
	g := &gathered{raw: &faultyConn{Conn: conn}, server: tls.Server(accepted, &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: version})}
	g.raw.left.Store(1 << 50)
	g.below = &gatheringConn{Conn: g.raw, buffers: new(sync.Pool)}
	client := tls.Client(&openingConn{gatheringConn: g.below}, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
	g.client = &gatheringWriter{Conn: client, below: g.below}
	shaken := make(chan error, 1)
	go func() { shaken <- g.server.Handshake() }()
	check(t, client.Handshake())
	check(t, <-shaken)
	t.Cleanup(func() {
		accepted.Close()
		g.client.Close()
	})
	return g
}

// message is one Write: its length, and bytes of one kind.
func message(size int, kind byte) []byte {
	b := bytes.Repeat([]byte{kind}, 4+size)
	binary.BigEndian.PutUint32(b, uint32(size))
	return b
}

// readMessages reads until the end, and checks that each Write arrived whole.
func readMessages(r io.Reader) (n int, err error) {
	for ; ; n++ {
		head := make([]byte, 4)
		if _, err := io.ReadFull(r, head); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(r, body); err != nil {
			return n, err
		}
		if len(body) > 0 && !bytes.Equal(body, bytes.Repeat(body[:1], len(body))) {
			return n, errors.New("two writes are mixed")
		}
	}
}

// Concurrent writes of all sizes arrive whole, while the other side writes too.
func TestGatheringConcurrently(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, g *gathered) {
		const writers, each = 6, 40
		var writing, reading sync.WaitGroup
		write := func(conn io.Writer, kind byte) {
			for range each {
				b := message(rand.IntN([]int{10, maxRecord + 10, 3 * maxRecord, 3 * maxGathered}[rand.IntN(4)]), kind)
				if n, err := conn.Write(b); n != len(b) || err != nil {
					t.Errorf("Write: %d of %d, %v", n, len(b), err)
				}
			}
		}
		for i := range writers {
			writing.Go(func() { write(g.client, byte(i)) })
			writing.Go(func() { write(g.server, byte(i)) })
		}
		for _, conn := range []io.Reader{g.client, g.server} {
			reading.Go(func() {
				if n, err := readMessages(conn); n != writers*each || err != nil {
					t.Errorf("%d messages arrived, %v", n, err)
				}
			})
		}
		writing.Wait()
		check(t, g.client.CloseWrite())
		check(t, g.server.CloseWrite())
		reading.Wait()
		if g.below.records != nil {
			t.Error("a buffer is kept")
		}
	})
}

// Half-close sends everything first, though it comes while a Write is under way.
func TestGatheringBeforeHalfClose(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, g *gathered) {
		started := make(chan struct{})
		wrote := make(chan error)
		go func() {
			close(started)
			_, err := g.client.Write(message(2*maxRecord, 1))
			wrote <- err
		}()
		<-started
		check(t, g.client.CloseWrite())
		if err := <-wrote; err != nil {
			return // it came too late
		}
		if n, err := readMessages(g.server); n != 1 || err != nil {
			t.Errorf("%d messages arrived, %v", n, err)
		}
	})
}

// A Write that fails says whether anything was sent. After it nothing more is
// sent: records are missing, and what follows them could not be read.
func TestGatheringFails(t *testing.T) {
	t.Parallel()
	for _, size := range []int{maxRecord + 1, 2 * maxRecord, maxGathered, 5 * maxGathered} {
		for _, sent := range []int64{0, 1, maxRecord, maxGathered + 5} {
			if sent > int64(size) {
				continue
			}
			eachVersion(t, func(t *testing.T, g *gathered) {
				read := make(chan error)
				go func() {
					_, err := io.Copy(io.Discard, g.server)
					read <- err
				}()
				g.raw.left.Store(sent)
				n, err := g.client.Write(make([]byte, size))
				if !errors.Is(err, errFault) || (n > 0) != (sent > 0) || n >= size {
					t.Errorf("%d of %d bytes reported, %d were sent; %v", n, size, sent, err)
				}
				g.raw.left.Store(1 << 50)
				for _, size := range []int{1, 2 * maxRecord} {
					if n, err := g.client.Write(make([]byte, size)); n > 0 || !errors.Is(err, errFault) {
						t.Errorf("the next Write: %d, %v", n, err)
					}
				}
				check(t, g.raw.Close())
				if err := <-read; !errors.Is(err, io.ErrUnexpectedEOF) && err != nil {
					t.Errorf("the other side reads %v", err)
				}
			})
		}
	}
}

// clog writes until the other side, which does not read, takes no more.
func clog(g *gathered) error {
	for {
		if _, err := g.client.Write(make([]byte, 2*maxRecord)); err != nil {
			return err
		}
	}
}

// A deadline ends a Write, and the connection with it, as in crypto/tls.
func TestGatheringHeedsDeadlines(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, g *gathered) {
		check(t, g.client.SetWriteDeadline(time.Now().Add(300*time.Millisecond)))
		if err := clog(g); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		check(t, g.client.SetWriteDeadline(time.Time{}))
		read := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, g.server)
			read <- err
		}()
		if n, err := g.client.Write(make([]byte, 10)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the next Write: %d, %v", n, err)
		}
		check(t, g.raw.Close())
		if err := <-read; !errors.Is(err, io.ErrUnexpectedEOF) && err != nil {
			t.Errorf("the other side reads %v", err)
		}
	})
}

// Close does not wait for a Write that the other side holds up.
func TestGatheringClosedWhileWriting(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, g *gathered) {
		wrote := make(chan error)
		go func() { wrote <- clog(g) }()
		time.Sleep(300 * time.Millisecond)
		start := time.Now()
		_ = g.client.Close()
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("Close took %v", d)
		}
		if err := <-wrote; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v", err)
		}
	})
}
