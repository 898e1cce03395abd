package dockertls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of an ssh process.
const (
	sshWord   = 8 << 10                // how much is kept of what it says, at its end
	sshExit   = 2 * time.Second        // from the end of its output to its own end
	sshLinger = 500 * time.Millisecond // from our Close to the signal, to deliver what was written
	sshKill   = 2 * time.Second        // from that signal to the one that nobody can refuse
	sshRest   = 200 * time.Millisecond // for the rest of what it said, if others hold that pipe
)

// An sshConn is a stream through the user's ssh program: what is written goes to
// its standard input, and what it prints is read. The process lives as long as
// the connection: Close ends it, and reap is there until it has ended.
type sshConn struct {
	target sshTarget
	cmd    *exec.Cmd
	stdin  *os.File // our ends of the pipes
	stdout *os.File
	says   lastWords

	heard   atomic.Bool // something was read
	closing sync.Once
	closed  chan struct{} // by our Close
	signals sync.Mutex    // guards timer and ended
	timer   *time.Timer   // of the next signal
	ended   bool
	exited  chan struct{} // closed once the process was reaped
}

// dialSSH starts ssh. It does not wait for anything: neither ssh nor docker on the
// other side says a word before the daemon answers, so that what fails is read
// in place of an answer. The context ends the start, not the process.
func dialSSH(ctx context.Context, target sshTarget) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := exec.LookPath(schemeSSH)
	if err != nil {
		return nil, err
	}
	c := &sshConn{target: target, closed: make(chan struct{}), exited: make(chan struct{})}
	c.cmd = exec.Command(path, target.args()...) //nolint:noctx // it ends with the connection, not with this context
	// English is what explainSSH understands; ssh may hand the variable on to
	// the other side's shell and docker as well.
	c.cmd.Env = append(c.cmd.Environ(), "LC_ALL=C")
	c.cmd.Stderr = &c.says
	c.cmd.SysProcAttr = ownSession()
	c.cmd.WaitDelay = sshRest
	if err := c.start(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *sshConn) start() error {
	theirIn, stdin, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	stdout, theirOut, err := os.Pipe()
	if err != nil {
		stdin.Close()
		return err
	}
	defer theirOut.Close()
	c.cmd.Stdin, c.cmd.Stdout = theirIn, theirOut
	if err := c.cmd.Start(); err != nil {
		stdin.Close()
		stdout.Close()
		return err
	}
	c.stdin, c.stdout = stdin, stdout
	go c.reap()
	return nil
}

// reap waits for the end of the process, which comes by itself, or by Close.
func (c *sshConn) reap() {
	_ = c.cmd.Wait() // the state of the process has it too
	c.signals.Lock()
	defer c.signals.Unlock()
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
	}
	close(c.exited)
}

// Close ends both directions at once. The process gets a moment to deliver what
// was written, if the other side has ever been heard of; then it is asked to end,
// and made to. Close does not wait for that.
func (c *sshConn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.stdin.Close()
		c.stdout.Close()
		linger := sshLinger
		if !c.heard.Load() {
			linger = 0
		}
		c.endAfter(linger)
	})
	return nil
}

// endAfter ends the process, if it has not ended by then.
func (c *sshConn) endAfter(linger time.Duration) {
	c.signals.Lock()
	defer c.signals.Unlock()
	if c.ended {
		return
	}
	c.timer = time.AfterFunc(linger, func() {
		c.signals.Lock()
		defer c.signals.Unlock()
		if c.ended {
			return
		}
		terminate(c.cmd.Process)
		c.timer = time.AfterFunc(sshKill, func() { kill(c.cmd.Process) })
	})
}

// CloseWrite ends our direction: the daemon sees the end of its input.
func (c *sshConn) CloseWrite() error { return c.explained("close", c.stdin.Close()) }

func (c *sshConn) Read(b []byte) (int, error) {
	n, err := c.stdout.Read(b)
	if n > 0 {
		c.heard.Store(true)
	}
	if err != io.EOF {
		return n, c.explained("read", err)
	}
	// The end of the stream, or of ssh: its exit status tells.
	if e := c.failure(); e != nil {
		return n, e
	}
	return n, io.EOF
}

func (c *sshConn) Write(b []byte) (int, error) {
	n, err := c.stdin.Write(b)
	if err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		if e := c.failure(); e != nil {
			e.cause = err
			return n, e
		}
	}
	return n, c.explained("write", err)
}

// failure is how ssh failed, nil if it did not. One of its pipes has ended, so
// that its own end is near; if not, the other direction may go on.
func (c *sshConn) failure() *sshError {
	timer := time.NewTimer(sshExit)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-c.closed: // what comes of that is our own doing
		return nil
	case <-timer.C:
		return nil
	}
	if c.cmd.ProcessState.Success() {
		return nil
	}
	return &sshError{target: c.target, state: c.cmd.ProcessState, stderr: c.says.text()}
}

// explained gives errors of the pipes the form that those of sockets have.
func (c *sshConn) explained(op string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: schemeSSH, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// An sshAddr is what stands for the addresses of the two ends.
type sshAddr string

func (sshAddr) Network() string  { return schemeSSH }
func (a sshAddr) String() string { return string(a) }

func (c *sshConn) LocalAddr() net.Addr { return sshAddr("ssh process") }

func (c *sshConn) RemoteAddr() net.Addr { return sshAddr(c.target.destination()) }

func (c *sshConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *sshConn) SetReadDeadline(t time.Time) error {
	return c.explained("set", c.stdout.SetReadDeadline(t))
}

func (c *sshConn) SetWriteDeadline(t time.Time) error {
	return c.explained("set", c.stdin.SetWriteDeadline(t))
}

// An sshError is the end of an ssh process that failed.
type sshError struct {
	target sshTarget
	state  *os.ProcessState
	stderr string // the end of what it said
	cause  error  // of a Write
}

// Error has ssh's own last words.
func (e *sshError) Error() string {
	text := fmt.Sprintf("ssh %s: %s", e.target.destination(), e.state)
	if line := lastLine(e.stderr); line != "" {
		text += ": " + line
	}
	return text
}

func (e *sshError) Unwrap() []error {
	exit := error(&exec.ExitError{ProcessState: e.state, Stderr: []byte(e.stderr)})
	if e.cause == nil {
		return []error{exit}
	}
	return []error{exit, e.cause}
}

// lastWords keeps the end of what is written to it.
type lastWords struct {
	mu   sync.Mutex
	tail []byte
}

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, b[max(0, len(b)-sshWord):]...)
	w.tail = w.tail[max(0, len(w.tail)-sshWord):]
	return len(b), nil
}

func (w *lastWords) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.tail)
}

// lastLine is the last one that is not blank, fit to be shown.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	text = text[strings.LastIndexAny(text, "\r\n")+1:]
	return cut(oneLine(strings.ToValidUTF8(text, "?")), maxQuote)
}

func isSSHError(err error) bool {
	var end *sshError
	return errors.As(err, &end)
}
