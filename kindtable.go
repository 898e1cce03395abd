package dockertls

import (
	"fmt"
	"strings"
)

// A kindEntry is what there is to say of a kind, whatever the occasion.
type kindEntry struct {
	kind  Kind
	means string
	try   string
	says  []string // typical messages of other clients for the same failure
}

// A kindGroup is a part of the table with a heading.
type kindGroup struct {
	title string
	kinds []kindEntry
}

// kindTable is the one place that says what each kind means, what to try, and
// how other clients put it. docs/diagnostics.md is made from it.
func kindTable() []kindGroup {
	return []kindGroup{
		{"Before any connection", settingKinds()},
		{"Reaching the endpoint", wayKinds()},
		{"Reaching it through ssh", sshKinds()},
		{"Speaking with what answers there", speechKinds()},
		{"Trusting the server", trustKinds()},
		{"Being trusted by the server", clientKinds()},
	}
}

func settingKinds() []kindEntry {
	return []kindEntry{
		{HostInvalid, "The address cannot be read, or cannot be meant.",
			"Write tcp://host:port, unix:///path, ssh://user@host or npipe:////./pipe/name; the source of the address is in the message.",
			[]string{"unable to parse docker host", "Invalid bind address format"}},
		{HostUnsupported, "The address is well formed, but this system or this library has no such transport.",
			"Use tcp, unix or ssh; npipe is for Windows.",
			[]string{"Invalid bind address protocol", "protocol not available"}},
		{OptionsConflict, "Two settings contradict each other, or one asks for less security than another.",
			"Remove one of the two that the message names.",
			[]string{"conflicting options: cannot specify both --host and --context"}},
		{ContextNotFound, "There is no docker context of that name.",
			"docker context ls shows the names; they are taken literally.",
			[]string{`context "x": context not found`}},
		{ContextInvalid, "config.json, or the files of a context, are not what docker writes.",
			"Mend the file that the message names, or choose another context or address.",
			[]string{"unexpected end of JSON input"}},
		{CAMissing, "The file with the authorities does not exist, though TLS is on.",
			"Put the daemon's ca.pem into the folder that the message names, or name it with --tlscacert.",
			[]string{"could not read CA certificate", "unable to resolve docker endpoint: open .../ca.pem: no such file or directory"}},
		{CAInvalid, "The file holds no certificate that can be parsed.",
			"The message says what was found in its place.",
			[]string{"failed to append certificates from PEM file", "unable to load CA certificates"}},
		{ClientCertMissing, "The client certificate that was named does not exist.",
			"Correct the path, or leave it out to use none.",
			[]string{"could not load X509 key pair: open cert.pem: no such file or directory. Make sure the key is not encrypted"}},
		{ClientCertInvalid, "The client certificate cannot be parsed.",
			"The message says what was found in its place.",
			[]string{"tls: failed to find any PEM data in certificate input"}},
		{ClientKeyMissing, "The private key that was named does not exist.",
			"Correct the path, or leave it out to use none.",
			[]string{"open key.pem: no such file or directory"}},
		{ClientKeyInvalid, "The private key cannot be parsed.",
			"The message says what was found in its place.",
			[]string{"tls: failed to find any PEM data in key input", "tls: failed to parse private key"}},
		{ClientKeyEncrypted, "The private key needs a pass phrase, which docker does not support.",
			"openssl pkey -in key.pem -out new.pem, and guard the result; or use a Signer.",
			[]string{"private key is encrypted", "Make sure the key is not encrypted"}},
		{KeyPairMismatch, "Certificate and key do not belong together.",
			"They are from different runs of the script that made them: fetch both again.",
			[]string{"tls: private key does not match public key"}},
		{FileUnreadable, "A file exists but cannot be read.",
			"The message has the reason: permissions, a folder in its place, too large.",
			[]string{"permission denied", "is a directory"}},
		{EnvironUnsupported, "DOCKER_* variables cannot say what this Config says, so nothing is handed on.",
			"Keep the files in one folder under docker's names, or name one to write them to (`EnvironIn`), and connect without code of your own.", nil},
		{MaterialUnavailable, "The function in `Options.Material` returned an error, supplied nothing, or no longer supplied what it did at first. " +
			"At `Resolve` there is no Config then; later what it supplied last stays in use.",
			"Look at the cause behind the error (`%+v`): it is the function's own.", nil},
		{FolderUnusable, "The folder that `EnvironIn` was to write to cannot be written, or holds a `ca.pem`, `cert.pem` or `key.pem` " +
			"that is not what would be written. Nothing was changed.",
			"Name a folder of its own for each daemon.", nil},
	}
}

