package dockertls

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
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
	programtest.Missing(t, errors.New("this machine is too busy to write a file in two parts: run this when it has less to do"))
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

// A file that brings an old time along, as cp -p makes them, may still be of a
// set that is not whole.
func TestFileWithAnOldTimeIsLeftAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells when a file was changed: run this there")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "ca.pem")
	check(t, os.WriteFile(path, pemOf(newTestCA(t, "one", nil).cert), 0o600))
	cfg, err := Resolve(Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), CertPath: dir, ReloadInterval: time.Nanosecond})
	check(t, err)
	two, long := pemOf(newTestCA(t, "two", nil).cert), time.Now().Add(-time.Hour)
	start := time.Now()
	check(t, os.WriteFile(path, two, 0o600))
	check(t, os.Chtimes(path, long, long))
	if n := cfg.latest(t.Context()).number; n != 1 && time.Since(start) < settleTime {
		t.Error("it is in use at once")
	}
	check(t, cfg.Reload(t.Context()))
	if n := cfg.current().number; n != 2 {
		t.Errorf("generation %d is in use", n)
	}
}

// What was changed just now may be changed again without a trace.
func TestRecentChangesAreDoubted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for age, sure := range map[time.Duration]bool{0: false, time.Second: false, 3 * time.Second: true, -time.Minute: false} {
		if k := (&keptFile{state: &fileState{changed: now.Add(-age)}, at: now}); k.sure() != sure {
			t.Errorf("a change %v ago: sure %t", age, k.sure())
		}
	}
}

// Sets that replace each other while they are read are never mixed.
func TestSetsAreNotMixed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a link that is in use cannot be replaced on Windows: run this on another system")
	}
	dir := t.TempDir()
	key := newTestKey(t)
	write := func(name string) {
		ca := newTestCA(t, name, nil)
		cert, keyPEM := ca.pair(name, key, nil)
		check(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		for file, data := range map[string][]byte{"ca.pem": pemOf(ca.cert), "cert.pem": cert, "key.pem": keyPEM} {
			check(t, os.WriteFile(filepath.Join(dir, name, file), data, 0o600))
		}
	}
	for _, name := range []string{"one", "two", "three"} {
		write(name)
	}
	link := func(name string) {
		check(t, os.Symlink(name, filepath.Join(dir, "new")))
		check(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "data")))
	}
	link("three")
	cfg, err := Resolve(Options{Host: "tcp://127.0.0.1:1", TLSVerify: new(true), CertPath: filepath.Join(dir, "data")})
	check(t, err)
	time.Sleep(2 * settleTime)
	end := time.Now().Add(2 * time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; time.Now().Before(end); i++ {
			link([]string{"one", "two"}[i%2])
			time.Sleep(time.Millisecond)
		}
	}()
	taken := 0
	for time.Now().Before(end) {
		g, err := cfg.follower.next(t.Context(), cfg.current())
		if err != nil || g == nil {
			continue
		}
		taken++
		if ca := g.roots()[0].Subject.CommonName; ca != g.leaf().Subject.CommonName {
			t.Errorf("the authority is %s, the client %s", ca, g.leaf().Subject.CommonName)
			break
		}
	}
	<-done
	if taken == 0 {
		t.Error("nothing new was ever found")
	}
}
