package dockertls

import "slices"

// The tables
//
// Three things are told apart before a row is looked up. answerRows are what a
// server says in an HTTP body, even below "Error response from daemon".
// logRows are about a server's log, where "remote error" is the client and
// everything means the reverse. clientRows are all the rest; what the daemon
// itself reports of its registries, and the output of builds, is removed
// first, because no connection of ours failed there.
//
// Patterns are in small letters, with a blank for each underscore, so that
// CERTIFICATE_VERIFY_FAILED and "certificate verify failed" are one.

func answerRows() []textRow {
	return []textRow{
		{TLSRequired, "Go daemons since 2019; docker prints it as an error response from daemon",
			[]string{"client sent an http request to an https server"}, plainToTLS},
		{TLSRequired, "nginx before a daemon",
			[]string{"the plain http request was sent to https port"}, plainToTLS},
		{ClientCertRequired, "nginx before a daemon",
			[]string{"no required ssl certificate was sent"},
			says("the server requires a client certificate, and none was sent", hintPair)},
		{ClientCertRejected, "nginx before a daemon",
			[]string{"400 the ssl certificate error"},
			says("the server refused the client certificate", hintRejected)},
	}
}

// daemonRows are texts that only a daemon writes, with or without the words
// that mark its log.
func daemonRows() []textRow {
	return []textRow{
		{ClientCertRequired, "Go daemons", []string{"client didn't provide a certificate"},
			says("the daemon requires a client certificate, and the client sent none", hintPair)},
		{ClientCertRequired, "OpenSSL servers", []string{"peer did not return a certificate"},
			says("the server requires a client certificate, and the client sent none", hintPair)},
		{ClientCertExpired, "Go daemons since Go 1.13",
			[]string{"failed to verify client certificate: x509: certificate has expired or is not yet valid: current time {} is after {}",
				"failed to verify client's certificate: x509: certificate has expired or is not yet valid: current time {} is after {}"},
			clientDates("the daemon refused the client certificate: it expired on %s, and the daemon's clock said %s")},
		{ClientCertNotYet, "Go daemons since Go 1.13",
			[]string{"failed to verify client certificate: x509: certificate has expired or is not yet valid: current time {} is before {}",
				"failed to verify client's certificate: x509: certificate has expired or is not yet valid: current time {} is before {}"},
			clientDates("the daemon refused the client certificate: it is valid from %s, and the daemon's clock said %s")},
		{ServerUntrusted, "Go daemons: the two sides are of different generations of one authority",
			[]string{"failed to verify client certificate: x509: certificate signed by unknown authority (possibly because of",
				"failed to verify client's certificate: x509: certificate signed by unknown authority (possibly because of"},
			says("the daemon does not know the client certificate's authority: it has one of the same name with another key", hintGenerations)},
		{ClientCertRejected, "Go daemons",
			[]string{"failed to verify client certificate: {}", "failed to verify client's certificate: {}", "failed to verify client certificate$"},
			said.refusedByDaemon},
		{ClientCertRejected, "Go daemons", []string{"failed to parse client certificate"},
			says("the daemon could not parse the client certificate", "")},
		{TLSVersion, "Go daemons",
			[]string{"client offered an unsupported, maximum protocol version of {}", "client offered only unsupported versions: [{}]"},
			versionOf("the client offers no version of TLS that the daemon accepts")},
		{TLSVersion, "Go daemons", []string{"unsupported sslv2 handshake received"},
			says("the client offers no version of TLS that the daemon accepts", hintOldClient)},
		{TLSHandshake, "Go daemons", []string{"no cipher suite supported by both client and server"},
			says("client and daemon have no cipher suite in common", "")},
		{TLSHandshake, "Go daemons", []string{"peer doesn't support any of the certificate's signature algorithms"},
			says("the client knows none of the signature algorithms of the daemon's certificate", "")},
		{TLSHandshake, "OpenSSL servers", []string{"no shared cipher"},
			says("client and server have no cipher suite in common", "")},
	}
}

