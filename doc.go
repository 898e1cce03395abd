// Package dockertls reaches a Docker daemon the way the docker command does:
// the same address, the same TLS, the same certificates, from the same flags,
// variables, contexts and default files; and it fails closed where the command
// does not.
//
//	cfg, err := dockertls.Resolve(dockertls.FromEnv())
//	if err != nil {
//		log.Fatalf("%+v", err) // one line, and a hint
//	}
//	resp, err := cfg.HTTPClient().Get(cfg.URL("/_ping"))
//
// A [Config] is the decision. It hands out a [net/http.Client], a
// [net/http.Transport] for other clients of Docker's API, a [crypto/tls.Config],
// a raw stream for exec and attach ([Config.Dial]), and the DOCKER_* variables
// for a child process ([Config.Environ], [Config.EnvironIn]). [Config.Settings]
// tells where each value came from, [Config.Warnings] what to know about them, and
// [Config.Check] why the daemon cannot be reached.
//
// # Precedence
//
// [Resolve] takes layers; of each setting the first layer that has it wins.
//
//	setting             explicit (Options, flag)        environment         default
//	address             Host, -H                        DOCKER_HOST         unix:///var/run/docker.sock; with TLS tcp://localhost:2376
//	context             Context, --context              DOCKER_CONTEXT      currentContext in config.json
//	TLS, verified       TLSVerify, --tlsverify          DOCKER_TLS_VERIFY   no
//	TLS, not verified   TLS, --tls                      DOCKER_TLS          no
//	certificate folder  CertPath                        DOCKER_CERT_PATH    DOCKER_CONFIG, else ~/.docker
//	authorities         CA, CAFile, --tlscacert         -                   ca.pem in that folder, which must exist
//	client certificate  Cert, CertFile, --tlscert       -                   cert.pem there, if it exists
//	private key         Key, KeyFile, Signer, --tlskey  -                   key.pem there, if it exists
//	configuration       ConfigDir, --config             DOCKER_CONFIG       ~/.docker
//	proxy               Proxy                           HTTP(S)_PROXY       none; never for sockets and loopback
//
// An explicit Host beats DOCKER_CONTEXT and currentContext, an explicit Context
// beats DOCKER_HOST, and DOCKER_HOST beats DOCKER_CONTEXT. A stored context
// brings its own TLS material; flags and variables about TLS do not change it.
//
// Of the variables DOCKER_TLS_VERIFY and DOCKER_TLS any text means yes, even
// "0" and "false". An explicit TLSVerify of false switches TLS on, without
// verification, whatever DOCKER_TLS_VERIFY says. Nothing else switches TLS on
// in the default context: neither the port nor files that are there.
//
// Without a [FromEnv] layer the process's environment does not count: no variable,
// no home folder, no config.json, no proxy; and without a CA the system's roots
// verify.
// docs/rules.md lists the rules by the numbers that comments here refer to.
//
// # Modes
//
//	mode       asked for by                    daemon started with      who is checked
//	Plain      nothing                         nothing                  nobody, in the clear
//	Encrypted  --tls, DOCKER_TLS               --tls --tlsverify=false  nobody: private, but with whom?
//	Verified   --tlsverify, DOCKER_TLS_VERIFY  --tls --tlsverify=false  the server: authority and host name
//	Mutual     the same, with a client pair    --tlsverify              both
//
// A dockerd started with --tls alone wants a client certificate as well (seen
// with 20.10 and the current one).
//
// # Security
//
//   - Whoever has a client certificate that the daemon accepts, and its key, is
//     root on the daemon's host. Keep key.pem readable by its owner only; Resolve
//     warns if it is not.
//   - TLS that was asked for is never dropped: not on errors, not on redirects,
//     not by a weaker context. The only way down is an explicit setting of
//     higher rank: TLSVerify false, or TLS false against DOCKER_TLS.
//   - ca.pem is the only root when there is one: the system's are not added.
//   - Mode Encrypted verifies nobody. A client certificate is shown to whoever
//     asks, as docker does; a warning says so.
//   - A transport reaches its own endpoint only. Requests and redirects to
//     another scheme, host or port fail with [EndpointMismatch].
//   - The client certificate is sent only to a server that asks for one, and if
//     it names authorities, only if one of them issued it. No proxy sees it.
//   - Keys, and passwords in addresses, are in no message, log or %+v.
//   - There is no package state: several Configs in one process never meet.
//
// # Where docker is not followed
//
// The docker command is the specification. These differences fail closed.
//
//	U1  --tlscacert= without cert.pem and key.pem: docker drops TLS. Here TLS
//	    stays on, verified against the system's roots.
//	U2  A context with an https:// address and no TLS files, or with its TLS files
//	    in the wrong place, behind a symbolic link, or with a folder in place of
//	    one: docker goes on without them, even in the clear. Here https means
//	    TLS (the system's roots if there is no CA; without a port it is an
//	    error), links are followed, and misplaced data is an error. While docker
//	    makes or updates a context, its files are missing for a moment, and
//	    waited for.
//	U3  A context without TLS over TCP against DOCKER_TLS_VERIFY, DOCKER_TLS,
//	    --tlsverify (also as false) or --tls: docker goes in the clear. Here it
//	    is an error (options-conflict).
//	U4  A context with SkipTLSVerify against DOCKER_TLS_VERIFY or --tlsverify:
//	    docker does not verify. Here it is an error (options-conflict).
//	U5  A config.json that cannot be used: docker warns and takes the default
//	    daemon. Here it is an error when the choice of context depends on it.
//	U6  A mistake in the flags: docker 28 pings the daemon first. Not here.
//	Q6  A bare path, a doubled scheme, a scheme without its slashes: docker
//	    reads a TCP address out of them. Here an error says what was meant.
//	Q7  Unknown schemes in a context, such as TCP:// or ws://: docker takes them
//	    for tcp. Here they are errors.
//	Q8  What crashes docker (npipe on Linux, fd, too long a path, a context's
//	    address without scheme or host) is an error.
//	-   ssh: a user or host that begins with a dash, and control characters, are
//	    errors.
//	-   Ports 0 and above 65535, and an IPv4 address or nothing in brackets, are
//	    errors at once, not when dialling.
//	-   A proxy with a scheme other than http, https and socks5 is an error;
//	    docker speaks HTTP with it. An https proxy never sees the client
//	    certificate.
//	-   TLS material in memory (CA, Cert, Key, Signer), which docker does not
//	    have, is an error over TCP without TLS.
//
// These quirks are followed, with a warning: --config does not move the
// certificate folder (Q2), half a pair is ignored (Q3), 80 and 443 are the
// default ports in a context (Q4), user, query and fragment of an address
// vanish (Q5), a blank DOCKER_HOST hides the context (Q9). An address in
// brackets needs a colon (Q1), as in docker.
//
// # ssh
//
// An address ssh://user@host:port is reached as docker does it: the user's own
// ssh program, found on the PATH, runs "docker system dial-stdio" on the other
// side, and each connection is one such process. Host names, users, keys and host
// keys are up to ssh's configuration and agent; for them the process's environment
// counts, with and without a [FromEnv] layer. A path in the address
// names the daemon's socket on the other side. There is no TLS and no proxy.
//
// ssh has no terminal here: it asks nobody for passwords or about unknown hosts.
// Closing the connection ends it; the end of the context that it was dialled with
// does not.
//
// Nothing is said on such a connection before the daemon answers: [Config.Dial]
// returns as soon as ssh was started, and what goes wrong comes in place of the
// first answer. ssh gives up an attempt to connect after 30 s (docker says so in
// its command line). There is no other limit of ours: give requests a context with
// a deadline, or the transport a ResponseHeaderTimeout.
//
// Deadlines of these connections work on unix systems; Windows has none for pipes
// (os.ErrNoDeadline). [Options.Dialer] replaces the ssh program.
//
// # Errors
//
// Every failure that is understood is an [*Error]: a stable [Kind] for errors.Is,
// the setting at fault in Source, one line of text, a separate hint, which %+v
// prints, and what was seen in [Evidence]. The errors of any client that uses a
// [Config.Transport] or [Config.HTTPClient] contain it; [Config.Diagnose] takes
// it out of what the client put around it, and explains errors of connections
// that a client made itself. [Diagnose] does so without a Config, from types or,
// failing that, from an error's text. What is not understood
// stays what it was. docs/diagnostics.md lists the kinds, docs/clients.md what
// other clients lose.
//
// [Config.Check] tries the connection step by step, says what it saw, and names
// ways out that it has checked: another folder of certificates, another socket.
//
// The message never contains the cause's text, on which other clients act, and
// no control characters; the cause itself is behind Unwrap. A cause that is
// os.ErrPermission is found by errors.As only, because moby's client throws the
// whole chain away if errors.Is finds it. An Error of kind [Timeout] has no
// Timeout method, for the same reason.
//
// Under TLS 1.3 a daemon refuses a client certificate after the handshake, when
// a request is on its way already. Connections of this package hold a write that
// fails until the reason has been read, so that it comes back as itself whatever
// the size of the request's body; a body whose Read blocks delays that until
// the Read returns (net/http waits for it). Should the reason get lost on the
// way, one more connection finds it out: it only listens, for 3 s at most, and
// there is at most one a second.
//
// Because of this the connections are not of type *tls.Conn: net/http would not let
// anybody explain the errors of one. They have a method ConnectionState instead,
// also what [Config.Dial] returns and what GotConn shows of
// [net/http/httptrace.ClientTrace], whose TLSHandshakeStart and TLSHandshakeDone
// enclose the handshake. Before Go 1.27, net/http looks for a *tls.Conn only and
// leaves Response.TLS nil; since then it sets Response.TLS by that method, and
// calls these two hooks once more after the handshake.
//
// # Months without a restart
//
// Certificates and key are followed: new ones are looked for when a connection is
// made or a request begins, and used once they are a whole set that matches.
// What is wrong with them is told to Options.Logger and OnEvent, once, and fails
// no connection; [Config.Reload] looks at once. Material in memory comes from
// Options.Material. TLS sessions are resumed, never those of an earlier set: a
// server would go on seeing the old client certificate.
//
// A kept connection changes over with its next request, beneath net/http: hooks
// of httptrace do not show that, and Response.TLS is then that of the connection
// as it was made.
//
// In FIPS mode (GODEBUG=fips140=on) connections that a client makes itself, with
// the TLSClientConfig of a Transport, verify by the authorities that there were
// when the Transport was made: a new authority needs a new Transport for them.
//
// A [Resolver] is for hundreds of daemons: what equal files hold is kept once.
// [Config.Stats] counts, [Config.Expiries] tells when certificates end.
// docs/agents.md shows a program.
package dockertls
