//go:build unix && !linux

package dockertls_test

import (
	"errors"
	"os"
)

// terminalOf is the path of the terminal behind /dev/ptmx.
func terminalOf(*os.File) (string, error) {
	return "", errors.New("what stands behind /dev/ptmx is known on Linux only")
}