func wayKinds() []kindEntry {
	return []kindEntry{
		{DNS, "The host name does not resolve: there is no such name, or the name server failed or did not answer.",
			"Check the spelling and where the address comes from; the message tells the three cases apart.",
			[]string{"dial tcp: lookup box: no such host", "server misbehaving", "Temporary failure in name resolution"}},
		{ConnectionRefused, "The host answers, but nobody listens at that address; or a socket has no daemon behind it.",
			"Start the daemon, with -H tcp://..., or correct the port.",
			[]string{"connect: connection refused", "Cannot connect to the Docker daemon. Is the docker daemon running?", "actively refused it"}},
		{Unreachable, "No route leads to the host, or this system forbids the connection.",
			"Check VPN, routes and firewall.",
			[]string{"no route to host", "network is unreachable", "connect: operation not permitted"}},
		{Timeout, fmt.Sprintf("No answer within one of the connection's own time limits: %v to connect, %v for the handshake, or one set on the transport. Deadlines of the caller's come as themselves.", connectTimeout, handshakeTimeout),
			"The message says at which stage, and how long it waited. While connecting: a firewall or a host that is down. In the handshake: a daemon that hangs, or a server that waits for the client to speak.",
			[]string{"i/o timeout", "net/http: TLS handshake timeout"}},
		{ConnectionReset, "The connection was reset or closed before there was an answer, and nobody said why.",
			"Look at the daemon's log, and at proxies and load balancers on the way.",
			[]string{"connection reset by peer", "EOF", "broken pipe"}},
		{SocketMissing, "There is no such unix socket or named pipe, or something else lies in its place: a file, a directory.",
			"Start the daemon, or use the socket that the hint has found elsewhere.",
			[]string{"dial unix /var/run/docker.sock: connect: no such file or directory"}},
		{SocketPermission, "The socket exists, but this user may not open it.",
			"Join its group, which the message names, or become a user who may.",
			[]string{"permission denied while trying to connect to the Docker daemon socket"}},
		{ProxyFailed, "A proxy stands between, and it refused or failed, or passed on an answer that is no daemon's.",
			"The message names the proxy, the variable that chose it, and what it said. NO_PROXY makes exceptions.",
			[]string{"Proxy Authentication Required", "proxyconnect tcp", "Service Unavailable"}},
		{EndpointMismatch, "A request was for another server than the transport's own, or a redirect led there.",
			"Resolve a Config for each daemon.", nil},
	}
}

