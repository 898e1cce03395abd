//go:build !unix

package dockertls

import (
	"os"
	"syscall"
)

func ownSession() *syscall.SysProcAttr { return nil }

// terminate has no gentler form on these systems.
func terminate(p *os.Process) { _ = p.Kill() }

func kill(p *os.Process) { _ = p.Kill() }
