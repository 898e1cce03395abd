package dockertls_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
)

func TestDeadPeersAreNoticed(t *testing.T) {
	t.Parallel()
	_, opts := startDaemon(t, dockertlstest.MutualTLS, dockertlstest.NewCA())
	conn, err := resolve(t, opts).Dial(t.Context())
	check(t, err)
	defer conn.Close()
	raw, err := conn.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn).SyscallConn()
	check(t, err)
	var on, idle, interval, count int
	check(t, raw.Control(func(fd uintptr) {
		on, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		idle, _ = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
		interval, _ = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)
		count, _ = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
	}))
	if seconds := idle + interval*count; on == 0 || seconds == 0 || seconds > 60 {
		t.Errorf("keep-alive is %d, and takes %d s (%d + %d times %d)", on, seconds, idle, count, interval)
	}
}
