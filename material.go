package dockertls

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// maxFile bounds what is read of any file. The largest bundles of authorities
// have a few hundred KiB.
const maxFile = 16 << 20

// A role is one of the three parts of TLS material.
type role struct {
	setting          string // docker's flag
	file             string // the default name
	named, inMemory  field
	missing, invalid Kind
}

func roleCA() role {
	return role{"tlscacert", "ca.pem", fieldCAFile, fieldCA, CAMissing, CAInvalid}
}

func roleCert() role {
	return role{"tlscert", "cert.pem", fieldCertFile, fieldCert, ClientCertMissing, ClientCertInvalid}
}

func roleKey() role {
	return role{"tlskey", "key.pem", fieldKeyFile, fieldKey, ClientKeyMissing, ClientKeyInvalid}
}

// A part is one of the three, as it was found. The zero value is none.
type part struct {
	path   string // "" for what is in memory
	source string
	found  bool
	perm   fs.FileMode
	signer crypto.Signer // a key kept elsewhere

	kept     *content   // nil: none, or a signer
	state    *fileState // of a regular file
	supplied bool       // by Options.Material
}

// data is the PEM text.
func (p part) data() []byte {
	if p.kept == nil {
		return nil
	}
	return p.kept.data
}

// keep takes a copy of PEM text in memory.
func (p *part) keep(r *Resolver, data []byte) { p.kept = r.share(bytes.Clone(data)) }

// label names the part in messages: its path, or what it is.
func (p part) label(what string) string { return cmp.Or(p.path, what) }

// prefix puts the path, if there is one, before what is wrong with the part.
func (p part) prefix() string {
	if p.path == "" {
		return ""
	}
	return p.path + ": "
}

// A material is what TLS is made from. Without a CA part the system's roots
// verify.
type material struct {
	ca, cert, key part
}

func (m material) hasPair() bool { return m.cert.found && m.key.found }

// paths are the files in use, for Environ; "" where the part is none or in memory.
func (m material) paths() files {
	f := files{ca: m.ca.path, inMemory: m.ca.found && m.ca.path == ""}
	if m.hasPair() {
		f.cert, f.key = m.cert.path, m.key.path
		f.inMemory = f.inMemory || f.cert == "" || f.key == ""
		if m.key.signer != nil {
			f.signer = m.key.source
		}
	}
	return f
}

// readMaterial reads the files of the default context, in docker's order
// (rules 16, 17 and 22).
func (r *resolution) readMaterial(dir folder, w wish) (material, *Error) {
	var m material
	err := r.checkMemoryPair()
	if err == nil {
		m.ca, err = r.readPart(roleCA(), dir, w)
	}
	if err == nil {
		m.cert, err = r.readPart(roleCert(), dir, w)
	}
	if err == nil {
		m.key, err = r.readPart(roleKey(), dir, w)
	}
	if err == nil && m.key.signer != nil && !m.cert.found {
		err = fail(ClientCertMissing, m.key.source, "a signer is given, but no client certificate")
	}
	return m, err
}

// checkMemoryPair keeps half a pair in memory from being completed by a default
// file that happens to lie there.
func (r *resolution) checkMemoryPair() *Error {
	cert, key := r.first(fieldCert, fieldCertFile), r.first(fieldKey, fieldKeyFile, fieldSigner)
	switch {
	case cert.field == fieldCert && !key.set():
		return fail(ClientKeyMissing, cert.source, "a client certificate is given, but no key").hint("set Key, KeyFile or Signer")
	case key.field == fieldKey && !cert.set():
		return fail(ClientCertMissing, key.source, "a private key is given, but no client certificate").hint("set Cert or CertFile")
	}
	return nil
}

func (r *resolution) readPart(ro role, dir folder, w wish) (part, *Error) {
	fields := []field{ro.inMemory, ro.named}
	if ro.inMemory == fieldKey {
		fields = append(fields, fieldSigner)
	}
	c := r.first(fields...)
	if !c.set() {
		return r.readDefault(ro, dir, w)
	}
	p := part{source: c.source, found: true, supplied: c.layer == r.supplying && c.source == r.supplySource}
	shown := c.value
	var err *Error
	switch {
	case c.field == fieldSigner:
		p.signer = c.layer.Signer
	case c.field == ro.inMemory:
		p.keep(r.owner, c.layer.pem(ro.inMemory))
	case c.value == wordSystem && ro.inMemory == fieldCA, c.value == wordNone && ro.inMemory != fieldCA:
		p = part{source: c.source}
	default:
		p, err = r.readFile(ro, c.value, c.source)
		if err != nil && err.Kind == ro.missing {
			err.Hint = cmp.Or(hintPath(c.value), hintBeside(ro, filepath.Dir(c.value)))
		}
		shown = p.path
	}
	r.record(ro.setting, shown, c.source, c.overrode)
	return p, err
}

