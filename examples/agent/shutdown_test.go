package main

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// Nothing is left of an agent that was stopped, whatever its endpoints do. The
// test is not parallel: it counts goroutines.
func TestNothingIsLeft(t *testing.T) {
	good, slow := dockertlstest.Start(t), dockertlstest.Start(t, dockertlstest.Hangs(dockertlstest.AfterHello))
	bad := dockertlstest.Start(t, dockertlstest.ServerCAUnknown)
	before := runtime.NumGoroutine()
	r := start(t, inYAML("good", good.Host(), good.CertPath()), inYAML("slow", slow.Host(), slow.CertPath()),
		inYAML("bad", bad.Host(), bad.CertPath()), inYAML("unusable", good.Host(), t.TempDir()))
	r.await(t, "good", "healthy", "")
	r.await(t, "bad", "unhealthy", dockertls.ServerUntrusted)
	slow.WaitConnection(t, 1)
	began := time.Now()
	check(t, r.stop())
	if took := time.Since(began); took > shutdownLimit {
		t.Errorf("it took %v", took)
	}
	eventually(t, func() error {
		for _, d := range []*dockertlstest.Daemon{good, bad} {
			for i, c := range d.ConnectionLog() {
				if c.Closed.IsZero() {
					return fmt.Errorf("connection %d is open", i+1)
				}
			}
		}
		return nil
	})
	slow.Close() // it reads nothing, and so does not notice that its client is gone
	eventually(t, func() error {
		if n := runtime.NumGoroutine(); n > before {
			stacks := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines, %d before\n%s", n, before, stacks[:runtime.Stack(stacks, true)])
		}
		return nil
	})
	if got := r.log.diagnoses(t, "slow"); len(got) > 0 {
		t.Errorf("the end of the agent is told as %q", got)
	}
}
