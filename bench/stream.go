package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/docker/go-connections/tlsconfig"
	"github.com/dockertls/dockertls"
	docker "github.com/fsouza/go-dockerclient"
	"github.com/moby/moby/client"
)

const streamMethod = `
A stream as of attach and exec, to a server that sends back what it gets; ECDSA certificates, mutual TLS. "There and back"
is one frame of 64 bytes; "both ways" are 4 MiB in frames of 1 KiB, written and read at the same time,
at most 64 KiB under way. dockertls is
` + "`Config.Dial`" + `, moby ` + "`ContainerAttach`" + `, go-dockerclient ` + "`AttachToContainerNonBlocking`" + ` with two pipes, net/http a
` + "`tls.Dial`" + ` of crypto/tls. The last rows are moby's client with our transport in the first column.
`

const (
	frame     = 1 << 10
	streamed  = 4 << 20
	keystroke = 64
)

// streams compares streams of small frames.
func (l *lab) streams() ([]row, error) {
	e, stop, err := l.serve(mutualTLS, keyKinds[0])
	if err != nil {
		return nil, err
	}
	defer stop()
	e.dial = nil // the others have no say in how a stream is dialled
	rows, err := l.compareStreams("", map[side]func() (io.ReadWriteCloser, error){
		ours: e.dialOurs, moby: e.attachMoby, fsouza: e.attachFsouza, bare: e.dialBare,
	})
	if err != nil {
		return nil, err
	}
	through, err := l.compareStreams(", through moby's client", map[side]func() (io.ReadWriteCloser, error){
		ours: e.attachMobyWithOurs, moby: e.attachMoby,
	})
	return append(rows, through...), err
}

func (l *lab) compareStreams(suffix string, open map[side]func() (io.ReadWriteCloser, error)) ([]row, error) {
	var there, both []action
	for s := range sides {
		if open[s] == nil {
			continue
		}
		d, err := open[s]()
		if err != nil {
			return nil, err
		}
		defer d.Close()
		buf := make([]byte, keystroke)
		there = append(there, action{side: s, run: func() error { return exchange(d, buf) }})
		both = append(both, action{side: s, run: func() error { return pump(d, streamed) }})
	}
	latency, err := measure(l.stream, there)
	if err != nil {
		return nil, err
	}
	rate, err := measure(pace{rounds: l.stream.rounds, warmup: 1}, both)
	if err != nil {
		return nil, err
	}
	return []row{
		timeRow("there and back"+suffix, latency, latency.notAbove(moby)),
		rateRow("both ways"+suffix, streamed, rate, rate.notAbove(moby)),
	}, nil
}

// exchange writes a frame and waits for it to come back.
func exchange(d io.ReadWriter, buf []byte) error {
	if _, err := d.Write(buf); err != nil {
		return err
	}
	_, err := io.ReadFull(d, buf)
	return err
}

// pump writes and reads at the same time. Not more is under way than fits into
// the buffers of all systems: each side would wait for the other to read.
func pump(d io.ReadWriteCloser, size int) error {
	room, written := make(chan struct{}, 2), make(chan error, 1)
	go func() {
		err := writeFrames(d, size, room)
		if err != nil {
			d.Close() // ends the reading
		}
		written <- err
	}()
	var readErr error
	for range size / piece {
		if _, readErr = io.CopyN(sink, d, piece); readErr != nil {
			d.Close() // ends the writing
			break
		}
		<-room
	}
	for readErr != nil {
		select {
		case <-room:
		case err := <-written:
			return errors.Join(err, readErr)
		}
	}
	return <-written
}

// writeFrames waits for room before each piece.
func writeFrames(w io.Writer, size int, room chan<- struct{}) error {
	buf := make([]byte, frame)
	for range size / piece {
		room <- struct{}{}
		for range piece / frame {
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e endpoint) dialOurs() (io.ReadWriteCloser, error) {
	cfg, err := e.resolve(dockertls.Resolve)
	if err != nil {
		return nil, err
	}
	conn, err := cfg.Dial(context.Background())
	if err != nil {
		return nil, err
	}
	return upgrade(conn)
}

func (e endpoint) dialBare() (io.ReadWriteCloser, error) {
	cfg, err := tlsconfig.Client(tlsconfig.Options{
		CAFile: e.certs.ca(), CertFile: e.certs.cert(), KeyFile: e.certs.key(), ExclusiveRootPools: true,
	})
	if err != nil {
		return nil, err
	}
	_, address, _ := strings.Cut(e.host, "://")
	conn, err := tls.Dial("tcp", address, cfg)
	if err != nil {
		return nil, err
	}
	return upgrade(conn)
}

// upgrade turns a connection into a stream. The server says nothing more before
// it is spoken to, so nothing is left in the reader.
func upgrade(conn net.Conn) (io.ReadWriteCloser, error) {
	_, err := io.WriteString(conn, "POST /containers/c/attach?stream=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	if err != nil {
		conn.Close()
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("attach: %s", resp.Status)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (e endpoint) attachMoby() (io.ReadWriteCloser, error) {
	cli, err := client.New(e.mobyOptions()...)
	if err != nil {
		return nil, err
	}
	return attach(cli)
}

func (e endpoint) attachMobyWithOurs() (io.ReadWriteCloser, error) {
	cfg, err := e.resolve(dockertls.Resolve)
	if err != nil {
		return nil, err
	}
	cli, err := client.New(client.WithHost(cfg.Host()), client.WithHTTPClient(cfg.HTTPClient()))
	if err != nil {
		return nil, err
	}
	return attach(cli)
}

// A hijacked stream of moby's client is read and written at different places.
type hijacked struct {
	io.Reader
	net.Conn
}

func (h hijacked) Read(b []byte) (int, error) { return h.Reader.Read(b) }

func attach(cli *client.Client) (io.ReadWriteCloser, error) {
	result, err := cli.ContainerAttach(context.Background(), "c", client.ContainerAttachOptions{
		Stream: true, Stdin: true, Stdout: true,
	})
	if err != nil {
		return nil, err
	}
	return hijacked{result.Reader, result.Conn}, nil
}

// pipes are a stream of go-dockerclient, which copies by itself.
type pipes struct {
	io.Reader
	io.Writer
	closer docker.CloseWaiter
}

func (p pipes) Close() error { return p.closer.Close() }

func (e endpoint) attachFsouza() (io.ReadWriteCloser, error) {
	cli, err := e.fsouzaClient()
	if err != nil {
		return nil, err
	}
	fromUs, toDaemon := io.Pipe()
	fromDaemon, toUs := io.Pipe()
	success := make(chan struct{})
	waiter, err := cli.AttachToContainerNonBlocking(docker.AttachToContainerOptions{
		Container: "c", Stream: true, Stdin: true, Stdout: true, RawTerminal: true,
		InputStream: fromUs, OutputStream: toUs, Success: success,
	})
	if err != nil {
		return nil, err
	}
	success <- <-success // it waits to be told that we know
	return pipes{fromDaemon, toDaemon, waiter}, nil
}
