package dockertls

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Words that say in [Options] what docker expresses by an empty flag. A file
// or host really so named is written "./system", "./none" or "tcp://default".
const (
	wordSystem  = "system"  // CAFile: verify against the system's root certificates
	wordNone    = "none"    // CertFile, KeyFile: none, whatever lies in the default folder
	wordDefault = "default" // Host, Context: docker's default
)

// Options are settings from one source: a program's flags, a configuration
// file, the environment ([FromEnv]). The zero value sets nothing. [Resolve]
// merges layers of them.
//
// Options are safe to log, to print with %+v and to marshal: keys are
// redacted, and so are user and password in Host. (The user of an ssh address
// stays, as a part of the address.)
type Options struct {
	// Host is the daemon's address, as for docker -H: tcp://host:port,
	// unix:///path, npipe:////./pipe/name, ssh://user@host:port/path, or
	// host:port. A tcp address without a port means port 2375, with TLS too.
	// "default" is docker's default address, and hides every context.
	// Environment: DOCKER_HOST.
	Host string `yaml:"host,omitempty" json:"host,omitempty"`

	// Context names a stored docker context; "default" is none. Host and
	// Context in one layer are an error. Environment: DOCKER_CONTEXT.
	Context string `yaml:"context,omitempty" json:"context,omitempty"`

	// TLS switches encryption on, without verifying the server. False has no
	// effect on TLSVerify. Environment: DOCKER_TLS, where any text means true.
	TLS *bool `yaml:"tls,omitempty" json:"tls,omitempty"`

	// TLSVerify switches TLS on and verifies the server. An explicit false
	// also switches TLS on, without verification, and overrules
	// DOCKER_TLS_VERIFY: that is docker's rule for --tlsverify=false.
	// Environment: DOCKER_TLS_VERIFY, where any text, even "0", means true.
	TLSVerify *bool `yaml:"tls_verify,omitempty" json:"tls_verify,omitempty"`

	// CAFile holds the authorities that may have issued the server's
	// certificate, as PEM; no others are trusted. "system" selects the
	// system's roots. Default: ca.pem in the certificate folder; without such
	// a folder (see CertPath) the system's roots.
	CAFile string `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`

	// CertFile and KeyFile are the client certificate, followed by its
	// intermediates, and its private key, as PEM. "none" selects none.
	// Default: cert.pem and key.pem in the certificate folder, if they exist.
	CertFile string `yaml:"cert_file,omitempty" json:"cert_file,omitempty"`
	KeyFile  string `yaml:"key_file,omitempty" json:"key_file,omitempty"`

	// CertPath is the certificate folder, where ca.pem, cert.pem and key.pem
	// are looked up. Environment: DOCKER_CERT_PATH, else DOCKER_CONFIG, else
	// ~/.docker. Without it and without [FromEnv] there is no such folder.
	CertPath string `yaml:"cert_path,omitempty" json:"cert_path,omitempty"`

	// ConfigDir is docker's configuration directory, with config.json and
	// contexts/. It does not move the certificate folder. Environment:
	// DOCKER_CONFIG, else ~/.docker. Without it and without [FromEnv] there
	// is none.
	ConfigDir string `yaml:"config_dir,omitempty" json:"config_dir,omitempty"`

	// CA, Cert and Key are the same three as CAFile, CertFile and KeyFile, as
	// PEM in memory. Setting both forms in one layer is an error. They do not
	// switch TLS on either, but over TCP without TLS they are an error.
	CA   PEM    `yaml:"ca,omitempty" json:"ca,omitempty"`
	Cert PEM    `yaml:"cert,omitempty" json:"cert,omitempty"`
	Key  Secret `yaml:"key,omitempty" json:"key,omitempty"`

	// ServerName is the DNS name or IP address that the server's certificate
	// must be for, and that is sent as SNI. Default: the host of the address.
	ServerName string `yaml:"server_name,omitempty" json:"server_name,omitempty"`

	// Signer is a private key kept elsewhere (a PKCS #11 token, a key
	// management service), in place of Key and KeyFile. It must be safe for
	// concurrent use.
	Signer crypto.Signer `yaml:"-" json:"-"`

	// Dialer opens every connection, to the daemon or to the proxy, but for
	// named pipes. The network is "tcp" or "unix", the address host:port or a
	// path. With "ssh" the address is what follows ssh://, and the result must
	// be the stream to the daemon there. It must heed the context, which
	// carries a time limit. An [*Error] that it returns, or its connections,
	// stays what it is. Default: a [net.Dialer], and for ssh the ssh program.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error) `yaml:"-" json:"-"`

	// Proxy chooses the proxy for a tcp endpoint; nil, nil means none. It is
	// asked once, by Resolve. Default: the proxy variables of [FromEnv].
	Proxy func(endpoint *url.URL) (*url.URL, error) `yaml:"-" json:"-"`

	// Material supplies CA, certificate and key in memory, again and again: it
	// is called by Resolve, and when a connection is made, at most once in
	// ReloadInterval. What it supplied at first it must go on supplying. It
	// must heed the context, which carries a limit of 10 seconds. A connection
	// waits a quarter of a second for it, and goes on with what was last
	// supplied; an error leaves that in use.
	Material func(context.Context) (Material, error) `yaml:"-" json:"-"`

	// ReloadInterval is how often, at most, files and Material are looked at
	// for something new: when a connection is made, or a request begins on a
	// kept one. Default: a second. Negative: only by Config.Reload. (A number
	// in JSON counts nanoseconds.)
	ReloadInterval time.Duration `yaml:"reload_interval,omitempty" json:"reload_interval,omitempty"`

	// ExpiryWarnings are the times before the end of a certificate at which
	// OnEvent and Logger are told, once each, when a connection is made or a
	// request begins; the end itself is told in any case. As for new files,
	// ReloadInterval must have passed, since Resolve for the first time.
	// Default: 30 days, 7 days and 1 day.
	ExpiryWarnings []time.Duration `yaml:"expiry_warnings,omitempty" json:"expiry_warnings,omitzero"`

	// DisableResumption makes every connection do a full handshake. Default:
	// TLS sessions are resumed, with the material of their own generation only.
	DisableResumption bool `yaml:"disable_resumption,omitempty" json:"disable_resumption,omitempty"`

	// Logger is told of new material (info), of what is wrong with it and of
	// expiry (warn), and of connections and their failures (debug). Default: silence.
	Logger *slog.Logger `yaml:"-" json:"-"`

	// OnEvent is called for the same, except for connections and their failures.
	// Whoever connects waits for it. Default: nobody is told.
	OnEvent func(Event) `yaml:"-" json:"-"`

	// Source is what settings and errors call this layer, for example the
	// name of a configuration file. Default: "Options".
	Source string `yaml:"-" json:"-"`

	origins []origin     // which flag or variable set a field
	env     *environment // of FromEnv only
}

