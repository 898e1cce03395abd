package dockertls

import "strings"

// A Kind names what went wrong. The strings are stable: once released they are
// never renamed. A Kind is itself an error, so that
//
//	errors.Is(err, dockertls.ClientCertRequired)
//
// holds for every [*Error] of that kind, however deeply it is wrapped.
// docs/diagnostics.md says of each kind what it means and what to try.
type Kind string

// Kinds of [Resolve], [Config.Environ] and [Config.EnvironIn]: nothing has been connected yet.
const (
	HostInvalid         Kind = "host-invalid"         // the address cannot be read, or cannot be meant: docs/diagnostics.md#host-invalid
	HostUnsupported     Kind = "host-unsupported"     // the address is well formed, but this system or library has no such transport: docs/diagnostics.md#host-unsupported
	OptionsConflict     Kind = "options-conflict"     // two settings contradict each other, or one asks for less security than another: docs/diagnostics.md#options-conflict
	ContextNotFound     Kind = "context-not-found"    // no docker context of that name: docs/diagnostics.md#context-not-found
	ContextInvalid      Kind = "context-invalid"      // config.json or the files of a context are not what docker writes: docs/diagnostics.md#context-invalid
	CAMissing           Kind = "ca-missing"           // the file with the authorities does not exist: docs/diagnostics.md#ca-missing
	CAInvalid           Kind = "ca-invalid"           // it holds no certificate that can be parsed: docs/diagnostics.md#ca-invalid
	ClientCertMissing   Kind = "client-cert-missing"  // the client certificate that was named does not exist: docs/diagnostics.md#client-cert-missing
	ClientCertInvalid   Kind = "client-cert-invalid"  // it cannot be parsed: docs/diagnostics.md#client-cert-invalid
	ClientKeyMissing    Kind = "client-key-missing"   // the private key that was named does not exist: docs/diagnostics.md#client-key-missing
	ClientKeyInvalid    Kind = "client-key-invalid"   // it cannot be parsed: docs/diagnostics.md#client-key-invalid
	ClientKeyEncrypted  Kind = "client-key-encrypted" // it needs a pass phrase: docs/diagnostics.md#client-key-encrypted
	KeyPairMismatch     Kind = "key-pair-mismatch"    // certificate and key do not belong together: docs/diagnostics.md#key-pair-mismatch
	FileUnreadable      Kind = "file-unreadable"      // a file exists but cannot be read: docs/diagnostics.md#file-unreadable
	EnvironUnsupported  Kind = "environ-unsupported"  // DOCKER_* variables cannot say this: docs/diagnostics.md#environ-unsupported
	MaterialUnavailable Kind = "material-unavailable" // Options.Material returned an error, or not what it supplied before: docs/diagnostics.md#material-unavailable
	FolderUnusable      Kind = "folder-unusable"      // files cannot be written to the folder, or it holds others: docs/diagnostics.md#folder-unusable
)

// Kinds of reaching the endpoint.
const (
	DNS               Kind = "dns"                // the host name does not resolve: docs/diagnostics.md#dns
	ConnectionRefused Kind = "connection-refused" // nobody listens at that address: docs/diagnostics.md#connection-refused
	Unreachable       Kind = "unreachable"        // no route to the host, or a firewall forbids the way: docs/diagnostics.md#unreachable
	Timeout           Kind = "timeout"            // no answer within our own time limit: docs/diagnostics.md#timeout
	ConnectionReset   Kind = "connection-reset"   // the connection was reset or closed before there was an answer: docs/diagnostics.md#connection-reset
	SocketMissing     Kind = "socket-missing"     // no such socket or named pipe, or something else in its place: docs/diagnostics.md#socket-missing
	SocketPermission  Kind = "socket-permission"  // the socket exists, but may not be opened: docs/diagnostics.md#socket-permission
	ProxyFailed       Kind = "proxy"              // a proxy stands between, and it refused or failed: docs/diagnostics.md#proxy
	EndpointMismatch  Kind = "endpoint-mismatch"  // a request for another server than the transport's own: docs/diagnostics.md#endpoint-mismatch
)

