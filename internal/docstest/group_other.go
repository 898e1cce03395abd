//go:build !unix

package docstest

import "os/exec"

// Run ends the test on these systems, so nothing here is ever called.

func ownGroup(*exec.Cmd) {}

func interrupt(*exec.Cmd) {}
