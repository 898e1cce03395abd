package dockertls

import (
	"fmt"
	"slices"
	"time"
)

// A Setting is one decided value and its provenance.
type Setting struct {
	// Name is docker's flag without dashes ("host", "context", "tls",
	// "tlsverify", "tlscacert", "tlscert", "tlskey", "config"), or "cert-path",
	// "server-name", "signer", "dialer" or "proxy".
	Name string `json:"name"`
	// Value is the decided value, without secrets.
	Value string `json:"value"`
	// Source says where it came from: "-H", "DOCKER_HOST", `context "prod"`,
	// "default folder ~/.docker", "Options.Host", "default".
	Source string `json:"source"`
	// Overrode lists what other sources said, highest rank first.
	Overrode []Overridden `json:"overrode,omitempty"`
}

// Overridden is a value that had no effect because another came first.
type Overridden struct {
	Source string `json:"source"`
	Value  string `json:"value"`
}

// String is one line: name, value and source.
func (s Setting) String() string {
	line := fmt.Sprintf("%s = %s (%s)", s.Name, s.Value, s.Source)
	for _, o := range s.Overrode {
		line += fmt.Sprintf(", overrides %s=%s", o.Source, o.Value)
	}
	return oneLine(line)
}

// A WarningCode names a kind of [Warning]. The strings are stable.
type WarningCode string

// What [Config.Warnings] can say.
const (
	WarnFalseMeansTrue     WarningCode = "false-means-true"     // DOCKER_TLS_VERIFY=0 verifies: any text means yes
	WarnUnverifiedIdentity WarningCode = "unverified-identity"  // a client certificate is shown to a server nobody verified
	WarnUnverified         WarningCode = "unverified"           // TLS without verification: private, but to whom?
	WarnHalfPair           WarningCode = "half-pair"            // certificate without key, or key without certificate: none is sent (Q3)
	WarnCertExpired        WarningCode = "cert-expired"         // the client certificate has expired
	WarnCertNotYetValid    WarningCode = "cert-not-yet-valid"   // the client certificate is valid only later
	WarnCertUsage          WarningCode = "cert-usage"           // the client certificate is not meant for client authentication
	WarnKeyReadable        WarningCode = "key-readable"         // others than the owner may read the private key
	WarnNoEffect           WarningCode = "no-effect"            // a setting that does nothing here
	WarnAddressParts       WarningCode = "address-parts"        // user, query or fragment of a tcp address are dropped (Q5)
	WarnDefaultPort        WarningCode = "default-port"         // in a context a missing port means 80 or 443 (Q4)
	WarnContextHidden      WarningCode = "context-hidden"       // an address hides the chosen context (Q9, docker/cli#1809)
	WarnConfigFile         WarningCode = "config-file"          // config.json cannot be used, and was not needed
	WarnConfigCerts        WarningCode = "config-dir-certs"     // --config does not move the certificate folder (Q2)
	WarnMisspelt           WarningCode = "misspelt"             // a variable that looks like one of docker's
	WarnUnknownFile        WarningCode = "unknown-context-file" // a file beside those of a context's TLS data
	WarnProxy              WarningCode = "proxy-ignored"        // a proxy variable that cannot be parsed is ignored (rule 28)
)

// A Warning is something that did not prevent [Resolve], but that the user
// should know.
type Warning struct {
	Code    WarningCode `json:"code"`
	Source  string      `json:"source"`  // the setting or file it is about
	Message string      `json:"message"` // one line, without the source
}

// String is the source and the message.
func (w Warning) String() string { return w.Source + ": " + w.Message }

func (r *resolution) warn(code WarningCode, source, format string, args ...any) {
	r.warnings = append(r.warnings, newWarning(code, source, format, args...))
}

func newWarning(code WarningCode, source, format string, args ...any) Warning {
	return Warning{code, oneLine(source), oneLine(fmt.Sprintf(format, args...))}
}

func (r *resolution) record(name, value, source string, overrode []Overridden) {
	r.settings = append(r.settings, Setting{name, oneLine(value), oneLine(source), overrode})
}

// Settings returns every value that was decided, and where it came from.
func (c *Config) Settings() []Setting {
	settings := slices.Clone(c.settings)
	for i := range settings {
		settings[i].Overrode = slices.Clone(settings[i].Overrode)
	}
	return settings
}

// Warnings returns what did not prevent the resolution but should be known. What
// they say of the client certificate is about the one in use now.
func (c *Config) Warnings() []Warning {
	g := c.current()
	return append(slices.Clone(c.warnings), leafWarnings(g.leaf(), g.material.cert, time.Now())...)
}
