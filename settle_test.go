package dockertls

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A bundle of which only the first half is written, up to the end of a block, is
// left alone for as long as writing may take.
func TestFileBeingWrittenIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ca.pem")
	one, two, three := newTestCA(t, "one", nil), newTestCA(t, "two", nil), newTestCA(t, "three", nil)
	check(t, os.WriteFile(path, append(pemOf(one.cert), pemOf(two.cert)...), 0o600))
	cfg, err := Resolve(Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Nanosecond})
	check(t, err)
	for range 20 {
		if writeInTwo(t, path, pemOf(two.cert), pemOf(three.cert), func() {
			if n := len(cfg.latest(t.Context()).roots()); n != 2 {
				t.Errorf("%d authorities are in use", n)
			}
		}) {
			check(t, cfg.Reload(t.Context())) // which waits
			if roots := cfg.current().roots(); len(roots) != 2 || !roots[1].Equal(three.cert) {
				t.Error("what was written is not in use")
			}
			return
		}
		check(t, os.WriteFile(path, append(pemOf(one.cert), pemOf(two.cert)...), 0o600))
		check(t, cfg.Reload(t.Context()))
	}
	t.Skip("this machine is too slow to write a file in two parts")
}

// writeInTwo writes a file with a short pause in it, in which look is called,
// and tells whether that went quickly enough to count.
func writeInTwo(t *testing.T, path string, first, second []byte, look func()) bool {
	start := time.Now()
	f, err := os.Create(path)
	check(t, err)
	defer f.Close()
	_, err = f.Write(first)
	check(t, err)
	for range 3 {
		if time.Since(start) > settleTime/2 {
			return false
		}
		look()
		time.Sleep(2 * time.Millisecond)
	}
	_, err = f.Write(second)
	check(t, err)
	return true
}
