package dockertls_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// clientOf is the name in a Config's client certificate.
func clientOf(cfg *dockertls.Config) string {
	for _, e := range cfg.Expiries() {
		if e.Certificate == "client" {
			return e.Subject
		}
	}
	return ""
}

// nowhere are options for a daemon that is not asked for anything.
func nowhere(dir string) dockertls.Options {
	return dockertls.Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Millisecond}
}

// padded writes a file of a size that does not tell one content from another.
func padded(t *testing.T, path string, data []byte) {
	t.Helper()
	const size = 2000
	writeFile(t, path, append(bytes.Clone(data), bytes.Repeat([]byte("\n"), size-len(data))...))
}

func paddedSet(t *testing.T, dir string, ca *dockertlstest.CA, name string) {
	t.Helper()
	check(t, os.MkdirAll(dir, 0o700))
	pair := ca.ClientPair(name)
	padded(t, filepath.Join(dir, "ca.pem"), ca.PEM())
	padded(t, filepath.Join(dir, "cert.pem"), pair.CertPEM)
	padded(t, filepath.Join(dir, "key.pem"), pair.KeyPEM)
}

func setTimes(t *testing.T, dir string, to time.Time) {
	t.Helper()
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		check(t, os.Chtimes(filepath.Join(dir, name), to, to))
	}
}

// A hardlyShown is a change of files whose size stays the same.
type hardlyShown struct {
	settled   bool // what is there before has been there for some time
	linuxOnly bool // elsewhere it does not show at all
	change    func(t *testing.T, dir string)
}

func changesThatHardlyShow(ca *dockertlstest.CA, long time.Time) map[string]hardlyShown {
	return map[string]hardlyShown{
		"in place at once": {false, false, func(t *testing.T, dir string) { paddedSet(t, dir, ca, "two") }},
		"in place at once, with the time kept": {false, true, func(t *testing.T, dir string) {
			paddedSet(t, dir, ca, "two")
			setTimes(t, dir, long)
		}},
		"in place later, with the time kept": {true, true, func(t *testing.T, dir string) {
			paddedSet(t, dir, ca, "two")
			setTimes(t, dir, long)
		}},
		"in place, with an older time": {true, false, func(t *testing.T, dir string) {
			paddedSet(t, dir, ca, "two")
			setTimes(t, dir, long.Add(-time.Hour))
		}},
		"renamed, with the time kept": {true, false, func(t *testing.T, dir string) {
			paddedSet(t, dir+".new", ca, "two")
			setTimes(t, dir+".new", long)
			for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
				check(t, os.Rename(filepath.Join(dir+".new", name), filepath.Join(dir, name)))
			}
		}},
		"folder swapped": {true, false, func(t *testing.T, dir string) {
			paddedSet(t, dir+".new", ca, "two")
			setTimes(t, dir+".new", long)
			check(t, os.Rename(dir, dir+".old"))
			check(t, os.Rename(dir+".new", dir))
		}},
		"files become links": {true, false, func(t *testing.T, dir string) {
			paddedSet(t, dir+".new", ca, "two")
			setTimes(t, dir+".new", long)
			for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
				check(t, os.Remove(filepath.Join(dir, name)))
				check(t, os.Symlink(filepath.Join(dir+".new", name), filepath.Join(dir, name)))
			}
		}},
	}
}

// New content counts, however little shows from outside, for new Configs and
// for those that are there.
func TestChangesThatHardlyShow(t *testing.T) {
	t.Parallel()
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	ca := dockertlstest.NewCA()
	for name, tt := range changesThatHardlyShow(ca, long) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.linuxOnly && runtime.GOOS != "linux" {
				t.Skip("only the times of Linux tell: run this there")
			}
			dir := filepath.Join(t.TempDir(), "certs")
			paddedSet(t, dir, ca, "one")
			setTimes(t, dir, long)
			if tt.settled {
				time.Sleep(2500 * time.Millisecond)
			}
			var resolver dockertls.Resolver
			old, err := resolver.Resolve(nowhere(dir))
			check(t, err)
			tt.change(t, dir)
			fresh, err := resolver.Resolve(nowhere(dir))
			check(t, err)
			if got := clientOf(fresh); got != "CN=two" {
				t.Errorf("a new Config has %s", got)
			}
			lookAgain(t, old)
			if got := clientOf(old); got != "CN=two" {
				t.Errorf("the old Config has %s", got)
			}
		})
	}
}

