package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/go-connections/tlsconfig"
)

// serverVariable makes a process the server: the program starts itself again,
// because what the server needs must not count. It holds the kind of server and
// a folder for files.
const serverVariable = "DOCKERTLS_BENCH_SERVER"

// The kinds of servers.
const (
	mutualTLS  = "mutual TLS"
	plainTCP   = "plain TCP"
	unixSocket = "unix socket"
)

// serveIfAsked comes first in the program: in a process that is to be the server
// it does not return.
func serveIfAsked() {
	kind, dir, ok := strings.Cut(os.Getenv(serverVariable), ":")
	if !ok {
		return
	}
	if err := serve(kind, certDir(dir)); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve prints the address, and serves until standard input ends: so the server
// does not outlive the program, whatever becomes of that.
func serve(kind string, dir certDir) error {
	network, address := "tcp", "127.0.0.1:0"
	if kind == unixSocket {
		network, address = "unix", filepath.Join(string(dir), "docker.sock")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	defer listener.Close()
	s := new(server)
	if kind == mutualTLS {
		if s.tls, err = dir.serverTLS(); err != nil {
			return err
		}
	}
	go s.accept(listener)
	fmt.Println(network + "://" + listener.Addr().String())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// serverTLS is the TLS of dockerd.
func (d certDir) serverTLS() (*tls.Config, error) {
	return tlsconfig.Server(tlsconfig.Options{
		CAFile: d.ca(), CertFile: d.serverCert(), KeyFile: d.serverKey(),
		ClientAuth: tls.RequireAndVerifyClientCert, ExclusiveRootPools: true,
	})
}

// A server answers like a daemon, at as little cost as possible: what it needs
// hides what the clients need.
type server struct {
	tls         *tls.Config // nil: none
	connections atomic.Int64
}

func (s *server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.connections.Add(1)
		fixBuffers(conn)
		go s.handle(newBulkConn(conn, s.tls))
	}
}

// handle answers one request after the other.
func (s *server) handle(conn *bulkConn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, bulkSize)
	buf := make([]byte, bulkSize)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if strings.HasSuffix(req.URL.Path, "/attach") {
			echo(conn, r, buf)
			return
		}
		if _, err := io.CopyBuffer(sink, struct{ io.Reader }{req.Body}, buf); err != nil {
			return
		}
		if err := s.answer(conn, req); err != nil {
			return
		}
	}
}

// daemonHeader is what dockerd says with every answer.
const daemonHeader = "Api-Version: 1.51\r\nDocker-Experimental: false\r\nOstype: linux\r\n" +
	"Server: Docker/28.5.2 (linux)\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\n"

// connectionsPath answers with the number of connections so far.
const connectionsPath = "/connections"

func (s *server) answer(w io.Writer, req *http.Request) error {
	body := "OK"
	switch {
	case strings.HasSuffix(req.URL.Path, "/get"):
		return sendImage(w, imageSize(req))
	case req.URL.Path == connectionsPath:
		body = fmt.Sprint(s.connections.Load())
	}
	length := len(body)
	if req.Method == http.MethodHead {
		length, body = 0, ""
	}
	_, err := fmt.Fprintf(w, "HTTP/1.1 200 OK\r\n%sContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", daemonHeader, length, body)
	return err
}

// imageSize is said by the name of the image, wherever the client writes it.
func imageSize(req *http.Request) int {
	name := req.URL.Query().Get("names")
	if name == "" {
		parts := strings.Split(strings.TrimSuffix(req.URL.Path, "/get"), "/")
		name = parts[len(parts)-1]
	}
	size, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "size"), ":latest"))
	return size
}

// piece is what io.Copy, and so dockerd, reads and writes at once.
const piece = 32 << 10

// pieces are some, in the chunks that HTTP makes of them.
var pieces = bytes.Repeat([]byte("8000\r\n"+strings.Repeat("i", piece)+"\r\n"), bulkSize/piece)

func sendImage(w io.Writer, size int) error {
	if _, err := io.WriteString(w, "HTTP/1.1 200 OK\r\n"+daemonHeader+"Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
		return err
	}
	chunk := len(pieces) / (bulkSize / piece)
	for size > 0 {
		n := min(size, bulkSize) / piece
		if _, err := w.Write(pieces[:n*chunk]); err != nil {
			return err
		}
		size -= n * piece
	}
	_, err := io.WriteString(w, "0\r\n\r\n")
	return err
}

// echo turns the connection into a stream that returns what it gets.
func echo(w io.Writer, r io.Reader, buf []byte) {
	_, err := io.WriteString(w, "HTTP/1.1 101 UPGRADED\r\n"+daemonHeader+
		"Content-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	for err == nil {
		var n int
		if n, err = r.Read(buf); n > 0 {
			_, err = w.Write(buf[:n])
		}
	}
}

// startServer starts a server as a child process, and returns its address as
// dockertls wants it. The caller must stop it.
func startServer(kind string, dir certDir) (host string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), serverVariable+"="+kind+":"+string(dir))
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second // then it is killed
	stop = func() {
		cancel()
		_ = cmd.Wait() // killed or not: it is gone
	}
	if host, err = startTelling(cmd); err != nil {
		stop()
		return "", nil, err
	}
	return host, stop, nil
}

// startTelling starts a server and returns the address that it prints.
func startTelling(cmd *exec.Cmd) (string, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	cmd.Cancel = stdin.Close
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the server does not tell its address: %w", err)
	}
	return strings.TrimSpace(line), nil
}
