package programtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"runtime"
	"sync/atomic"
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

// Ports are given in turn. Chosen at random, two tests at once may get the same
// one, and then a test reaches the other's program, because its own, which cannot
// listen, has not ended yet.
var (
	firstPort  = rand.Uint32N(portCount)
	portsGiven atomic.Uint32
)

const (
	lowestPort = 10_000
	portCount  = 22_000
)

// FindFreeAddr is FreeAddr where no test runs. The port is below those that
// systems give to outgoing connections: one of them might take it before the
// program does.
func FindFreeAddr() (addr string, err error) {
	for range 100 {
		addr = fmt.Sprintf("127.0.0.1:%d", lowestPort+(firstPort+portsGiven.Add(1))%portCount)
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr, nil
		}
	}
	return "", err
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
