package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/dockertls/dockertls"
)

// A health is the answer to GET /healthz.
type health struct {
	Healthy   bool                      `json:"healthy"`
	Endpoints map[string]endpointHealth `json:"endpoints"`
}

// An endpointHealth is what of an endpoint is for everybody. The evidence of an
// error, with the certificates that were seen, is in the log only.
type endpointHealth struct {
	State   string         `json:"state"` // "healthy", "unhealthy"; "unknown" before the first check
	Host    string         `json:"host,omitempty"`
	Version string         `json:"version,omitempty"` // of the daemon, when it was last healthy
	Since   time.Time      `json:"since,omitzero"`
	Checked time.Time      `json:"checked,omitzero"`
	Kind    dockertls.Kind `json:"kind,omitempty"`
	Error   string         `json:"error,omitempty"`
	Hint    string         `json:"hint,omitempty"`
}

func healthOf(all []snapshot) health {
	h := health{Healthy: true, Endpoints: map[string]endpointHealth{}}
	for _, s := range all {
		e := endpointHealth{State: "healthy", Host: s.Host, Version: s.Version, Since: s.Since, Checked: s.Checked}
		switch {
		case s.Checks == 0:
			e.State = "unknown"
		case s.Err != nil:
			e.State, e.Kind, e.Error, e.Hint = "unhealthy", s.Err.Kind, s.Err.Error(), s.Err.Hint
		}
		h.Healthy = h.Healthy && s.healthy()
		h.Endpoints[s.Name] = e
	}
	return h
}

func (a *agent) serveHealth(w http.ResponseWriter, _ *http.Request) {
	h := healthOf(a.snapshots())
	w.Header().Set("Content-Type", "application/json")
	if !h.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(h) // who asked may be gone
}
