//go:build !linux

package faulttest

import (
	"errors"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

func fullQueue(t testing.TB, _ server) endpoint {
	t.Helper()
	programtest.Missing(t, errors.New("how to fill a queue is known for Linux only: run this test there"))
	return endpoint{}
}

func routeFaults() []Fault { return nil }

func closedSocketFaults() []Fault { return nil }
