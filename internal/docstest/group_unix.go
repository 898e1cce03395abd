//go:build unix

package docstest

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the shell and the commands that it waits for into a process
// group of their own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interrupt ends them. The shell's last act is to end the server, which is in
// another group.
func interrupt(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
