package sshtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

const startLimit = 20 * time.Second

// Options say what the other side is like.
type Options struct {
	// Shell are commands of its shell before the one that the client asks for. They may change
	// PATH, print, or exit.
	Shell string
	// Docker is the script that is docker there; "" for DialStdio, "none" for no docker.
	Docker string
	// Socket is the path of the daemon's socket there.
	Socket string
	// Config are more lines of sshd_config.
	Config []string
}

// Server is a running server.
type Server struct {
	Port string
	User string // who may log in

	dir    string
	cmd    *exec.Cmd
	exited <-chan struct{}
}

// Start starts a server, and stops it when the test ends.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	sshd := require(tb)
	dir, err := os.MkdirTemp("", "sshtest") // its path is in the arguments of every process: see Processes
	check(tb, err)
	tb.Cleanup(func() { os.RemoveAll(dir) })
	me, err := user.Current()
	check(tb, err)
	s := &Server{User: me.Username, dir: dir}
	for _, key := range []string{"host_key", "user_key", "other_key"} {
		run(tb, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sshtest", "-f", s.file(key))
	}
	s.copy(tb, "user_key.pub", "authorized_keys", "")
	s.writeOtherSide(tb, o)
	for attempt := 1; ; attempt++ {
		_, s.Port, err = net.SplitHostPort(programtest.FreeAddr(tb))
		check(tb, err)
		s.writeConfig(tb, o)
		err := s.start(sshd)
		if err == nil {
			break
		}
		if attempt == 5 {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() { s.stop(tb) })
	return s
}

// Host is its address for docker, with a path if there is one.
func (s *Server) Host(path string) string {
	return "ssh://" + s.User + "@127.0.0.1:" + s.Port + path
}

// writeConfig writes sshd_config. A forced command runs in place of the client's, and knows it.
func (s *Server) writeConfig(tb testing.TB, o Options) {
	tb.Helper()
	lines := append(o.Config, // of equal lines the first counts
		"Port "+s.Port,
		"ListenAddress 127.0.0.1",
		"HostKey "+s.file("host_key"),
		"AuthorizedKeysFile "+s.file("authorized_keys"),
		"PidFile none",
		"StrictModes no", // the folder is below one that everybody may write to
		"UsePAM no",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"PermitRootLogin yes",
		"MaxStartups 100", // all at once
		"LogLevel VERBOSE",
		"ForceCommand "+s.file("shell"),
		// Or the login shell would run the user's own startup files, and tests that kill it would break off those.
		"SetEnv HOME="+s.file("remote"),
	)
	s.write(tb, "sshd_config", strings.Join(lines, "\n")+"\n", 0o600)
}

// writeOtherSide writes the shell that runs what the client asks for, and docker.
func (s *Server) writeOtherSide(tb testing.TB, o Options) {
	tb.Helper()
	remote := s.file("remote")
	check(tb, os.Mkdir(remote, 0o755))
	s.write(tb, "shell", fmt.Sprintf("#!/bin/sh\nPATH=%s:/usr/bin:/bin\n%s\nexec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n", remote, o.Shell), 0o755)
	docker := o.Docker
	switch docker {
	case "none":
		return
	case "":
		test, err := os.Executable()
		check(tb, err)
		// A test binary that measures coverage complains if it has no folder for that.
		docker = fmt.Sprintf("GOCOVERDIR=%s %s=%s exec %s \"$@\" # %s", s.dir, socketVariable, o.Socket, test, remote)
	}
	s.write(tb, "remote/docker", "#!/bin/sh\n"+docker+"\n", 0o755)
}

func (s *Server) start(sshd string) error {
	log, err := os.Create(s.file("log"))
	if err != nil {
		return err
	}
	defer log.Close()
	if os.Geteuid() == 0 {
		// Debian's sshd wants it; its service would make it.
		_ = os.MkdirAll("/run/sshd", 0o755)
	}
	s.cmd = exec.Command(sshd, "-D", "-e", "-f", s.file("sshd_config"))
	s.cmd.Stderr = log
	if s.exited, err = programtest.Start(s.cmd); err != nil {
		return err
	}
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+s.Port); err == nil {
			conn.Close()
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("sshd ended at once:\n%s", s.Log())
		default:
		}
	}
	s.Stop()
	return errors.New("sshd did not listen in time")
}

// Stop ends the server. Its connections go on.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

func (s *Server) stop(tb testing.TB) {
	s.Stop()
	programtest.KillNaming(s.dir)
	if tb.Failed() {
		log := s.Log()
		tb.Logf("the end of sshd's log:\n%s", log[max(0, len(log)-4<<10):])
	}
}

// Log is what the server has logged.
func (s *Server) Log() []byte {
	log, err := os.ReadFile(s.file("log"))
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.ToValidUTF8(log, nil)
}

// KillSessions ends all connections on the server's side, as a crash would.
func (s *Server) KillSessions() {
	programtest.Kill(programtest.Children(s.cmd.Process.Pid)...)
}

// Processes are the clients that run, and what they have started on this side.
func (s *Server) Processes() []int { return programtest.Naming(s.file("client")) }

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) write(tb testing.TB, name, text string, mode os.FileMode) {
	tb.Helper()
	check(tb, os.MkdirAll(filepath.Dir(s.file(name)), 0o755))
	check(tb, os.WriteFile(s.file(name), []byte(text), mode))
}

// copy writes what a file holds to another, after a prefix.
func (s *Server) copy(tb testing.TB, from, to, prefix string) {
	tb.Helper()
	data, err := os.ReadFile(s.file(from))
	check(tb, err)
	s.write(tb, to, prefix+string(data), 0o600)
}

// Require ends a test where there is no OpenSSH.
func Require(tb testing.TB) {
	tb.Helper()
	require(tb)
}

func require(tb testing.TB) (sshd string) {
	tb.Helper()
	if runtime.GOOS == "windows" {
		programtest.Missing(tb, errors.New("these tests know unix only"))
	}
	programtest.Find(tb, "ssh", "openssh-client")
	programtest.Find(tb, "ssh-keygen", "openssh-client")
	return programtest.Find(tb, "sshd", "openssh-server")
}

func run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
