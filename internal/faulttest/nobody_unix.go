//go:build unix

package faulttest

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// nobody is the user without rights.
const nobody = 65534

// asNobody takes root's rights away from a program: as root, sshd needs a
// folder that only an installed service has.
func asNobody(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
}

// giveToNobody changes the owner of files.
func giveToNobody(paths ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.Chown(path, nobody, nobody))
	}
	return errors.Join(errs...)
}
