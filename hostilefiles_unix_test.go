//go:build unix

package dockertls_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// An oddFile puts something odd at a path where nothing is.
type oddFile func(t *testing.T, path string)

func oddFiles() map[string]oddFile {
	linkTo := func(target string) oddFile {
		return func(t *testing.T, path string) { check(t, os.Symlink(target, path)) }
	}
	return map[string]oddFile{
		"a pipe without a writer": func(t *testing.T, path string) { check(t, syscall.Mkfifo(path, 0o600)) },
		"/dev/zero":               linkTo("/dev/zero"),
		"/dev/full":               linkTo("/dev/full"),
		"a terabyte":              func(t *testing.T, path string) { writeFile(t, path, nil); check(t, os.Truncate(path, 1<<40)) },
		"a link to itself":        func(t *testing.T, path string) { check(t, os.Symlink(path, path)) },
		"a chain of 100 links":    linkChain,
		"a folder":                func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) },
		"a socket": func(t *testing.T, path string) {
			short := filepath.Join(shortDir(t), "s")
			listener, err := net.Listen("unix", short)
			check(t, err)
			t.Cleanup(func() { listener.Close() })
			check(t, os.Symlink(short, path))
		},
		"16 MiB of nothing like it": func(t *testing.T, path string) { writeFile(t, path, make([]byte, 16<<20)) },
	}
}

func linkChain(t *testing.T, path string) {
	dir := t.TempDir()
	link := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	writeFile(t, link(0), nil)
	for i := range 100 {
		check(t, os.Symlink(link(i), link(i+1)))
	}
	check(t, os.Symlink(link(100), path))
}

// An oddPlace is a file that Resolve reads, of a whole set of settings.
type oddPlace struct {
	name    string
	file    func(home string) string
	context bool // it is that of a stored context, which is in use
	source  string
}

func oddPlaces() []oddPlace {
	config := func(home string) string { return filepath.Join(home, ".docker") }
	inFolder := func(name string) func(string) string {
		return func(home string) string { return filepath.Join(config(home), name) }
	}
	inContext := func(pattern string) func(string) string {
		return func(home string) string {
			found, _ := filepath.Glob(filepath.Join(config(home), "contexts", pattern))
			return found[0]
		}
	}
	return []oddPlace{
		{"ca.pem", inFolder("ca.pem"), false, "~/.docker"},
		{"cert.pem", inFolder("cert.pem"), false, "~/.docker"},
		{"key.pem", inFolder("key.pem"), false, "~/.docker"},
		{"config.json", inFolder("config.json"), true, "~/.docker"},
		{"meta.json", inContext("meta/*/meta.json"), true, "currentContext in "},
		{"a context's ca.pem", inContext("tls/*/docker/ca.pem"), true, `context "odd"`},
		{"a context's cert.pem", inContext("tls/*/docker/cert.pem"), true, `context "odd"`},
		{"a context's key.pem", inContext("tls/*/docker/key.pem"), true, `context "odd"`},
		{"a context's folder", inContext("tls/*/docker"), true, `context "odd"`},
	}
}

// maxFileMiB is the largest file that is read.
const maxFileMiB = 16

// slow tells whether as much as possible is read, and whether another place
// stands for this one.
func (p oddPlace) slow(odd string) bool {
	switch odd {
	case "/dev/zero":
		return p.name != "ca.pem"
	case "/dev/full":
		return p.name != "meta.json"
	case "16 MiB of nothing like it":
		return p.name != "config.json"
	}
	return false
}

// layHome makes a home folder for a daemon at host, and returns how to resolve it.
func (p oddPlace) layHome(t *testing.T, host string, ca *dockertlstest.CA, client *dockertlstest.Pair, edit ...func(*dockertls.Options)) (home string, resolve func() (*dockertls.Config, error)) {
	t.Helper()
	home = t.TempDir()
	dir := filepath.Join(home, ".docker")
	check(t, os.MkdirAll(dir, 0o700))
	opts := dockertls.Options{CertPath: dir, ConfigDir: dir, ReloadInterval: time.Millisecond}
	if p.context {
		check(t, dockertlstest.WriteContext(dir, dockertlstest.Context{Name: "odd", Host: host, CA: ca, Client: client, Current: true}))
	} else {
		check(t, dockertlstest.WriteCerts(dir, ca, client))
		opts.Host, opts.TLSVerify = host, new(true)
	}
	for _, e := range edit {
		e(&opts)
	}
	return home, func() (*dockertls.Config, error) { return dockertls.Resolve(opts) }
}

