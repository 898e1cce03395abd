package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/dockerdtest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// The test binary plays both parts: this program, and the one that it starts.
const part = "DOCKERTLS_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "run":
		os.Setenv(part, "child")
		os.Exit(run(os.Args[1:], os.Stderr))
	case "child":
		os.Exit(child(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// child prints its variables, and then ends as it is told.
func child(args []string) int {
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "DOCKER_") {
			fmt.Println(kv)
		}
	}
	switch args[0] {
	case "fail":
		return 7
	case "wait":
		fmt.Println("waiting")
		time.Sleep(time.Minute)
	}
	return 0
}

// command makes a run of the program, in an environment with nothing but what
// is given.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	home := t.TempDir()
	cmd.Env = append([]string{part + "=run", "HOME=" + home, "USERPROFILE=" + home, "PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}, env...)
	return cmd
}

// runProgram runs the program with the test binary as its child.
func runProgram(t *testing.T, env, flags []string, word string) (stdout, stderr string, code int) {
	t.Helper()
	self, _ := os.Executable()
	return output(t, command(t, env, slices.Concat(flags, []string{"--", self, word})...))
}

func output(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// The flags decide, and nothing of the caller's own variables is left.
func TestVariables(t *testing.T) {
	daemon := dockertlstest.Start(t)
	certs := daemon.CertPath()
	callers := []string{"DOCKER_HOST=tcp://callers:1", "DOCKER_CONTEXT=callers", "DOCKER_TLS=1"}
	flags := []string{"-H", daemon.Host(), "--tlsverify", "--tlscacert", filepath.Join(certs, "ca.pem"),
		"--tlscert", filepath.Join(certs, "cert.pem"), "--tlskey", filepath.Join(certs, "key.pem")}
	copies := filepath.Join(t.TempDir(), "copies")
	for _, tt := range []struct {
		name  string
		flags []string
		dir   string
	}{
		{"where they are", flags, certs},
		{"written", append(flags, "--write-certs", copies), copies},
	} {
		stdout, stderr, code := runProgram(t, callers, tt.flags, "")
		got := strings.Fields(stdout)
		slices.Sort(got)
		want := []string{"DOCKER_CERT_PATH=" + tt.dir, "DOCKER_CONTEXT=", "DOCKER_HOST=" + daemon.Host(), "DOCKER_TLS=", "DOCKER_TLS_VERIFY=1"}
		if diff := cmp.Diff(want, got); diff != "" || code != 0 || !strings.HasPrefix(stderr, "warning: -H: it hides the context") {
			t.Errorf("%s: exit %d, %s\n%s", tt.name, code, stderr, diff)
		}
	}
}

func TestDiagnosis(t *testing.T) {
	daemon := dockertlstest.Start(t)
	other := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(other, daemon.CA().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "ca.pem"), dockertlstest.NewCA().PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DOCKER_HOST=" + daemon.Host(), "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + daemon.CertPath()}
	for _, tt := range []struct {
		flags []string
		code  int
		want  []string
	}{
		{[]string{"--tlscacert", other}, 1, []string{daemon.Host() + ": ", "cannot say this", "\nhint: ", "--write-certs"}},
		{[]string{"--write-certs", full}, 1, []string{"is there already", "\nhint: "}},
		{[]string{"--tlscacert", "missing.pem"}, 1, []string{"--tlscacert: missing.pem: no such file"}},
		{[]string{"--no-such-flag"}, exitUsage, []string{"usage: "}},
	} {
		stdout, stderr, code := runProgram(t, env, tt.flags, "")
		if code != tt.code || stdout != "" {
			t.Errorf("%s: exit %d, stdout %s", tt.flags, code, stdout)
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: no %q in %s", tt.flags, want, stderr)
			}
		}
	}
}

func TestExitStatus(t *testing.T) {
	if _, _, code := runProgram(t, nil, nil, "fail"); code != 7 {
		t.Errorf("exit %d, want the program's 7", code)
	}
	if _, stderr, code := output(t, command(t, nil, "--", "no-such-program")); code != exitNotFound || !strings.Contains(stderr, "no-such-program") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, _, code := output(t, command(t, nil)); code != exitUsage {
		t.Errorf("exit %d without a program", code)
	}
}

// A signal ends the program, and whoever started us sees that it did.
func TestSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals to send: run this on another system")
	}
	self, _ := os.Executable()
	cmd := command(t, nil, "--", self, "wait")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != "waiting"; {
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("ended with %v, want the signal", err)
	}
}

// docker itself does with the variables what it does with the flags.
func TestDocker(t *testing.T) {
	dockerdtest.Require(t)
	docker := programtest.Find(t, "docker", "docker.io")
	ca := dockertlstest.NewCA()
	certs := t.TempDir()
	if err := dockertlstest.WriteCerts(certs, ca, ca.ClientPair("client")); err != nil {
		t.Fatal(err)
	}
	server := ca.ServerPair("127.0.0.1")
	files := dockerdtest.Options{Mode: dockerdtest.TLSVerify, CAFile: filepath.Join(certs, "ca.pem"),
		CertFile: filepath.Join(certs, "server.pem"), KeyFile: filepath.Join(certs, "server-key.pem")}
	for path, data := range map[string][]byte{files.CertFile: server.CertPEM, files.KeyFile: server.KeyPEM} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daemon := dockerdtest.Start(t, dockerdtest.Debian, files)
	env := []string{"DOCKER_CERT_PATH=" + certs}
	flags := []string{"-H", daemon.TCPHost(), "--tlsverify"}
	for _, flags := range [][]string{flags, append(flags, "--write-certs", t.TempDir())} {
		stdout, stderr, code := output(t, command(t, env, append(flags, "--", docker, "version", "--format", "{{.Server.Os}}")...))
		if code != 0 || stdout != "linux\n" {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
	}
}
