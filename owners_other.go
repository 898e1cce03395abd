//go:build !unix

package dockertls

import "io/fs"

// owners are not told by these systems.
func owners(fs.FileInfo) (owner, group string) { return "", "" }
