package dockertls

import (
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// What ssh, shells and dockers of many kinds say.
func TestSSHWords(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it needs a shell that ends with any status: run it on another system")
	}
	cfg, err := Resolve(Options{Host: "ssh://me@box"})
	check(t, err)
	for _, tt := range []struct {
		status int
		stderr string
		want   Kind
	}{
		{255, "ssh: Could not resolve hostname box: Name or service not known\r\n", SSHUnreachable},
		{255, "ssh: Could not resolve hostname box: nodename nor servname provided, or not known", SSHUnreachable},
		{255, "ssh: connect to host box port 22: Connection refused", SSHUnreachable},
		{255, "ssh: connect to host box port 22: Operation timed out", SSHUnreachable},
		{255, "ssh: connect to host box port 22: No route to host", SSHUnreachable},
		{255, "Connection timed out during banner exchange\nConnection to 10.0.0.1 port 22 timed out", SSHUnreachable},
		{255, "ssh: connect to host bastion port 22: Connection refused\nConnection closed by UNKNOWN port 65535", SSHFailed},
		{255, "No ED25519 host key is known for box and you have requested strict checking.\nHost key verification failed.", SSHHostKey},
		{255, "** WARNING: connection is not using a post-quantum key exchange algorithm.\nme@box: Permission denied (publickey,password).", SSHAuth},
		{255, "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\nDisconnected from 10.0.0.1 port 22", SSHAuth},
		{255, "kex_exchange_identification: Connection closed by remote host", SSHFailed},
		{255, "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 10.0.0.1 port 22", SSHFailed},
		{255, "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa", SSHFailed},
		{255, "", SSHFailed},
		{127, "bash: line 1: docker: command not found", SSHDockerMissing},
		{127, "sh: 1: docker: not found", SSHDockerMissing},
		{127, "zsh:1: command not found: docker", SSHDockerMissing},
		{127, "fish: Unknown command: docker", SSHDockerMissing},
		{1, "docker: Command not found.", SSHDockerMissing},
		{1, "'docker' is not recognized as an internal or external command,\noperable program or batch file.", SSHDockerMissing},
		{126, "bash: line 1: /usr/bin/docker: Permission denied", SSHDockerMissing},
		{1, "docker: 'system dial-stdio' is not a docker command.\nSee 'docker --help'", SSHDockerMissing},
		{1, "docker: unknown command: docker system dial-stdio\n\nUsage:  docker system\n\nRun 'docker system --help' for more information", SSHDockerMissing},
		{1, "failed to open the raw stream connection: dial unix /var/run/docker.sock: connect: permission denied", SSHDaemon},
		{1, "failed to open the raw stream connection: dial unix /var/run/docker.sock: connect: no such file or directory", SSHDaemon},
		{1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", SSHDaemon},
		{1, "This account is currently not available.", SSHFailed},
	} {
		run := exec.Command("sh", "-c", "exit "+strconv.Itoa(tt.status))
		if run.Run() == nil {
			t.Fatal("no error")
		}
		end := &sshError{target: cfg.endpoint.ssh, state: run.ProcessState, stderr: tt.stderr}
		e := scene{cfg: cfg, stage: StageRequest, http: true}.explain(end)
		if e == nil || e.Kind != tt.want || e.Hint == "" || strings.ContainsAny(e.Error(), "\r\n") {
			t.Errorf("%d %q: got %+v, want %s", tt.status, tt.stderr, e, tt.want)
		} else if e.Evidence.ExitStatus != tt.status || !strings.HasSuffix(strings.TrimSpace(tt.stderr), e.Evidence.Stderr) {
			t.Errorf("%d %q: evidence %+v", tt.status, tt.stderr, e.Evidence)
		}
		// moby's client throws the chain away at these words.
		if text := e.Error(); strings.Contains(text, "connection refused") || strings.Contains(text, "dial unix") {
			t.Errorf("%q is taken for moby's own", text)
		}
	}
}

// What a peer says is kept at its end, and bounded.
func TestLastWords(t *testing.T) {
	t.Parallel()
	var w lastWords
	for range 3 {
		w.Write([]byte(strings.Repeat("x", 3*sshWord)))
		w.Write([]byte(" the end\x1b[2J \r\n\n"))
	}
	if n := len(w.text()); n != sshWord {
		t.Errorf("%d bytes were kept, want %d", n, sshWord)
	}
	w.Write([]byte("\nthe\xff end\x1b[2J \r\n"))
	if got := lastLine(w.text()); got != `the? end\x1b[2J` {
		t.Errorf("the last line is %q", got)
	}
}
