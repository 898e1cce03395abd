package dockertls

import (
	"errors"
	"syscall"
)

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