func sshKinds() []kindEntry {
	return []kindEntry{
		{SSHFailed, "ssh failed, or the command that it ran on the other side. All kinds that begin with ssh- are this one too.",
			"The message quotes what ssh said last, and the hint has a command to try by hand.",
			[]string{"command [ssh ...] has exited with exit status 255, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host", "kex_exchange_identification: Connection closed by remote host"}},
		{SSHMissing, "There is no ssh program on this machine's PATH that may be run.",
			"Install OpenSSH's client, or correct the PATH of the process.",
			[]string{`exec: "ssh": executable file not found in $PATH`}},
		{SSHUnreachable, "ssh does not get to the host: the name does not resolve, nobody listens, no route, or no answer in time.",
			"The message tells which. Host and HostName in ssh's configuration may say another host or port than the address does.",
			[]string{"ssh: Could not resolve hostname box: Name or service not known", "ssh: connect to host box port 22: Connection refused", "Connection timed out during banner exchange"}},
		{SSHHostKey, "ssh does not know the host's key, or knows another one. Nobody can be asked: ssh runs without a terminal.",
			"Connect once by hand, with the command in the hint, and compare the fingerprint.",
			[]string{"Host key verification failed.", "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"}},
		{SSHAuth, "The host does not let this user in with the keys that ssh has.",
			"Load a key (ssh-add), name one in ssh's configuration, or install it on the host (ssh-copy-id); check the user name. A password cannot be asked for.",
			[]string{"Permission denied (publickey).", "Too many authentication failures"}},
		{SSHDockerMissing, "The host has no docker command on the PATH of commands that ssh runs, or one older than 18.09.",
			"Install docker there. The PATH of a command is not that of a login: see what ssh HOST 'echo $PATH; command -v docker' prints.",
			[]string{"bash: line 1: docker: command not found", "exit status 127", "docker: 'system dial-stdio' is not a docker command."}},
		{SSHDaemon, "docker on the other side runs, and does not reach its daemon.",
			"Start the daemon there, add the user to the group docker, or name the socket in the address: ssh://host/path.",
			[]string{"failed to open the raw stream connection: dial unix /var/run/docker.sock: connect: permission denied"}},
		{SSHNoise, "A startup file of the shell on the other side prints text, which comes before the daemon's answer.",
			"Let .bashrc, .zshenv or .cshrc print on terminals only ([ -t 1 ]).",
			[]string{`malformed HTTP response "Welcome!"`, `malformed HTTP status code "pid"`, "net/http: HTTP/1.x transport connection broken"}},
	}
}

func speechKinds() []kindEntry {
	return []kindEntry{
		{TLSRequired, "Plain HTTP was sent to a server that speaks TLS.",
			"Switch TLS on: DOCKER_TLS_VERIFY=1 or --tlsverify, with the daemon's ca.pem. Some servers that speak TLS say nothing, and hang up: the message tells if this is all that was seen.",
			[]string{"Client sent an HTTP request to an HTTPS server", `malformed HTTP response "\x15\x03\x01\x00\x02\x02"`, "Unexpected end of file from server"}},
		{TLSNotOffered, "TLS was spoken, and the server answered plain HTTP.",
			"Start the daemon with --tls or --tlsverify, use the port where it speaks TLS, or switch TLS off.",
			[]string{"http: server gave HTTP response to HTTPS client", "first record does not look like a TLS handshake", "wrong version number"}},
		{NotTLS, "TLS was spoken, and the answer is neither TLS nor HTTP: an SSH or MySQL server, say.",
			"It is the wrong port: check the address.",
			[]string{"tls: first record does not look like a TLS handshake", "oversized record received"}},
		{NotHTTP, "HTTP was spoken, in TLS or in the clear, and the answer is not HTTP/1: an SSH server, or one for HTTP/2 only such as swarm's port 2377.",
			"It is the wrong port: check the address.",
			[]string{`malformed HTTP response "SSH-2.0-OpenSSH_9.2"`, `malformed HTTP response "\x00\x00\x00\x04..."`}},
		{TLSVersion, "The two sides have no version of TLS in common; 1.2 is the least here.",
			"Update the daemon, or what stands before it.",
			[]string{"remote error: tls: protocol version not supported", "tls: server selected unsupported protocol version"}},
		{TLSHandshake, "The handshake failed for another reason than versions, names and certificates: no cipher suite or group in common, another protocol (ALPN), a broken peer.",
			"The message tells which; look at the TLS settings of what stands before the daemon.",
			[]string{"remote error: tls: handshake failure", "no application protocol"}},
		{ServerNameUnrecognized, "The server has no certificate for the name that it was asked for (SNI).",
			"Connect by a name that the server, or the TLS proxy before it, is set up for.",
			[]string{"remote error: tls: unrecognized name"}},
	}
}

