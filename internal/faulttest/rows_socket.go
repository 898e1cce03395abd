package faulttest

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/dockertls/dockertls"
)

// socketFaults: the endpoint is a unix socket, or is not.
func socketFaults() []Fault {
	var faults []Fault
	for _, row := range []struct {
		name  string
		make  func(t testing.TB, path string)
		kind  dockertls.Kind
		words []string
	}{
		{"there is none", func(testing.TB, string) {}, dockertls.SocketMissing, nil},
		{"a link that leads nowhere", danglingLink, dockertls.SocketMissing, nil},
		// connect says ECONNREFUSED to both, as if there were a socket.
		{"a file", regularFile, dockertls.SocketMissing, []string{"file"}},
		{"a folder", folder, dockertls.SocketMissing, []string{"directory"}},
		{"nobody listens", staleSocket, dockertls.ConnectionRefused, nil},
	} {
		faults = append(faults, Fault{Name: "socket: " + row.name, Start: startSocket(row.make), Kind: row.kind, Words: row.words})
	}
	return append(faults, closedSocketFaults()...)
}

// startSocket makes something at the path of a socket.
func startSocket(make func(t testing.TB, path string)) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, _ uint16) *Peer {
		t.Helper()
		path := filepath.Join(tempDir(t), "docker.sock")
		make(t, path)
		return &Peer{Options: dockertls.Options{Host: "unix://" + path}}
	}
}

func danglingLink(t testing.TB, path string) {
	if err := os.Symlink(filepath.Join(filepath.Dir(path), "gone"), path); err != nil {
		t.Fatal(err)
	}
}

func regularFile(t testing.TB, path string) {
	writeFile(t, filepath.Dir(path), filepath.Base(path), nil)
}

func folder(t testing.TB, path string) {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// staleSocket is what a daemon leaves behind that was killed.
func staleSocket(t testing.TB, path string) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
}
