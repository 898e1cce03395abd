package dockertls

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"slices"
	"time"
)

// An EventType says what an [Event] is about. The strings are stable.
type EventType string

// What Options.OnEvent is told.
const (
	EventReloaded     EventType = "reloaded"      // new connections use new material
	EventReloadFailed EventType = "reload-failed" // new material cannot be used; what was in use stays
	EventExpiry       EventType = "expiry"        // a certificate will expire soon, or has expired
)

// An Event is something that happened to a [Config] on its own. Each is told
// once: a failure again when it becomes another one, an expiry at each of the
// thresholds in Options.ExpiryWarnings. Two events that follow each other closely
// may be told at the same time; Generation is their order.
type Event struct {
	Type       EventType
	Host       string // as Config.Host
	Generation uint64 // of the material in use now, from 1
	Err        *Error // of EventReloadFailed: one of the kinds of Resolve
	Expiry     Expiry // of EventExpiry
}

// LogValue makes slog print what there is.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("type", string(e.Type)), slog.String("host", e.Host), slog.Uint64("generation", e.Generation)}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("err", e.Err))
	}
	if e.Type == EventExpiry {
		attrs = append(attrs, slog.Any("expiry", e.Expiry))
	}
	return slog.GroupValue(attrs...)
}

// report tells the logger and the caller's function.
func (c *Config) report(e Event) {
	e.Host = c.Host()
	switch attrs := slog.Any("event", e); e.Type {
	case EventReloaded:
		c.log(slog.LevelInfo, "new TLS material is in use", attrs)
	case EventReloadFailed:
		c.log(slog.LevelWarn, "new TLS material cannot be used; what was in use stays", attrs)
	case EventExpiry:
		c.log(slog.LevelWarn, "a certificate expires", attrs)
	}
	if c.onEvent != nil {
		c.onEvent(e)
	}
}

func (c *Config) log(level slog.Level, message string, attrs ...slog.Attr) {
	if c.logger != nil {
		c.logger.LogAttrs(context.Background(), level, message, attrs...)
	}
}

// An Expiry is when a certificate in use stops being valid.
type Expiry struct {
	// Certificate is "client" for the client certificate, "client-chain" for
	// one behind it in the same file, "ca" for an authority of the CA file.
	Certificate string    `json:"certificate"`
	Subject     string    `json:"subject"`
	Source      string    `json:"source"`         // the setting
	Path        string    `json:"path,omitempty"` // "" for material in memory
	NotAfter    time.Time `json:"not_after"`
	SHA256      string    `json:"sha256"` // of the certificate, in hex
}

// LogValue makes slog print the parts under their own names.
func (e Expiry) LogValue() slog.Value {
	return slog.GroupValue(slog.String("certificate", e.Certificate), slog.String("subject", oneLine(e.Subject)),
		slog.String("source", oneLine(e.Source)), slog.String("path", oneLine(e.Path)), slog.Time("not_after", e.NotAfter))
}

// Expiries returns when the certificates in use expire: the client certificate,
// those behind it, and the authorities of the CA file, the first to expire first.
// The system's roots are not among them.
func (c *Config) Expiries() []Expiry { return c.current().expiries() }

func (g *generation) expiries() []Expiry {
	var all []Expiry
	if g.pair != nil {
		all = g.material.cert.expiries("client", "client-chain")
	}
	all = append(all, g.material.ca.expiries("ca", "ca")...)
	slices.SortStableFunc(all, func(a, b Expiry) int { return a.NotAfter.Compare(b.NotAfter) })
	return all
}

// expiries are those of the certificates in a part: what the first one is, and
// what the others are.
func (p part) expiries(first, others string) []Expiry {
	if p.kept == nil {
		return nil
	}
	ends := p.kept.ends()
	all := make([]Expiry, 0, len(ends)+1)
	what := first
	for _, e := range ends {
		all = append(all, Expiry{what, e.subject, p.source, p.path, e.notAfter, e.sha256})
		what = others
	}
	return all
}

// A certEnd is what an Expiry says of a certificate, wherever it lies.
type certEnd struct {
	subject, sha256 string
	notAfter        time.Time
}

// ends are those of the certificates, parsed once.
func (c *content) ends() []certEnd {
	if known := c.certEnds.Load(); known != nil {
		return *known
	}
	ends := []certEnd{}
	for _, cert := range parseCertificates(c.data) {
		ends = append(ends, certEnd{subjectOf(cert), fingerprint(cert), cert.NotAfter})
	}
	c.certEnds.Store(&ends)
	return ends
}

func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// defaultExpiryWarnings is that of Options.ExpiryWarnings.
func defaultExpiryWarnings() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{30 * day, 7 * day, day}
}

// An expiryWatch remembers which thresholds have been told.
type expiryWatch struct {
	thresholds []time.Duration // in descending order, the last one 0
	told       map[string]int  // by certificate: how many of them
}

func newExpiryWatch(thresholds []time.Duration) expiryWatch {
	sorted := append([]time.Duration{0}, thresholds...)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	slices.Reverse(sorted)
	return expiryWatch{thresholds: sorted}
}

// due returns the certificates that have come to another threshold.
func (w *expiryWatch) due(all []Expiry, now time.Time) []Expiry {
	var due []Expiry
	var told map[string]int
	for _, e := range all {
		crossed := 0
		for crossed < len(w.thresholds) && e.NotAfter.Sub(now) <= w.thresholds[crossed] {
			crossed++
		}
		if crossed = max(crossed, w.told[e.SHA256]); crossed == 0 {
			continue
		}
		if crossed > w.told[e.SHA256] {
			due = append(due, e)
		}
		if told == nil {
			told = map[string]int{}
		}
		told[e.SHA256] = crossed
	}
	w.told = told // those that are gone are forgotten
	return due
}
