package dockerdtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Even a daemon that is killed while a container runs leaves nothing behind.
func TestStopLeavesNothing(t *testing.T) {
	for _, flavour := range Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			d := Start(t, flavour, Options{})
			container := startContainer(t, d)
			if err := d.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-d.exited
			if err := d.stop(); err != nil {
				t.Error(err)
			}
			checkGone(t, d, container)
		})
	}
}

// startContainer starts a container that sleeps, and returns its process.
func startContainer(t *testing.T, d *Daemon) int {
	t.Helper()
	post(t, d, "/images/create?fromSrc=-&repo=test", "application/x-tar", BusyboxTar(t))
	var created struct{ ID string }
	decode(t, post(t, d, "/containers/create", "application/json",
		[]byte(`{"Image":"test","Cmd":["sleep","1000"],"HostConfig":{"NetworkMode":"none"}}`)), &created)
	post(t, d, "/containers/"+created.ID+"/start", "", nil)

	var inspected struct{ State struct{ Pid int } }
	decode(t, request(t, d, http.MethodGet, "/containers/"+created.ID+"/json", "", nil), &inspected)
	if inspected.State.Pid == 0 {
		t.Fatal("the container does not run")
	}
	return inspected.State.Pid
}

func checkGone(t *testing.T, d *Daemon, container int) {
	t.Helper()
	// That of a process which is dead, but not reaped yet, is empty.
	if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", container)); len(args) > 0 {
		t.Errorf("the container still runs: %q", args)
	}
	if pids := naming(d.dir); len(pids) > 0 {
		t.Errorf("processes %d still run", pids)
	}
	if mounts, err := mountsBelow(d.dir); len(mounts) > 0 || err != nil {
		t.Errorf("%q still mounted, error %v", mounts, err)
	}
	if _, err := os.Stat(d.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: got %v, want %v", d.dir, err, os.ErrNotExist)
	}
}

func post(t *testing.T, d *Daemon, path, contentType string, body []byte) []byte {
	t.Helper()
	return request(t, d, http.MethodPost, path, contentType, body)
}

// request speaks with the daemon through its unix socket.
func request(t *testing.T, d *Daemon, method, path, contentType string, body []byte) []byte {
	t.Helper()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", d.Socket)
		},
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://docker"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 || strings.Contains(string(answer), `"error"`) {
		t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, answer, err)
	}
	return answer
}

func decode(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}
