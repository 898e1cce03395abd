package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/dockertls/dockertls"
)

// A relay is a unix socket that leads to a daemon. Whoever can open it is as
// powerful as the client certificate.
type relay struct {
	Host     string // for clients, in plain HTTP
	dir      string
	listener net.Listener
}

// startRelay opens a socket in a folder of its own, for this user only.
func startRelay(cfg *dockertls.Config) (*relay, error) {
	dir, err := os.MkdirTemp("", "") // a short path: systems allow a hundred bytes; mode 0700
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r := &relay{Host: "unix://" + path, dir: dir, listener: listener}
	go r.serve(cfg)
	return r, nil
}

// Close refuses new connections. Those there are end with their clients.
func (r *relay) Close() error { return errors.Join(r.listener.Close(), os.RemoveAll(r.dir)) }

func (r *relay) serve(cfg *dockertls.Config) {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		go carry(client, cfg)
	}
}

// carry connects a client with the daemon, and lets each side end what it says
// while the other goes on, as attach and exec do. It waits for the client's first
// byte: what is answered before a request, clients throw away.
func carry(client net.Conn, cfg *dockertls.Config) {
	defer client.Close()
	request := bufio.NewReader(client)
	if _, err := request.Peek(1); err != nil {
		return
	}
	daemon, err := cfg.Dial(context.Background())
	if err != nil {
		answer(client, cfg.Diagnose(err))
		return
	}
	defer daemon.Close()
	go func() {
		_, _ = io.Copy(daemon, request)
		closeWrite(daemon)
	}()
	n, err := io.Copy(client, daemon)
	if n == 0 && err != nil {
		answer(client, cfg.Diagnose(err)) // a client certificate is refused as late as this
		return
	}
	closeWrite(client)
}

// drainTimeout is how long a client may go on sending after it was answered.
const drainTimeout = 10 * time.Second

// answer lets the client show an error as it shows those of the daemon. It reads
// what is still coming: a client that cannot write may not look for an answer.
func answer(client net.Conn, err error) {
	body, _ := json.Marshal(map[string]string{"message": fmt.Sprintf("%+v", err)})
	fmt.Fprintf(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		len(body), body)
	closeWrite(client)
	_ = client.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.Copy(io.Discard, client)
}

func closeWrite(conn net.Conn) {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}
