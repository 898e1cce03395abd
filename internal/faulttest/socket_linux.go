package faulttest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// closedSocketFaults: there is a socket, and it lets nobody in.
func closedSocketFaults() []Fault {
	return []Fault{
		{Name: "socket: this user may not open it", Start: startForbidden(closedSocket), Kind: dockertls.SocketPermission},
		{Name: "socket: this user may not enter its folder", Start: startForbidden(closedFolder), Kind: dockertls.SocketPermission},
		// connect says EAGAIN at once, where it would wait for TCP.
		{Name: "socket: a full queue", Start: startSocket(fullSocket), Kind: dockertls.Timeout, Slow: true},
	}
}

// startForbidden makes a daemon's socket, and dials it without root's rights.
func startForbidden(forbid func(t testing.TB, path string)) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		peer := startSocket(func(t testing.TB, path string) {
			d := dockertlstest.NewSocketDaemon(path)
			t.Cleanup(d.Close)
			chmod(t, filepath.Dir(path), 0o755)
			forbid(t, path)
		})(t, tlsMax)
		peer.Options.Dialer = dialAsNobody
		return peer
	}
}

func closedSocket(t testing.TB, path string) { chmod(t, path, 0o600) }
func closedFolder(t testing.TB, path string) { chmod(t, filepath.Dir(path), 0o700) }

func chmod(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// dialAsNobody gives up the rights of this user on files. Only its thread does
// so, which ends with its goroutine, because it is never unlocked.
func dialAsNobody(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err = syscall.Setfsuid(nobody); err == nil {
			conn, err = new(net.Dialer).DialContext(ctx, network, addr)
		}
	}()
	<-done
	return conn, err
}

// fullSocket listens and never accepts, and no more connections fit into the queue.
func fullSocket(t testing.TB, path string) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	fillQueue(t, "unix", path)
}
