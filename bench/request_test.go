package bench

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	ServeIfAsked()
	os.Exit(m.Run())
}

// Times are for the program in request; allocations are exact.
func TestAllocationsOnKeptConnections(t *testing.T) {
	if raceDetector(t) {
		t.Skip("with the race detector a sync.Pool forgets at random")
	}
	err := Requests(6, func(r RequestResult) {
		if !r.Kept {
			return
		}
		if r.Again.Count != r.Bare.Count {
			t.Errorf("%s, %s: bare %+v, bare again %+v: not exact", r.Connection, r.Request, r.Bare.Count, r.Again.Count)
		}
		if r.Ours.Allocs > r.Bare.Allocs {
			t.Errorf("%s, %s: ours %+v, bare %+v", r.Connection, r.Request, r.Ours.Count, r.Bare.Count)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// raceDetector tells whether it is on: then a sync.Pool forgets at random.
func raceDetector(t *testing.T) bool {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}
