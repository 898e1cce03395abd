//go:build unix

package dockertls_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// What comes in place of a file after Resolve may hold nobody up, whatever it
// is. It is told once, and what was in use stays.
func TestOddFilesAfterResolve(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(t *testing.T, path string){
		"a link to itself": func(t *testing.T, path string) { check(t, os.Symlink(path, path)) },
		"a link in a circle": func(t *testing.T, path string) {
			check(t, os.Symlink(path+".b", path+".a"))
			check(t, os.Symlink(path+".a", path+".b"))
			check(t, os.Symlink(path+".a", path))
		},
		"a pipe": func(t *testing.T, path string) { check(t, syscall.Mkfifo(path, 0o600)) },
		"a pipe that somebody holds open": func(t *testing.T, path string) {
			check(t, syscall.Mkfifo(path, 0o600))
			pipe, err := os.OpenFile(path, os.O_RDWR, 0)
			check(t, err)
			t.Cleanup(func() { pipe.Close() })
		},
		"a socket": func(t *testing.T, path string) {
			short := filepath.Join(shortDir(t), "s")
			listener, err := net.Listen("unix", short)
			check(t, err)
			t.Cleanup(func() { listener.Close() })
			check(t, os.Symlink(short, path))
		},
		"a folder":           func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) },
		"an endless device":  func(t *testing.T, path string) { check(t, os.Symlink("/dev/zero", path)) },
		"a terabyte of zero": func(t *testing.T, path string) { writeFile(t, path, nil); check(t, os.Truncate(path, 1<<40)) },
		"just too much":      func(t *testing.T, path string) { writeFile(t, path, nil); check(t, os.Truncate(path, 16<<20+1)) },
	} {
		for _, file := range []string{"ca.pem", "cert.pem", "key.pem"} {
			t.Run(name+" "+file, func(t *testing.T) {
				t.Parallel()
				ca := dockertlstest.NewCA()
				dir := t.TempDir()
				check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
				var events eventLog
				opts := nowhere(dir)
				opts.OnEvent, opts.ExpiryWarnings = events.add, []time.Duration{}
				cfg := resolve(t, opts)
				path := filepath.Join(dir, file)
				check(t, os.Remove(path))
				put(t, path)
				start := time.Now()
				for range 5 {
					look(t, cfg)
					time.Sleep(2 * time.Millisecond)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("five looks took %v", took)
				}
				if got := events.all(); len(got) != 1 || !errors.Is(got[0].Err, dockertls.FileUnreadable) {
					t.Errorf("events %+v", got)
				}
				check(t, os.RemoveAll(path))
				check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
				lookAgain(t, cfg)
				if got := clientOf(cfg); got != "CN=two" {
					t.Errorf("it has %s", got)
				}
			})
		}
	}
}

// Without file descriptors nothing can be read, and that passes.
func TestNoFileDescriptors(t *testing.T) {
	const child = "DOCKERTLS_TEST_NO_FILES"
	if dir := os.Getenv(child); dir != "" {
		withoutFiles(t, dir)
		return
	}
	t.Parallel()
	dir, _, _ := writeCerts(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoFileDescriptors$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), child+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func withoutFiles(t *testing.T, dir string) {
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("one")))
	opts := nowhere(dir)
	opts.Host = d.Host()
	s := sighting{resolve(t, opts), d}
	client := s.cfg.HTTPClient()
	if got := s.nameOver(t, client); got != "one" {
		t.Fatalf("the daemon sees %q", got)
	}
	check(t, dockertlstest.WriteCerts(dir, ca, ca.ClientPair("two")))
	giveBack := takeFiles(t)
	_, err := dockertls.Resolve(opts)
	wantKind(t, err, dockertls.FileUnreadable)
	if !errors.Is(err, syscall.EMFILE) {
		t.Errorf("the cause is lost: %v", err)
	}
	for range 3 {
		time.Sleep(2 * time.Millisecond)
		if conn, err := s.cfg.Dial(t.Context()); err == nil || !errors.Is(err, syscall.EMFILE) {
			t.Errorf("connected: %v, %v", conn, err)
		}
	}
	if got := s.nameOver(t, client); got != "one" { // a kept connection needs none
		t.Errorf("the daemon sees %q", got)
	}
	giveBack()
	s.waitName(t, "one", "two")
	if got := s.nameOver(t, client); got != "two" {
		t.Errorf("over the kept connection the daemon sees %q", got)
	}
	if stats := s.cfg.Stats(); stats.ReloadFailures != 1 {
		t.Errorf("%+v", stats)
	}
}

// takeFiles takes all that are left of a small number.
func takeFiles(t *testing.T) (giveBack func()) {
	t.Helper()
	var limit syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = 64
	check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	var taken []*os.File
	for {
		f, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	return func() {
		for _, f := range taken {
			f.Close()
		}
	}
}
