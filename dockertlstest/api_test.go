package dockertlstest_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/dockertlstest"
)

const (
	attachRequest = "POST /v1.41/containers/abc/attach?stream=1 HTTP/1.1\r\nHost: docker\r\n" +
		"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
	execRequest = "POST /v1.41/exec/abc/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n" +
		"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 28\r\n\r\n" +
		`{"Detach":false,"Tty":true}` + "\n"
)

func TestAPI(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	t.Cleanup(d.Close)
	const plain, object = "text/plain; charset=utf-8", "application/json"
	tests := []struct {
		method, path, body string
		status             int
		contentType        string
		want               string // in the answer
	}{
		{"GET", "/_ping", "", 200, plain, "OK"},
		{"HEAD", "/_ping", "", 200, plain, ""},
		{"GET", "/v1.41/_ping", "", 200, plain, "OK"},
		{"GET", "/v1.51/version", "", 200, object, `"ApiVersion":"1.51"`},
		{"GET", "/version", "", 200, object, `"MinAPIVersion":"1.24"`},
		{"GET", "/info", "", 200, object, `"OSType":"linux"`},
		{"GET", "/v1.24/info", "", 200, object, `"Name":"dockertlstest"`},
		{"POST", "/v1.41/images/load?quiet=0", "tarball", 200, object, `{"stream":"Read 7 bytes\n"}`},
		{"POST", "/images/create?fromImage=a", "", 200, object, `"status":"Pulling`},
		{"GET", "/containers/abc/json", "", 200, object, `"Id":"abc"`},
		{"POST", "/containers/abc/exec", "{}", 201, object, `"Id":"`},
		{"GET", "/exec/abc/json", "", 200, object, `"ExitCode":0`},
		{"POST", "/exec/abc/start", `{"Detach":true}`, 200, "", ""},
		{"POST", "/exec/abc/start", `{`, 400, object, `"message":"invalid JSON`},
		{"GET", "/nothing", "", 404, object, `{"message":"page not found"}`},
		{"POST", "/_ping", "", 404, object, `{"message":"page not found"}`},
		{"GET", "/v1.41/nothing", "", 404, object, `{"message":"page not found"}`},
		{"GET", "/vnonsense/info", "", 404, object, `{"message":"page not found"}`},
		{"GET", "/v9.99/info", "", 400, object,
			`{"message":"client version 9.99 is too new. Maximum supported API version is 1.51"}`},
		{"GET", "/v1.100/_ping", "", 400, object, "client version 1.100 is too new."},
		{"GET", "/v1.2/info", "", 400, object,
			"client version 1.2 is too old. Minimum supported API version is 1.24,"},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			t.Parallel()
			response, body := send(t, d, test.method, test.path, test.body)
			if response.StatusCode != test.status || !strings.Contains(body, test.want) {
				t.Errorf("got %d %s, want %d with %s", response.StatusCode, body, test.status, test.want)
			}
			if got := response.Header.Get("Content-Type"); got != test.contentType {
				t.Errorf("content type %q, want %q", got, test.contentType)
			}
			if got := response.Header.Get("Api-Version"); got != "1.51" {
				t.Errorf("API version %q", got)
			}
		})
	}
}

func send(t *testing.T, d *dockertlstest.Daemon, method, path, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.Addr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(data)
}

