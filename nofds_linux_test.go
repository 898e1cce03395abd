package dockertls_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// leaveFiles takes all file descriptors but so many, of a small number.
func leaveFiles(t *testing.T, left int) (giveBack func()) {
	t.Helper()
	var limit syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = 64
	check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	for range left {
		taken[len(taken)-1].Close()
		taken = taken[:len(taken)-1]
	}
	return func() {
		for _, f := range taken {
			f.Close()
		}
	}
}

// wantShortage checks that a use either worked, or failed for want of file
// descriptors, in words that can be shown.
func wantShortage(t *testing.T, what string, left int, err error) {
	t.Helper()
	dockertls.CheckMessage(t, err)
	if err != nil && !errors.Is(err, syscall.EMFILE) && !strings.Contains(fmt.Sprintf("%+v", err), syscall.EMFILE.Error()) {
		t.Errorf("%s with %d left: got %+v", what, left, err)
	}
	if err == nil && left == 0 && what != "Reload" { // which reads only what may have changed
		t.Errorf("%s with none left: no error", what)
	}
}

// What the process with few file descriptors uses belongs to the other one: a
// daemon's connections need descriptors, too.
const shortDirVar, shortHostVar = "DOCKERTLS_TEST_DIR", "DOCKERTLS_TEST_HOST"

func layShort(t *testing.T) []string {
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	dir := t.TempDir()
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
	check(t, dockertlstest.WriteContext(dir, dockertlstest.Context{Name: "odd", Host: d.Host(), CA: ca, Client: ca.ClientPair("one")}))
	return []string{shortDirVar + "=" + dir, shortHostVar + "=" + d.Host()}
}

// shortUses are what needs file descriptors.
func shortUses(t *testing.T) map[string]func() error {
	dir, host := os.Getenv(shortDirVar), os.Getenv(shortHostVar)
	opts := nowhere(dir)
	opts.Host = host
	cfg := resolve(t, opts)
	named := opts
	named.Host = strings.Replace(host, "127.0.0.1", "localhost", 1)
	byName := resolve(t, named)
	ssh := resolve(t, dockertls.Options{Host: "ssh://127.0.0.1:1"})
	copies := 0
	return map[string]func() error{
		"Resolve": func() error { _, err := dockertls.Resolve(opts); return err },
		"a context": func() error {
			_, err := dockertls.Resolve(dockertls.Options{ConfigDir: dir, Context: "odd"})
			return err
		},
		"a request": func() error { return readWhole(t.Context(), cfg) },
		"Dial":      func() error { return dialOnce(t.Context(), cfg) },
		"Check":     func() error { return cfg.Check(t.Context()).Error() },
		"a name":    func() error { return dialOnce(t.Context(), byName) },
		"Reload":    func() error { return cfg.Reload(t.Context()) },
		"EnvironIn": func() error {
			copies++
			_, err := cfg.EnvironIn(filepath.Join(dir, fmt.Sprint("copy", copies)))
			return err
		},
		"ssh": func() error { return dialOnce(t.Context(), ssh) },
	}
}

func dialOnce(ctx context.Context, cfg *dockertls.Config) error {
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

// However few file descriptors are left: success, or an error that says so; none
// is lost, and when there are enough again, all works.
func TestFewFileDescriptors(t *testing.T) {
	if !aloneWith(t, func() []string { return layShort(t) }) {
		return
	}
	programtest.Find(t, "ssh", "openssh-client")
	for name, use := range shortUses(t) {
		check(t, use())
		before, times := quietTally(), 0
		for _, left := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20} {
			giveBack := leaveFiles(t, left)
			failed := 0
			for range *repeats {
				err := use()
				wantShortage(t, name, left, err)
				if times++; err != nil {
					failed++
				}
				settledTally(tally{before.Goroutines, 1 << 20}) // ssh ends in a moment
			}
			giveBack()
			settledTally(before)
			if failed == 0 {
				break // more of them are of no interest
			}
		}
		after := settledTally(before)
		t.Logf("%-10s %3d times, before %+v, after %+v", name, times, before, after)
		if after.exceeds(before) {
			t.Errorf("%s: before %+v, after %+v", name, before, after)
		}
		check(t, use())
	}
}
