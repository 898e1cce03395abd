package dockerdtest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
)

func TestBusyboxTar(t *testing.T) {
	names := tarNames(t, BusyboxTar(t))
	for _, want := range []string{"bin/busybox", "bin/sh", "bin/cat", "bin/echo", "bin/sleep", "etc/", "tmp/"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %q", want, names)
		}
	}
}

func tarNames(t *testing.T, data []byte) []string {
	t.Helper()
	var names []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestCheckStatic(t *testing.T) {
	if err := checkStatic("/bin/ls"); err == nil {
		t.Error("/bin/ls is taken for static")
	}
	if err := checkStatic(os.DevNull); err == nil {
		t.Error("an empty file is taken for static")
	}
}
