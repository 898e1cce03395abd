package dockertls

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

// A context that is not there, or cannot be read, is explained by what is there.
func TestContextErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ask := func(name string) error { return resolveError(Options{Context: name, ConfigDir: dir}) }
	wantExplained(t, ask("prod"), ContextNotFound, "no context is stored there")

	put := func(name, meta string) {
		path := newContextFolder(dir, name).meta
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(meta), 0o600))
	}
	put("prod", metaOf("tcp://box:1"))
	put("broken", "{")
	put("nameless", "{}")
	wantExplained(t, ask("staging"), ContextNotFound, `there are "prod"`)
	wantExplained(t, ask("Prod"), ContextNotFound, `did you mean "prod"?`)
	wantExplained(t, ask("broken"), ContextInvalid)

	check(t, os.MkdirAll(newContextFolder(dir, "folder").meta, 0o700))
	wantExplained(t, ask("folder"), FileUnreadable, "meta.json: ")

	put("nohost", metaOf("tcp://:1")) // localhost, in the clear; with TLS a name must be verified
	check(t, os.MkdirAll(filepath.Join(newContextFolder(dir, "nohost").tls, "docker"), 0o700))
	wantExplained(t, ask("nohost"), HostInvalid, "no host name", "context")
}

// The characters of a pattern are nothing else in a folder's name.
func TestContextInFolderWithBrackets(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[b]")
	path := newContextFolder(dir, "prod").meta
	check(t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(t, os.WriteFile(path, []byte(metaOf("tcp://box:1")), 0o600))
	wantExplained(t, resolveError(Options{Context: "Prod", ConfigDir: dir}), ContextNotFound, `did you mean "prod"?`)
}

// While docker updates a context, its TLS data is gone for a moment.
func TestContextWhileUpdated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	where := newContextFolder(dir, "prod")
	check(t, os.MkdirAll(filepath.Dir(where.meta), 0o700))
	check(t, os.WriteFile(where.meta, []byte(metaOf("tcp://box:1")), 0o600))
	ca := newTestCA(t, "ca", nil)
	cert, key := ca.pair("alice", newTestKey(t), nil)
	files := map[string][]byte{"ca.pem": pemOf(ca.cert), "cert.pem": cert, "key.pem": key}
	for _, from := range []string{"", "key.pem.tmp"} { // nothing is there, or three files of which one is not yet itself
		resolveWhileUpdated(t, where, files, from, dir)
	}
}

func resolveWhileUpdated(t *testing.T, where contextFolder, files map[string][]byte, from, dir string) {
	t.Helper()
	for range 20 {
		updated := make(chan bool)
		begun := make(chan struct{})
		go func() { updated <- updateContext(t, filepath.Join(where.tls, "docker"), files, from, begun) }()
		<-begun
		cfg, err := Resolve(Options{Context: "prod", ConfigDir: dir})
		if !<-updated {
			continue
		}
		check(t, err)
		if cfg.Mode() != Mutual || cfg.current().pool == nil {
			t.Errorf("resolved as %v", cfg)
		}
		return
	}
	programtest.Missing(t, errors.New("this machine is too busy to update a context quickly: run this when it has less to do"))
}

// updateContext replaces the TLS data of a context, as docker does, and tells
// whether no step of that took longer than docker's would. It says when it is so far.
func updateContext(t *testing.T, folder string, files map[string][]byte, from string, begun chan struct{}) bool {
	quick, last := true, time.Now()
	step := func(err error) {
		if err != nil {
			t.Error(err)
		}
		quick = quick && time.Since(last) < settleTime/2
		last = time.Now()
		time.Sleep(settleTime / 5)
	}
	reach := func(name string) {
		if name == from {
			close(begun)
			time.Sleep(settleTime / 5)
		}
	}
	step(os.RemoveAll(folder))
	reach("")
	step(os.MkdirAll(folder, 0o700))
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		whole := filepath.Join(folder, name)
		step(os.WriteFile(whole+".tmp", files[name], 0o600))
		reach(name + ".tmp")
		step(os.Rename(whole+".tmp", whole))
	}
	return quick
}

// One that never comes to rest is an error, and no reason to go on in the clear.
func TestContextThatNeverSettles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	where := newContextFolder(dir, "prod")
	check(t, os.MkdirAll(filepath.Dir(where.meta), 0o700))
	check(t, os.WriteFile(where.meta, []byte(metaOf("tcp://box:1")), 0o600))
	check(t, os.MkdirAll(where.tls, 0o700))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(settleTime / 10):
				now := time.Now()
				_ = os.Chtimes(where.tls, now, now)
			}
		}
	}()
	err := resolveError(Options{Context: "prod", ConfigDir: dir})
	close(stop)
	<-stopped
	wantExplained(t, err, ContextInvalid, "it is being changed all the time")
}
