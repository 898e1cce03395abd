package dockertls

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"log/slog"
	"strings"
	"time"
)

// A Stage is how far a connection had come when it failed.
type Stage string

// The stages, in their order.
const (
	StageConnect   Stage = "connect"   // name resolution, TCP or socket
	StageProxy     Stage = "proxy"     // speaking with a proxy
	StageHandshake Stage = "handshake" // the TLS handshake
	StageRequest   Stage = "request"   // after it: a request was sent, or could be
)

// Evidence is what was seen of a failed connection. What does not apply, or is
// not known, is zero. Text from the peer is escaped and cut short.
type Evidence struct {
	Stage      Stage         `json:"stage,omitempty"`
	Address    string        `json:"address,omitempty"`      // what was really dialled: host:port with the IP address once known, or the path of a socket
	Proxy      string        `json:"proxy,omitempty"`        // the proxy in the way, without user and password
	Status     int           `json:"status,omitempty"`       // the HTTP status of an answer in the way, that of a proxy or of a server that refuses
	Waited     time.Duration `json:"waited,omitempty"`       // how long for nothing (nanoseconds in JSON)
	Answer     string        `json:"answer,omitempty"`       // the first bytes of an answer that is not what was expected, quoted as in Go; of HTTP the first line
	TLSVersion string        `json:"tls_version,omitempty"`  // "TLS 1.3", once negotiated
	Alert      string        `json:"alert,omitempty"`        // what the peer said before it hung up: "certificate required"
	AlertCode  int           `json:"alert_code,omitempty"`   // the same as a number (RFC 8446, 6)
	ServerName string        `json:"server_name,omitempty"`  // the name that the server's certificate was checked for
	Server     []Certificate `json:"server,omitempty"`       // the chain as the server sent it, its own certificate first; at most 10
	Trusted    []Certificate `json:"trusted,omitempty"`      // the authorities of the CA file; at most 10
	Client     *Certificate  `json:"client,omitempty"`       // the client certificate that is configured
	Requested  bool          `json:"requested,omitempty"`    // the server asked for a client certificate
	Sent       bool          `json:"sent,omitempty"`         // and got ours
	Accepted   []string      `json:"accepted_cas,omitempty"` // the authorities that it accepts clients of, at most 100; none: any
	Socket     *Socket       `json:"socket,omitempty"`       // what lies at the path of the socket
	Stderr     string        `json:"stderr,omitempty"`       // ssh's last words: the last line that it, or docker on the other side, wrote to its standard error
	ExitStatus int           `json:"exit_status,omitempty"`  // ssh's, which is that of the command on the other side, or 255
}

// A Certificate is the part of an X.509 certificate that matters in diagnoses.
type Certificate struct {
	Subject     string            `json:"subject"`
	Issuer      string            `json:"issuer"`
	DNSNames    []string          `json:"dns_names,omitempty"`
	IPAddresses []string          `json:"ip_addresses,omitempty"`
	NotBefore   time.Time         `json:"not_before"`
	NotAfter    time.Time         `json:"not_after"`
	X509        *x509.Certificate `json:"-"` // all of it
}

// A Socket is a file where a unix socket was expected.
type Socket struct {
	Path  string `json:"path"`
	Type  string `json:"type"`            // "socket", "regular file", "directory", "dangling link", "special file", "missing"; "" if nobody knows
	Mode  string `json:"mode,omitempty"`  // "srw-rw----"
	Owner string `json:"owner,omitempty"` // user name or number
	Group string `json:"group,omitempty"` // group name or number
}

// attrs are the fields that tell most, for a log.
func (ev Evidence) attrs() []slog.Attr {
	var attrs []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("stage", string(ev.Stage)), slog.String("address", ev.Address), slog.String("proxy", ev.Proxy),
		slog.String("alert", ev.Alert), slog.String("tls_version", ev.TLSVersion), slog.String("answer", ev.Answer),
		slog.String("stderr", ev.Stderr),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if ev.Waited > 0 {
		attrs = append(attrs, slog.Duration("waited", ev.Waited))
	}
	if len(ev.Server) > 0 {
		attrs = append(attrs, slog.String("server", ev.Server[0].Subject), slog.Time("server_not_after", ev.Server[0].NotAfter))
	}
	if ev.Client != nil {
		attrs = append(attrs, slog.String("client", ev.Client.Subject), slog.Time("client_not_after", ev.Client.NotAfter))
	}
	return attrs
}

// Limits of what messages and evidence take over from a peer.
const (
	maxQuote    = 200 // bytes of a name or an answer
	maxChain    = 10
	maxNames    = 100 // of a certificate
	maxAccepted = 100
)

// describe takes down what matters of a certificate.
func describe(cert *x509.Certificate) Certificate {
	c := Certificate{
		Subject: subjectOf(cert), Issuer: issuerOf(cert),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, X509: cert,
	}
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
		c.DNSNames = append(c.DNSNames, nameOf(name))
	}
	for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), maxNames)] {
		c.IPAddresses = append(c.IPAddresses, ip.String())
	}
	return c
}

func describeAll(certs []*x509.Certificate) []Certificate {
	var described []Certificate
	for _, cert := range certs[:min(len(certs), maxChain)] {
		described = append(described, describe(cert))
	}
	return described
}

// authorityNames reads the names in a server's request for a client certificate.
func authorityNames(accepted [][]byte) []string {
	var names []string
	for _, raw := range accepted[:min(len(accepted), maxAccepted)] {
		names = append(names, authorityName(raw))
	}
	return names
}

func authorityName(raw []byte) string {
	var rdn pkix.RDNSequence
	var name pkix.Name
	if rest, err := asn1.Unmarshal(raw, &rdn); err != nil || len(rest) > 0 {
		return "(a name that cannot be read)"
	}
	name.FillFromRDNSequence(&rdn)
	return nameOf(name.String())
}

func subjectOf(cert *x509.Certificate) string { return nameOf(cert.Subject.String()) }

func issuerOf(cert *x509.Certificate) string { return nameOf(cert.Issuer.String()) }

// nameOf makes a certificate's name fit for a message.
func nameOf(name string) string { return cut(oneLine(name), maxQuote) }

// cut shortens a text to so many bytes, and says so.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
