//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// become replaces this process by the program. It returns if that fails.
func become(cmd *exec.Cmd) (int, error) {
	// cmd.Environ keeps the last of several values; execve would
	// hand on all of them, and what counts then is the program's choice.
	return 0, syscall.Exec(cmd.Path, cmd.Args, cmd.Environ())
}