// logRows are for lines of a server's log. "bad certificate" and "handshake
// failure" are missing: clients send them for several reasons.
func logRows() []textRow {
	return slices.Concat(daemonRows(), []textRow{
		{TLSRequired, "Go daemons before 2019: the length is made of letters of an HTTP request",
			[]string{"oversized record received with length {}"}, said.oversizedRecord},
		{ServerUntrusted, "a Go daemon's log: the alert came from the client",
			[]string{"remote error: tls: unknown certificate authority", "remote error: unknown certificate authority", "alert unknown ca"},
			says("the client does not know the authority that issued the daemon's certificate", hintCA)},
		{ServerCertExpired, "a Go daemon's log: the alert came from the client",
			[]string{"remote error: tls: expired certificate", "remote error: expired certificate", "alert certificate expired"},
			says("the client says that the daemon's certificate has expired", "issue the daemon's certificate again, and check the clocks of both machines")},
		{TLSVersion, "a Go daemon's log: the alert came from the client",
			[]string{"remote error: tls: protocol version not supported", "remote error: protocol version not supported"},
			says(saidNoVersion, "")},
	})
}

// clientRows go from what names its cause to what only says that nothing came.
func clientRows() []textRow {
	return slices.Concat(
		daemonRows(),   // says who refused whom
		proxyRows(),    // before all that can fail on the way to the proxy as on the way to the daemon
		speakingRows(), // quotes what was on the wire
		trustRows(),    // before alerts: the client's own verdict
		refusedRows(),
		versionRows(),
		fileRows(),    // before sockets: both are missing files
		settingRows(), // before names and connecting, which follow from a wrong address
		connectRows(),
		silenceRows(), // last: resets and time limits are the consequence of most of the above
	)
}

func speakingRows() []textRow {
	return []textRow{
		{TLSRequired, "Go: the answer begins like a TLS alert", []string{"malformed http response {}"}, said.tlsAnswer},
		{TLSRequired, "Python, Ruby, Node: the first bytes of a TLS alert",
			[]string{`badstatusline('\x15\x03`, `badstatusline("\x15\x03`, `badstatusline(u'\x15\x03`, `badstatusline: \x15\x03`, `wrong status line: "\x15\x03`, "<buffer 15 03"},
			plainToTLS},
		{NotHTTP, "Go: HTTP/2, which gRPC and the swarm port 2377 speak", []string{"malformed http response {}"}, said.http2Answer},
		{NotHTTP, "Go", []string{"malformed http response {}", "malformed http version {}"}, said.otherAnswer},
		{NotHTTP, "Go: often the output of a remote shell, over ssh", []string{"malformed http status code {}"}, said.otherAnswer},

		{TLSNotOffered, "Go since 1.6", []string{"server gave http response to https client"}, tlsToPlain},
		{TLSNotOffered, "Go before 1.6: the length is made of letters of an HTTP answer",
			[]string{"oversized record received with length {}"}, said.oversizedRecord},
		// net/http tells plain HTTP apart, so below a URL this is something else.
		{NotTLS, "Go's http.Client", []string{"https://{}: tls: first record does not look like a tls handshake"},
			says(saidNeither, "check the port")},
		{TLSNotOffered, "Go outside http.Client: docker exec and attach",
			[]string{"first record does not look like a tls handshake", "local error: record overflow"}, tlsToNoTLS},
		{TLSNotOffered, "OpenSSL 1.0 to 3, in Python, Node, Ruby, curl, PHP",
			[]string{"wrong version number", "ssl routines{}unknown protocol", "[ssl: unknown protocol]", "server hello a: unknown protocol", "packet length too long"}, tlsToNoTLS},
		{TLSNotOffered, "Java", []string{"unrecognized ssl message, plaintext connection", "unsupported or unrecognized ssl message"}, tlsToNoTLS},
		{TLSNotOffered, ".NET", []string{"due to an unexpected packet format", "cannot determine the frame size or a corrupted frame was received"}, tlsToNoTLS},
		{TLSNotOffered, "rustls, GnuTLS, NSS", []string{"invalidcontenttype", "unexpected tls packet was received", "ssl error rx record too long"}, tlsToNoTLS},
	}
}

