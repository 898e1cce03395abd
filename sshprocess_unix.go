//go:build unix

package dockertls

import (
	"os"
	"syscall"
)

// ownSession keeps ssh from the terminal, as docker does: an interrupt from the
// keyboard is for our program to handle, and ssh cannot stop to ask questions
// there. It still asks through SSH_ASKPASS.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// terminate asks ssh, and what it has started (a ProxyCommand), to end.
func terminate(p *os.Process) { signalGroup(p, syscall.SIGTERM) }

func kill(p *os.Process) { signalGroup(p, syscall.SIGKILL) }

// signalGroup asks the process first: once that has been reaped, the group's
// number may be somebody else's.
func signalGroup(p *os.Process, sig syscall.Signal) {
	if p.Signal(sig) == nil {
		_ = syscall.Kill(-p.Pid, sig)
	}
}
