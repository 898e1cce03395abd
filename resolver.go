package dockertls

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// A Resolver resolves the settings of many daemons in one process. Certificates
// and keys with the same content, be they in one file, in many, or in memory, are
// parsed and kept once, and files that have not changed are not read again.
// Connections and TLS sessions are never shared.
//
// The zero value is ready for use. It is safe for concurrent use. What no [Config]
// uses any more is not kept.
type Resolver struct {
	mu       sync.Mutex
	files    map[string]*keptFile // by path, as it was named
	contents map[[sha256.Size]byte]weak.Pointer[content]
	sweepAt  int // entries of contents
}

// Resolve is [Resolve], sharing what r knows already.
func (r *Resolver) Resolve(layers ...Options) (*Config, error) {
	for tries := 3; ; tries-- {
		run := &resolution{owner: r, layers: layers, now: time.Now(), settings: make([]Setting, 0, usualSettings)}
		cfg, err := run.resolve()
		switch {
		case tries > 1 && !run.files.areNow():
			// They changed meanwhile: the parts may be of different sets.
		case err != nil:
			return nil, err
		default:
			return cfg, nil
		}
	}
}

// usualSettings is how many settings there are at the most, usually: TLS with a
// client certificate has six, and a context, a proxy or a dialer are one more.
const usualSettings = 8

// A content is certificates or a key, and what was made of them. Nobody changes
// it; equal ones of one Resolver are the same.
type content struct {
	data  []byte
	roots atomic.Pointer[x509.CertPool]
	pair  atomic.Pointer[keptPair] // of these certificates

	certEnds atomic.Pointer[[]certEnd]
}

type keptPair struct {
	key  *content
	pair *tls.Certificate
}

// share returns the content with this data, which nobody may change any more.
func (r *Resolver) share(data []byte) *content {
	sum := sha256.Sum256(data)
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.contents[sum].Value(); known != nil {
		return known
	}
	if r.contents == nil {
		r.contents = map[[sha256.Size]byte]weak.Pointer[content]{}
	}
	r.sweep()
	fresh := &content{data: data}
	r.contents[sum] = weak.Make(fresh)
	return fresh
}

// sweep forgets what nobody uses any more, whenever there is twice as much as
// last time. The caller holds the mutex.
func (r *Resolver) sweep() {
	if len(r.contents) < r.sweepAt {
		return
	}
	for sum, known := range r.contents {
		if known.Value() == nil {
			delete(r.contents, sum)
		}
	}
	for path, known := range r.files {
		if known.content.Value() == nil {
			delete(r.files, path)
		}
	}
	r.sweepAt = max(16, 2*len(r.contents))
}

// A keptFile is what a file was when it was last read.
type keptFile struct {
	state   *fileState
	at      time.Time // before it was read
	content weak.Pointer[content]
}

// A fileState tells one state of a file from another.
type fileState struct {
	path    string
	info    fs.FileInfo
	changed time.Time // when its state last changed
}

// stateDoubt is how old a change must be for the next one to show in the file's
// times: the coarsest file systems count in steps of two seconds.
const stateDoubt = 2 * time.Second

func stateOf(path string, info fs.FileInfo) *fileState {
	return &fileState{path: path, info: info, changed: changeTime(info)}
}

// sure tells whether every later change shows.
func (k *keptFile) sure() bool { return k.at.Sub(k.state.changed) > stateDoubt }

// isNow tells whether the file is still in this state.
func (s *fileState) isNow() bool {
	info, err := os.Stat(s.path)
	return err == nil && s.shows(info)
}

func (s *fileState) shows(info fs.FileInfo) bool {
	return os.SameFile(info, s.info) && info.Size() == s.info.Size() &&
		info.ModTime().Equal(s.info.ModTime()) && changeTime(info).Equal(s.changed)
}

// fileStates are those of the files that one set was read from.
type fileStates []*fileState

func (states fileStates) areNow() bool {
	for _, s := range states {
		if !s.isNow() {
			return false
		}
	}
	return true
}

// read returns a file's content. A file that has not changed is not read again.
// The state is nil for what can be read only once: a pipe.
func (r *Resolver) read(path string) (*content, *fileState, fs.FileMode, error) {
	r.mu.Lock()
	known := r.files[path]
	r.mu.Unlock()
	if known != nil && known.sure() {
		if c := known.content.Value(); c != nil && known.state.isNow() {
			return c, known.state, known.state.info.Mode(), nil
		}
	}
	at := time.Now()
	data, state, err := readState(path)
	if err != nil {
		return nil, nil, 0, err
	}
	c := r.share(data)
	if known != nil && known.state.shows(state.info) {
		state = known.state // one for all
	}
	if !state.info.Mode().IsRegular() {
		return c, nil, state.info.Mode(), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(path, &keptFile{state, at, weak.Make(c)})
	return c, state, state.info.Mode(), nil
}

// maxKept bounds how many files are kept in mind: who names ever new ones, such
// as in temporary folders, does not say that the old ones are gone.
const maxKept = 1 << 15

// keep keeps a file in mind, in place of any other one if there are too many.
// The caller holds the mutex.
func (r *Resolver) keep(path string, file *keptFile) {
	if r.files == nil {
		r.files = map[string]*keptFile{}
	}
	for other := range r.files {
		if len(r.files) < maxKept {
			break
		}
		delete(r.files, other)
	}
	r.files[path] = file
}

// readState reads a file, and the state that it was in before.
func readState(path string) ([]byte, *fileState, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, &fs.PathError{Op: "read", Path: path, Err: errIsDirectory}
	}
	if info.Size() > maxFile { // not read in vain at every look
		return nil, nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	state := stateOf(path, info)
	data, err := readAll(f, info.Size())
	return data, state, err
}
