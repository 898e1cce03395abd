package dockerdtest

import (
	"testing"
)

// The API works where nothing is in the way, so that a failure elsewhere is not its fault.
func TestAPI(t *testing.T) {
	image := BusyboxTar(t)
	for _, flavour := range Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			api := NewAPI(t, socket(Start(t, flavour, Options{}).Socket))
			if got := api.Get("/_ping"); string(got) != "OK" {
				t.Errorf("ping: got %q", got)
			}
			if api.Version() == "" {
				t.Error("no version")
			}
			api.Import(image)
			checkExchange(t, api.Attach("sh", "-c", "cat; echo end; echo error >&2"))
			checkExchange(t, api.Exec("sh", "-c", "cat; echo end; echo error >&2"))
		})
	}
}

func checkExchange(t *testing.T, s *Stream) {
	t.Helper()
	stdout, stderr, err := s.Exchange([]byte("input\n"))
	if err != nil || string(stdout) != "input\nend\n" || string(stderr) != "error\n" {
		t.Errorf("got %q, %q, %v", stdout, stderr, err)
	}
}
