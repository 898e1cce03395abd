//go:build !linux

package dockertls

import (
	"io/fs"
	"time"
)

// changeTime is when a file last changed, as far as the time of modification
// tells.
func changeTime(info fs.FileInfo) time.Time { return info.ModTime() }
