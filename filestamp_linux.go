package dockertls

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when a file was last changed, in any way. Unlike its ModTime nobody
// can set it, as cp -p does.
func changed(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return info.ModTime()
}
