package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Find returns the path of a program of a Debian package, or ends the test.
func Find(tb testing.TB, name, debianPackage string) string {
	tb.Helper()
	path, err := LookPath(name, "apt-get install "+debianPackage)
	if err != nil {
		Missing(tb, err)
	}
	return path
}

// LookPath finds a program, or says how to get it. Servers are found where
// Debian keeps them, which is on root's PATH only.
func LookPath(name, advice string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if path, err := exec.LookPath(filepath.Join("/usr/sbin", name)); err == nil && !filepath.IsAbs(name) {
		return path, nil
	}
	return "", fmt.Errorf("%w: %s", err, advice)
}

// Missing ends a test for which this machine lacks something.
func Missing(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("DOCKERTLS_REQUIRE") == "1" {
		tb.Fatal(err)
	}
	tb.Skip(err)
}