// pem is one of the fields in memory.
func (o *Options) pem(f field) []byte {
	switch f {
	case fieldCA:
		return o.CA
	case fieldCert:
		return o.Cert
	}
	return o.Key
}

// readDefault looks for a default file. A missing ca.pem is an error, a missing
// cert.pem or key.pem means none. Without a folder there is nothing to look at.
func (r *resolution) readDefault(ro role, dir folder, w wish) (part, *Error) {
	if dir.path == "" {
		if ro.inMemory == fieldCA {
			r.record(ro.setting, wordSystem, "default", nil)
			return part{}, r.checkHome()
		}
		return part{}, nil
	}
	p, err := r.readFile(ro, filepath.Join(dir.path, ro.file), dir.source)
	switch {
	case err == nil:
		r.record(ro.setting, p.path, dir.source, nil)
	case err.Kind != ro.missing:
	case ro.inMemory == fieldCA:
		err.Hint = cmp.Or(hintPath(dir.path), hintBeside(ro, dir.path), r.hintMissingCA(dir, w))
	default:
		return part{path: p.path, source: p.source}, nil // it may come to be there
	}
	return p, err
}

// checkHome refuses to go on when the environment counts, but says nothing of a
// home folder: docker would look for ca.pem there.
func (r *resolution) checkHome() *Error {
	if r.env == nil {
		return nil
	}
	return fail(CAMissing, "HOME", "there is no home folder to look for ca.pem in").
		hint("set HOME, DOCKER_CERT_PATH or --tlscacert")
}

func (r *resolution) hintMissingCA(dir folder, w wish) string {
	hint := "TLS is on because of " + w.source
	if r.env != nil && r.env.falsy[w.source] != "" {
		hint += ", where any text means yes, even " + quote(r.env.falsy[w.source]) + ": unset it to switch TLS off"
	}
	hint += ". Put the authority of the daemon's certificate there"
	if dir.source == defaultFolder {
		hint += " (DOCKER_CERT_PATH is not set, and the home folder is " + r.env.home + " by " + r.env.homeSource + ")"
	}
	return hint + ", or name it with --tlscacert; --tlscacert= selects the system's roots"
}

// readPart reads a named file. Errors: the role's missing kind, and
// [FileUnreadable].
func (r *Resolver) readPart(ro role, path, source string) (part, *Error) {
	p := part{path: path, source: source, found: true}
	var mode fs.FileMode
	var err error
	p.kept, p.state, mode, err = r.read(path)
	switch {
	case isMissing(err):
		return p, fail(ro.missing, source, "%s: no such file", path).cause(err)
	case err != nil:
		return p, fail(FileUnreadable, source, "%s: %s", path, reason(err)).cause(err)
	}
	p.perm = mode.Perm()
	if p.state != nil {
		p.path = p.state.path // one string for all
	}
	return p, nil
}

// readFile is readPart for this resolution.
func (r *resolution) readFile(ro role, path, source string) (part, *Error) {
	p, err := r.owner.readPart(ro, path, source)
	if p.state != nil {
		r.files = append(r.files, p.state)
	}
	return p, err
}

// pipeTimeout is how long a named pipe may take to deliver.
const pipeTimeout = 10 * time.Second

// openFile opens a file that may turn out to be a named pipe, as the shell's
// <(command) makes them: one without a writer must not hang the program.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		_ = f.SetReadDeadline(time.Now().Add(pipeTimeout)) // regular files have none, and need none
	}
	return f, err
}

var (
	errIsDirectory = errors.New("is a directory")
	errTooLarge    = fmt.Errorf("larger than %d MiB", maxFile>>20)
)

// readAll reads at most maxFile bytes. The size is a hint: a pipe has none.
func readAll(f io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, min(size, maxFile)+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, err
		case len(data) > maxFile:
			return nil, errTooLarge
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

// reason is the last part of an error about a file: the path is said already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// readableByOthers tells whether a key file is open to others than its owner.
// Windows has no such bits.
func (p part) readableByOthers() bool {
	return p.path != "" && runtime.GOOS != "windows" && p.perm&0o077 != 0
}
