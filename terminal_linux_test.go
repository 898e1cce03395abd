package dockertls_test

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// terminalOf is the path of the terminal behind /dev/ptmx.
func terminalOf(master *os.File) (string, error) {
	var number uint32
	var unlocked int32
	for request, argument := range map[uintptr]unsafe.Pointer{
		syscall.TIOCGPTN:   unsafe.Pointer(&number),
		syscall.TIOCSPTLCK: unsafe.Pointer(&unlocked),
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(argument)); errno != 0 {
			return "", errno
		}
	}
	return fmt.Sprintf("/dev/pts/%d", number), nil
}
