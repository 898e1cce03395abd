package dockertls

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when a file's content or attributes last changed: unlike its
// modification time nobody can set it.
func changeTime(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(stat.Ctim.Sec), int64(stat.Ctim.Nsec))
	}
	return info.ModTime()
}
