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
			says("client and daemon have no version of TLS in common", "")},
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
			says("TLS was spoken, and what answered speaks neither TLS nor HTTP", "check the port")},
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

func trustRows() []textRow {
	return []textRow{
		{ServerNameMismatch, "Go", []string{"certificate is valid for {}, not {}"}, said.namesNot},
		{ServerNameMismatch, "Go", []string{"cannot validate certificate for {} because it doesn't contain any ip sans"}, said.noIPNames},
		{ServerNameMismatch, "Go", []string{"certificate is not valid for any names, but wanted to match {}"}, said.noNames},
		{ServerNameMismatch, "Go since 1.15", []string{"certificate relies on legacy common name field"},
			says("the server's certificate has its name in the Common Name only, which is not used", hintSAN)},
		{ServerNameMismatch, "Python, OpenSSL, Ruby",
			[]string{"hostname '{}' doesn't match", "certificate is not valid for '{}'", `hostname "{}" does not match`, "host name {} does not match"}, said.nameWanted},
		{ServerNameMismatch, "Node", []string{"altnames: host: {}. is not", "altnames: ip: {} is not", `altnames: "host: {}. is not`, `altnames: "ip: {} is not`}, said.nameWanted},
		{ServerNameMismatch, "Java", []string{"no subject alternative names matching ip address {} found", "no subject alternative dns name matching {} found",
			"no name matching {} found", "certificate for <{}> doesn't match", "certificate for <{}> doesn't contain cn or dns subjectalt", "didn't match: <{}> !=", "host name '{}' does not match", "hostname {} not verified", "https hostname wrong: should be <{}>"}, said.nameWanted},
		{ServerNameMismatch, "PHP", []string{"did not match expected cn=`{}'"}, said.nameWanted},
		{ServerNameMismatch, "curl", []string{"matches target host name '{}'", "does not match target host name '{}'", "certificate subject name matches {}"}, said.nameWanted},
		{ServerNameMismatch, "rustls", []string{`certificate not valid for name "{}"`}, said.nameWanted},
		{ServerNameMismatch, "all of them, without the name",
			[]string{"doesn't match certificate's altnames", "does not match certificate's altnames", "err tls cert altname invalid", "no subject alternative names present", "no appropriate commonname or subjectaltname", "hostname mismatch", "ip address mismatch",
				"remotecertificatenamemismatch", "does not match the server certificate", "notvalidforname", "sec e wrong principal", "certificate name does not match input", "cn name does not match the passed value", "hostname in the certificate does not match"},
			says("the server's certificate is for other names than the one that was asked for", hintSAN)},

		{ServerCertExpired, "Go since 1.13", []string{"certificate has expired or is not yet valid: current time {} is after {}"},
			serverDates("a certificate of the server, or of its authority, expired on %s, and the client's clock said %s")},
		{ServerCertNotYet, "Go since 1.13", []string{"certificate has expired or is not yet valid: current time {} is before {}"},
			serverDates("a certificate of the server, or of its authority, is valid from %s, and the client's clock said %s")},
		{ServerCertExpired, "Go before 1.13, Java, .NET: the texts of both cases are one", []string{
			"certificate has expired or is not yet valid", "nottimevalid", "certificate is not within its validity period",
		},
			says("a certificate of the server, or of its authority, has expired, or is not valid yet", hintDates)},
		{ServerCertNotYet, "OpenSSL, Node, Java, rustls",
			[]string{
				"verify failed: certificate is not yet valid", "problem: certificate is not yet valid", "certificate is not yet valid", "cert not yet valid",
				"certificatenotyetvalidexception", "certnotvalidyet", "certificate: notvalidyet", "certificate not valid yet",
			},
			says("a certificate of the server, or of its authority, is not valid yet", hintDates)},
		{ServerCertExpired, "OpenSSL, Node, Java, rustls, curl",
			[]string{
				"certificate has expired", "certificate is expired", "cert has expired", "certificateexpiredexception", "certexpired", "certificate: expired",
				"invalid peer certificate: certificate expired", "certificateerror: expired", "sec e cert expired",
			},
			says("a certificate of the server, or of its authority, has expired", hintDates)},
		{ServerCertExpired, "Java: the texts of both cases are one", []string{"validity check failed"},
			says("a certificate of the server, or of its authority, has expired, or is not valid yet", hintDates)},

		{ServerUntrusted, "Go: an authority of the right name has another key",
			[]string{`certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate {})`,
				`certificate signed by unknown authority (possibly because of "x509: ecdsa verification failure" while trying to verify candidate authority certificate {})`,
				`certificate signed by unknown authority (possibly because of "x509: ed25519 verification failure" while trying to verify candidate authority certificate {})`},
			said.twinAuthority},
		{ServerUntrusted, "Go on Linux, macOS, Windows",
			[]string{
				"certificate signed by unknown authority", "certificate is not trusted", "issued by an authority that is not trusted",
				"root certificate which is not trusted by the trust provider",
			}, untrusted},
		{ServerUntrusted, "Go without any authority", []string{"failed to load system roots and no roots provided"},
			says("the server's certificate cannot be verified: no authority was given, and the client's system has none", hintCA)},
		{ServerUntrusted, "OpenSSL: Python, Ruby, curl",
			[]string{"unable to get local issuer certificate", "unable to get issuer certificate", "unable to verify the first certificate", "self signed certificate in certificate chain", "self-signed certificate in certificate chain", "verify failed: self signed certificate", "verify failed: self-signed certificate",
				"verify failed (self signed certificate", "verify failed (self-signed certificate", "problem: self signed certificate", "problem: self-signed certificate"}, untrusted},
		{ServerUntrusted, "Node", []string{
			"unable to verify leaf signature", "depth zero self signed cert", "self signed cert in chain", "unable to get issuer cert",
			"error: self signed certificate", "error: self-signed certificate",
		}, untrusted},
		{ServerUntrusted, "Node, when the message is all there is", []string{"self signed certificate", "self-signed certificate"}, onlyWords(untrusted)},
		{ServerUntrusted, "Java", []string{
			"unable to find valid certification path", "pkix path building failed", "no trusted certificate found",
			"trust anchor for certification path not found", "path does not chain with any of the trust anchors",
		}, untrusted},
		{ServerUntrusted, ".NET, Windows", []string{"untrustedroot", "partialchain", "sec e untrusted root"}, untrusted},
		{ServerUntrusted, "rustls, native-tls on macOS", []string{"unknownissuer", "the certificate was not trusted"}, untrusted},

		{ServerCertInvalid, "Go", []string{"certificate specifies an incompatible key usage"}, breaksRule("it may not be used for servers (extended key usage)")},
		{ServerCertInvalid, "Go", []string{"certificate is not authorized to sign other certificates"}, breaksRule("its authority may not sign certificates")},
		{ServerCertInvalid, "Go", []string{"not authorized to sign for this name", "issuer has name constraints"}, breaksRule("its authority may not sign for this name")},
		{ServerCertInvalid, "Go", []string{"not authorized for an extended key usage"}, breaksRule("its authority may not sign for servers (extended key usage)")},
		{ServerCertInvalid, "Go, OpenSSL", []string{
			"too many intermediates for path length constraint", "path length constraint exceeded",
		}, breaksRule("its chain is longer than its authority allows")},
		{ServerCertInvalid, "Go", []string{"issuer name does not match subject from issuing certificate"}, breaksRule("its issuer has another name")},
		{ServerCertInvalid, "Go", []string{
			"cannot verify signature: insecure algorithm {}", "cannot verify signature: algorithm unimplemented",
		}, breaksRule("it is signed with an algorithm that is not accepted")},
		{ServerCertInvalid, "Go", []string{
			"failed to parse certificate from server", "unhandled critical extension", "certificate is not standards compliant",
			"unsupported type of public key",
		}, breaksRule("it is not of an accepted form")},
		{ServerCertInvalid, "OpenSSL 3, Python 3.13", []string{
			"ca cert does not include key usage", "basic constraints of ca cert not marked critical", "missing authority key identifier",
			"missing subject key identifier", "verify failed: invalid ca certificate", "problem: invalid ca certificate",
		}, breaksRule("its authority's certificate lacks an extension that the client demands")},
		{ServerCertInvalid, "OpenSSL", []string{"unsupported certificate purpose", "unsuitable certificate purpose"}, breaksRule("it may not be used for servers (extended key usage)")},
		{ServerCertInvalid, "OpenSSL", []string{
			"verify failed: ee certificate key too weak", "verify failed: ca certificate key too weak", "verify failed: ca md too weak",
			"verify failed: ca signature digest algorithm too weak",
		}, breaksRule("its key or its signature is too weak for the client")},
		{ServerCertInvalid, "OpenSSL", []string{"certificate signature failure", "cert signature failure"}, breaksRule("its signature is wrong")},
		{ServerCertInvalid, "Java", []string{
			"extended key usage does not permit use for tls server", "keycertsign bit is not set", "basic constraints check failed",
			"do not conform to algorithm constraints", "algorithm constraints check failed", "name chaining check failed",
		}, breaksRule("it breaks a rule")},
		{ServerCertInvalid, "rustls", []string{
			"causedasendentity", "unsupportedcertversion", "invalid peer certificate: badencoding", "invalidpurpose",
		}, breaksRule("it is not of an accepted form")},
	}
}

