package dockertls

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// socketPath is the path of the socket that could not be opened, "" if it was
// no socket.
func (s scene) socketPath(err error) string {
	if s.cfg != nil {
		if s.cfg.endpoint.isSocket() {
			return s.cfg.endpoint.address
		}
		return ""
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Net == schemeUnix && op.Addr != nil {
		return op.Addr.String()
	}
	return ""
}

// explainSocket is about a socket or named pipe that cannot be opened. It looks
// at what lies there.
func (s scene) explainSocket(err error, path string) *Error {
	found := lookAt(path)
	e := s.judgeSocket(err, found)
	if e == nil {
		return nil
	}
	e.Source = s.hostSource()
	e.Evidence.Socket = &found
	e.Evidence.Address = oneLine(path)
	return e
}

func (s scene) judgeSocket(err error, found Socket) *Error {
	running := fmt.Sprintf("start the daemon on this machine, or check the address%s", s.fromHost())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e := &Error{Kind: SocketMissing, Detail: "there is no such socket"}
		if found.Type == typeDangling {
			e.Detail = "the path is a symbolic link that leads nowhere"
		}
		return e.hint("%s", cmp.Or(s.hintOtherSocket(), running))
	case errors.Is(err, fs.ErrPermission):
		e := &Error{Kind: SocketPermission, Detail: "this user may not open the socket" + found.describe()}
		return e.hint("%s", cmp.Or(found.hintGroup(), "run as a user who may, or use another address"))
	case isRefused(err), errors.Is(err, syscall.ENOTSOCK), errors.Is(err, syscall.EPROTOTYPE):
		if found.Type == typeSocket || found.Type == "" {
			e := &Error{Kind: ConnectionRefused, Detail: "the socket is there, but nobody listens on it"}
			return e.hint("%s", cmp.Or(s.hintOtherSocket(), "the daemon is not running: start it; the socket was left behind by an earlier one"))
		}
		e := &Error{Kind: SocketMissing, Detail: fmt.Sprintf("the path is a %s, not a socket", found.Type)}
		hint := running
		if found.Type == typeDirectory && strings.HasSuffix(found.Path, ".sock") && isEmptyDir(found.Path) {
			hint = "a container that mounts a missing socket makes such a directory: remove it and start the daemon, or check the address" + s.fromHost()
		}
		return e.hint("%s", cmp.Or(s.hintOtherSocket(), hint))
	case isQueueFull(err): // to other clients; ours waits
		e := &Error{Kind: Timeout, Detail: "the daemon does not accept connections: its queue is full"}
		return e.hint(hintBusy)
	}
	return nil
}

func isEmptyDir(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) == 0
}

// Types of what lies at the path of a socket.
const (
	typeSocket    = "socket"
	typeDirectory = "directory"
	typeFile      = "regular file"
	typeDangling  = "dangling link"
	typeMissing   = "missing"
	typeOther     = "special file"
)

// lookAt takes down what lies at a path.
func lookAt(path string) Socket {
	found := Socket{Path: oneLine(path), Type: typeMissing}
	if strings.HasPrefix(path, "@") || strings.HasPrefix(path, `\\`) || strings.HasPrefix(path, "//./") {
		return Socket{Path: found.Path} // abstract, or a pipe: nothing in the file system
	}
	info, err := os.Stat(path)
	if err != nil {
		if link, err := os.Lstat(path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
			found.Type = typeDangling
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			found.Type = ""
		}
		return found
	}
	found.Mode = info.Mode().String()
	found.Owner, found.Group = owners(info)
	switch mode := info.Mode(); {
	case mode&fs.ModeSocket != 0:
		found.Type = typeSocket
	case mode.IsDir():
		found.Type = typeDirectory
	case mode.IsRegular():
		found.Type = typeFile
	default:
		found.Type = typeOther
	}
	return found
}

// describe says who may open the socket.
func (f Socket) describe() string {
	if f.Owner == "" {
		return ""
	}
	return fmt.Sprintf(" (%s, owner %s, group %s)", f.Mode, f.Owner, f.Group)
}

// hintGroup is given only where the group really may open the socket.
func (f Socket) hintGroup() string {
	const groupMayConnect = len("srw-r") // the place of the group's w
	switch {
	case f.Group == "" || len(f.Mode) <= groupMayConnect || f.Mode[groupMayConnect] != 'w':
		return ""
	case f.Group == "root" || f.Group == "0":
		return "run as root, or start the daemon with --group=docker and add this user to that group"
	}
	return fmt.Sprintf("add this user to the group %s (usermod -aG %[1]s USER, and log in again), or run as %s", f.Group, f.Owner)
}

// hintOtherSocket names a socket of a daemon that lies elsewhere. It looks only
// where the environment counts.
func (s scene) hintOtherSocket() string {
	if s.cfg == nil {
		return ""
	}
	for _, path := range s.cfg.elsewhere {
		if path == s.cfg.endpoint.address {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
			return fmt.Sprintf("there is a socket at %s: if that is the daemon's, use unix://%[1]s (DOCKER_HOST or a docker context)", oneLine(path))
		}
	}
	return ""
}

// otherSockets is where daemons keep their sockets, besides /var/run: Docker
// Desktop, rootless Docker, podman, colima, Rancher Desktop, OrbStack.
func otherSockets(home, runtimeDir string) []string {
	paths := []string{defaultSocket, "/run/podman/podman.sock"}
	if runtimeDir != "" {
		paths = append(paths, filepath.Join(runtimeDir, "docker.sock"), filepath.Join(runtimeDir, "podman", "podman.sock"))
	}
	if home != "" {
		for _, below := range []string{".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock", ".colima/docker.sock", ".rd/docker.sock", ".orbstack/run/docker.sock"} {
			paths = append(paths, filepath.Join(home, filepath.FromSlash(below)))
		}
	}
	return paths
}
