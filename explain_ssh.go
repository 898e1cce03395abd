package dockertls

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
)

// Exit statuses of ssh: its own failure, and those of a shell on the other side
// that cannot run a command. Everything else is docker's there.
const (
	exitSSH           = 255
	exitNotFound      = 127
	exitNotExecutable = 126
)

// explainSSH is about connections through the ssh program: it does not start, it
// fails, or what it runs on the other side fails. The exit status tells which;
// what exactly is only in the words, and OpenSSH's are not translated.
func (s scene) explainSSH(err error) *Error {
	var end *sshError
	switch {
	case errors.As(err, &end):
		return s.judgeSSH(end)
	case s.cfg == nil || !s.cfg.usesSSH():
		return nil
	case s.stage == StageConnect:
		return s.explainStart(err)
	case errors.Is(err, io.EOF) && !s.answered && s.http:
		e := s.sshFailed(SSHFailed, "the command on the other side ended without an answer, and without an error")
		return e.hint("try it by hand: %s", s.cfg.endpoint.ssh.tryDocker())
	}
	return nil
}

// usesSSH tells whether connections are made by the ssh program.
func (c *Config) usesSSH() bool { return c.endpoint.network == schemeSSH && c.dialer == nil }

func (s scene) sshFailed(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Source: s.hostSource(), Detail: fmt.Sprintf(format, args...)}
}

// explainStart is about a process that could not be made.
func (s scene) explainStart(err error) *Error {
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e := s.sshFailed(SSHMissing, "there is no ssh program on the PATH, and ssh:// needs one")
		return e.hint("install OpenSSH's client, or correct this process's PATH")
	case errors.Is(err, exec.ErrDot):
		e := s.sshFailed(SSHMissing, "the PATH leads to an ssh program in the working directory, which is not run")
		return e.hint("give the PATH absolute folders")
	case errors.Is(err, fs.ErrPermission):
		return s.sshFailed(SSHMissing, "this user may not run the ssh program").hint("look at its permissions, and those of its folder")
	}
	return s.sshFailed(SSHFailed, "ssh cannot be started: %s", reason(err))
}

// judgeSSH finds the line in ssh's words that tells most, and explains it.
func (s scene) judgeSSH(end *sshError) *Error {
	status, judge := end.state.ExitCode(), s.dockerSays
	if status == exitSSH || status < 0 {
		judge = s.sshSays
	}
	lines := strings.FieldsFunc(end.stderr, func(r rune) bool { return r == '\n' || r == '\r' })
	var e *Error
	for _, line := range slices.Backward(lines) {
		if e = judge(strings.ToLower(line), end); e != nil {
			break
		}
	}
	if e == nil {
		e = s.sshUnknown(end)
	}
	e.Evidence.Stderr, e.Evidence.ExitStatus = lastLine(end.stderr), max(status, 0)
	if e.Evidence.Stage = StageRequest; status == exitSSH && !s.answered {
		e.Evidence.Stage = StageConnect
	}
	return e
}

// sshSays is about ssh's own failures. The line is in small letters.
func (s scene) sshSays(line string, end *sshError) *Error {
	says := func(words ...string) bool { return containsAny(line, words...) }
	switch {
	case says("host key verification failed", "host key is known for", "host key for "):
		return s.hostKey(end)
	case says("permission denied (", "permission denied, please", "too many authentication failures", "no more authentication methods"):
		e := s.sshFailed(SSHAuth, "the host lets nobody in with the keys and the user name that ssh has")
		return e.hint("nobody can be asked for a password here: load a key (ssh-add), name one in ssh's configuration (IdentityFile), or check the user; try %s", end.target.byHand("true"))
	case says("could not resolve hostname"):
		e := s.sshFailed(SSHUnreachable, "ssh cannot resolve the name of the host")
		return e.hint("check the spelling of the address%s, and Host and HostName in ssh's configuration", s.fromHost())
	case says("connection refused"):
		e := s.sshFailed(SSHUnreachable, "nobody listens for ssh there")
		return e.hint("check that an ssh server runs there, and its port; check the address%s", s.fromHost())
	case says("timed out", "timeout, server"):
		e := s.sshFailed(SSHUnreachable, "the host did not answer ssh in time")
		return e.hint("the host is down, or a firewall drops the packets: check the address%s", s.fromHost())
	case says("no route to host", "network is unreachable", "host is down", "host is unreachable"):
		e := s.sshFailed(SSHUnreachable, saidNoRoute)
		return e.hint(hintNetwork, s.fromHost())
	case says("connection closed by", "connection reset by", "closed by remote host"):
		return s.sshCut()
	}
	return nil
}