func trustKinds() []kindEntry {
	return []kindEntry{
		{ServerUntrusted, "The server's certificate leads to no authority that is trusted: unknown, of the same name with another key, an intermediate missing, or no authority at all.",
			"The message tells which. If it is the right daemon, fetch the ca.pem that signed its certificate.",
			[]string{"x509: certificate signed by unknown authority", "unable to get local issuer certificate", "self-signed certificate in certificate chain"}},
		{ServerNameMismatch, "The server's certificate is for other names than the one in the address.",
			"Connect by one of its names, or issue it again with the right subjectAltName.",
			[]string{"x509: certificate is valid for a, not b", "doesn't contain any IP SANs", "certificate relies on legacy Common Name field", "hostname mismatch"}},
		{ServerCertExpired, "A certificate has expired: the server's, an intermediate's, or the authority's in ca.pem.",
			"The message tells whose, with the dates: issue that one again.",
			[]string{"x509: certificate has expired or is not yet valid: current time ... is after ..."}},
		{ServerCertNotYet, "A certificate is valid only later.",
			"Compare the clocks of this machine and of the one where the certificate was made.",
			[]string{"x509: certificate has expired or is not yet valid: current time ... is before ..."}},
		{ServerCertInvalid, "A certificate breaks a rule: usage, name constraints, path length, a weak signature or key, a form that cannot be read.",
			"The message tells which rule: issue the certificate again accordingly.",
			[]string{"x509: certificate specifies an incompatible key usage", "too many intermediates for path length constraint", "insecure algorithm SHA1-RSA", "negative serial number"}},
	}
}

func clientKinds() []kindEntry {
	return []kindEntry{
		{ClientCertRequired, "The daemon requires a client certificate and got none: there is none here, or ours was not sent because the daemon accepts other authorities.",
			"The message tells which, and whom the daemon accepts.",
			[]string{"remote error: tls: certificate required", "remote error: tls: bad certificate", "remote error: tls: handshake failure", "No required SSL certificate was sent"}},
		{ClientCertRejected, "The daemon got our client certificate and refused it.",
			"The message has what it said, and what can be seen from here; the exact reason is in the daemon's log.",
			[]string{"remote error: tls: unknown certificate authority", "remote error: tls: bad certificate"}},
		{ClientCertExpired, "The daemon refused our client certificate, which has expired.",
			"Issue it again.",
			[]string{"remote error: tls: expired certificate", "remote error: tls: bad certificate"}},
		{ClientCertNotYet, "The daemon refused our client certificate, which is valid only later.",
			"Compare the clocks of this machine and of the one where the certificate was made.",
			[]string{"remote error: tls: expired certificate", "remote error: tls: bad certificate"}},
	}
}

// diagnosticsPage is docs/diagnostics.md.
func diagnosticsPage() string {
	var b strings.Builder
	b.WriteString(diagnosticsIntro)
	for _, group := range kindTable() {
		fmt.Fprintf(&b, "\n## %s\n", group.title)
		for _, e := range group.kinds {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n**What to do.** %s\n", e.kind, e.means, e.try)
			if len(e.says) > 0 {
				b.WriteString("\nOther clients say:\n\n")
			}
			for _, says := range e.says {
				fmt.Fprintf(&b, "- `%s`\n", says)
			}
		}
	}
	return b.String()
}

const diagnosticsIntro = `# Diagnostics

Every failure that is understood is a *dockertls.Error with one of the kinds below. Match it with
errors.Is(err, dockertls.TLSRequired), or take it out of a chain with errors.As. A failure that is not
understood stays what it was: nothing is guessed.

` + "```go" + `
resp, err := cfg.HTTPClient().Get(cfg.URL("/version"))
if err != nil {
	log.Fatalf("%+v", cfg.Diagnose(err))
}
` + "```" + `

Source names the setting at fault, Hint the next step, Evidence what was seen: addresses, alerts,
certificates with their dates, the authorities that the daemon accepts. [clients.md](clients.md) says
what of it survives in other people's clients.

This page is generated from the table in kindtable.go: go test -run TestDiagnosticsPage -update .
`
