//go:build unix

package dockertls

import (
	"errors"
	"io/fs"
	"syscall"
)

// isMissing tells that a file does not exist.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNABORTED)
}

func isUnreachable(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) ||
		errors.Is(err, syscall.EHOSTDOWN) || errors.Is(err, syscall.ENETDOWN)
}
