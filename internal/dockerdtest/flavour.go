package dockerdtest

import (
	"cmp"
	"os"
	"os/exec"
	"testing"
)

// Flavour is a kind of daemon.
type Flavour string

const (
	// Debian is the dockerd of Debian's package docker.io, or the one named by DOCKERTLS_DOCKERD.
	Debian Flavour = "debian"
	// Modern is a current dockerd, named by DOCKERTLS_DOCKERD_MODERN or as dockerd-modern on PATH.
	Modern Flavour = "modern"
)

// Flavours returns every Flavour.
func Flavours() []Flavour { return []Flavour{Debian, Modern} }

// path finds the daemon's program.
func (f Flavour) path(tb testing.TB) string {
	tb.Helper()
	name, advice := cmp.Or(os.Getenv("DOCKERTLS_DOCKERD"), "dockerd"),
		"apt-get install docker.io, or set DOCKERTLS_DOCKERD"
	if f == Modern {
		name, advice = cmp.Or(os.Getenv("DOCKERTLS_DOCKERD_MODERN"), "dockerd-modern"),
			"run .ci/run once, which builds one, or set DOCKERTLS_DOCKERD_MODERN"
	}
	return lookPath(tb, name, advice)
}

func lookPath(tb testing.TB, name, advice string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(tb, "%v: %s", err, advice)
	}
	return path
}

// missing ends a test for which this machine lacks something.
func missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("DOCKERTLS_REQUIRE") == "1" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}
