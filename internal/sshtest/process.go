package sshtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Where there is no /proc, as on macOS, these functions find nothing.

// naming returns the processes whose arguments name a path.
func naming(path string) []int {
	var pids []int
	for _, pid := range processes() {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if pid != os.Getpid() && bytes.Contains(args, []byte(path)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// childrenOf returns the children of a process.
func childrenOf(parent int) []int {
	var pids []int
	for _, pid := range processes() {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// "pid (name) state parent ..."; the name may hold anything, spaces and parentheses too.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(parent) {
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

// killNaming kills what a test has left behind, masters of shared connections for example.
func killNaming(dir string) {
	for range 50 {
		pids := naming(dir + "/")
		for _, pid := range pids {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		if len(pids) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
