package dockerdtest

import (
	"cmp"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
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

// Require ends a test where no daemon can run, before it makes certificates in vain.
func Require(tb testing.TB) {
	tb.Helper()
	requireRoot(tb)
	var errs []error
	for _, f := range Flavours() {
		_, err := f.path()
		if err == nil {
			return
		}
		errs = append(errs, err)
	}
	programtest.Missing(tb, errors.Join(errs...))
}

func requireRoot(tb testing.TB) {
	tb.Helper()
	if err := checkRoot(); err != nil {
		programtest.Missing(tb, err)
	}
}

func checkRoot() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("a Docker daemon runs as root on Linux only: run this there")
	}
	return nil
}

// Missing tells why no daemon of this flavour can run here, if that is so.
func (f Flavour) Missing() error {
	_, err := f.path()
	return errors.Join(checkRoot(), err)
}

// path finds the daemon's program.
func (f Flavour) path() (string, error) {
	if f == Modern {
		return programtest.LookPath(cmp.Or(os.Getenv("DOCKERTLS_DOCKERD_MODERN"), "dockerd-modern"),
			"run .ci/run once, which builds one, and set DOCKERTLS_DOCKERD_MODERN")
	}
	return programtest.LookPath(cmp.Or(os.Getenv("DOCKERTLS_DOCKERD"), "dockerd"),
		"apt-get install docker.io, or set DOCKERTLS_DOCKERD")
}
