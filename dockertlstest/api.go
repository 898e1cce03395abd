package dockertlstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// What the stand-in says it is: a Docker release that exists, with the widest
// range of API versions, so that old and new clients both find theirs.
const (
	engineVersion    = "28.5.2"
	engineAPI        = "1.51"
	engineMinimumAPI = "1.24"
)

// execID is the id of every exec: the stand-in keeps no state.
const execID = "d0c4e4ec00000000000000000000000000000000000000000000000000000001"

// fields is a JSON object.
type fields map[string]any

// apiHandler returns the built-in part of the Docker API, behind the caller's
// own routes, with what serves the streams of attach and exec.
func apiHandler(routes []route, stream func(net.Conn, *http.Request)) http.Handler {
	mux := http.NewServeMux()
	take := takeOver(stream)
	mux.HandleFunc("GET /_ping", ping) // net/http lets GET answer HEAD too
	mux.HandleFunc("GET /version", version)
	mux.HandleFunc("GET /info", info)
	mux.HandleFunc("POST /images/load", imageLoad)
	mux.HandleFunc("POST /images/create", imageCreate)
	mux.HandleFunc("GET /containers/{id}/json", containerInspect)
	mux.HandleFunc("POST /containers/{id}/attach", take)
	mux.HandleFunc("POST /containers/{id}/exec", execCreate)
	mux.HandleFunc("GET /exec/{id}/json", execInspect)
	mux.HandleFunc("POST /exec/{id}/start", execStart(take))
	mux.HandleFunc("/", notFound) // wrong methods too: dockerd never answers 405
	return identified(versioned(routed(routes, mux)))
}

// A route is a handler of the caller's own.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

// routed asks the caller's routes first.
func routed(routes []route, next http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.pattern, r.serve)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// identified adds the headers that dockerd adds to every answer.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Server", "Docker/"+engineVersion+" (linux)")
		header.Set("Api-Version", engineAPI)
		header.Set("Docker-Experimental", "false")
		header.Set("Ostype", "linux")
		next.ServeHTTP(w, r)
	})
}

// versioned serves /v1.41/info as /info, and refuses versions that the engine
// does not offer.
func versioned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requested, ok := pathVersion(r.URL.Path)
		switch {
		case !ok:
			next.ServeHTTP(w, r)
		case compareVersions(requested, engineAPI) > 0:
			writeError(w, http.StatusBadRequest, fmt.Sprintf("client version %s is too new. "+
				"Maximum supported API version is %s", requested, engineAPI))
		case compareVersions(requested, engineMinimumAPI) < 0:
			writeError(w, http.StatusBadRequest, fmt.Sprintf("client version %s is too old. "+
				"Minimum supported API version is %s, please upgrade your client to a newer version",
				requested, engineMinimumAPI))
		default:
			http.StripPrefix("/v"+requested, next).ServeHTTP(w, r)
		}
	})
}

// pathVersion returns "1.41" for /v1.41/info, and false for /version.
func pathVersion(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/v")
	version, _, below := strings.Cut(rest, "/")
	_, _, parsed := parseVersion(version)
	return version, ok && below && parsed
}

func parseVersion(version string) (major, minor int, ok bool) {
	before, after, _ := strings.Cut(version, ".")
	major, majorErr := strconv.Atoi(before)
	minor, minorErr := strconv.Atoi(after)
	return major, minor, majorErr == nil && minorErr == nil
}

// compareVersions is negative, zero or positive as a is older than, equal to or
// newer than b.
func compareVersions(a, b string) int {
	aMajor, aMinor, _ := parseVersion(a)
	bMajor, bMinor, _ := parseVersion(b)
	if aMajor != bMajor {
		return aMajor - bMajor
	}
	return aMinor - bMinor
}

func ping(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Builder-Version", "2")
	header.Set("Swarm", "inactive")
	header.Set("Cache-Control", "no-cache, no-store, must-revalidate")
	header.Set("Pragma", "no-cache")
	header.Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method == http.MethodHead {
		header.Set("Content-Length", "0") // not 2, as net/http would say
		return
	}
	io.WriteString(w, "OK")
}

