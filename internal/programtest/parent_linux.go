package programtest

import (
	"os/exec"
	"syscall"
)

// endWithParent ends a process when the test binary ends in a way that runs no
// cleanup, as after a timeout.
func endWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
}