// Files that come back as they were are nothing new.
func TestFilesThatComeBack(t *testing.T) {
	t.Parallel()
	dir, ca, client := writeCerts(t)
	var events eventLog
	opts := nowhere(dir)
	opts.OnEvent, opts.ExpiryWarnings = events.add, []time.Duration{}
	cfg := resolve(t, opts)
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		check(t, os.Remove(filepath.Join(dir, name)))
	}
	lookFor(t, cfg, 200*time.Millisecond)
	check(t, dockertlstest.WriteCerts(dir, ca, client))
	lookFor(t, cfg, 300*time.Millisecond)
	if stats := cfg.Stats(); stats.Generation != 1 || stats.ReloadFailures != 1 {
		t.Errorf("%+v", stats)
	}
	if got := events.all(); len(got) != 1 {
		t.Errorf("events %+v", got)
	}
}

// lookFor lets a Config look for new material for some time.
func lookFor(t *testing.T, cfg *dockertls.Config, long time.Duration) {
	t.Helper()
	for start := time.Now(); time.Since(start) < long; time.Sleep(5 * time.Millisecond) {
		look(t, cfg)
	}
}

// Who writes a broken file again and again says nothing new either.
func TestBrokenFileTouchedAgain(t *testing.T) {
	t.Parallel()
	dir, _, _ := writeCerts(t)
	cfg := resolve(t, nowhere(dir))
	for range 4 {
		writeFile(t, filepath.Join(dir, "key.pem"), []byte("to be done\n"))
		lookFor(t, cfg, 150*time.Millisecond)
	}
	if stats := cfg.Stats(); stats.Generation != 1 || stats.ReloadFailures != 1 {
		t.Errorf("%+v", stats)
	}
}

// Ten thousand files: of each, no more is kept than is in it and was made of it,
// and many Configs of the same files share it.
func TestManyFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds: run it without -short")
	}
	ca := dockertlstest.NewCA()
	root := t.TempDir()
	var pairs []*dockertlstest.Pair
	for i := range 10 {
		pairs = append(pairs, ca.ClientPair(fmt.Sprint(i)))
	}
	const folders, names = 3334, 10
	for i := range folders {
		dir, pair := filepath.Join(root, fmt.Sprint(i)), pairs[i%names]
		check(t, os.Mkdir(dir, 0o700))
		writeFile(t, filepath.Join(dir, "ca.pem"), ca.PEM())
		writeFile(t, filepath.Join(dir, "cert.pem"), pair.CertPEM)
		writeFile(t, filepath.Join(dir, "key.pem"), pair.KeyPEM)
	}
	before := heapInUse()
	var resolver dockertls.Resolver
	configs := make([]*dockertls.Config, folders)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < folders; i += 4 {
				cfg, err := resolver.Resolve(nowhere(filepath.Join(root, fmt.Sprint(i))))
				if err != nil || clientOf(cfg) != fmt.Sprintf("CN=%d", i%names) {
					t.Errorf("%d: %v", i, err)
					return
				}
				configs[i] = cfg
			}
		})
	}
	all.Wait()
	used := heapInUse() - before
	runtime.KeepAlive(configs)
	configs = nil
	kept := heapInUse() - before
	for range folders {
		cfg, err := resolver.Resolve(nowhere(filepath.Join(root, "0")))
		check(t, err)
		configs = append(configs, cfg)
	}
	same := heapInUse() - before - kept
	runtime.KeepAlive(configs)
	runtime.KeepAlive(&resolver)
	t.Logf("%d folders of 3 files: %d KB; without the Configs %d KB; as many Configs of one folder: %d KB", folders, used>>10, kept>>10, same>>10)
	if kept > folders*24<<10 || same > folders*6<<10 {
		t.Errorf("the Resolver keeps %d bytes for each folder, and %d for each Config of the same", kept/folders, same/folders)
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
