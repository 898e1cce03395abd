package dockertls_test

import (
	"context"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// fullQueue listens, never accepts, and has no room for another connection: the
// system goes on trying to connect.
func fullQueue(t *testing.T) (address string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	check(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	check(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	check(t, syscall.Listen(fd, 0))
	bound, err := syscall.Getsockname(fd)
	check(t, err)
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the queue does not fill")
	return ""
}

// A context that ends while the system connects.
func TestCancelledWhileConnecting(t *testing.T) {
	if !alone(t) {
		return
	}
	address := fullQueue(t)
	ca := dockertlstest.NewCA()
	for name, opts := range map[string]dockertls.Options{
		"plain": {Host: "tcp://" + address},
		"TLS":   {Host: "tcp://" + address, TLSVerify: new(true), CA: ca.PEM()},
	} {
		cfg := resolve(t, opts)
		reached := make(chan struct{}, 100)
		repeatTimes(t, "cancelled while connecting, "+name, 2**repeats, mostHeap, func(i int) {
			cancelled(t, name, i, reached, func(ctx context.Context) error {
				time.AfterFunc(5*time.Millisecond, func() { reached <- struct{}{} })
				return useEach(ctx, cfg, i/2)
			})
		})
	}
}