// Whatever lies in the place of a file: an error that names it, soon, with
// little memory, and nothing stays open.
func TestResolveOddFiles(t *testing.T) {
	if !alone(t) {
		return
	}
	ca := dockertlstest.NewCA()
	client := ca.ClientPair("client")
	for _, place := range oddPlaces() {
		for name, put := range oddFiles() {
			if place.name == "a context's folder" && name == "a folder" {
				continue // an empty one means nothing
			}
			if *repeats < 20 && place.slow(name) {
				continue
			}
			home, resolve := place.layHome(t, "tcp://127.0.0.1:2376", ca, client)
			_, err := resolve()
			check(t, err)
			path := place.file(home)
			check(t, os.RemoveAll(path))
			put(t, path)
			what := place.name + " is " + name
			times := *repeats
			if strings.HasPrefix(name, "/dev") || strings.HasPrefix(name, "16") {
				times = min(times, 20) / 4 // as much as possible is read
			}
			repeatTimes(t, what, times, 8*maxFileMiB, func(int) {
				start := time.Now()
				_, err := resolve()
				wantFailure(t, what, start, err)
				e, ok := errors.AsType[*dockertls.Error](err)
				if !ok || !strings.Contains(e.Error(), path) || e.Source == "" {
					t.Errorf("%s: got %v (source %q), want the path %s", what, err, e.Source, path)
				}
			})
			check(t, os.RemoveAll(home))
		}
	}
}

// Paths that no system takes are errors like others, and can be shown.
func TestResolveOddPaths(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"with a NUL": "/tmp/x\x00y", "a name too long": "/tmp/" + strings.Repeat("x", 300), "a path too long": strings.Repeat("/tmp", 1200)} {
		for what, opts := range map[string]dockertls.Options{
			"Options.CertPath":  {CertPath: path},
			"Options.CAFile":    {CAFile: path},
			"Options.CertFile":  {CAFile: "system", CertFile: path, KeyFile: "none"},
			"Options.ConfigDir": {ConfigDir: path},
			"context":           {ConfigDir: path, Context: "odd"},
		} {
			if opts.ConfigDir == "" {
				opts.Host, opts.TLSVerify = "tcp://127.0.0.1:2376", new(true)
			}
			_, err := dockertls.Resolve(opts)
			wantKind(t, err, dockertls.FileUnreadable)
			dockertls.CheckMessage(t, err)
			if e, ok := errors.AsType[*dockertls.Error](err); ok && !strings.Contains(e.Source, what) && what != "context" {
				t.Errorf("%s, %s: the source is %q", name, what, e.Source)
			}
		}
	}
}

// A pipe whose writer takes its time, and a terminal at which nobody types, are
// waited for as long as it was said, not longer.
func TestResolveSlowFiles(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	client := ca.ClientPair("client")
	var all sync.WaitGroup // not subtests, of which only a few wait at a time
	for _, place := range oddPlaces()[:5] {
		for _, put := range []oddFile{drip, terminal} {
			home, resolve := place.layHome(t, "tcp://127.0.0.1:2376", ca, client)
			path := place.file(home)
			check(t, os.Remove(path))
			put(t, path)
			all.Go(func() {
				start := time.Now()
				_, err := resolve()
				wantKind(t, err, dockertls.FileUnreadable, path, "timeout")
				if took := time.Since(start); took < 9*time.Second || took > 15*time.Second {
					t.Errorf("%s: it took %v", place.name, took)
				}
			})
		}
	}
	all.Wait()
}

// drip is a pipe into which somebody writes a byte a second.
func drip(t *testing.T, path string) {
	check(t, syscall.Mkfifo(path, 0o600))
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			io.WriteString(pipe, " ")
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped; pipe.Close() })
}

// terminal leads to one of its own.
func terminal(t *testing.T, path string) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		programtest.Missing(t, err)
	}
	t.Cleanup(func() { master.Close() })
	slave, err := terminalOf(master)
	if err != nil {
		programtest.Missing(t, err)
	}
	check(t, os.Symlink(slave, path))
}

// Whoever may change ca.pem afterwards decides which daemon the child trusts.
func TestEnvironInKeepsNothingOfOthers(t *testing.T) {
	t.Parallel()
	_, ca, pair := writeCerts(t)
	cfg := resolved(t, dockertls.Options{Host: "box", TLSVerify: new(true), CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM})
	for name, spoil := range map[string]func(path string) error{
		"writable by all":  func(path string) error { return os.Chmod(path, 0o666) },
		"of somebody else": func(path string) error { return os.Chown(path, 65534, 65534) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, err := cfg.EnvironIn(dir)
			check(t, err)
			path := filepath.Join(dir, "ca.pem")
			if err := spoil(path); err != nil {
				programtest.Missing(t, fmt.Errorf("%w: run this test as root", err))
			}
			before, err := os.Stat(path)
			check(t, err)
			_, err = cfg.EnvironIn(dir)
			check(t, err)
			after, err := os.Stat(path)
			check(t, err)
			if os.SameFile(before, after) || after.Mode().Perm() != 0o644 {
				t.Errorf("it was kept: %v", after.Mode())
			}
		})
	}
}