// An origin remembers what set a field, and to what: a field changed
// afterwards is the caller's.
type origin struct {
	field  field
	value  string
	source string
	env    bool
}

// A field is an option's name in YAML and JSON.
type field string

const (
	fieldHost       field = "host"
	fieldContext    field = "context"
	fieldTLS        field = "tls"
	fieldTLSVerify  field = "tls_verify"
	fieldCAFile     field = "ca_file"
	fieldCertFile   field = "cert_file"
	fieldKeyFile    field = "key_file"
	fieldCertPath   field = "cert_path"
	fieldConfigDir  field = "config_dir"
	fieldCA         field = "ca"
	fieldCert       field = "cert"
	fieldKey        field = "key"
	fieldServerName field = "server_name"
	fieldSigner     field = "signer"
	fieldDialer     field = "dialer"
	fieldProxy      field = "proxy"

	fieldMaterial       field = "material"
	fieldReloadInterval field = "reload_interval"
	fieldExpiryWarnings field = "expiry_warnings"
	fieldNoResumption   field = "disable_resumption"
	fieldLogger         field = "logger"
	fieldOnEvent        field = "on_event"
)

// goName is the field's name in Options.
func (f field) goName() string {
	switch f {
	case fieldTLS, fieldCA:
		return strings.ToUpper(string(f))
	case fieldTLSVerify:
		return "TLSVerify"
	case fieldCAFile:
		return "CAFile"
	}
	var b strings.Builder
	for word := range strings.SplitSeq(string(f), "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// value is a field's printable value, and whether it is set.
func (o *Options) value(f field) (string, bool) {
	text := func(s string) (string, bool) { return s, s != "" }
	truth := func(b *bool) (string, bool) {
		if b == nil {
			return "", false
		}
		return strconv.FormatBool(*b), true
	}
	switch f {
	case fieldHost:
		return text(redact(o.Host))
	case fieldContext:
		return text(o.Context)
	case fieldTLS:
		return truth(o.TLS)
	case fieldTLSVerify:
		return truth(o.TLSVerify)
	case fieldCAFile:
		return text(o.CAFile)
	case fieldCertFile:
		return text(o.CertFile)
	case fieldKeyFile:
		return text(o.KeyFile)
	case fieldCertPath:
		return text(o.CertPath)
	case fieldConfigDir:
		return text(o.ConfigDir)
	case fieldServerName:
		return text(o.ServerName)
	case fieldCA:
		return o.CA.String(), o.CA != nil
	case fieldCert:
		return o.Cert.String(), o.Cert != nil
	case fieldKey:
		return o.Key.String(), len(o.Key) > 0
	case fieldSigner:
		if o.Signer != nil {
			return fmt.Sprintf("%T", o.Signer), true
		}
	case fieldDialer:
		return "set", o.Dialer != nil
	case fieldProxy:
		return "set", o.Proxy != nil
	case fieldMaterial:
		return "set", o.Material != nil
	case fieldReloadInterval:
		return o.ReloadInterval.String(), o.ReloadInterval != 0
	case fieldExpiryWarnings:
		return fmt.Sprint(o.ExpiryWarnings), o.ExpiryWarnings != nil
	case fieldNoResumption:
		return "true", o.DisableResumption
	case fieldLogger:
		return "set", o.Logger != nil
	case fieldOnEvent:
		return "set", o.OnEvent != nil
	}
	return "", false
}

// allFields in the order of the struct.
func allFields() [22]field {
	return [...]field{fieldHost, fieldContext, fieldTLS, fieldTLSVerify, fieldCAFile, fieldCertFile, fieldKeyFile,
		fieldCertPath, fieldConfigDir, fieldCA, fieldCert, fieldKey, fieldServerName, fieldSigner, fieldDialer, fieldProxy,
		fieldMaterial, fieldReloadInterval, fieldExpiryWarnings, fieldNoResumption, fieldLogger, fieldOnEvent}
}

// origin tells what set a field of this layer.
func (o *Options) origin(f field) (source string, env bool) {
	value, _ := o.value(f)
	for i := len(o.origins) - 1; i >= 0; i-- {
		if p := o.origins[i]; p.field == f && p.value == value {
			return p.source, p.env
		}
	}
	if o.Source != "" {
		return o.Source + ": " + string(f), false
	}
	return "Options." + f.goName(), false
}

// note records that source has just set a field.
func (o *Options) note(f field, source string, env bool) {
	value, _ := o.value(f)
	o.origins = append(o.origins, origin{f, value, source, env})
}

// String prints the fields that are set, without secrets.
func (o Options) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for _, f := range allFields() {
		if v, ok := o.value(f); ok {
			if b.Len() > 1 {
				b.WriteByte(' ')
			}
			b.WriteString(f.goName() + ":" + v)
		}
	}
	b.WriteByte('}')
	return b.String()
}

// Format prints the same for every verb, so that %+v and %#v show no secret.
func (o Options) Format(s fmt.State, _ rune) { io.WriteString(s, o.String()) }

// LogValue makes slog print what String prints.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// bareOptions has the fields of Options and none of its methods.
type bareOptions Options

func (o Options) redacted() bareOptions {
	o.Host = redact(o.Host)
	return bareOptions(o)
}

// MarshalJSON writes the options without user, password and private key.
func (o Options) MarshalJSON() ([]byte, error) { return json.Marshal(o.redacted()) }

// MarshalYAML does the same for YAML libraries that know the method.
func (o Options) MarshalYAML() (any, error) { return o.redacted(), nil }

// PEM is text with certificates in it. A []byte can be assigned to it.
type PEM []byte

// String says how much there is, and nothing of what: a bundle may hold a key.
func (p PEM) String() string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("[PEM, %d bytes]", len(p))
}

