package dockertls

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// EnvironIn is [Config.Environ] for material that lies nowhere as docker wants
// it: in memory, under other names, in several folders. It writes the material in
// use to ca.pem, cert.pem and key.pem in dir, and returns the variables that point
// there. Without TLS it writes nothing.
//
// This is a copy of a private key, made because the caller named the place, and
// left there: removing it is the caller's business too. So is that nobody else can
// write to the folder, and so replace what lies there. The folder is made if it is
// missing, for its owner only (0700), and key.pem is 0600; on Windows both are as
// open as the folder above. Each file appears in one step. What is there already
// and means the same is kept, so that calling it again is harmless, unless it is
// another user's, or more open than it should be: that is written anew. Files of
// these names with anything else in them are an error, and nothing is written then.
//
// What Environ refuses for other reasons is refused here as well, and so is a key
// in a Signer: it cannot be copied. Besides [EnvironUnsupported] errors are of kind
// [FolderUnusable].
func (c *Config) EnvironIn(dir string) ([]string, error) {
	vars, err := c.environVars()
	if err != nil || !c.secured() {
		return vars.list(), err
	}
	g := c.current() // one and the same for all three files, whatever is reloaded meanwhile
	if err := c.checkCopyable(g); err != nil {
		return nil, err
	}
	if dir == "" { // filepath.Abs would take the working folder
		return nil, c.unusable("no folder is named to write ca.pem, cert.pem and key.pem to", nil)
	}
	if vars.certPath, err = filepath.Abs(dir); err != nil {
		return nil, c.unusable(oneLine(dir)+": "+reason(err), err)
	}
	if err := c.writeFolder(g, vars.certPath); err != nil {
		return nil, err
	}
	return vars.list(), nil
}

// checkCopyable refuses what three files cannot hold.
func (c *Config) checkCopyable(g *generation) error {
	signer := g.material.paths().signer
	switch {
	case g.ca() == nil:
		return c.notInEnviron(saidSystemRoots)
	case signer != "":
		return c.notInEnviron("the private key is kept in a Signer (%s), and cannot be written to a file", signer)
	}
	return nil
}

func (c *Config) unusable(detail string, cause error) *Error {
	e := fail(FolderUnusable, "", "%s", detail).cause(cause)
	e.Host = c.Host()
	return e
}

// A copied file is one of the three: what it is to hold, and how to tell that a
// file means the same. Without data the file must not exist.
type copied struct {
	name string
	data []byte
	perm fs.FileMode
	same func(data []byte) bool
	open bool // it is there, and others may read or change it who must not
}

// copies are the three files. They hold what is in use and nothing else: a bundle
// may have a key in it, which has no place in ca.pem.
func (g *generation) copies() ([]copied, error) {
	roots := rootsIn(g.ca())
	files := []copied{
		{name: roleCA().file, data: encodeCertificates(roots), perm: 0o644, same: sameCertificates(rootsIn, roots)},
		{name: roleCert().file},
		{name: roleKey().file},
	}
	pair := g.pair
	if pair == nil {
		return files, nil
	}
	key, err := encodeKey(pair)
	if err != nil {
		return nil, err
	}
	files[1] = copied{name: roleCert().file, data: encodeCertificates(pair.Certificate), perm: 0o644, same: sameCertificates(chainIn, pair.Certificate)}
	files[2] = copied{name: roleKey().file, data: key, perm: 0o600, same: sameKey(pair)}
	return files, nil
}

// rootsIn are the authorities that crypto/x509 takes from a file: it leaves out
// blocks with headers, which must not become roots by being copied without.
func rootsIn(data []byte) [][]byte {
	var roots [][]byte
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			roots = append(roots, block.Bytes)
		}
	}
	return roots
}

// chainIn are the certificates that crypto/tls takes from a file.
func chainIn(data []byte) [][]byte {
	pair, err := part{kept: &content{data: data}}.chain()
	if err != nil {
		return nil
	}
	return pair.Certificate
}

func encodeCertificates(certs [][]byte) []byte {
	var out bytes.Buffer
	for _, der := range certs {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes everything
	}
	return out.Bytes()
}

// encodeKey writes the key as PKCS #8, whatever form it came in.
func encodeKey(pair *tls.Certificate) ([]byte, error) {
	key := pair.PrivateKey
	if late, ok := key.(*lateRSAKey); ok {
		prepared, err := late.prepare()
		if err != nil {
			return nil, err
		}
		key = prepared
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func sameCertificates(in func([]byte) [][]byte, want [][]byte) func([]byte) bool {
	return func(data []byte) bool { return slices.EqualFunc(in(data), want, bytes.Equal) }
}

func sameKey(pair *tls.Certificate) func([]byte) bool {
	public := pair.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }) // Resolve has compared them
	return func(data []byte) bool {
		key := parsePrivateKey(firstBlock(data, "PRIVATE KEY"))
		return key != nil && public.Equal(key.Public())
	}
}

// writeFolder writes what is missing, all or nothing.
func (c *Config) writeFolder(g *generation, dir string) error {
	files, err := g.copies()
	if err != nil {
		// The cause is left out on purpose: it might quote the key.
		return c.unusable("the private key cannot be written as PKCS #8", nil)
	}
	_, err = os.Stat(dir)
	isNew := errors.Is(err, fs.ErrNotExist)
	missing, err := c.missingFiles(dir, files)
	if err != nil {
		return err
	}
	var written []string
	undo := func(err error) error {
		for _, path := range written {
			_ = os.Remove(path)
		}
		if isNew {
			_ = os.Remove(dir) // not if somebody else has put something there
		}
		return c.unusable(oneLine(dir)+": "+reason(err), err).
			hint("name a folder that this user can write to, with space on it")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return undo(err)
	}
	for _, f := range missing {
		path := filepath.Join(dir, f.name)
		if err := writeInOneStep(path, f.data, f.perm); err != nil {
			return undo(err)
		}
		if !f.open {
			written = append(written, path)
		}
	}
	// Somebody else may have written there meanwhile.
	_, err = c.missingFiles(dir, files)
	return err
}

// missingFiles are those to write, what others could read or change later among
// them.
func (c *Config) missingFiles(dir string, files []copied) ([]copied, error) {
	var missing []copied
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if f.data != nil {
				missing = append(missing, f)
			}
			continue
		case err != nil:
			return nil, c.unusable(oneLine(path)+": "+reason(err), err)
		case f.data == nil || !info.Mode().IsRegular():
			return nil, c.otherContent(path)
		}
		data, err := readSmallFile(path)
		if err != nil {
			return nil, c.unusable(oneLine(path)+": "+reason(err), err)
		}
		if !f.same(data) {
			return nil, c.otherContent(path)
		}
		if f.open = runtime.GOOS != "windows" && (info.Mode().Perm()&^f.perm&0o077 != 0 || !isOurs(info)); f.open {
			missing = append(missing, f)
		}
	}
	return missing, nil
}

func (c *Config) otherContent(path string) *Error {
	return c.unusable(oneLine(path)+" is there already, and is not what would be written", nil).
		hint("name a folder of its own for this daemon, or remove the file if nobody needs it")
}

// writeInOneStep never shows half a file, and leaves none behind when it fails.
func writeInOneStep(path string, data []byte, perm fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // for its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
