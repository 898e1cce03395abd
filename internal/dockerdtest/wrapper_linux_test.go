package dockerdtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

// A daemon that was started by a bare command line, and that nobody ended, is
// gone when the test is.
func TestWrapper(t *testing.T) {
	for _, flavour := range Flavours() {
		var w *Wrapper
		t.Run(string(flavour), func(t *testing.T) {
			w = Wrap(t, flavour)
			startBare(t, w, programtest.FreeAddr(t))
		})
		if w == nil {
			continue // skipped
		}
		if pids := programtest.Naming(w.daemon.dir); len(pids) > 0 {
			t.Errorf("%s: processes %d are left", flavour, pids)
		}
		if _, err := os.Stat(w.daemon.dir); err == nil {
			t.Errorf("%s: %s is left", flavour, w.daemon.dir)
		}
	}
}

func startBare(t *testing.T, w *Wrapper, addr string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(w.Dir, "dockerd"), "-H", "tcp://"+addr, "--tls=false")
	cmd.Stdout, cmd.Stderr = log, log
	exited, err := programtest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	for w.Ready(t.Context()) != nil {
		select {
		case <-exited:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("ended: %v\n%s", cmd.ProcessState, text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