func proxyRows() []textRow {
	return []textRow{
		{ProxyFailed, "Go", []string{"proxyconnect tcp: {}"}, said.proxyUnreachable},
		{ProxyFailed, "Go", []string{"socks connect {}"}, said.proxyUnreachable},
		{ProxyFailed, "curl", []string{"could not resolve proxy: {}"}, said.proxyUnreachable},
		{ProxyFailed, "Python, curl, Java, .NET, Node: a status after CONNECT",
			[]string{
				"tunnel connection failed: {}", "connect tunnel failed, response {}", "received http code {} from proxy",
				"unable to tunnel through proxy{}http/1.1 {}\"", "unable to tunnel through proxy{}http/1.0 {}\"",
				"the proxy tunnel request to proxy {} failed with status code '{}'", "tunneling socket could not be established, statuscode={}",
			},
			said.proxyStatus},
		{ProxyFailed, "Java, Python, Node, Go", []string{
			"unable to tunnel through proxy", "proxy authentication required", "cannot connect to proxy", "unable to connect to proxy",
			"tunneling socket could not be established", "failed to connect to proxy",
		},
			says("a proxy stands between, and it refused or failed", hintProxy)},
		{ProxyFailed, "Go: the answer to CONNECT, without its number", requestTexts("https://{}: {}"), said.connectRefused},
	}
}

// versionRows are about a handshake in which nobody's certificate is at fault.
// "handshake failure" alone is missing: a refused client certificate is one
// of its causes.
func versionRows() []textRow {
	return []textRow{
		{ServerNameUnrecognized, "any server", append(alertTexts(alertUnrecognizedName, "unrecognized name", "unrecognised name", "unrecognisedname", "unrecognizedname"), "tlsv1 unrecognized name"),
			alertRow(alertUnrecognizedName, "the server has no certificate for the name that it was asked for", "check the host name in the address")},
		{TLSVersion, "any server", alertTexts(alertProtocolVersion, "protocol version not supported", "protocol version", "protocolversion"),
			alertRow(alertProtocolVersion, saidNoVersion, hintOldClient)},
		{TLSVersion, "Go clients", []string{"server selected unsupported protocol version {}"}, versionOf(saidOldServer)},
		{TLSVersion, "Java clients", []string{
			"the server selected protocol version {} is not accepted", "server chose {}, but that protocol version is not enabled",
		}, versionOf(saidOldServer)},
		{TLSVersion, "OpenSSL, rustls", []string{"ssl routines{}unsupported protocol", "[ssl: unsupported protocol]", "wrong ssl version", "serverdoesnotsupporttls12or13"},
			says(saidNoVersion, hintOldClient)},
		{TLSHandshake, "any server", alertTexts(alertInsufficientSafety, "insufficient security level", "insufficient security", "insufficientsecurity"),
			alertRow(alertInsufficientSafety, "the server accepts none of the cipher suites that the client offers", "")},
		{TLSHandshake, "any server", alertTexts(alertNoALPN, "no application protocol", "noapplicationprotocol"),
			alertRow(alertNoALPN, "client and server have no application protocol in common (ALPN)", "")},
		{TLSHandshake, "Go clients", []string{"server chose an unconfigured cipher suite", "server selected unsupported group", "server selected unsupported curve"},
			says("the server chose something that the client did not offer", "")},
		{TLSHandshake, "OpenSSL clients", []string{"dh key too small", "unsafe legacy renegotiation disabled", "wrong signature type"},
			says("the server does what the client's OpenSSL holds for too weak", "")},
	}
}

