package dockertls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// gatherPair is a TLS connection over TCP: our side gathers, over what wrap
// makes of the connection.
func gatherPair(t *testing.T, version uint16, wrap func(net.Conn) net.Conn) (*gatheringWriter, *tls.Conn) {
	t.Helper()
	ca := newTestCA(t, "authority", nil)
	certPEM, keyPEM := ca.pair("server", newTestKey(t), func(c *x509.Certificate) { c.DNSNames, c.ExtKeyUsage = []string{"box"}, nil })
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	check(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	raw, err := net.Dial("tcp", listener.Addr().String())
	check(t, err)
	accepted, err := listener.Accept()
	check(t, err)
	server := tls.Server(accepted, &tls.Config{Certificates: []tls.Certificate{pair}})
	below := &gatheringConn{Conn: raw, buffers: new(sync.Pool)}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	client := tls.Client(&openingConn{gatheringConn: below, full: true}, &tls.Config{RootCAs: roots, ServerName: "box", MaxVersion: version})
	t.Cleanup(func() { raw.Close(); accepted.Close() })
	go server.Handshake()
	check(t, client.Handshake())
	if wrap != nil {
		below.Conn = wrap(raw)
	}
	return &gatheringWriter{Conn: client, below: below}, server
}

// stuff writes until nobody takes any more, and returns how it ends.
func stuff(w io.Writer, size int) <-chan error {
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := w.Write(make([]byte, size)); err != nil {
				ended <- err
				return
			}
		}
	}()
	time.Sleep(200 * time.Millisecond)
	return ended
}

// Who closes a connection to break off an upload does not wait.
func TestCloseBreaksOffAWrite(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1 << 10, maxRecord, 32 << 10, 60 << 10, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			w, _ := gatherPair(t, 0, nil)
			ended := stuff(w, size)
			start := time.Now()
			w.Close()
			if err := <-ended; err == nil || time.Since(start) > 2*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			if _, err := w.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a later write: %v", err)
			}
			if _, err := w.Read(make([]byte, 1)); err == nil {
				t.Error("a later read succeeds")
			}
		})
	}
}

// A faltering connection takes so many bytes, then fails once.
type faltering struct {
	net.Conn
	left   int
	failed bool
}

