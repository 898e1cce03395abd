package dockertls

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Ever new names of files do not fill the memory, although their content is in
// use all the time.
func TestResolverForgetsNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("text"), 0o600))
	var r Resolver
	first, _, _, err := r.read(filepath.Join(dir, "ca.pem"))
	check(t, err)
	for i := range maxKept + 100 {
		var path strings.Builder
		path.WriteString(dir)
		for bit := range 16 {
			path.WriteString([]string{"/", "/./"}[i>>bit&1])
		}
		c, _, _, err := r.read(path.String() + "ca.pem")
		check(t, err)
		if c != first {
			t.Fatal("the same content is kept twice")
		}
	}
	if n := len(r.files); n != maxKept {
		t.Errorf("%d files are kept in mind", n)
	}
}