// refusedRows are alerts: one side of TLS says why it hangs up.
func refusedRows() []textRow {
	return []textRow{
		{ClientCertRequired, "TLS 1.3 servers", alertTexts(116, "certificate required", "certificaterequired"),
			alertRow(116, "the daemon requires a client certificate, and none was sent", hintPair)},
		{ClientCertRejected, "Go servers since 1.22, OpenSSL servers", alertTexts(48, "unknown certificate authority", "unknown ca", "unknownca"),
			alertRow(48, "the daemon does not know the authority that issued the client certificate", "use a client certificate that the daemon's --tlscacert has signed")},
		{ClientCertRejected, "Go servers since 1.22, OpenSSL servers", alertTexts(45, "expired certificate", "certificate expired", "certificateexpired"),
			alertRow(45, "the daemon refused the client certificate: it says that it has expired", "check the dates of the client certificate (cert.pem), and the clock of the daemon's machine")},
		{ClientCertRejected, "any server", alertTexts(44, "revoked certificate", "certificate revoked", "certificaterevoked"),
			alertRow(44, "the daemon refused the client certificate: it says that it was revoked", "")},
		{ClientCertRejected, "any server", alertTexts(43, "unsupported certificate", "unsupportedcert", "unsupportedcertificate"),
			alertRow(43, "the daemon refused the client certificate: it does not support such certificates", "the exact reason is in the daemon's log; a client certificate may need the extended key usage clientAuth")},
		{ClientCertRejected, "any server", alertTexts(46, "unknown certificate", "certificate unknown", "certificateunknown"),
			alertRow(46, "the daemon refused the client certificate", hintRejected)},
		{ClientCertRejected, "any server", alertTexts(49, "access denied", "accessdenied"),
			alertRow(49, "the daemon refused the client certificate: access denied", hintRejected)},
		// Older Go servers send this one for a missing certificate, too.
		{ClientCertRejected, "Go servers of all ages", alertTexts(42, "bad certificate", "badcertificate"),
			alertRow(42, "the daemon refused the client certificate, or got none", "check that cert.pem and key.pem are found (DOCKER_CERT_PATH, --tlscert, --tlskey) and that the daemon's --tlscacert signed them; the exact reason is in the daemon's log")},
	}
}