func fileRows() []textRow {
	return []textRow{
		{CAMissing, "all clients, by the file's usual name", missingTexts("ca.pem"), missingFile("ca.pem", hintCA)},
		{CAMissing, "docker, any name", []string{"could not read ca certificate {}: open {}: no such file", "could not read ca certificate {}: open {}: the system cannot find", "could not read ca certificate: open {}: no such file",
			"could not read ca certificate {}: no such file", "couldn't read ca cert {}: open {}: no such file"}, missingFile("", hintCA)},
		{CAMissing, "Python requests, any name", []string{"could not find a suitable tls ca certificate bundle, invalid path: {}"}, missingFile("", hintCA)},
		{CAMissing, "docker-py", []string{"invalid ca certificate provided for"}, says("the CA file is not there, or is no file", hintCA)},
		{ClientCertMissing, "all clients, by the file's usual name", missingTexts("cert.pem"), missingFile("cert.pem", hintPairFiles)},
		{ClientKeyMissing, "all clients, by the file's usual name", missingTexts("key.pem"), missingFile("key.pem", hintPairFiles)},
		{ClientCertMissing, "docker, any name", []string{"x509 key pair: open {}: no such file", "x509 key pair: open {}: the system cannot find"}, said.missingPair},
		{ClientCertMissing, "Python requests, any name", []string{"could not find the tls certificate file, invalid path: {}"}, missingFile("", hintPairFiles)},
		{ClientKeyMissing, "Python requests, any name", []string{"could not find the tls key file, invalid path: {}"}, missingFile("", hintPairFiles)},
		{FileUnreadable, "all clients, by the files' usual names", slices.Concat(unreadableTexts("ca.pem"), unreadableTexts("cert.pem"), unreadableTexts("key.pem")),
			says("a certificate or key file exists, but cannot be read", hintFileMode)},
		{FileUnreadable, "docker, any name", []string{"could not read ca certificate {}: open {}: permission denied", "could not read ca certificate {}: open {}: access is denied", "x509 key pair: open {}: permission denied", "x509 key pair: open {}: access is denied",
			"could not read ca certificate {}: read {}: is a directory", "x509 key pair: read {}: is a directory"}, said.unreadableFile},

		{KeyPairMismatch, "Go, OpenSSL", []string{
			"private key does not match public key", "private key type does not match public key type", "key values mismatch", "key type mismatch",
			"keymismatch",
		},
			says("certificate and key do not belong together", "take cert.pem and key.pem from the same generation")},
		{ClientKeyEncrypted, "docker", []string{"private key is encrypted", "decryption password incorrect"}, encrypted},
		{ClientKeyEncrypted, "OpenSSL, Node", []string{"bad decrypt", "bad password read", "interrupted or cancelled", "empty password"}, encrypted},
		{ClientKeyEncrypted, "docker-java", []string{"pemencryptedkeypair"}, encrypted},
		{ClientCertInvalid, "Go", []string{
			"failed to find any pem data in certificate input", `failed to find "certificate" pem block in certificate input`,
			"failed to parse certificate pem data",
		},
			says("the client certificate file holds no certificate in PEM form", "cert.pem must hold a block BEGIN CERTIFICATE")},
		{ClientCertInvalid, "Go", []string{"failed to find certificate pem data in certificate input, but did find a private key"},
			says("the client certificate file holds a private key, and no certificate", "certificate and key may be swapped")},
		{ClientCertInvalid, "docker", []string{"x509 key pair: x509: ", "x509 key pair: asn1: "}, says("the client certificate cannot be parsed", "")},
		{ClientKeyInvalid, "Go", []string{"found a certificate rather than a key in the pem for the private key"},
			says("the key file holds a certificate, and no private key", "certificate and key may be swapped")},
		{ClientKeyInvalid, "Go, docker", []string{
			"failed to find any pem data in key input", "failed to find pem block with type ending in", "failed to parse key pem data",
			"no valid private key found",
		},
			says("the key file holds no private key in PEM form", "key.pem must hold a block BEGIN ... PRIVATE KEY")},
		{ClientKeyInvalid, "Go", []string{"failed to parse private key", "found unknown private key type in pkcs#8"},
			says("the private key cannot be parsed (one that is protected by a pass phrase looks the same)", "")},
		{CAInvalid, "docker, go-dockerclient", []string{"failed to append certificates from pem file: {}"}, invalidCA},
		{CAInvalid, "docker, go-dockerclient, OpenSSL", []string{
			"failed to append certificates from pem", "ca.pem seems invalid", "could not add rootca pem", "no certificate or crl found",
			"failed to append root certificates",
		}, invalidCA},
	}
}

