package dockertls_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls/dockertlstest"
)

// A soakFolder is a certificate folder that gets new content all the time, in
// one of the ways in which that is done.
type soakFolder struct {
	dir     string
	way     func(f *soakFolder, files map[string][]byte) error
	issuers []*dockertlstest.CA // of clients
	bundle  *atomic.Pointer[[]byte]
	name    string // of the last client certificate
	turns   int
}

func soakWays() map[string]func(*soakFolder, map[string][]byte) error {
	return map[string]func(*soakFolder, map[string][]byte) error{
		"renamed": (*soakFolder).renamed, "link swapped": (*soakFolder).linked, "in place": (*soakFolder).inPlace,
		"one after the other": (*soakFolder).inTurn, "in halves": (*soakFolder).inHalves, "gone for a moment": (*soakFolder).gone,
	}
}

// turn puts the next set into the folder.
func (f *soakFolder) turn() error {
	f.turns++
	f.name = fmt.Sprintf("client-%s-%d", filepath.Base(f.dir), f.turns)
	client := f.issuers[f.turns%len(f.issuers)].ClientPair(f.name)
	return f.way(f, map[string][]byte{"ca.pem": *f.bundle.Load(), "cert.pem": client.CertPEM, "key.pem": client.KeyPEM})
}

func (f *soakFolder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *soakFolder) rename(name string, data []byte) error {
	if err := os.WriteFile(f.path(".new"), data, 0o600); err != nil {
		return err
	}
	return os.Rename(f.path(".new"), f.path(name))
}

func (f *soakFolder) renamed(files map[string][]byte) error {
	for name, data := range files {
		if err := f.rename(name, data); err != nil {
			return err
		}
	}
	return nil
}

func (f *soakFolder) inPlace(files map[string][]byte) error {
	for name, data := range files {
		if err := os.WriteFile(f.path(name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// linked swaps ..data, as Kubernetes does.
func (f *soakFolder) linked(files map[string][]byte) error {
	data := fmt.Sprintf("..%d", f.turns)
	if err := os.MkdirAll(f.path(data), 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(f.path(data), name), content, 0o600); err != nil {
			return err
		}
		_ = os.Symlink(filepath.Join("..data", name), f.path(name)) // from the second time on it is there
	}
	if err := os.Symlink(data, f.path("..new")); err != nil {
		return err
	}
	if err := os.Rename(f.path("..new"), f.path("..data")); err != nil {
		return err
	}
	return os.RemoveAll(f.path(fmt.Sprintf("..%d", f.turns-1)))
}

func (f *soakFolder) inTurn(files map[string][]byte) error {
	for name, data := range files { // in any order
		if err := f.rename(name, data); err != nil {
			return err
		}
		time.Sleep(60 * time.Millisecond)
	}
	return nil
}

// inHalves leaves files half written for longer than the library waits. Of a
// bundle the first authority is whole then.
func (f *soakFolder) inHalves(files map[string][]byte) error {
	for name, data := range files {
		if err := os.WriteFile(f.path(name), data[:len(data)*3/4], 0o600); err != nil {
			return err
		}
		time.Sleep(70 * time.Millisecond)
		if err := os.WriteFile(f.path(name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (f *soakFolder) gone(files map[string][]byte) error {
	for name := range files {
		if err := os.Remove(f.path(name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	time.Sleep(60 * time.Millisecond)
	return f.renamed(files)
}

// rotate turns a folder over every 100 ms until stop is closed.
func (f *soakFolder) rotate(t *testing.T, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		if err := f.turn(); err != nil {
			t.Error(err)
			return
		}
	}
}

// soakFolders makes a folder for each way, with a first content.
func soakFolders(t *testing.T, bundle *atomic.Pointer[[]byte], issuers ...*dockertlstest.CA) []*soakFolder {
	var folders []*soakFolder
	for _, way := range soakWays() {
		f := &soakFolder{dir: filepath.Join(t.TempDir(), fmt.Sprint(len(folders))), way: way, issuers: issuers, bundle: bundle}
		check(t, os.MkdirAll(f.dir, 0o700))
		check(t, f.turn())
		folders = append(folders, f)
	}
	return folders
}

func pemBundle(cas ...*dockertlstest.CA) *[]byte {
	var all bytes.Buffer
	for _, ca := range cas {
		all.Write(ca.PEM())
	}
	return new(all.Bytes())
}
