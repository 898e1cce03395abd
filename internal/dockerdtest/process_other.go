//go:build !linux

package dockerdtest

import "syscall"

// Start ends the test on these systems, so nothing here is ever called.

func endWithParent() *syscall.SysProcAttr { return nil }

func killNaming(string) {}

func unmountBelow(string) error { return nil }
