package dockertls

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
)

// A Kind names what went wrong. The strings are stable: once released they are
// never renamed. A Kind is itself an error, so that
//
//	errors.Is(err, dockertls.ClientCertRequired)
//
// holds for every [*Error] of that kind, however deeply it is wrapped.
type Kind string

// Kinds of [Resolve] and [Config.Environ]: nothing has been connected yet.
const (
	HostInvalid        Kind = "host-invalid"        // the address cannot be read, or cannot be meant
	HostUnsupported    Kind = "host-unsupported"    // the address is well formed, but this system or library has no such transport
	OptionsConflict    Kind = "options-conflict"    // two settings contradict each other, or one asks for less security than another
	ContextNotFound    Kind = "context-not-found"   // no docker context of that name
	ContextInvalid     Kind = "context-invalid"     // config.json or the files of a context are not what docker writes
	CAMissing          Kind = "ca-missing"          // the file with the authorities does not exist
	CAInvalid          Kind = "ca-invalid"          // it holds no certificate that can be parsed
	ClientCertMissing  Kind = "client-cert-missing" // the client certificate that was named does not exist
	ClientCertInvalid  Kind = "client-cert-invalid" // it cannot be parsed
	ClientKeyMissing   Kind = "client-key-missing"  // the private key that was named does not exist
	ClientKeyInvalid   Kind = "client-key-invalid"  // it cannot be parsed
	ClientKeyEncrypted Kind = "client-key-encrypted"
	KeyPairMismatch    Kind = "key-pair-mismatch" // certificate and key do not belong together
	FileUnreadable     Kind = "file-unreadable"   // a file exists but cannot be read
	EnvironUnsupported Kind = "environ-unsupported"
)

// Kinds of a connection that failed.
const (
	DNS                 Kind = "dns"                  // the host name does not resolve
	ConnectionRefused   Kind = "connection-refused"   // nobody listens at that address
	Unreachable         Kind = "unreachable"          // no route to the host or its network
	Timeout             Kind = "timeout"              // no answer within our own time limit
	SocketMissing       Kind = "socket-missing"       // no such socket or named pipe
	SocketPermission    Kind = "socket-permission"    // the socket exists, but may not be opened
	ProxyFailed         Kind = "proxy"                // a proxy stands between, and it refused or failed
	EndpointMismatch    Kind = "endpoint-mismatch"    // a request for another server than the transport's own
	TLSRequired         Kind = "tls-required"         // we spoke plain HTTP, the daemon speaks TLS
	TLSNotOffered       Kind = "tls-not-offered"      // we spoke TLS, the daemon answers plain HTTP
	NotTLS              Kind = "not-tls"              // we spoke TLS, the answer is neither TLS nor HTTP
	TLSVersion          Kind = "tls-version"          // no TLS version in common
	ServerUntrusted     Kind = "server-untrusted"     // the server's certificate was issued by an unknown authority
	ServerNameMismatch  Kind = "server-name-mismatch" // the server's certificate is for other names
	ServerCertExpired   Kind = "server-cert-expired"
	ServerCertNotYet    Kind = "server-cert-not-yet-valid"
	ClientCertRequired  Kind = "client-cert-required" // the daemon wants a client certificate and got none
	ClientCertRejected  Kind = "client-cert-rejected" // the daemon refused the client certificate
	ClientCertIsExpired Kind = "client-cert-expired"  // it refused it, and it has expired
)

// Error returns the kind's name.
func (k Kind) Error() string { return string(k) }

// An Error is what this library reports: what is wrong, which setting it came
// from, and what to do next. Match it with [errors.Is] and a [Kind], or take
// it out of a chain with [errors.As].
type Error struct {
	Kind   Kind
	Host   string // the endpoint, without user and password; empty while none was decided
	Source string // the setting at fault: "DOCKER_HOST", "--tlscacert", "Options.CertPath", `context "prod"`
	Detail string // what is wrong, in one line
	Hint   string // what to try; may be empty, is never part of Error()
	Err    error  // the cause, untouched; may be nil
}

// Error returns one line. The hint and the cause are not part of it.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	detail := cmp.Or(e.Detail, string(e.Kind))
	if where := cmp.Or(e.Host, e.Source); where != "" {
		return oneLine(where) + ": " + detail
	}
	return detail
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	switch {
	case e == nil:
		return nil
	case e.Err == nil:
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Format prints the one line for %v and %s. For %+v a second line holds the hint.
func (e *Error) Format(s fmt.State, verb rune) {
	switch {
	case verb == 'q':
		fmt.Fprintf(s, "%q", e.Error())
	default:
		io.WriteString(s, e.Error())
	}
	if verb == 'v' && s.Flag('+') && e != nil && e.Hint != "" {
		io.WriteString(s, "\nhint: "+e.Hint)
	}
}

// LogValue makes slog print the parts under their own names.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue("<nil>")
	}
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("message", e.Error())}
	for _, a := range []slog.Attr{slog.String("source", e.Source), slog.String("hint", e.Hint)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return slog.GroupValue(attrs...)
}

// fail is an [*Error] about a setting.
func fail(kind Kind, source, format string, args ...any) *Error {
	return &Error{Kind: kind, Source: source, Detail: oneLine(fmt.Sprintf(format, args...))}
}

// oneLine escapes control characters: much of what messages quote comes from
// elsewhere, and must not write over a terminal or forge a line of a log.
func oneLine(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = oneLine(fmt.Sprintf(format, args...))
	return e
}

func (e *Error) cause(err error) *Error {
	e.Err = err
	return e
}
