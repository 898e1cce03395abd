package programtest

import (
	"net"
	"os/exec"
	"runtime"
	"testing"
)

// FreeAddr returns an address on loopback that nobody listens on.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	addr, err := FindFreeAddr()
	if err != nil {
		tb.Fatal(err)
	}
	return addr
}

// FindFreeAddr is FreeAddr where no test runs.
func FindFreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Start starts a program, which is reaped when it ends; exited is closed then.
// It ends at the latest with this process, where the system can do that.
func Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	started, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		// endWithParent means this thread: it must not end before the process does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		endWithParent(cmd)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return done, nil
}
