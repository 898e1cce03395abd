package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

const labelPattern = `[a-z_]+="(?:[^"\\\n]|\\["\\n])*"`

var samplePattern = regexp.MustCompile(`^([a-z_]+)\{` + labelPattern + `(?:,` + labelPattern + `)*\} (-?[0-9.]+)$`)

// parseMetrics reads Prometheus' text format as strictly as Prometheus does: a
// name's type comes first, its samples stand together, and none is there twice.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	var names []string
	if !strings.HasSuffix(text, "\n") {
		t.Errorf("the last line has no end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if words := strings.Fields(line); len(words) > 2 && words[0] == "#" {
			if words[1] == "TYPE" && (slices.Contains(names, words[2]) || words[3] != "counter" && words[3] != "gauge") {
				t.Errorf("%q", line)
			}
			if words[1] == "TYPE" {
				names = append(names, words[2])
			}
			continue
		}
		parts := samplePattern.FindStringSubmatch(line)
		if parts == nil || parts[1] != names[len(names)-1] {
			t.Errorf("%q is no sample of %s", line, names[len(names)-1])
			continue
		}
		series := strings.TrimSuffix(line, " "+parts[2])
		if _, twice := values[series]; twice {
			t.Errorf("%q is there twice", series)
		}
		var err error
		values[series], err = strconv.ParseFloat(parts[2], 64)
		check(t, err)
	}
	return values
}

func (r *running) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	_, body := r.get(t, "/metrics")
	return parseMetrics(t, string(body))
}

func (r *running) want(t *testing.T, series string, value float64) error {
	t.Helper()
	all := r.metrics(t)
	if got, ok := all[series]; !ok || got != value {
		return fmt.Errorf("%s is %v (%t), want %v in %v", series, got, ok, value, slices.Sorted(maps.Keys(all)))
	}
	return nil
}

func expiryOf(endpoint, certificate, subject, path string) string {
	return fmt.Sprintf("dockertls_certificate_expiry_timestamp_seconds{endpoint=%q,certificate=%q,subject=%q,path=%q}", endpoint, certificate, subject, path)
}

// What the metrics say is what the daemon saw.
func TestMetrics(t *testing.T) {
	t.Parallel()
	d := dockertlstest.Start(t)
	gone := dockertlstest.Start(t, dockertlstest.NotListening)
	began := time.Now()
	r := start(t, inYAML("good", d.Host(), d.CertPath()), inYAML("gone", gone.Host(), gone.CertPath()))
	r.await(t, "good", "healthy", "")
	r.await(t, "gone", "unhealthy", dockertls.ConnectionRefused)
	check(t, r.want(t, `dockertls_up{endpoint="good"}`, 1))
	check(t, r.want(t, `dockertls_up{endpoint="gone"}`, 0))
	got := r.metrics(t)
	of := func(name, endpoint string) float64 { return got[name+`{endpoint="`+endpoint+`"}`] }
	if failed := got[`dockertls_check_failures_total{endpoint="gone",kind="connection-refused"}`]; failed < 2 || failed != of("dockertls_checks_total", "gone") {
		t.Errorf("%v checks failed, of %v", failed, of("dockertls_checks_total", "gone"))
	}
	if got[`dockertls_connection_failures_total{endpoint="gone",kind="connection-refused"}`] < 2 {
		t.Errorf("%v", got)
	}
	at := of("dockertls_last_check_timestamp_seconds", "good")
	if took := of("dockertls_last_check_duration_seconds", "good"); at < float64(began.Unix()) || at > float64(time.Now().Unix()+1) || took <= 0 || took > 30 {
		t.Errorf("checked at %v, in %v s", at, took)
	}

	// Each check has a connection of its own; the requests share another one. One
	// more check may have been on its way.
	checks, n := of("dockertls_checks_total", "good"), of("dockertls_connections_total", "good")
	if n < checks+1 || n > checks+2 || n > float64(d.Connections()) {
		t.Errorf("%v connections, %v checks; the daemon saw %d", n, checks, d.Connections())
	}
	if shaken := of("dockertls_handshakes_total", "good"); shaken < n || shaken > n+1 {
		t.Errorf("%v handshakes, %v connections", shaken, n)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := snapshot{Name: "a\"b\\c\nd\xff", state: state{Failed: map[dockertls.Kind]uint64{"": 3}}}
	s.Expiries = []dockertls.Expiry{
		{Certificate: "ca", Subject: "CN=x", NotAfter: time.Unix(1700000000, 0)},
		{Certificate: "ca", Subject: "CN=x", NotAfter: time.Unix(1800000000, 0)},
	}
	check(t, writeMetrics(&b, []snapshot{s}))
	got := parseMetrics(t, b.String())
	const name = `endpoint="a\"b\\c\nd` + "\uFFFD" + `"`
	if got[`dockertls_check_failures_total{`+name+`,kind="unknown"}`] != 3 {
		t.Errorf("%v", got)
	}
	if got[`dockertls_certificate_expiry_timestamp_seconds{`+name+`,certificate="ca",subject="CN=x",path=""}`] != 1700000000 {
		t.Errorf("%v", got)
	}
}
