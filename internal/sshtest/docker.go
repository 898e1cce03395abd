package sshtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
)

// socketVariable is set where the test binary is to be docker.
const socketVariable = "DOCKERTLS_SSHTEST_SOCKET"

// Main makes the test binary the docker of the other side, if it was started as that: it does not
// return then. TestMain calls it first.
func Main() {
	socket, ok := os.LookupEnv(socketVariable)
	if !ok {
		return
	}
	if err := docker(socket, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// docker does what docker's own dial-stdio does: it copies in both directions, passes on the
// end of each, and ends with the daemon's.
func docker(socket string, args []string) error {
	if len(args) > 0 {
		if path, ok := strings.CutPrefix(args[0], "--host=unix://"); ok {
			socket, args = path, args[1:]
		}
	}
	if !slices.Equal(args, []string{"system", "dial-stdio"}) {
		return fmt.Errorf("docker: unexpected arguments %q", args)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("failed to open the raw stream connection: %w", err)
	}
	defer conn.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, os.Stdin)
		sent <- errors.Join(err, conn.(*net.UnixConn).CloseWrite())
	}()
	_, err = io.Copy(os.Stdout, conn)
	return err
}