func version(w http.ResponseWriter, _ *http.Request) {
	build := fields{
		"ApiVersion":    engineAPI,
		"MinAPIVersion": engineMinimumAPI,
		"Os":            "linux",
		"Arch":          "amd64",
		"GitCommit":     "dockertlstest",
		"GoVersion":     "go1.24.9",
		"KernelVersion": "6.8.0",
		"BuildTime":     "2025-11-05T14:00:00.000000000+00:00",
	}
	answer := fields{
		"Platform": fields{"Name": "dockertlstest"},
		"Version":  engineVersion,
		"Components": []fields{
			{"Name": "Engine", "Version": engineVersion, "Details": build},
		},
	}
	for name, value := range build {
		answer[name] = value
	}
	writeJSON(w, http.StatusOK, answer)
}

func info(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, fields{
		"ID":              "00000000-0000-4000-8000-000000000000",
		"Name":            "dockertlstest",
		"ServerVersion":   engineVersion,
		"OperatingSystem": "dockertlstest",
		"OSType":          "linux",
		"Architecture":    "x86_64",
		"KernelVersion":   "6.8.0",
		"Driver":          "overlay2",
		"NCPU":            1,
		"MemTotal":        1 << 30,
		"Containers":      0,
		"Images":          0,
	})
}

func imageLoad(w http.ResponseWriter, r *http.Request) {
	size, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeProgress(w,
		fields{"stream": fmt.Sprintf("Read %d bytes\n", size)},
		fields{"stream": "Loaded image: dockertlstest:latest\n"})
}

func imageCreate(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeProgress(w,
		fields{"status": "Pulling from dockertlstest", "id": "latest"},
		fields{"status": "Status: Image is up to date for dockertlstest:latest"})
}

// The inspections answer "with a terminal", because that is when dockerd's
// streams are raw, as those of echo are.

func containerInspect(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, fields{
		"Id":     r.PathValue("id"),
		"Name":   "/" + r.PathValue("id"),
		"State":  fields{"Status": "running", "Running": true},
		"Config": fields{"Tty": true, "OpenStdin": true, "AttachStdin": true, "AttachStdout": true},
	})
}

func execCreate(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	writeJSON(w, http.StatusCreated, fields{"Id": execID})
}

func execInspect(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, fields{
		"ID":            r.PathValue("id"),
		"Running":       false,
		"ExitCode":      0,
		"ProcessConfig": fields{"tty": true, "entrypoint": "cat", "arguments": []string{}},
	})
}

func execStart(take http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var options struct{ Detach bool }
		err := json.NewDecoder(r.Body).Decode(&options)
		if err != nil && err != io.EOF {
			writeError(w, http.StatusBadRequest, "invalid JSON: "+err.Error())
			return
		}
		// What is left of the body would otherwise count as input of the stream.
		io.Copy(io.Discard, r.Body)
		if options.Detach {
			return
		}
		take(w, r)
	}
}

// takeOver takes over the connection, answers as dockerd does, and lets serve
// do the rest.
func takeOver(serve func(net.Conn, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			writeError(w, http.StatusInternalServerError, err.Error())
			return
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, streamHeader(r)); err != nil {
			return
		}
		serve(takenConn{conn, buffered.Reader}, r)
	}
}

// A takenConn reads first what the client has sent along with its request.
type takenConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c takenConn) Read(b []byte) (int, error) { return c.reader.Read(b) }

func (c takenConn) CloseWrite() error { return closeWrite(c.Conn) }

// echo sends back what it reads until the client closes its side.
func echo(conn net.Conn, _ *http.Request) { io.Copy(conn, conn) }

// streamHeader is what dockerd writes before a raw stream.
func streamHeader(r *http.Request) string {
	const contentType = "Content-Type: application/vnd.docker.raw-stream\r\n"
	if r.Header.Get("Upgrade") == "" {
		return "HTTP/1.1 200 OK\r\n" + contentType + "\r\n"
	}
	return "HTTP/1.1 101 UPGRADED\r\n" + contentType + "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	writeError(w, http.StatusNotFound, "page not found")
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, fields{"message": message})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

// writeProgress answers with a stream of JSON objects, one on each line.
func writeProgress(w http.ResponseWriter, steps ...fields) {
	w.Header().Set("Content-Type", "application/json")
	for _, step := range steps {
		json.NewEncoder(w).Encode(step)
	}
}
