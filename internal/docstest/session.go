package docstest

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

// A Session says how to run a page.
type Session struct {
	// Dir is the folder in which the session begins.
	Dir string

	// Ways choose among the blocks that have words.
	Ways []string

	// Set has values for variables in place of those that the page gives them,
	// in lines such as PORT=2376: what a reader would adapt too.
	Set map[string]string

	// Replace has texts in place of others that stand for what a reader has,
	// such as the name of a host.
	Replace map[string]string

	// Env are more variables, NAME=value: what a reader has set before.
	Env []string

	// Path are folders whose programs are found before those of PATH.
	Path []string

	// Ready tells whether a server is ready; it is asked again and again. Without
	// it the session goes on at once.
	Ready func(context.Context) error

	// Limit is how long one block may take. Default: five minutes.
	Limit time.Duration
}

// A Result is a block that was run, and what it printed.
type Result struct {
	Block  Block
	Output string
}

// The shell that runs the blocks: it is told which file to run, and says so when
// that is done.
//
//go:embed session.sh
var shell string

// Run runs the page's commands. The first that fails, or prints something else
// than the page says, ends the test. No DOCKER_* and proxy variables of the
// user's count, and the home folder is a new one.
func (p Page) Run(tb testing.TB, s Session) []Result {
	tb.Helper()
	if runtime.GOOS == "windows" {
		programtest.Missing(tb, errors.New("pages need a Unix shell: run this test on Linux or macOS"))
	}
	blocks, err := s.choose(p.Blocks)
	if err != nil {
		tb.Fatalf("%s: %v", p.Path, err)
	}
	run, err := s.start(tb)
	if err != nil {
		tb.Fatal(err)
	}
	defer run.end()
	var results []Result
	for _, b := range blocks {
		output, err := run.block(tb.Context(), b)
		if err != nil {
			tb.Fatalf("%s:%d: %v\n%s\n%s", p.Path, b.Line, err, b.Text, run.serverLog())
		}
		results = append(results, Result{b, output})
	}
	return results
}

// choose returns the blocks to run, with the session's values for variables.
func (s Session) choose(all []Block) ([]Block, error) {
	var blocks []Block
	for _, b := range all {
		if b.onWay(s.Ways) {
			blocks = append(blocks, b)
		}
	}
	for old, text := range s.Replace {
		if !replaceAll(blocks, old, text) {
			return nil, fmt.Errorf("no command has %s", old)
		}
	}
	for name, value := range s.Set {
		assignment := regexp.MustCompile(`(?m)^` + name + `=\S*`)
		found := false
		for i, b := range blocks {
			found = found || assignment.MatchString(b.Text)
			blocks[i].Text = assignment.ReplaceAllLiteralString(b.Text, name+"="+value)
		}
		if !found {
			return nil, fmt.Errorf("no line sets %s", name)
		}
	}
	return blocks, nil
}

// replaceAll tells whether there was anything to replace.
func replaceAll(blocks []Block, old, text string) bool {
	found := false
	for i, b := range blocks {
		found = found || strings.Contains(b.Text, old)
		blocks[i].Text = strings.ReplaceAll(b.Text, old, text)
	}
	return found
}

// running is a session's shell.
type running struct {
	session Session
	dir     string // of the blocks' files
	cmd     *exec.Cmd
	exited  <-chan struct{}
	orders  *os.File
	done    *os.File
	lines   *bufio.Reader // of done
	count   int
	server  string // the file of its output
}

func (s Session) start(tb testing.TB) (*running, error) {
	ordersRead, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ordersRead.Close()
	done, doneWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer doneWrite.Close()
	cmd := exec.Command(programtest.Find(tb, "bash", "bash"), "-c", shell)
	cmd.Dir = s.Dir
	cmd.Env = s.environ(tb)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{ordersRead, doneWrite} // 3 and 4
	ownGroup(cmd)
	exited, err := programtest.Start(cmd)
	return &running{session: s, dir: tb.TempDir(), cmd: cmd, exited: exited,
		orders: orders, done: done, lines: bufio.NewReader(done)}, err
}

// environ is that of a reader who has set nothing, with Go's own folders, so that
// "go run" does not begin with an empty cache.
func (s Session) environ(tb testing.TB) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(kv), "=")
		return strings.HasPrefix(name, "DOCKER_") || strings.HasSuffix(name, "_PROXY") || name == "REQUEST_METHOD"
	})
	path := append(slices.Clone(s.Path), os.Getenv("PATH"))
	env = append(env, "HOME="+tb.TempDir(), "PATH="+strings.Join(path, string(filepath.ListSeparator)))
	names := []string{"GOCACHE", "GOMODCACHE", "GOENV", "GOPATH"}
	values, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return append(env, s.Env...) // a page without go
	}
	for i, value := range strings.Split(strings.TrimSpace(string(values)), "\n") {
		env = append(env, names[i]+"="+value)
	}
	return append(env, s.Env...)
}

// block runs a block, and returns what it printed.
func (r *running) block(ctx context.Context, b Block) (string, error) {
	r.count++
	file := filepath.Join(r.dir, strconv.Itoa(r.count))
	if err := os.WriteFile(file, []byte(b.Text), 0o600); err != nil {
		return "", err
	}
	verb := "run"
	switch {
	case b.has(wordServer):
		verb, r.server = "serve", file+".out"
	case b.has(wordFails):
		verb = "fail"
	}
	err := r.order(verb, file)
	output, readErr := os.ReadFile(file + ".out")
	switch {
	case err != nil:
		return "", fmt.Errorf("%w\n%s", err, output)
	case verb == "serve":
		return "", r.waitUntilReady(ctx)
	case readErr != nil:
		return "", readErr
	}
	return string(output), b.checkOutput(string(output))
}

// order tells the shell what to do, and waits until it is done.
func (r *running) order(verb, file string) error {
	if err := r.done.SetReadDeadline(time.Now().Add(r.limit())); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(r.orders, verb, file); err != nil {
		return err
	}
	answer, err := r.lines.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("a command failed")
	case errors.Is(err, os.ErrDeadlineExceeded):
		interrupt(r.cmd)
		return fmt.Errorf("not done within %v", r.limit())
	case err != nil:
		return err
	case answer != "done\n":
		return errors.New(strings.TrimSpace(answer))
	}
	return nil
}

func (r *running) limit() time.Duration { return cmp.Or(r.session.Limit, 5*time.Minute) }

func (r *running) waitUntilReady(ctx context.Context) error {
	if r.session.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.limit())
	defer cancel()
	for {
		err := r.session.Ready(ctx)
		if err == nil {
			return nil
		}
		if orderErr := r.order("check", ""); orderErr != nil {
			return orderErr
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// serverLog is the end of what the server printed.
func (r *running) serverLog() string {
	const size = 4 << 10
	log, err := os.ReadFile(r.server)
	if err != nil {
		return ""
	}
	return "the server printed:\n" + string(log[max(0, len(log)-size):])
}

// end lets the shell end the server and itself.
func (r *running) end() {
	r.orders.Close()
	<-r.exited
	r.done.Close()
}
