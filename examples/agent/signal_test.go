//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
)

// asAgent makes the test binary the program itself.
const asAgent = "AGENT_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) != "" {
		main()
	}
	os.Exit(m.Run())
}

// The program ends by itself, and well, when it is told to.
func TestSignals(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t)
	path := filepath.Join(t.TempDir(), "agent.yaml")
	text := "listen: 127.0.0.1:0\nlog_format: json\nendpoints:\n" + inYAML("one", d.Host(), d.CertPath())
	check(t, os.WriteFile(path, []byte(text), 0o600))
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command(os.Args[0], "--config", path)
		cmd.Env = append(os.Environ(), asAgent+"=1")
		stderr, err := cmd.StderrPipe()
		check(t, err)
		check(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill() })
		var last string
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var l struct{ Msg, Listen string }
			check(t, json.Unmarshal(lines.Bytes(), &l))
			last = l.Msg
			switch l.Msg {
			case "healthy":
				check(t, cmd.Process.Signal(signal))
			case "started":
				resp, err := http.Get(fmt.Sprintf("http://%s/metrics", l.Listen))
				check(t, err)
				check(t, resp.Body.Close())
			}
		}
		if err := cmd.Wait(); err != nil || last != "stopped" {
			t.Errorf("%v: %v, after %q", signal, err, last)
		}
	}
}
