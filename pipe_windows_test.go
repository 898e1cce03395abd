package dockertls_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/dockertls/dockertls"
)

// A daemon behind a named pipe is reached, by requests and by a raw stream.
func TestNamedPipe(t *testing.T) {
	t.Parallel()
	name := fmt.Sprintf(`\\.\pipe\dockertls-%d-%d`, os.Getpid(), time.Now().UnixNano())
	for _, host := range []string{"npipe:////./pipe/" + name[len(`\\.\pipe\`):], "npipe://" + name} {
		cfg, err := dockertls.Resolve(dockertls.Options{Host: host})
		check(t, err)
		done := servePipe(t, name)
		client := cfg.HTTPClient()
		resp, err := client.Get(cfg.URL("/_ping"))
		check(t, err)
		body, err := io.ReadAll(resp.Body)
		if string(body) != "OK" || err != nil {
			t.Errorf("%s: got %q, %v", host, body, err)
		}
		resp.Body.Close()
		client.CloseIdleConnections()
		if asked := <-done; asked != "api.moby.localhost/_ping" {
			t.Errorf("%s: the daemon was asked for %s", host, asked)
		}

		done = servePipe(t, name)
		conn, err := cfg.Dial(t.Context())
		check(t, err)
		fmt.Fprint(conn, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("%s: the stream answers %v, %v", host, answer, err)
		}
		conn.Close()
		<-done
	}
}

func TestNamedPipeMissing(t *testing.T) {
	t.Parallel()
	cfg, err := dockertls.Resolve(dockertls.Options{Host: "npipe:////./pipe/dockertls-nobody"})
	check(t, err)
	_, err = cfg.HTTPClient().Get(cfg.URL("/_ping"))
	wantKind(t, err, dockertls.SocketMissing, "dockertls-nobody")
}

// servePipe answers one request on a new pipe of that name, and tells which it was.
func servePipe(t *testing.T, name string) <-chan string {
	t.Helper()
	const (
		duplex, bytewise = 3, 0
		buffer           = 4096
	)
	kernel := syscall.NewLazyDLL("kernel32.dll")
	path, err := syscall.UTF16PtrFromString(name)
	check(t, err)
	handle, _, err := kernel.NewProc("CreateNamedPipeW").Call(uintptr(unsafe.Pointer(path)), duplex, bytewise, 255, buffer, buffer, 0, 0)
	if syscall.Handle(handle) == syscall.InvalidHandle {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	go func() {
		defer close(asked)
		pipe := os.NewFile(handle, name)
		defer pipe.Close()
		kernel.NewProc("ConnectNamedPipe").Call(handle, 0)
		req, err := http.ReadRequest(bufio.NewReader(pipe))
		if err != nil {
			asked <- err.Error()
			return
		}
		io.WriteString(pipe, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
		kernel.NewProc("FlushFileBuffers").Call(handle) // until it was read
		asked <- req.Host + req.URL.Path
	}()
	return asked
}
