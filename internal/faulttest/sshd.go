package faulttest

import (
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// sshd serves every connection with an sshd of its own, as inetd does.
func sshd(t testing.TB, _ server) endpoint {
	t.Helper()
	path := programtest.Find(t, "sshd", "openssh-server")
	key := hostKey(t)
	ended := t.Context().Done()
	return script(t, func(conn net.Conn) {
		file, err := conn.(*net.TCPConn).File()
		if err != nil {
			return
		}
		defer file.Close()
		cmd := exec.Command(path, "-i", "-f", os.DevNull, "-h", key, "-o", "UsePAM=no", "-o", "PidFile=none")
		cmd.Stdin, cmd.Stdout = file, file
		asNobody(cmd)
		exited, err := programtest.Start(cmd)
		if err != nil {
			t.Errorf("start %s: %v", path, err)
			return
		}
		select {
		case <-exited:
		case <-ended:
			cmd.Process.Kill() // an error means that it has ended
			<-exited
		}
	})
}

// hostKey is in a folder that nobody, who sshd runs as, may enter.
func hostKey(t testing.TB) string {
	t.Helper()
	dir := tempDir(t)
	path := writeFile(t, dir, "key", keyPEM(newKey()))
	if err := giveToNobody(dir, path); err != nil {
		t.Fatal(err)
	}
	return path
}
