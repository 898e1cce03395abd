package faulttest

import (
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// fullQueue listens and never accepts, and no more connections fit into the queue.
func fullQueue(t testing.TB, _ server) endpoint {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	local := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Bind(fd, local); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(bound.(*syscall.SockaddrInet4).Port))
	fillQueue(t, "tcp", addr)
	return endpoint{addr: addr}
}

// fillQueue connects until that fails, or takes too long.
func fillQueue(t testing.TB, network, addr string) {
	t.Helper()
	for range 100 {
		conn, err := net.DialTimeout(network, addr, 200*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatalf("the queue of %s does not fill", addr)
}
