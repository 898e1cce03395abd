package dockertls_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"
)

var repeats = flag.Int("repeats", 10, "how often tests that count what is left behind do each thing; and with more, what they leave out")

// alone tells whether a test has a process of its own, and gives it one if not:
// what is left behind can be counted only where nothing else runs.
func alone(t *testing.T) bool {
	t.Helper()
	return aloneWith(t, func() []string { return nil })
}

// aloneWith adds variables to the process's environment. What they lead to is
// made, and kept, by the process that waits.
func aloneWith(t *testing.T, more func() []string) bool {
	t.Helper()
	const child = "DOCKERTLS_TEST_ALONE"
	if os.Getenv(child) == t.Name() {
		return true
	}
	t.Parallel()
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=10m", "-repeats=" + strconv.Itoa(*repeats)}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), more()...), child+"="+t.Name())
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP: "+t.Name()+" ")):
		t.Skipf("\n%s", out)
	default:
		t.Logf("\n%s", out)
	}
	return false
}

// A tally is what a process holds.
type tally struct{ Goroutines, Files int }

func (n tally) exceeds(other tally) bool {
	return n.Goroutines > other.Goroutines || n.Files > other.Files
}

func takeTally() tally {
	n := tally{Goroutines: runtime.NumGoroutine()}
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if files, err := os.ReadDir(dir); err == nil {
			n.Files = len(files)
			break
		}
	}
	return n
}

// settledTally waits for what is about to end, until there is no more than that.
func settledTally(wanted tally) tally {
	now := takeTally()
	for start := time.Now(); now.exceeds(wanted) && time.Since(start) < 10*time.Second; now = takeTally() {
		time.Sleep(5 * time.Millisecond)
	}
	return now
}

// quietTally waits until nothing ends any more.
func quietTally() tally {
	now := takeTally()
	for {
		time.Sleep(20 * time.Millisecond)
		next := takeTally()
		if !now.exceeds(next) {
			return next
		}
		now = next
	}
}

// repeat does something many times, and checks that nothing of it stays behind,
// and that the heap never grew by more than mostHeap. The test must be alone.
func repeat(t *testing.T, what string, once func(i int)) {
	t.Helper()
	repeatTimes(t, what, *repeats, mostHeap, once)
}

func repeatTimes(t *testing.T, what string, times int, mostMiB uint64, once func(i int)) {
	t.Helper()
	const warmUp = 3 // what packages and the runtime keep begins here
	for i := range warmUp {
		once(i)
	}
	before, start := quietTally(), time.Now()
	peak := heapPeak(func() {
		for i := range times {
			once(i)
		}
	})
	each := time.Since(start) / time.Duration(times)
	after := settledTally(before)
	t.Logf("%-50s %4d times, %8v each, heap +%2d MiB, before %+v, after %+v", what, times, each.Round(10*time.Microsecond), peak>>20, before, after)
	if after.exceeds(before) {
		stacks := make([]byte, 1<<20)
		t.Errorf("%s: before %+v, after %+v\n%s", what, before, after, stacks[:runtime.Stack(stacks, true)])
	}
	if peak > mostMiB<<20 {
		t.Errorf("%s: the heap grew by %d MiB", what, peak>>20)
	}
}

// heapPeak is by how much the heap grew meanwhile, at most.
func heapPeak(do func()) (bytes uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}()
	do()
	close(stop)
	<-stopped
	return most - before
}
