//go:build unix

package dockertls_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A follow is a Config whose files change under it, and the daemon it uses.
type follow struct {
	sighting
	ca     *dockertlstest.CA
	dir    string // of ca.pem, cert.pem and key.pem
	path   string // of the file in question
	kept   *http.Client
	events *eventLog
	turn   int
}

// startFollow resolves with whole files.
func startFollow(t *testing.T, place oddPlace, d *dockertlstest.Daemon, ca *dockertlstest.CA) *follow {
	t.Helper()
	f := &follow{sighting: sighting{daemon: d}, ca: ca, events: new(eventLog)}
	home, resolve := place.layHome(t, d.Host(), ca, ca.ClientPair("0"), func(o *dockertls.Options) {
		o.OnEvent, o.ExpiryWarnings = f.events.add, []time.Duration{}
	})
	f.path = place.file(home)
	f.dir = filepath.Dir(f.path)
	var err error
	f.cfg, err = resolve()
	check(t, err)
	f.kept = f.cfg.HTTPClient()
	f.wantName(t)
	return f
}

// wantName checks that the daemon sees the pair of this turn on a kept
// connection, a new one and a stream.
func (f *follow) wantName(t *testing.T) {
	t.Helper()
	want := fmt.Sprint(f.turn)
	if kept, fresh := f.nameOver(t, f.kept), f.name(t); kept != want || fresh != want {
		t.Errorf("%s: the daemon sees %q and %q, want %q", f.path, kept, fresh, want)
	}
	conn, err := f.cfg.Dial(t.Context())
	check(t, err)
	check(t, exchange(conn, "hello"))
	check(t, conn.Close())
}

// spoil has something odd in the place of the file for a while: what was in use
// stays, and it is told once. Then comes another pair.
func (f *follow) spoil(t *testing.T, what string, put, mend func()) {
	t.Helper()
	before, start := len(f.events.all()), time.Now()
	put()
	for range 3 {
		time.Sleep(2 * time.Millisecond)
		f.wantName(t)
	}
	if took := time.Since(start); took > longestUse {
		t.Errorf("%s: it took %v", what, took)
	}
	told := f.events.all()[before:]
	if len(told) != 1 || !errors.Is(told[0].Err, dockertls.FileUnreadable) || !strings.Contains(told[0].Err.Error(), f.path) || told[0].Err.Source == "" {
		t.Errorf("%s: %s: told %v", what, f.path, told)
	}
	if err := f.cfg.Reload(t.Context()); !errors.Is(err, dockertls.FileUnreadable) {
		t.Errorf("%s: Reload returned %v", what, err)
	}
	mend()
	f.turn++
	check(t, dockertlstest.WriteCerts(f.dir, f.ca, f.ca.ClientPair(fmt.Sprint(f.turn))))
	check(t, f.cfg.Reload(t.Context()))
	f.wantName(t)
}

func rotatingPlaces() []oddPlace {
	var places []oddPlace
	for _, p := range oddPlaces() {
		if strings.HasSuffix(p.name, ".pem") {
			places = append(places, p)
		}
	}
	return places
}

// Whatever comes into the place of a file in use, a running transport works on
// with what it has.
func TestOddFilesUnderATransport(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	odd := oddFiles()
	delete(odd, "16 MiB of nothing like it") // it is a file, of the wrong content
	odd["a pipe that drips"], odd["a terminal"] = drip, terminal
	for _, place := range rotatingPlaces() {
		f := startFollow(t, place, d, ca)
		var names []string
		for name := range odd {
			names = append(names, name)
		}
		repeatTimes(t, place.name+" becomes odd", len(names), mostHeap, func(i int) {
			t.Run(names[i], func(t *testing.T) { // what it puts there is gone in the end
				f.spoil(t, names[i], func() { check(t, os.Remove(f.path)); odd[names[i]](t, f.path) }, func() { check(t, os.RemoveAll(f.path)) })
			})
		})
		f.kept.CloseIdleConnections()
	}
}

// asNobody does something without root's rights. The test must be alone.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	const nobody = 65534
	if os.Geteuid() == 0 {
		check(t, syscall.Seteuid(nobody))
		defer syscall.Seteuid(0)
	}
	do()
}

// Files that this user may not read are named, in Resolve and afterwards.
func TestUnreadableFiles(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	d, _ := startDaemon(t, dockertlstest.MutualTLS, ca)
	for _, place := range oddPlaces() {
		home, resolve := place.layHome(t, d.Host(), ca, ca.ClientPair("client"))
		openToAll(t, home)
		asNobody(t, func() { _, err := resolve(); check(t, err) })
		path := place.file(home)
		check(t, os.Chmod(path, 0))
		repeat(t, place.name+" is unreadable", func(int) {
			asNobody(t, func() {
				_, err := resolve()
				e, ok := errors.AsType[*dockertls.Error](err)
				if !ok || !strings.Contains(e.Error(), path+": permission denied") || e.Source == "" {
					t.Errorf("%s: got %v", place.name, err)
				}
			})
		})
		check(t, os.Chmod(path, 0o755))
	}
	for _, place := range rotatingPlaces() {
		f := startFollow(t, place, d, ca)
		openToAll(t, filepath.Dir(filepath.Dir(f.dir)))
		repeatTimes(t, place.name+" becomes unreadable", 3, mostHeap, func(int) {
			f.spoil(t, "unreadable", func() { check(t, os.Chmod(f.path, 0)); check(t, syscall.Seteuid(65534)) }, func() { check(t, syscall.Seteuid(0)) })
		})
		f.kept.CloseIdleConnections()
	}
}

// openToAll lets everybody read.
func openToAll(t *testing.T, dir string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chmod(path, 0o755))
	}))
	for ; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		check(t, os.Chmod(dir, 0o755))
	}
}

// A file that grows, shrinks and vanishes while it is read: a whole set, or an
// error that names it.
func TestResolveAFileThatChanges(t *testing.T) {
	t.Parallel()
	dir, ca, _ := writeCerts(t)
	path := filepath.Join(dir, "ca.pem")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			os.WriteFile(path, ca.PEM(), 0o600)
			if f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0); err == nil {
				for range i % 50 {
					f.Write(ca.PEM())
				}
				f.Truncate(int64(i % 900))
				f.Close()
			}
			if i%7 == 0 {
				os.Remove(path)
			}
		}
	}()
	outcomes := map[dockertls.Kind]int{}
	for range 300 {
		start := time.Now()
		cfg, err := dockertls.Resolve(nowhere(dir))
		e, _ := errors.AsType[*dockertls.Error](err)
		switch {
		case time.Since(start) > longestUse:
			t.Errorf("it took %v", time.Since(start))
		case err == nil && cfg.Mode() == dockertls.Mutual:
			outcomes["success"]++
		case e == nil || !strings.Contains(e.Error(), path):
			t.Errorf("got %v", err)
		default:
			outcomes[e.Kind]++
		}
	}
	close(stop)
	<-stopped
	t.Log(outcomes)
}
