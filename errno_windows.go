package dockertls

import (
	"errors"
	"io/fs"
	"syscall"
)

// errInvalidName is what is said of a path with characters that no name may
// have, such as quotation marks.
const errInvalidName = syscall.Errno(123)

// isMissing tells that a file does not exist. One whose name is impossible does
// not: cmd's set DOCKER_CERT_PATH="C:\certs" is explained like any other path
// that leads nowhere.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errInvalidName)
}

// Errors of Winsock. The constants of the same meaning in package syscall are
// made up, and never returned.
const (
	wsaNetDown     = syscall.Errno(10050)
	wsaNetUnreach  = syscall.Errno(10051)
	wsaConnRefused = syscall.Errno(10061)
	wsaHostDown    = syscall.Errno(10064)
	wsaHostUnreach = syscall.Errno(10065)
)

func isRefused(err error) bool { return errors.Is(err, wsaConnRefused) }

func isReset(err error) bool {
	return errors.Is(err, syscall.WSAECONNRESET) || errors.Is(err, syscall.WSAECONNABORTED)
}

func isUnreachable(err error) bool {
	for _, errno := range []syscall.Errno{wsaNetDown, wsaNetUnreach, wsaHostDown, wsaHostUnreach} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
