package dockertls

// A Kind names what went wrong. The strings are stable: once released they are
// never renamed. A Kind is itself an error, so that
//
//	errors.Is(err, dockertls.ClientCertRequired)
//
// holds for every [*Error] of that kind, however deeply it is wrapped.
// docs/diagnostics.md says of each kind what it means and what to try.
type Kind string

// Kinds of [Resolve] and [Config.Environ]: nothing has been connected yet.
const (
	HostInvalid        Kind = "host-invalid"         // the address cannot be read, or cannot be meant
	HostUnsupported    Kind = "host-unsupported"     // the address is well formed, but this system or library has no such transport
	OptionsConflict    Kind = "options-conflict"     // two settings contradict each other, or one asks for less security than another
	ContextNotFound    Kind = "context-not-found"    // no docker context of that name
	ContextInvalid     Kind = "context-invalid"      // config.json or the files of a context are not what docker writes
	CAMissing          Kind = "ca-missing"           // the file with the authorities does not exist
	CAInvalid          Kind = "ca-invalid"           // it holds no certificate that can be parsed
	ClientCertMissing  Kind = "client-cert-missing"  // the client certificate that was named does not exist
	ClientCertInvalid  Kind = "client-cert-invalid"  // it cannot be parsed
	ClientKeyMissing   Kind = "client-key-missing"   // the private key that was named does not exist
	ClientKeyInvalid   Kind = "client-key-invalid"   // it cannot be parsed
	ClientKeyEncrypted Kind = "client-key-encrypted" // it needs a pass phrase
	KeyPairMismatch    Kind = "key-pair-mismatch"    // certificate and key do not belong together
	FileUnreadable     Kind = "file-unreadable"      // a file exists but cannot be read
	EnvironUnsupported Kind = "environ-unsupported"  // DOCKER_* variables cannot say this
)

// Kinds of reaching the endpoint.
const (
	DNS               Kind = "dns"                // the host name does not resolve
	ConnectionRefused Kind = "connection-refused" // nobody listens at that address
	Unreachable       Kind = "unreachable"        // no route to the host, or a firewall forbids the way
	Timeout           Kind = "timeout"            // no answer within our own time limit
	ConnectionReset   Kind = "connection-reset"   // the connection was reset or closed before there was an answer
	SocketMissing     Kind = "socket-missing"     // no such socket or named pipe
	SocketPermission  Kind = "socket-permission"  // the socket exists, but may not be opened
	ProxyFailed       Kind = "proxy"              // a proxy stands between, and it refused or failed
	EndpointMismatch  Kind = "endpoint-mismatch"  // a request for another server than the transport's own
)

// Kinds of speaking with what answers there.
const (
	TLSRequired            Kind = "tls-required"             // we spoke plain HTTP, the daemon speaks TLS
	TLSNotOffered          Kind = "tls-not-offered"          // we spoke TLS, the daemon answers plain HTTP
	NotTLS                 Kind = "not-tls"                  // we spoke TLS, the answer is neither TLS nor HTTP
	NotHTTP                Kind = "not-http"                 // we spoke HTTP, in TLS or in the clear, and the answer is neither HTTP/1 nor TLS
	TLSVersion             Kind = "tls-version"              // no TLS version in common
	TLSHandshake           Kind = "tls-handshake"            // the two sides cannot agree on something else
	ServerNameUnrecognized Kind = "server-name-unrecognized" // the server has no certificate for the name in our SNI
)

// Kinds of trusting the server.
const (
	ServerUntrusted    Kind = "server-untrusted"          // the server's certificate was issued by an unknown authority
	ServerNameMismatch Kind = "server-name-mismatch"      // the server's certificate is for other names
	ServerCertExpired  Kind = "server-cert-expired"       // a certificate in the server's chain, or its authority's, has expired
	ServerCertNotYet   Kind = "server-cert-not-yet-valid" // the same, and it is valid only later
	ServerCertInvalid  Kind = "server-cert-invalid"       // a certificate breaks a rule: constraints, usage, signature, key size, form
)

// Kinds of being trusted by the server.
const (
	ClientCertRequired  Kind = "client-cert-required"      // the daemon wants a client certificate and got none
	ClientCertRejected  Kind = "client-cert-rejected"      // the daemon refused the client certificate
	ClientCertIsExpired Kind = "client-cert-expired"       // it refused it, and it has expired
	ClientCertNotYet    Kind = "client-cert-not-yet-valid" // it refused it, and it is valid only later
)

// Error returns the kind's name.
func (k Kind) Error() string { return string(k) }