// Kinds of reaching it through ssh. Errors of all of them are [SSHFailed] too.
const (
	SSHFailed        Kind = "ssh-failed"         // ssh, or what it ran on the other side, failed: docs/diagnostics.md#ssh-failed
	SSHMissing       Kind = "ssh-missing"        // no ssh program on this machine: docs/diagnostics.md#ssh-missing
	SSHUnreachable   Kind = "ssh-unreachable"    // ssh does not get to the host: docs/diagnostics.md#ssh-unreachable
	SSHHostKey       Kind = "ssh-host-key"       // ssh does not trust the host: docs/diagnostics.md#ssh-host-key
	SSHAuth          Kind = "ssh-auth"           // the host does not let this user in: docs/diagnostics.md#ssh-auth
	SSHDockerMissing Kind = "ssh-docker-missing" // no docker command on the other side, or too old a one: docs/diagnostics.md#ssh-docker-missing
	SSHDaemon        Kind = "ssh-daemon"         // docker on the other side does not reach its daemon: docs/diagnostics.md#ssh-daemon
	SSHNoise         Kind = "ssh-noise"          // something on the other side prints text into the connection: docs/diagnostics.md#ssh-noise
)

// Kinds of speaking with what answers there.
const (
	TLSRequired            Kind = "tls-required"             // we spoke plain HTTP, the daemon speaks TLS: docs/diagnostics.md#tls-required
	TLSNotOffered          Kind = "tls-not-offered"          // we spoke TLS, the daemon answers plain HTTP: docs/diagnostics.md#tls-not-offered
	NotTLS                 Kind = "not-tls"                  // we spoke TLS, the answer is neither TLS nor HTTP: docs/diagnostics.md#not-tls
	NotHTTP                Kind = "not-http"                 // we spoke HTTP, in TLS or in the clear, and the answer is neither HTTP/1 nor TLS: docs/diagnostics.md#not-http
	TLSVersion             Kind = "tls-version"              // no TLS version in common: docs/diagnostics.md#tls-version
	TLSHandshake           Kind = "tls-handshake"            // the two sides cannot agree on something else: docs/diagnostics.md#tls-handshake
	ServerNameUnrecognized Kind = "server-name-unrecognized" // the server has no certificate for the name in our SNI: docs/diagnostics.md#server-name-unrecognized
)

// Kinds of trusting the server.
const (
	ServerUntrusted    Kind = "server-untrusted"          // the server's certificate was issued by an unknown authority: docs/diagnostics.md#server-untrusted
	ServerNameMismatch Kind = "server-name-mismatch"      // the server's certificate is for other names: docs/diagnostics.md#server-name-mismatch
	ServerCertExpired  Kind = "server-cert-expired"       // a certificate in the server's chain, or its authority's, has expired: docs/diagnostics.md#server-cert-expired
	ServerCertNotYet   Kind = "server-cert-not-yet-valid" // the same, and it is valid only later: docs/diagnostics.md#server-cert-not-yet-valid
	ServerCertInvalid  Kind = "server-cert-invalid"       // a certificate breaks a rule: constraints, usage, signature, key size, form: docs/diagnostics.md#server-cert-invalid
)

// Kinds of being trusted by the server.
const (
	ClientCertRequired Kind = "client-cert-required"      // the daemon wants a client certificate and got none: docs/diagnostics.md#client-cert-required
	ClientCertRejected Kind = "client-cert-rejected"      // the daemon refused the client certificate: docs/diagnostics.md#client-cert-rejected
	ClientCertExpired  Kind = "client-cert-expired"       // it refused it, and it has expired: docs/diagnostics.md#client-cert-expired
	ClientCertNotYet   Kind = "client-cert-not-yet-valid" // it refused it, and it is valid only later: docs/diagnostics.md#client-cert-not-yet-valid
)

// Error returns the kind's name.
func (k Kind) Error() string { return string(k) }

// Is makes every kind that begins with "ssh-" match [SSHFailed].
func (k Kind) Is(target error) bool {
	return target == SSHFailed && strings.HasPrefix(string(k), "ssh-")
}
