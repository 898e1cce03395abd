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

// On a full disk, and on one that is read only, nothing is left behind.
func TestEnvironInDiskFailures(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	_, ca, pair := writeCerts(t)
	cfg := resolved(t, dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM})
	for _, tc := range []struct {
		name  string
		flags uintptr
		fill  bool
		want  syscall.Errno
	}{
		{"full", 0, true, syscall.ENOSPC},
		{"read only", syscall.MS_RDONLY, false, syscall.EROFS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := t.TempDir()
			if err := syscall.Mount("tmpfs", disk, "tmpfs", tc.flags, "size=16k"); err != nil {
				t.Skip(err)
			}
			t.Cleanup(func() { check(t, syscall.Unmount(disk, 0)) })
			if tc.fill { // room for two of the files
				check(t, os.WriteFile(filepath.Join(disk, "rest"), make([]byte, 8<<10), 0o600))
			}
			before := fmt.Sprint(fileNames(disk))
			for _, dir := range []string{disk, filepath.Join(disk, "new")} {
				vars, err := cfg.EnvironIn(dir)
				wantKind(t, err, dockertls.FolderUnusable, dir, tc.want.Error(), "hint: ")
				wantNoKey(t, err, pair)
				if !errors.Is(err, tc.want) || vars != nil {
					t.Errorf("got %v beside %v, want %v behind it", vars, err, tc.want)
				}
			}
			if after := fmt.Sprint(fileNames(disk)); after != before {
				t.Errorf("%s before, %s after", before, after)
			}
		})
	}
}
