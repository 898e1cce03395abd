package faulttest

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

const (
	startAttempts = 5
	startLimit    = 30 * time.Second
)

// A program is one that listens, and runs until the test ends.
type program struct {
	cmd    *exec.Cmd
	output programtest.Output
	exited <-chan struct{}
}

// listen starts a program on a free port, and waits until it can be reached
// there. The command's arguments depend on the address.
func listen(t testing.TB, command func(addr string) *exec.Cmd) endpoint {
	t.Helper()
	for range startAttempts {
		addr := programtest.FreeAddr(t)
		p := startProgram(t, command(addr))
		if p.reachable(addr) {
			return endpoint{addr: addr}
		}
		p.end()
		// Between the choice of a port and its use, someone else may take it.
		if output := p.output.String(); !strings.Contains(output, "in use") {
			t.Fatalf("%q is not to be reached at %s:\n%s", p.cmd.Args, addr, output)
		}
	}
	t.Fatal("no port stays free")
	return endpoint{}
}

func startProgram(t testing.TB, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	// A program that leaves children behind would else keep Wait from returning.
	cmd.WaitDelay = time.Second
	var err error
	if p.exited, err = programtest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("output of %q:\n%s", cmd.Args, p.output.String())
		}
	})
	return p
}

// reachable waits until addr accepts connections, or the program ends.
func (p *program) reachable(addr string) bool {
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return true
		}
		select {
		case <-p.exited:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

func (p *program) end() {
	p.cmd.Process.Kill() // an error means that it has ended
	<-p.exited
}
