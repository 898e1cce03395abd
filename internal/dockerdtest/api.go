package dockerdtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

const (
	imageName   = "dockertls-test"
	streamLimit = time.Minute
)

// An Endpoint is a way to reach a daemon. A *dockertls.Config is one.
type Endpoint interface {
	HTTPClient() *http.Client
	URL(path string) string
	Dial(context.Context) (net.Conn, error)
}

// API uses a daemon for a test, which ends when something fails.
type API struct {
	tb       testing.TB
	endpoint Endpoint
	client   *http.Client
}

// NewAPI returns the API behind an endpoint.
func NewAPI(tb testing.TB, e Endpoint) *API {
	a := &API{tb: tb, endpoint: e, client: e.HTTPClient()}
	tb.Cleanup(a.client.CloseIdleConnections)
	return a
}

// Get returns what the daemon answers.
func (a *API) Get(path string) []byte {
	a.tb.Helper()
	return a.call(a.request(http.MethodGet, path, "", nil))
}

// Version returns the daemon's version of the API.
func (a *API) Version() string {
	a.tb.Helper()
	var version struct{ APIVersion string }
	a.decode(a.Get("/version"), &version)
	return version.APIVersion
}

// Import makes the image that containers run, from what BusyboxTar returns.
func (a *API) Import(root []byte) {
	a.tb.Helper()
	path := "/images/create?fromSrc=-&repo=" + imageName
	answer := a.call(a.request(http.MethodPost, path, "application/x-tar", root))
	// The daemon answers 200 before it knows how the import will end.
	if bytes.Contains(answer, []byte(`"error"`)) {
		a.tb.Fatalf("import: %s", answer)
	}
}

// Attach runs a command in a new container, attached to it.
func (a *API) Attach(command ...string) *Stream {
	a.tb.Helper()
	container := a.create(command)
	stream := a.upgrade("/containers/"+container+"/attach?stream=1&stdin=1&stdout=1&stderr=1", nil)
	a.post("/containers/"+container+"/start", nil, nil)
	return stream
}

// Exec runs a command in a container that runs already.
func (a *API) Exec(command ...string) *Stream {
	a.tb.Helper()
	container, _ := a.Run("sleep", "1000")
	var exec struct{ ID string }
	a.post("/containers/"+container+"/exec", map[string]any{
		"Cmd": command, "AttachStdin": true, "AttachStdout": true, "AttachStderr": true,
	}, &exec)
	return a.upgrade("/exec/"+exec.ID+"/start", map[string]any{"Detach": false, "Tty": false})
}

// Run starts a command in a new container, and returns the container's name and its process.
func (a *API) Run(command ...string) (name string, pid int) {
	a.tb.Helper()
	name = a.create(command)
	a.post("/containers/"+name+"/start", nil, nil)
	var container struct {
		State struct {
			Running bool
			PID     int
		}
	}
	a.decode(a.Get("/containers/"+name+"/json"), &container)
	if !container.State.Running {
		a.tb.Fatalf("%q does not run", command)
	}
	return name, container.State.PID
}

// create makes a container that is removed when the test ends: it would delay
// the daemon's end by the 10 seconds that it has to react to a signal.
func (a *API) create(command []string) string {
	a.tb.Helper()
	var container struct{ ID string }
	a.post("/containers/create", map[string]any{
		"Image": imageName, "Cmd": command,
		"OpenStdin": true, "StdinOnce": true,
		"AttachStdin": true, "AttachStdout": true, "AttachStderr": true,
		"HostConfig": map[string]any{"NetworkMode": "none"},
	}, &container)
	a.tb.Cleanup(func() { a.remove(container.ID) })
	return container.ID
}

func (a *API) remove(container string) {
	req := a.request(http.MethodDelete, "/containers/"+container+"?force=1", "", nil)
	// The test's own context has ended. A daemon that is gone has no containers.
	if resp, err := a.client.Do(req.WithContext(context.Background())); err == nil {
		resp.Body.Close()
	}
}

// post sends and receives JSON, either of which may be nil.
func (a *API) post(path string, body, answer any) {
	a.tb.Helper()
	data := a.call(a.request(http.MethodPost, path, "application/json", a.encode(body)))
	if answer != nil {
		a.decode(data, answer)
	}
}

// upgrade turns a request's connection into a stream.
func (a *API) upgrade(path string, body any) *Stream {
	a.tb.Helper()
	req := a.request(http.MethodPost, path, "application/json", a.encode(body))
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "tcp")
	conn, err := a.endpoint.Dial(a.tb.Context())
	if err != nil {
		a.tb.Fatal(err)
	}
	a.tb.Cleanup(func() { conn.Close() })
	stream, err := newStream(conn, req)
	if err != nil {
		a.tb.Fatalf("POST %s: %v", path, err)
	}
	return stream
}

// call returns the body of a successful answer.
func (a *API) call(req *http.Request) []byte {
	a.tb.Helper()
	resp, err := a.client.Do(req)
	if err != nil {
		a.tb.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		a.tb.Fatalf("%s %s: %s: %s %v", req.Method, req.URL.Path, resp.Status, answer, err)
	}
	return answer
}

func (a *API) request(method, path, contentType string, body []byte) *http.Request {
	a.tb.Helper()
	req, err := http.NewRequestWithContext(a.tb.Context(), method, a.endpoint.URL(path), bytes.NewReader(body))
	if err != nil {
		a.tb.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

func (a *API) encode(v any) []byte {
	a.tb.Helper()
	if v == nil {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		a.tb.Fatal(err)
	}
	return data
}

func (a *API) decode(data []byte, to any) {
	a.tb.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		a.tb.Fatalf("%s: %v", data, err)
	}
}