// hostKey tells an unknown key from one that is not the known one.
func (s scene) hostKey(end *sshError) *Error {
	t := end.target
	if containsAny(strings.ToLower(end.stderr), "identification has changed", " has changed", "revoked") {
		e := s.sshFailed(SSHHostKey, "the host shows another key than the one that ssh knows it by")
		name := t.host
		if t.port != "" && t.port != "22" {
			name = "[" + t.host + "]:" + t.port
		}
		return e.hint("another machine may have answered. If it was installed anew: ssh-keygen -R %s, then %s, and compare the fingerprint", shellWord(name), t.byHand("true"))
	}
	e := s.sshFailed(SSHHostKey, "ssh does not know the key of this host, and there is nobody to ask")
	return e.hint("connect once by hand and compare the fingerprint: %s", t.byHand("true"))
}

// sshCut is about a server that hung up.
func (s scene) sshCut() *Error {
	if s.answered {
		e := s.sshFailed(SSHFailed, "the ssh connection was cut, after answers had come")
		return e.hint("the host or its ssh server was stopped, or something on the way cut the connection")
	}
	e := s.sshFailed(SSHFailed, "the ssh server hung up")
	return e.hint("its log may say why: too many connections at once (MaxStartups; ControlMaster in ssh's configuration shares one), a rule against this address or user")
}

// dockerSays is about what ran on the other side. The line is in small letters.
func (s scene) dockerSays(line string, end *sshError) *Error {
	says := func(words ...string) bool { return containsAny(line, words...) }
	status, t := end.state.ExitCode(), end.target
	switch {
	case says("is not a docker command", "unknown command: docker ", "unknown command \"dial-stdio\"", "usage: docker system", "usage:  docker system", "usage:\tdocker system"):
		e := s.sshFailed(SSHDockerMissing, "docker on the other side is too old for this: it knows no dial-stdio")
		return e.hint("install Docker 18.09 or later there")
	case status == exitNotFound, status == exitNotExecutable, says("command not found", "docker: not found", "unknown command: docker", "is not recognized as"):
		e := s.sshFailed(SSHDockerMissing, "there is no docker command on the other side, or it is not on the PATH of commands that ssh runs")
		return e.hint("install docker there (18.09 or later), and see what this prints: %s", t.byHand("echo $PATH; command -v docker"))
	case says("permission denied") && says("sock", "dial unix", "docker daemon"):
		e := s.sshFailed(SSHDaemon, "docker on the other side may not open its daemon's socket")
		return e.hint("add the user there to the group docker, or use another user; try %s", t.tryDocker())
	case says("raw stream connection", "docker daemon", "docker.sock"):
		e := s.sshFailed(SSHDaemon, "docker on the other side does not reach its daemon")
		return e.hint("start the daemon there, or name its socket in the address (ssh://host/path); try %s", t.tryDocker())
	}
	return nil
}

// sshUnknown quotes what is not understood.
func (s scene) sshUnknown(end *sshError) *Error {
	e := s.sshFailed(SSHFailed, "the command on the other side failed (%s)", end.state)
	if status := end.state.ExitCode(); status < 0 {
		e.Detail = fmt.Sprintf("ssh was ended (%s)", end.state)
	} else if status == exitSSH {
		e.Detail = fmt.Sprintf("ssh failed (%s)", end.state)
	}
	if line := lastLine(end.stderr); line != "" {
		e.Detail += `: "` + line + `"` // escaped already
	} else {
		e.Detail += ", and said nothing"
	}
	return e.hint("try it by hand: %s", end.target.tryDocker())
}

// noise is about answers that are no HTTP: something else than docker writes to
// the output of commands there.
func (s scene) noise() *Error {
	e := s.sshFailed(SSHNoise, "something on the other side prints text before docker answers, which spoils the connection")
	return e.hint("a startup file of the shell there (.bashrc, .zshenv, .cshrc) must print nothing unless it is on a terminal; see what %s prints", s.cfg.endpoint.ssh.byHand("true"))
}

func containsAny(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
