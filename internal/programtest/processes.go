package programtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Where there is no /proc, as on macOS, these functions find nothing.

// Naming returns the processes, other than this one, whose arguments name
// something in a folder.
func Naming(dir string) []int {
	var pids []int
	for _, pid := range processes() {
		args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if pid != os.Getpid() && bytes.Contains(args, []byte(dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Children returns the children of processes.
func Children(parents ...int) []int {
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

// KillNaming kills the processes that Naming returns, and their children, and
// waits until they are gone, for two seconds at most.
func KillNaming(dir string) {
	for range 100 {
		pids := Naming(dir)
		if len(pids) == 0 {
			return
		}
		Kill(append(Children(pids...), pids...)...)
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill kills processes. Those that are gone do not matter.
func Kill(pids ...int) {
	for _, pid := range pids {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
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
