package dockertls_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/programtest"
)

// On a full disk, and on one that is read only, nothing is left behind.
func TestEnvironInDiskFailures(t *testing.T) {
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
				programtest.Missing(t, fmt.Errorf("mount tmpfs: %w: run this test as root", err))
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

// Room for any number of the files but all: nothing is left behind, however
// often it is tried, neither on the disk nor in the process.
func TestEnvironInAlmostEnoughRoom(t *testing.T) {
	if !alone(t) {
		return
	}
	_, ca, pair := writeCerts(t)
	cfg := resolved(t, dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM})
	for pages := 1; ; pages++ {
		disk := t.TempDir()
		if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d", pages*os.Getpagesize())); err != nil {
			programtest.Missing(t, fmt.Errorf("mount tmpfs: %w: run this test as root", err))
		}
		t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
		if _, err := cfg.EnvironIn(filepath.Join(disk, "new")); err == nil {
			if pages < 3 {
				t.Errorf("three files in %d pages", pages)
			}
			return
		}
		repeat(t, fmt.Sprintf("EnvironIn with room for %d files", pages), func(int) {
			_, err := cfg.EnvironIn(filepath.Join(disk, "new"))
			wantKind(t, err, dockertls.FolderUnusable, disk, syscall.ENOSPC.Error())
			if left := fileNames(disk); len(left) != 0 {
				t.Errorf("%d pages: %q", pages, left)
			}
		})
	}
}

// Devices in the place of what EnvironIn writes stay as they are.
func TestEnvironInOntoDevices(t *testing.T) {
	t.Parallel()
	_, ca, pair := writeCerts(t)
	cfg := resolved(t, dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM})
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		dir := t.TempDir()
		check(t, os.Symlink("/dev/full", filepath.Join(dir, name)))
		_, err := cfg.EnvironIn(dir)
		wantKind(t, err, dockertls.FolderUnusable, filepath.Join(dir, name))
		if left := fileNames(dir); len(left) != 1 {
			t.Errorf("%q", left)
		}
	}
	for _, dir := range []string{"/dev/full", "/dev/full/new"} {
		_, err := cfg.EnvironIn(dir)
		wantKind(t, err, dockertls.FolderUnusable, dir, syscall.ENOTDIR.Error())
	}
}
