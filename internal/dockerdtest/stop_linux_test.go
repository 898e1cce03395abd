package dockerdtest

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// Even a daemon that is killed while a container runs leaves nothing behind.
func TestStopLeavesNothing(t *testing.T) {
	for _, flavour := range Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			d := Start(t, flavour, Options{})
			api := NewAPI(t, socket(d.Socket))
			api.Import(BusyboxTar(t))
			_, container := api.Run("sleep", "1000")

			if err := d.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-d.exited
			if err := d.Stop(); err != nil {
				t.Error(err)
			}
			checkGone(t, d, container)
		})
	}
}

func checkGone(t *testing.T, d *Daemon, container int) {
	t.Helper()
	// That of a process which is dead, but not reaped yet, is empty.
	if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", container)); len(args) > 0 {
		t.Errorf("the container still runs: %q", args)
	}
	if pids := programtest.Naming(d.dir); len(pids) > 0 {
		t.Errorf("processes %d still run", pids)
	}
	if mounts, err := mountsBelow(d.dir); len(mounts) > 0 || err != nil {
		t.Errorf("%q still mounted, error %v", mounts, err)
	}
	if _, err := os.Stat(d.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: got %v, want %v", d.dir, err, os.ErrNotExist)
	}
}