// versionRows are about a handshake in which nobody's certificate is at fault.
// "handshake failure" alone is missing: a refused client certificate is one
// of its causes.
func versionRows() []textRow {
	return []textRow{
		{ServerNameUnrecognized, "any server", append(alertTexts(112, "unrecognized name", "unrecognised name", "unrecognisedname", "unrecognizedname"), "tlsv1 unrecognized name"),
			alertRow(112, "the server has no certificate for the name that it was asked for", "check the host name in the address")},
		{TLSVersion, "any server", alertTexts(70, "protocol version not supported", "protocol version", "protocolversion"),
			alertRow(70, "client and server have no version of TLS in common", hintOldClient)},
		{TLSVersion, "Go clients", []string{"server selected unsupported protocol version {}"}, versionOf("the server speaks no version of TLS that the client accepts")},
		{TLSVersion, "Java clients", []string{
			"the server selected protocol version {} is not accepted", "server chose {}, but that protocol version is not enabled",
		}, versionOf("the server speaks no version of TLS that the client accepts")},
		{TLSVersion, "OpenSSL, rustls", []string{"ssl routines{}unsupported protocol", "[ssl: unsupported protocol]", "wrong ssl version", "serverdoesnotsupporttls12or13"},
			says("client and server have no version of TLS in common", hintOldClient)},
		{TLSHandshake, "any server", alertTexts(71, "insufficient security level", "insufficient security", "insufficientsecurity"),
			alertRow(71, "the server accepts none of the cipher suites that the client offers", "")},
		{TLSHandshake, "any server", alertTexts(120, "no application protocol", "noapplicationprotocol"),
			alertRow(120, "client and server have no application protocol in common (ALPN)", "")},
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
			says("a certificate or key file exists, but cannot be read", "check its owner and mode, and those of its folder")},
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

func connectRows() []textRow {
	return []textRow{
		{DNS, "Go on all systems", []string{"lookup {}: no such host", "lookup {}: getaddrinfow: ", "lookup {}: read udp ", "lookup {}: dial udp ", "lookup {}: server misbehaving", "lookup {}: temporary failure in name resolution", "lookup {}: nodename nor servname", "lookup {}: name or service not known",
			"lookup {}: no address associated with", "lookup {}: no answer from dns server", "lookup {}: i/o timeout", "lookup {}: no data of the requested type"}, said.noName},
		{DNS, "Node, Java, Python, curl, ssh", []string{
			"getaddrinfo enotfound {}", "getaddrinfo eai again {}", "unknownhostexception: {}", "failed to resolve '{}'", "could not resolve host: {}",
			"could not resolve hostname {}:",
		}, said.noName},
		{DNS, "all of them, without the name", []string{"name or service not known", "temporary failure in name resolution", "nodename nor servname provided", "getaddrinfo failed", "no such host is known", "no such host$",
			"failed to lookup address information", "no address associated with hostname", "no data of the requested type was found"}, said.noName},

		{SocketMissing, "Go", []string{"dial unix {}: connect: no such file", "dial unix {}: no such file"}, said.noSocket},
		{SocketMissing, "Go, named pipes", []string{"open {}: the system cannot find the file specified"}, said.noPipe},
		{SocketMissing, "Go, named pipes, Windows in German, French, Spanish, Portuguese, Chinese", []string{
			"pipe/{}: das system kann die angegebene datei nicht finden", "pipe/{}: le fichier spécifié est introuvable", "pipe/{}: el sistema no puede encontrar el archivo especificado",
			"pipe/{}: o sistema não pode encontrar o arquivo especificado", "pipe/{}: 系统找不到指定的文件",
		}, said.noSocket},
		{SocketMissing, "docker-py, named pipes", []string{
			"'createfile', 'the system cannot find the file", "'waitnamedpipe', 'the system cannot find the file", "(2, 'createfile'", "(2, 'waitnamedpipe'",
		}, said.noSocket},
		{SocketMissing, "Python", []string{"connection aborted{}no such file or directory", "connection aborted{}filenotfounderror(2", "cannot connect to unix socket {} [no such file or directory]"}, said.noSocket},
		{SocketMissing, "Node", []string{"connect enoent {}"}, said.noSocket},
		{SocketMissing, "Java", []string{"lasterrorexception: [2]", "nosuchfileexception ({}.sock)", "could not find unix domain socket", "no such file or directory (socket: {})"}, said.noSocket},
		{SocketMissing, "Ruby", []string{"no such file or directory - connect(2)"}, said.noSocket},
		{SocketMissing, "Rust", []string{
			"socket not found: {}", "socketnotfounderror", "connect, source: some(os { code: 2,", "error(connect, os { code: 2,",
			"error trying to connect: no such file or directory", "(connect): no such file or directory",
		}, said.noSocket},
		{SocketMissing, ".NET", []string{"cannot assign requested address {}.sock", "no such file or directory {}docker.sock"}, said.noSocket},
		{SocketMissing, "PHP, curl, shells", []string{
			"docker.sock (no such file", "docker.sock: no such file", "docker.sock: connect: no such file", "docker.sock': no such file",
			"docker.sock does not exist",
		}, said.noSocket},

		{SocketPermission, "Go", []string{
			"dial unix {}: connect: permission denied", "dial unix {}: permission denied", "dial unix {}: connect: operation not permitted",
			"pipe/{}: access is denied", `pipe\{}: access is denied`,
		}, said.mayNotOpen},
		{SocketPermission, "docker without the cause", []string{
			"permission denied while trying to connect to the docker {} at unix://{}",
			"permission denied while trying to connect to the docker {} at npipe://{}", "permission denied while trying to connect to the docker daemon socket",
		}, said.mayNotOpen},
		{SocketPermission, "Python", []string{
			"connection aborted{}permission denied", "connection aborted{}permissionerror(13", "'createfile', 'access is denied", "(5, 'createfile'", "cannot connect to unix socket {} [permission denied]",
		}, said.mayNotOpen},
		{SocketPermission, "Node", []string{"connect eacces /{}", `connect eacces \\.\{}`}, said.mayNotOpen},
		{SocketPermission, "Java", []string{"lasterrorexception: [13]", "permission denied (socket: {})"}, said.mayNotOpen},
		{SocketPermission, "Ruby", []string{"permission denied - connect(2)"}, said.mayNotOpen},
		{SocketPermission, "Rust", []string{
			"connect, source: some(os { code: 13,", "error(connect, os { code: 13,", "error trying to connect: permission denied",
			"(connect): permission denied",
		}, said.mayNotOpen},
		{SocketPermission, ".NET, PHP, curl", []string{"permission denied /{}.sock", "docker.sock (permission denied", "docker.sock: permission denied"}, said.mayNotOpen},

		{ConnectionRefused, "Go", []string{
			"dial tcp {}: connect: connection refused", "dial tcp {}: connection refused", "dial unix {}: connect: connection refused",
			"dial unix {}: connection refused", "dial tcp {}: connectex: no connection could be made",
		}, said.refused},
		{ConnectionRefused, "go-dockerclient in place of the cause", []string{"cannot connect to docker endpoint"}, said.refused},
		{ConnectionRefused, "all clients", []string{
			"connection refused", "actively refused", "econnrefused", "connectionrefused", "errno 10061", "winerror 10061", "(os error 111)", "(os error 61)",
			"(os error 10061)", "socketexception (111)", "socketexception (10061)", "lasterrorexception: [111]", "lasterrorexception: [61]",
		}, said.refused},
		{ConnectionRefused, "Linux and Windows in German, French, Spanish, Chinese", []string{
			"zielcomputer die verbindung verweigerte", "verbindungsaufbau abgelehnt", "connexion refusée", "a expressément refusé",
			"denegó expresamente dicha conexión", "conexión rehusada", "目标计算机积极拒绝",
		}, said.refused},

		{Unreachable, "Go: a firewall or a sandbox on this machine", []string{
			"dial tcp {}: connect: operation not permitted", "dial tcp {}: connect: permission denied",
			"dial tcp {}: connectex: an attempt was made to access a socket",
		}, said.forbidden},
		{Unreachable, "Go", []string{
			"dial tcp {}: connect: no route to host", "dial tcp {}: no route to host", "dial tcp {}: connect: network is unreachable",
			"dial tcp {}: network is unreachable", "dial tcp {}: connect: host is down",
			"dial tcp {}: connectex: a socket operation was attempted to an unreachable",
		}, said.noRoute},
		{Unreachable, "all clients", []string{
			"no route to host", "network is unreachable", "host is unreachable", "ehostunreach", "enetunreach", "connect: host is down",
			"to an unreachable network", "to an unreachable host", "winerror 10051", "winerror 10065", "(os error 113)", "(os error 101)",
		}, said.noRoute},
	}
}

// silenceRows only say that an answer stayed away.
func silenceRows() []textRow {
	return []textRow{
		{ConnectionReset, "all clients", []string{
			"connection reset by peer", "econnreset", "connectionreseterror", "socketexception: connection reset$", "connectionreset",
			"forcibly closed by the remote host", "errno 10054", "winerror 10054", "winerror 10053", "(os error 104)", "(os error 10054)",
			"was aborted by the software in your host machine",
		}, said.hungUp},
		{ConnectionReset, "Go", slices.Concat(requestTexts("http://{}: eof$"), requestTexts("https://{}: eof$"), requestTexts("http://{}: unexpected eof$"), requestTexts("https://{}: unexpected eof$")), said.hungUp},
		{ConnectionReset, "Go", []string{
			"transport connection broken: unexpected eof", "http: server closed idle connection", "write: broken pipe", "error reading from server: eof",
			"handshake failed: eof$", "read unix {}: eof$", "read tcp {}: eof$",
		}, said.hungUp},
		{ConnectionReset, "Python", []string{"closed connection without response", `badstatusline("''"`, "connection aborted{}broken pipe", "eof occurred in violation of protocol"}, said.hungUp},
		{ConnectionReset, "Node", []string{"socket hang up", "client network socket disconnected before secure tls connection", "write epipe"}, said.hungUp},
		{ConnectionReset, "Java", []string{
			"unexpected end of file from server", "nohttpresponseexception", "unexpected end of stream on", "remote host terminated the handshake",
			"remote host closed connection during handshake",
		}, said.hungUp},
		{ConnectionReset, ".NET", []string{"ioexception: unexpected end of stream", "the response ended prematurely"}, said.hungUp},
		{ConnectionReset, "Ruby, Rust, curl, OpenSSL 3", []string{
			"end of file reached", "connection closed before message completed", "error trying to connect: unexpected eof", "empty reply from server", "unexpected eof while reading",
		}, said.hungUp},

		{Timeout, "Python: urllib3 says how long it waited", []string{"read timed out. (read timeout={})"}, said.waited},
		{Timeout, "Go", []string{
			"dial tcp {}: i/o timeout", "dial tcp {}: connect: connection timed out", "dial tcp {}: connect: operation timed out",
			"dial tcp {}: connectex: a connection attempt failed because the connected party did not properly respond",
		}, said.tooLate},
		{Timeout, "Go", []string{"i/o timeout", "tls handshake timeout", "client.timeout exceeded", "timeout awaiting response headers"}, said.tooLate},
		{Timeout, "Go: a deadline, where a request or a connection met it", slices.Concat(requestTexts("http://{}: context deadline exceeded"), requestTexts("https://{}: context deadline exceeded"), []string{
			"dial tcp {}: context deadline exceeded",
		}), said.tooLate},
		{Timeout, "all clients", []string{
			"connection timed out", "operation timed out", "connect timed out", "read timed out", "etimedout", "esockettimedout", "errno 10060",
			"winerror 10060", "(os error 110)", "(os error 10060)", "did not properly respond after a period of time",
		}, said.tooLate},
		{Timeout, "Python", []string{
			"an http request took too long to complete", "handshake operation timed out", "socket.timeout: timed out", "connecttimeouterror", "readtimeouterror",
		}, said.tooLate},
		{Timeout, "Java", []string{"sockettimeoutexception", "connecttimeoutexception", "httpconnecttimeoutexception"}, said.tooLate},
		{Timeout, ".NET, Ruby, Rust, curl", []string{
			"configured httpclient.timeout of", "connect timeout reached", "read timeout reached", "net::opentimeout", "net::readtimeout",
			"deadline has elapsed", "timeout was reached",
		}, said.tooLate},
	}
}
