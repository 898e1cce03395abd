package dockertls

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// FuzzSSHWords: ssh ends with any status, after it or docker on the other side
// wrote anything to its standard error. There is an error of ssh's kinds, with a
// hint, that can be shown; with 255 it is ssh's own failure, with others it is not.
// What is kept is the end of what was said, however it came.
func FuzzSSHWords(f *testing.F) {
	if runtime.GOOS == "windows" {
		f.Skip("it needs a shell that ends with any status: run it on another system")
	}
	for _, words := range []string{
		"", "ssh: connect to host box port 22: Connection refused\r\n", "Host key verification failed.", "me@box: Permission denied (publickey).", "ssh: Could not resolve hostname x", "kex_exchange_identification: Connection closed by remote host",
		"bash: line 1: docker: command not found", "docker: 'system dial-stdio' is not a docker command.", "dial unix /var/run/docker.sock: connect: permission denied", "Cannot connect to the Docker daemon",
		"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "\x1b[2J\xff\u202e\r\n\r", strings.Repeat("x", 3*sshWord), "a\nConnection timed out\n\n", "debug1: \u2028 no route to host",
	} {
		for _, status := range []byte{1, 126, 127, 255} {
			f.Add(status, words)
		}
	}
	cfg, err := Resolve(Options{Host: "ssh://me@box:2222/run/docker.sock"})
	check(f, err)
	ended := map[byte]*os.ProcessState{}
	f.Fuzz(func(t *testing.T, status byte, words string) {
		if status == 0 {
			return
		}
		if ended[status] == nil {
			run := exec.Command("sh", "-c", fmt.Sprint("exit ", status))
			_ = run.Run()
			ended[status] = run.ProcessState
		}
		end := &sshError{target: cfg.endpoint.ssh, state: ended[status], stderr: keptOf(t, words)}
		CheckShown(t, nil, end.Error())
		for _, answered := range []bool{false, true} {
			e := scene{cfg: cfg, stage: StageRequest, http: true, answered: answered}.explain(end)
			if e == nil || e.Hint == "" || e.Evidence.ExitStatus != int(status) || e.Err != error(end) {
				t.Fatalf("%d %q: %+v", status, words, e)
			}
			CheckMessage(t, e)
			ours, theirs := []Kind{SSHUnreachable, SSHHostKey, SSHAuth}, []Kind{SSHDockerMissing, SSHDaemon}
			if slices.Contains(ours, e.Kind) != (status == exitSSH) && e.Kind != SSHFailed || status == exitSSH && slices.Contains(theirs, e.Kind) {
				t.Errorf("%d %q: taken for %s", status, words, e.Kind)
			}
		}
	})
}

// keptOf is what is kept of words that come in two pieces.
func keptOf(t *testing.T, words string) string {
	t.Helper()
	var w lastWords
	for _, piece := range []string{words[:len(words)/3], words[len(words)/3:]} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("%d of %d bytes were written: %v", n, len(piece), err)
		}
	}
	kept := w.text()
	if len(kept) != min(len(words), sshWord) || !strings.HasSuffix(words, kept) {
		t.Errorf("%q is kept of %q", kept, words)
	}
	return kept
}
