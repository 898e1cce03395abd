package dockertls_test

import (
	"os"
	"testing"

	"github.com/dockertls/dockertls/internal/sshtest"
)

func TestMain(m *testing.M) {
	sshtest.Main() // on the other side of ssh this binary is docker
	os.Exit(m.Run())
}
