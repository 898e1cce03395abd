package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dockertls/dockertls"
)

// A metric is one name in Prometheus' text format, with a value for each
// endpoint, or several that differ in further labels.
type metric struct {
	name, kind, help string
	samples          func(snapshot) []sample
}

// A sample is a value, with the labels that it has beside its endpoint's.
type sample struct {
	labels []label
	value  float64
}

type label struct{ name, value string }

func metrics() []metric {
	counter := func(name, help string, value func(snapshot) uint64) metric {
		return metric{name, "counter", help, func(s snapshot) []sample { return []sample{{value: float64(value(s))}} }}
	}
	return []metric{
		{"dockertls_up", "gauge", "Whether the last check succeeded.", func(s snapshot) []sample {
			if s.healthy() {
				return []sample{{value: 1}}
			}
			return []sample{{value: 0}}
		}},
		counter("dockertls_checks_total", "Checks so far.", func(s snapshot) uint64 { return s.Checks }),
		{"dockertls_check_failures_total", "counter", "Checks that failed, by the kind of error.",
			func(s snapshot) []sample { return byKind(s.Failed) }},
		{"dockertls_last_check_timestamp_seconds", "gauge", "When the last check ended.",
			func(s snapshot) []sample { return ifAny(s, timestamp(s.Checked)) }},
		{"dockertls_last_check_duration_seconds", "gauge", "How long the last check took.",
			func(s snapshot) []sample { return ifAny(s, s.Took.Seconds()) }},
		counter("dockertls_connections_total", "Connections opened.", func(s snapshot) uint64 { return s.Stats.Connections }),
		{"dockertls_connection_failures_total", "counter", "Connections that could not be opened, by the kind of error.",
			func(s snapshot) []sample { return byKind(s.Stats.Failures) }},
		counter("dockertls_handshakes_total", "TLS handshakes that succeeded.", func(s snapshot) uint64 { return s.Stats.Handshakes }),
		counter("dockertls_resumptions_total", "TLS handshakes that resumed a session.", func(s snapshot) uint64 { return s.Stats.Resumptions }),
		counter("dockertls_renewals_total", "Kept connections replaced because of new certificates.", func(s snapshot) uint64 { return s.Stats.Renewals }),
		counter("dockertls_reloads_total", "Times that new certificates were taken into use.", func(s snapshot) uint64 { return s.Stats.Reloads }),
		counter("dockertls_reload_failures_total", "Times that new certificates could not be used.", func(s snapshot) uint64 { return s.Stats.ReloadFailures }),
		{"dockertls_certificate_expiry_timestamp_seconds", "gauge", "When a certificate in use stops being valid.",
			func(s snapshot) []sample { return expirySamples(s.Expiries) }},
	}
}

func byKind(counts map[dockertls.Kind]uint64) []sample {
	var samples []sample
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		name := cmp.Or(string(kind), "unknown")
		samples = append(samples, sample{[]label{{"kind", name}}, float64(counts[kind])})
	}
	return samples
}

// ifAny leaves a value out that there is not before the first check.
func ifAny(s snapshot, value float64) []sample {
	if s.Checks == 0 {
		return nil
	}
	return []sample{{value: value}}
}

// expirySamples are in the order of expiry: of two certificates with the same
// labels the first to expire counts.
func expirySamples(expiries []dockertls.Expiry) []sample {
	var samples []sample
	for _, e := range expiries {
		labels := []label{{"certificate", e.Certificate}, {"subject", e.Subject}, {"path", e.Path}}
		if !slices.ContainsFunc(samples, func(s sample) bool { return slices.Equal(s.labels, labels) }) {
			samples = append(samples, sample{labels, timestamp(e.NotAfter)})
		}
	}
	return samples
}

func timestamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (a *agent) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = writeMetrics(w, a.snapshots()) // who asked may be gone
}

func writeMetrics(w io.Writer, all []snapshot) error {
	var b strings.Builder
	for _, m := range metrics() {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.name, m.help, m.name, m.kind)
		for _, s := range all {
			for _, one := range m.samples(s) {
				fmt.Fprintf(&b, "%s{%s", m.name, label{"endpoint", s.Name})
				for _, l := range one.labels {
					fmt.Fprintf(&b, ",%s", l)
				}
				fmt.Fprintf(&b, "} %s\n", strconv.FormatFloat(one.value, 'f', -1, 64))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String escapes what would end the value. Names of endpoints and subjects of
// certificates may hold anything.
func (l label) String() string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	return l.name + `="` + escape.Replace(strings.ToValidUTF8(l.value, "\uFFFD")) + `"`
}