func (f *faltering) Write(b []byte) (int, error) {
	if f.failed || len(b) <= f.left {
		f.left -= len(b)
		return f.Conn.Write(b)
	}
	f.failed = true
	n, err := f.Conn.Write(b[:f.left])
	if err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// After a failure nothing follows, wherever it happened: there would be a hole
// in what the other side gets.
func TestNothingFollowsAFailedWrite(t *testing.T) {
	t.Parallel()
	text := make([]byte, 200<<10)
	for i := range text {
		text[i] = byte(i / 255)
	}
	for _, size := range []int{1 << 10, 17 << 10, 32 << 10, 200 << 10} {
		for _, takes := range []int{0, 1, 5, 100, 16 << 10, 17 << 10, 33 << 10, 65 << 10, 70 << 10, 100 << 10, 199 << 10} {
			t.Run(fmt.Sprintf("%d bytes, %d taken", size, takes), func(t *testing.T) {
				t.Parallel()
				w, server := gatherPair(t, 0, func(conn net.Conn) net.Conn { return &faltering{Conn: conn, left: takes} })
				received := make(chan []byte)
				go func() {
					all, err := io.ReadAll(server)
					if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "local error" && size > maxRecord { // crypto/tls says farewell behind a hole
						t.Errorf("the other side refuses what it got: %v", err)
					}
					received <- all
				}()
				var err error
				n := 0
				for rest := text; len(rest) > 0 && err == nil; rest = rest[min(size, len(rest)):] {
					n, err = w.Write(rest[:min(size, len(rest))])
				}
				switch {
				case err == nil:
					t.Error("no error")
				case size > takes && takes > 0 && size > maxRecord && n == 0:
					t.Error("a part was sent, and the answer is none")
				}
				for _, later := range []int{1, 20 << 10, 100 << 10} {
					if _, err := w.Write(make([]byte, later)); err == nil {
						t.Errorf("%d bytes could be written after %v", later, err)
					}
				}
				w.Close()
				if got := <-received; !bytes.HasPrefix(text, got) {
					t.Errorf("%d bytes arrived, which were not sent", len(got))
				}
			})
		}
	}
}

// A deadline ends a write, and with it the connection, as in crypto/tls.
func TestDeadlineOfALargeWrite(t *testing.T) {
	t.Parallel()
	w, _ := gatherPair(t, 0, nil)
	check(t, w.SetWriteDeadline(time.Now().Add(300*time.Millisecond)))
	select {
	case err := <-stuff(w, 40<<10):
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
	check(t, w.SetWriteDeadline(time.Time{}))
	if _, err := w.Write(make([]byte, 40<<10)); err == nil {
		t.Error("a later write succeeds")
	}
}

// The end of our direction comes behind what is being written, however slow the
// other side is.
func TestCloseWriteComesLast(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes six seconds, of which crypto/tls gives its farewell five: run it without -short")
	}
	t.Parallel()
	w, server := gatherPair(t, 0, func(conn net.Conn) net.Conn { return &stalled{Conn: conn, until: time.Now().Add(6 * time.Second)} })
	conn := new(Config).newTLSConn(w.Conn, &handshake{}, false)
	const size = 50 << 10
	wrote := make(chan error)
	go func() {
		_, err := conn.Write(make([]byte, size))
		wrote <- err
	}()
	time.Sleep(100 * time.Millisecond)
	go conn.CloseWrite()
	check(t, <-wrote)
	got, err := io.ReadAll(server)
	if len(got) != size || err != nil {
		t.Errorf("%d bytes arrived, then %v", len(got), err)
	}
}

// A stalled connection sends nothing for some time, and heeds deadlines.
type stalled struct {
	net.Conn
	until time.Time

	mu       sync.Mutex
	deadline time.Time
}

func (s *stalled) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return s.Conn.SetWriteDeadline(t)
}

func (s *stalled) Write(b []byte) (int, error) {
	for ; time.Now().Before(s.until); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		late := !s.deadline.IsZero() && time.Now().After(s.deadline)
		s.mu.Unlock()
		if late {
			return 0, os.ErrDeadlineExceeded
		}
	}
	return s.Conn.Write(b)
}

// Several write at once, small and large, while others read: each Write arrives
// in one piece.
func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			w, server := gatherPair(t, version, nil)
			const writers, each = 8, 100
			go io.Copy(server, io.LimitReader(zeros{}, 8<<20))
			var all sync.WaitGroup
			all.Go(func() {
				if n, err := io.CopyN(io.Discard, w, 8<<20); err != nil {
					t.Errorf("read %d bytes, then %v", n, err)
				}
			})
			for i := range writers {
				all.Go(func() {
					for j := range each {
						size := []int{10, 5 << 10, maxRecord, maxRecord + 1, 40 << 10, 64 << 10, 69 << 10, 150 << 10}[(i+j)%8]
						if _, err := w.Write(frame(byte(i), size)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for n := range writers * each {
				if err := readFrame(server); err != nil {
					t.Fatalf("message %d: %v", n, err)
				}
			}
			all.Wait()
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// frame is a message that shows whether it is in one piece.
func frame(fill byte, size int) []byte {
	b := bytes.Repeat([]byte{fill}, size)
	binary.BigEndian.PutUint32(b, uint32(size))
	return b
}

func readFrame(r io.Reader) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > 1<<20 {
		return fmt.Errorf("it says that it has %d bytes", n)
	}
	rest := make([]byte, n-4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return err
	}
	if bytes.Count(rest, rest[:1]) != len(rest) {
		return errors.New("it is not in one piece")
	}
	return nil
}
