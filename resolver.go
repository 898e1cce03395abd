package dockertls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A Resolver resolves the settings of many daemons in one process. It keeps the
// files that it has read, and what was parsed from them: Configs with the same
// files share one copy, and resolving again with unchanged files reads nothing.
// Connections and TLS sessions are never shared.
//
// The zero value is ready for use. It is safe for concurrent use. What it keeps
// lives as long as the Resolver and its Configs, but for files that are gone.
type Resolver struct {
	mu    sync.Mutex
	files map[string]*keptFile // by path, as it was named
}

// Resolve is [Resolve], sharing what r has read already.
func (r *Resolver) Resolve(layers ...Options) (*Config, error) {
	cfg, err := (&resolution{owner: r, layers: layers, now: time.Now(), settings: make([]Setting, 0, usualSettings)}).resolve()
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

// usualSettings is how many settings TLS with a client certificate has.
const usualSettings = 6

// A keptFile is a file's content, and what was made of it.
type keptFile struct {
	data  []byte
	state atomic.Pointer[fileState]
	roots atomic.Pointer[x509.CertPool] // nobody changes it
	pair  atomic.Pointer[keptPair]      // of the certificates in this file
}

type keptPair struct {
	key  *keptFile
	pair *tls.Certificate
}

// A fileState tells one state of a file from another.
type fileState struct {
	info fs.FileInfo
	at   time.Time // before the file was read
}

// stampDoubt is how old a change must be for the next one to show in the file's
// time: the coarsest file systems count in steps of two seconds.
const stampDoubt = 2 * time.Second

// sure tells whether every later change shows in the stamp.
func (s *fileState) sure() bool { return s.at.Sub(s.info.ModTime()) > stampDoubt }

// matches tells whether the file at a path has this stamp.
func (s *fileState) matches(path string) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, s.info) && info.Size() == s.info.Size() && info.ModTime().Equal(s.info.ModTime())
}

// read returns a file's content. An unchanged file is not read again, and the
// same content is the same *keptFile.
func (r *Resolver) read(path string) (*keptFile, error) {
	r.mu.Lock()
	known := r.files[path]
	r.mu.Unlock()
	if known != nil {
		if s := known.state.Load(); s.sure() && s.matches(path) {
			return known, nil
		}
	}
	read, err := readKept(path)
	if err != nil {
		r.forget(path)
		return nil, err
	}
	if !read.state.Load().info.Mode().IsRegular() {
		return read, nil // a pipe, which can be read only once
	}
	return r.keep(path, read), nil
}

func (r *Resolver) forget(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.files, path)
}

func (r *Resolver) keep(path string, read *keptFile) *keptFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.files[path]; known != nil && bytes.Equal(known.data, read.data) {
		known.state.Store(read.state.Load())
		return known
	}
	if r.files == nil {
		r.files = map[string]*keptFile{}
	}
	r.files[path] = read
	return read
}

func readKept(path string) (*keptFile, error) {
	s := &fileState{at: time.Now()}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if s.info, err = f.Stat(); err != nil {
		return nil, err
	}
	if s.info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errIsDirectory}
	}
	k := new(keptFile)
	k.state.Store(s)
	k.data, err = readAll(f, s.info.Size())
	return k, err
}
