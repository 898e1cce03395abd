package dockerdtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// killNaming kills the processes whose arguments name dir, and their children: a daemon's containerd,
// the shims of its containers, and the containers. It waits until they are gone.
func killNaming(dir string) {
	for range 100 {
		pids := naming(dir)
		if len(pids) == 0 {
			return
		}
		for _, pid := range append(childrenOf(pids), pids...) {
			// An error means that it is gone.
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// naming returns the processes whose arguments name dir.
func naming(dir string) []int {
	var pids []int
	for _, pid := range processes() {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if pid != os.Getpid() && bytes.Contains(args, []byte(dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func childrenOf(parents []int) []int {
	var pids []int
	for _, pid := range processes() {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// "pid (name) state parent ..."; the name may hold anything, spaces and parentheses too.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && slices.Contains(parents, parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func processes() []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// unmountBelow unmounts whatever is mounted below dir.
func unmountBelow(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, point := range slices.Backward(mounts) {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", point, err))
		}
	}
	return errors.Join(errs...)
}

// mountsBelow returns the mount points below dir, in the order in which they were mounted.
func mountsBelow(dir string) ([]string, error) {
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(info)) {
		// The fifth field is the mount point.
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			points = append(points, fields[4])
		}
	}
	return points, nil
}
