package dockerdtest

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// BusyboxTar returns the root file system of an image that needs no registry, for
// POST /images/create?fromSrc=-: Debian's static busybox as sh, cat, echo and sleep.
func BusyboxTar(tb testing.TB) []byte {
	tb.Helper()
	path, err := staticBusybox()
	if err != nil {
		programtest.Missing(tb, err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	root, err := rootTar(program)
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func staticBusybox() (string, error) {
	const advice = "apt-get install busybox-static"
	path, err := programtest.LookPath("busybox", advice)
	if err != nil {
		return "", err
	}
	if err := checkStatic(path); err != nil {
		return "", fmt.Errorf("%w: %s", err, advice)
	}
	return path, nil
}

// checkStatic: a program that asks for a loader and libraries cannot run in an image without them.
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return fmt.Errorf("%s: not static", path)
	}
	return nil
}

func rootTar(busybox []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range []*tar.Header{
		{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "bin/sh", Typeflag: tar.TypeSymlink, Linkname: "busybox"},
		{Name: "bin/cat", Typeflag: tar.TypeSymlink, Linkname: "busybox"},
		{Name: "bin/echo", Typeflag: tar.TypeSymlink, Linkname: "busybox"},
		{Name: "bin/sleep", Typeflag: tar.TypeSymlink, Linkname: "busybox"},
		{Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(busybox))},
	} {
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
	}
	if _, err := w.Write(busybox); err != nil {
		return nil, err
	}
	err := w.Close()
	return buf.Bytes(), err
}
