package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/internal/programtest"
)

var newFiles = []string{"ca-key.pem", "ca.pem", "cert.pem", "key.pem", "server-cert.pem", "server-key.pem"}

func TestFilesAndModes(t *testing.T) {
	dir := newSet(t, "box")
	mkcerts(t, "-o", dir, "--client", "alice")
	clients := []string{"clients/alice/ca.pem", "clients/alice/cert.pem", "clients/alice/key.pem"}
	want := append(slices.Clone(newFiles), clients...)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(contents(t, dir)))); diff != "" {
		t.Error(diff)
	}
	if runtime.GOOS == "windows" {
		return // no such modes
	}
	for path, want := range map[string]fs.FileMode{
		"": 0o700, "ca-key.pem": 0o400, "ca.pem": 0o644, "cert.pem": 0o644, "key.pem": 0o600, "server-cert.pem": 0o644,
		"server-key.pem": 0o600, "clients": 0o700, "clients/alice": 0o700, "clients/alice/key.pem": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %04o, want %04o", path, got, want)
		}
	}
}

// Whatever is in the way is named, and everything stays as it was.
func TestReplacesNothing(t *testing.T) {
	for _, name := range newFiles {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		runProgram("-o", dir, "box").wantFailure(t, 1, path+" is in the way", "--renew")
		if diff := cmp.Diff(map[string]string{name: "mine"}, contents(t, dir)); diff != "" {
			t.Error(diff)
		}
	}
	dir := newSet(t, "box")
	mkcerts(t, "-o", dir, "--client", "alice")
	before := contents(t, dir)
	runProgram("-o", dir, "box").wantFailure(t, 1, "ca-key.pem is in the way")
	runProgram("-o", dir, "--client", "alice").wantFailure(t, 1, filepath.Join("clients", "alice", "ca.pem")+" is in the way")
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// A link that leads nowhere is in the way too, and is not followed.
func TestDanglingLinkIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "key.pem")); err != nil {
		programtest.Missing(t, fmt.Errorf("run this where links can be made: %w", err))
	}
	runProgram("-o", dir, "box").wantFailure(t, 1, "key.pem is in the way")
}

func TestFolderInPlaceOfFile(t *testing.T) {
	dir := newSet(t, "box")
	path := filepath.Join(dir, "cert.pem")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	runProgram("-o", dir, "--renew").wantFailure(t, 1, path+" is in the way: it is no ordinary file")
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestFileInPlaceOfFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "certs")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	runProgram("-o", path, "box").wantFailure(t, 1, path)
	runProgram("-o", filepath.Join(path, "certs"), "box").wantFailure(t, 1, path)

	dir := newSet(t, "box")
	if err := os.WriteFile(filepath.Join(dir, "clients"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	if got := runProgram("-o", dir, "--client", "alice"); got.code != 1 {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// Of two runs at the same time one makes a set, and the other nothing.
func TestTwoRunsAtOnce(t *testing.T) {
	for range 20 {
		dir := filepath.Join(t.TempDir(), "certs")
		var outcomes [2]outcome
		var wg sync.WaitGroup
		for i := range outcomes {
			wg.Go(func() { outcomes[i] = runProgram("-o", dir, "box") })
		}
		wg.Wait()
		slices.SortFunc(outcomes[:], func(a, b outcome) int { return a.code - b.code })
		if outcomes[0].code != 0 {
			t.Fatalf("both failed: %+v", outcomes)
		}
		outcomes[1].wantFailure(t, 1, "is in the way")
		checkSet(t, dir)
	}
}

// checkSet: all there, nothing besides, and certificates and keys fit.
func checkSet(t *testing.T, dir string) {
	t.Helper()
	if diff := cmp.Diff(newFiles, slices.Sorted(maps.Keys(contents(t, dir)))); diff != "" {
		t.Error(diff)
	}
	for _, names := range [][2]string{{"server-cert.pem", "server-key.pem"}, {"cert.pem", "key.pem"}} {
		loadPair(t, dir, names[0], names[1])
	}
}

// A run that was killed leaves its stage, which says so to the next.
func TestStageInTheWay(t *testing.T) {
	dir := newSet(t, "box")
	stagePath := filepath.Join(dir, ".mkcerts-new")
	if err := os.Mkdir(stagePath, 0o700); err != nil {
		t.Fatal(err)
	}
	runProgram("-o", dir, "--renew").wantFailure(t, 1, stagePath+" is in the way", "another run is at work, or one was killed")
	if _, err := os.Stat(stagePath); err != nil {
		t.Error("the other run's folder is gone")
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := filepath.Join(t.TempDir(), "certs")
	var stdout, stderr strings.Builder
	if code := run(ctx, []string{"-o", dir, "box"}, &stdout, &stderr); code != 1 {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("left behind: %v", contents(t, dir))
	}
}

// What goes wrong between the first and the last file is undone.
func TestCommitUndoes(t *testing.T) {
	root := t.TempDir()
	for name, data := range map[string]string{"a": "old a", "c": "old c"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(data), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	before := contents(t, root)
	files := []file{
		{"a", []byte("new a"), certMode}, {"b", []byte("new b"), certMode},
		{filepath.Join("sub", "folder", "x"), []byte("new x"), certMode}, {"d", []byte("new d"), certMode},
	}
	s, err := openStage(root, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(files); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "d", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.commit(files); err == nil {
		t.Error("a file took the place of a folder")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, contents(t, root)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(filepath.Join(root, "a"))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("another mode than before: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(root, "sub")); err == nil {
		t.Error("a new folder is left")
	}
}

func TestWarnsOfWritableFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes: run this on another system")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	got := runProgram("-o", dir, "box")
	if got.code != 0 || !strings.HasPrefix(got.stderr, "warning: others may write to "+dir) {
		t.Errorf("got %+v", got)
	}
}
