package dockerdtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// A Wrapper is a program named dockerd for command lines that are written for
// people: it runs a real daemon with their flags, and with those that keep it in
// a folder of its own, away from the machine's network and from other daemons.
type Wrapper struct {
	Dir string // put it first on PATH

	daemon Daemon // never started from here
}

// Wrap makes a Wrapper, for one daemon at a time. When the test ends, what the
// daemon left behind is removed.
func Wrap(tb testing.TB, f Flavour) *Wrapper {
	tb.Helper()
	requireRoot(tb)
	path, err := f.path()
	if err != nil {
		programtest.Missing(tb, err)
	}
	dir, err := os.MkdirTemp("/tmp", "dockerd") // a short path, see start
	if err != nil {
		tb.Fatal(err)
	}
	w := &Wrapper{Dir: filepath.Join(dir, "bin"), daemon: Daemon{Socket: filepath.Join(dir, "docker.sock"), dir: dir}}
	tb.Cleanup(func() {
		if err := w.daemon.Stop(); err != nil {
			tb.Error(err)
		}
	})
	if err := w.write(path); err != nil {
		tb.Fatal(err)
	}
	return w
}

func (w *Wrapper) write(dockerd string) error {
	script := "#!/bin/sh\nexec " + dockerd + " " + strings.Join(w.daemon.isolation(), " ") + " \"$@\"\n"
	return errors.Join(
		w.daemon.writeConfig(),
		os.Mkdir(w.Dir, 0o700),
		os.WriteFile(filepath.Join(w.Dir, "dockerd"), []byte(script), 0o700),
	)
}

// Ready tells whether the daemon answers, through a socket without TLS.
func (w *Wrapper) Ready(ctx context.Context) error { return w.daemon.ping(ctx) }
