package dockertls

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
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

// While docker updates a context, its TLS data is gone for a moment.
func TestContextWhileUpdated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	where := newContextFolder(dir, "prod")
	folder := filepath.Join(where.tls, "docker")
	check(t, os.MkdirAll(filepath.Dir(where.meta), 0o700))
	check(t, os.WriteFile(where.meta, []byte(metaOf("tcp://box:1")), 0o600))
	check(t, os.MkdirAll(folder, 0o700))
	data := pemOf(newTestCA(t, "ca", nil).cert)
	start := time.Now()
	check(t, os.RemoveAll(folder))
	updated := make(chan error)
	go func() {
		time.Sleep(settleTime / 5)
		err := os.Mkdir(folder, 0o700)
		time.Sleep(settleTime / 5)
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, "ca.pem"), data, 0o600))
		if time.Since(start) > settleTime {
			err = errTooSlow
		}
		updated <- err
	}()
	cfg, err := Resolve(Options{Context: "prod", ConfigDir: dir})
	if updating := <-updated; updating == errTooSlow {
		t.Skip(updating)
	} else {
		check(t, updating)
	}
	check(t, err)
	if cfg.Mode() != Verified || cfg.current().pool == nil {
		t.Errorf("resolved as %v", cfg)
	}
}

var errTooSlow = errors.New("this machine is too busy: nobody updates a context so slowly")

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