func TestPingHeaders(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	defer d.Close()
	want := http.Header{
		"Api-Version":         {"1.51"},
		"Builder-Version":     {"2"},
		"Cache-Control":       {"no-cache, no-store, must-revalidate"},
		"Content-Length":      {"0"},
		"Content-Type":        {"text/plain; charset=utf-8"},
		"Docker-Experimental": {"false"},
		"Ostype":              {"linux"},
		"Pragma":              {"no-cache"},
		"Server":              {"Docker/28.5.2 (linux)"},
		"Swarm":               {"inactive"},
	}
	response, _ := send(t, d, "HEAD", "/_ping", "")
	response.Header.Del("Date")
	response.Header.Del("Connection")
	if diff := cmp.Diff(want, response.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestProgressIsAStreamOfObjects(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	defer d.Close()
	_, body := send(t, d, "POST", "/images/load", strings.Repeat("x", 1<<20))
	var got []map[string]string
	for decoder := json.NewDecoder(strings.NewReader(body)); decoder.More(); {
		var step map[string]string
		if err := decoder.Decode(&step); err != nil {
			t.Fatal(err)
		}
		got = append(got, step)
	}
	want := []map[string]string{
		{"stream": "Read 1048576 bytes\n"},
		{"stream": "Loaded image: dockertlstest:latest\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

// request writes text and returns the answer, and a reader of what follows it.
func request(t *testing.T, conn net.Conn, text string) (*http.Response, *bufio.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return response, reader
}

func TestHijackedStreamsEchoUntilHalfClose(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	config := trusting(ca, ca.ClientPair("alice"))
	daemons := map[string]*dockertlstest.Daemon{
		"plain":  dockertlstest.NewDaemon(dockertlstest.Plain, nil),
		"TLS":    dockertlstest.NewDaemon(dockertlstest.TLS, ca),
		"mutual": dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca),
		"unix":   dockertlstest.NewSocketDaemon(socketPath(t)),
	}
	clients := map[string]*tls.Config{"TLS": config, "mutual": config}
	for name, d := range daemons {
		t.Cleanup(d.Close)
		for kind, text := range map[string]string{"attach": attachRequest, "exec": execRequest} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				conn := mustDial(t, d, clients[name])
				response, reader := request(t, conn, text)
				checkUpgraded(t, response)
				checkEcho(t, conn, reader)
			})
		}
	}
}

func checkUpgraded(t *testing.T, response *http.Response) {
	t.Helper()
	want := http.Header{
		"Connection":   {"Upgrade"},
		"Content-Type": {"application/vnd.docker.raw-stream"},
		"Upgrade":      {"tcp"},
	}
	if diff := cmp.Diff(want, response.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if response.Status != "101 UPGRADED" {
		t.Errorf("status %q", response.Status)
	}
}

// checkEcho converses for a while, closes its side with an answer outstanding,
// and wants to read that answer and then the daemon's end.
func checkEcho(t *testing.T, conn net.Conn, reader *bufio.Reader) {
	t.Helper()
	for range 3 {
		io.WriteString(conn, "hello\n")
		if line, err := reader.ReadString('\n'); line != "hello\n" || err != nil {
			t.Fatalf("read %q, %v", line, err)
		}
	}
	io.WriteString(conn, "goodbye")
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(reader); string(rest) != "goodbye" || err != nil {
		t.Errorf("after the half-close: read %q, %v", rest, err)
	}
}

func TestStreamWithoutUpgrade(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	defer d.Close()
	conn := mustDial(t, d, nil)
	response, reader := request(t, conn, "POST /containers/abc/attach HTTP/1.1\r\nHost: docker\r\n\r\n")
	want := http.Header{"Content-Type": {"application/vnd.docker.raw-stream"}}
	if diff := cmp.Diff(want, response.Header); diff != "" || response.StatusCode != http.StatusOK {
		t.Errorf("status %s, headers (-want +got):\n%s", response.Status, diff)
	}
	checkEcho(t, conn, reader)
}

// Input may be in the same packet as the request.
func TestEarlyInputIsEchoed(t *testing.T) {
	t.Parallel()
	d := dockertlstest.NewDaemon(dockertlstest.Plain, nil)
	defer d.Close()
	for _, text := range []string{attachRequest, execRequest} {
		conn := mustDial(t, d, nil)
		_, reader := request(t, conn, text+"early\n")
		if line, err := reader.ReadString('\n'); line != "early\n" || err != nil {
			t.Errorf("read %q, %v", line, err)
		}
	}
}