// Format prints what String prints for every verb.
func (p PEM) Format(s fmt.State, _ rune) { io.WriteString(s, p.String()) }

// MarshalText writes the certificates, and leaves out everything else.
func (p PEM) MarshalText() ([]byte, error) {
	var out bytes.Buffer
	for block, rest := pem.Decode(p); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			_ = pem.Encode(&out, &pem.Block{Type: block.Type, Bytes: block.Bytes})
		}
	}
	return out.Bytes(), nil
}

// UnmarshalText keeps a copy of the text; an empty one sets nothing.
func (p *PEM) UnmarshalText(text []byte) error {
	*p = append(PEM(nil), text...)
	return nil
}

// LogValue makes slog print what String prints.
func (p PEM) LogValue() slog.Value { return slog.StringValue(p.String()) }

const redacted = "[redacted]"

// Secret is a private key as PEM, which no print verb and no encoder shows. A
// []byte can be assigned to it. (Package fmt calls no methods in unexported
// fields: a struct of the caller's that keeps one there must not be printed.)
type Secret []byte

// String returns "[redacted]", or "" if there is nothing to redact.
func (s Secret) String() string {
	if len(s) == 0 {
		return ""
	}
	return redacted
}

// Format prints what String prints for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText writes "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText keeps a copy of the text. It refuses "[redacted]", which is
// what MarshalText left of another key.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errors.New("dockertls: the key reads \"[redacted]\": it was removed when these options were written")
	}
	*s = bytes.Clone(text)
	return nil
}

// LogValue makes slog print what String prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
