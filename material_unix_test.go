//go:build unix

package dockertls_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls"
)

// What is no regular file must neither hang the program nor fill its memory.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	dir, ca, _ := writeCerts(t)
	opts := dockertls.Options{Host: "tcp://box:1", TLSVerify: new(true), CertPath: dir}
	pipe := filepath.Join(dir, "ca.pem")
	check(t, os.Remove(pipe))
	check(t, syscall.Mkfifo(pipe, 0o600))

	_, err := dockertls.Resolve(opts)
	wantKind(t, err, dockertls.CAInvalid, "it is empty")

	// As in docker --tlscacert <(command).
	reader, writer, err := os.Pipe()
	check(t, err)
	defer reader.Close()
	_, err = writer.Write(ca.PEM())
	check(t, errors.Join(err, writer.Close()))
	substituted := opts
	substituted.CAFile = fmt.Sprintf("/dev/fd/%d", reader.Fd())
	_, err = dockertls.Resolve(substituted)
	check(t, err)

	check(t, os.Remove(pipe))
	check(t, os.Symlink("/dev/zero", pipe))
	_, err = dockertls.Resolve(opts)
	wantKind(t, err, dockertls.FileUnreadable, "larger than 16 MiB")
}
