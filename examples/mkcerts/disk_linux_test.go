package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
	"github.com/google/go-cmp/cmp"
)

// mount puts a small file system of its own at a new folder.
func mount(t *testing.T, pages int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	options := fmt.Sprintf("mode=0700,size=%d", pages*syscall.Getpagesize())
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		programtest.Missing(t, fmt.Errorf("mount tmpfs: %w: run this test as root", err))
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// However many of the files fit, all or none are written.
func TestFullDisk(t *testing.T) {
	for pages := 1; ; pages++ {
		dir := mount(t, pages)
		before := contents(t, dir)
		got := runProgram("-o", dir, "box")
		if got.code == 0 {
			if pages < len(newFiles) {
				t.Errorf("%d files in %d pages", len(newFiles), pages)
			}
			checkSet(t, dir)
			return
		}
		got.wantFailure(t, 1, syscall.ENOSPC.Error())
		if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
			t.Errorf("%d pages: %s", pages, diff)
		}
	}
}

// Renewal needs room for what it replaces too, and leaves it alone if there is none.
func TestFullDiskRenew(t *testing.T) {
	dir := mount(t, len(newFiles)+1)
	mkcerts(t, "-o", dir, "box")
	before := contents(t, dir)
	runProgram("-o", dir, "--renew").wantFailure(t, 1, syscall.ENOSPC.Error())
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	dir := mount(t, 16)
	mkcerts(t, "-o", dir, "box")
	before := contents(t, dir)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	runProgram("-o", dir, "--renew").wantFailure(t, 1, syscall.EROFS.Error())
	runProgram("-o", filepath.Join(dir, "new"), "box").wantFailure(t, 1, syscall.EROFS.Error())
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// A file that is busy, as the target of a mount is, cannot be replaced: what was
// replaced before it comes back.
func TestBusyFile(t *testing.T) {
	dir := newSet(t, "box")
	path := filepath.Join(dir, "cert.pem")
	if err := syscall.Mount(path, path, "", syscall.MS_BIND, ""); err != nil {
		programtest.Missing(t, fmt.Errorf("bind mount: %w: run this test as root", err))
	}
	before := contents(t, dir)
	got := runProgram("-o", dir, "--renew")
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error(diff)
	}
	if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	got.wantFailure(t, 1, syscall.EBUSY.Error())
	checkSet(t, dir)
}