func settingRows() []textRow {
	return []textRow{
		{ContextNotFound, "docker", []string{
			`context "{}": context not found`, `context "{}": context does not exist`, `context "{}" does not exist`, `context "{}" not found`,
			`current context "{}" is not found`,
		}, said.noContext},
		{ContextNotFound, "docker-py", []string{"context '{}' not found"}, said.noContext},
		{ContextInvalid, "docker", []string{`load context "{}": invalid character`, `load context "{}": unexpected end of json input`}, said.brokenContext},
		{OptionsConflict, "docker", []string{"conflicting options: cannot specify both --host and --context", "conflicting options: either specify --host or --context"},
			says("both a host and a context were given", "leave out --host (DOCKER_HOST) or --context (DOCKER_CONTEXT)")},
		{OptionsConflict, "docker-py before 1.0", []string{"if using tls, the base url argument must begin with"},
			says("TLS was asked for, and the address is one of plain HTTP", "")},

		{HostUnsupported, "Go's http.Client", []string{`unsupported protocol scheme "{}"`}, said.noTransport},
		{HostUnsupported, "Go's net.Dial", []string{"dial {}: unknown network"}, said.noTransport},
		{HostUnsupported, "docker-java", []string{"unsupported protocol scheme found: '{}'"}, said.noTransport},
		{HostUnsupported, "docker-py, requests", []string{"invalid bind address protocol: {}", "no connection adapters were found for '{}"}, said.noTransport},
		{HostUnsupported, ".NET, bollard", []string{"unknown url scheme {}", "uri scheme is not supported: {}"}, said.noTransport},
		{HostUnsupported, "docker-py", []string{
			"install paramiko package to enable ssh",
		}, says("the client lacks what ssh:// addresses need", "install its ssh support (for docker-py: paramiko), or use another address in DOCKER_HOST")},
		{HostUnsupported, "go-connections: npipe outside Windows, unix on Windows", []string{"protocol not available$"}, said.notAvailable},

		{HostInvalid, "docker-py", []string{"port is required: {}", "bind address needs a port: {}", "dockerexception: invalid port: {}", "invalid url '{}': no host supplied"}, said.badAddress},
		{HostInvalid, "docker", []string{
			"unable to parse docker host `{}`", "invalid bind address format: {}", `invalid argument "{}" for "-h, --host" flag`,
			"invalid proto, expected tcp: {}", "invalid proto, expected unix: {}", "could not split {} into two parts by ://",
		}, said.badAddress},
		{HostInvalid, "Go's url.Parse", []string{
			`parse {}: invalid character {} in host name`, "parse {}: invalid port {} after host", "parse {}: first path segment in url cannot contain colon",
			"parse {}: missing protocol scheme", "parse {}: invalid url escape", "parse {}: missing ']' in host",
			"parse {}: net/url: invalid control character in url",
		}, said.badURL},
		{HostInvalid, "Go's net.Dial", []string{
			"address {}: missing port in address", "address {}: too many colons in address", "too many colons in address {}", "address {}: invalid port",
		}, said.badAddress},
		{HostInvalid, "Go's net.Dial", []string{"lookup tcp/{}: ", "unknown port tcp/{}"}, said.badPort},
		{HostInvalid, "docker, dockerode, aiodocker, requests", []string{
			"invalid bind address format", "docker host env variable should be something like", "missing protocol scheme in docker host",
			"no host in request url",
		}, said.badAddress},
	}
}
