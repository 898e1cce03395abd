package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

const (
	certMode = 0o644
	keyMode  = 0o600
	// The authority's key is never replaced. Elsewhere this mode would be in the
	// way: Windows replaces no file that is read-only.
	authorityKeyMode = 0o400
	folderMode       = 0o700
)

// A file is one of a set. Its path is below the folder of the certificates.
type file struct {
	path string
	data []byte
	mode fs.FileMode
}

// A stage is a folder inside that of the certificates. All files are written
// there first, so that a full disk leaves everything as it was; and as long as it
// is there, other runs are kept out.
type stage struct {
	root    string // the folder of the certificates
	newRoot bool
	path    string
	backups map[string]string // by path below root: what is replaced
	folders []string          // made for the files, in this order
}

// openStage makes the stage, and if asked the folder of the certificates.
func openStage(root string, makeRoot bool) (*stage, error) {
	s := &stage{root: root, path: filepath.Join(root, ".mkcerts-new"), backups: map[string]string{}}
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		if !makeRoot {
			return nil, fmt.Errorf("there is no %s: make a set first", root)
		}
		if err := os.MkdirAll(root, folderMode); err != nil {
			return nil, err
		}
		s.newRoot = true
	}
	err := os.Mkdir(s.path, folderMode)
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%s is in the way: another run is at work, or one was killed (remove it then)", s.path)
	}
	return s, err
}

// close removes the stage, and nothing that has been put in its place.
func (s *stage) close() error {
	err := os.RemoveAll(s.path)
	if s.newRoot {
		os.Remove(s.root) // it stays if there are files in it
	}
	return err
}

// write writes all files to the stage, and copies of those that they will replace.
func (s *stage) write(files []file) error {
	for i, f := range files {
		if err := s.backUp(f.path, strconv.Itoa(i)+"-old"); err != nil {
			return err
		}
		if err := writeFile(s.staged(i), f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) staged(i int) string { return filepath.Join(s.path, strconv.Itoa(i)) }

func (s *stage) backUp(path, name string) error {
	info, err := os.Lstat(filepath.Join(s.root, path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way: it is no ordinary file", filepath.Join(s.root, path))
	}
	data, err := os.ReadFile(filepath.Join(s.root, path))
	if err != nil {
		return err
	}
	s.backups[path] = filepath.Join(s.path, name)
	return writeFile(s.backups[path], data, info.Mode().Perm())
}

// writeFile writes a new file, and returns when the disk has it.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyMode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Chmod(path, mode) // whatever the umask
	}
	return err
}

// commit gives all files their names. If that fails for one, all is undone.
func (s *stage) commit(files []file) error {
	for i, f := range files {
		if err := s.put(i, f); err != nil {
			return errors.Join(err, s.undo(files[:i]))
		}
	}
	return s.sync(files)
}

func (s *stage) put(i int, f file) error {
	if err := s.makeFolder(filepath.Dir(f.path)); err != nil {
		return err
	}
	return os.Rename(s.staged(i), filepath.Join(s.root, f.path))
}

func (s *stage) makeFolder(path string) error {
	if path == "." {
		return nil
	}
	if err := s.makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	folder := filepath.Join(s.root, path)
	err := os.Mkdir(folder, folderMode)
	if err == nil {
		s.folders = append(s.folders, folder)
	} else if info, statErr := os.Stat(folder); statErr == nil && info.IsDir() {
		return nil
	}
	return err
}

func (s *stage) undo(files []file) error {
	var errs []error
	for _, f := range files {
		target := filepath.Join(s.root, f.path)
		if backup, ok := s.backups[f.path]; ok {
			errs = append(errs, os.Rename(backup, target))
		} else {
			errs = append(errs, os.Remove(target))
		}
	}
	for i := len(s.folders) - 1; i >= 0; i-- {
		errs = append(errs, os.Remove(s.folders[i]))
	}
	return errors.Join(errs...)
}

// sync returns when the disk has the new names.
func (s *stage) sync(files []file) error {
	if runtime.GOOS == "windows" {
		return nil // which cannot do this with folders
	}
	folders := map[string]bool{s.root: true}
	for _, f := range files {
		for path := filepath.Dir(f.path); path != "."; path = filepath.Dir(path) {
			folders[filepath.Join(s.root, path)] = true
		}
	}
	for folder := range folders {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
