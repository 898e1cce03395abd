//go:build !linux

package dockertls

import (
	"io/fs"
	"time"
)

// changed is when a file was last changed, as far as its ModTime tells.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }
