package dockertls

import (
	"cmp"
	"crypto/tls"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxText  = 16 << 10 // bytes of a text that are looked at
	maxGap   = 1000     // bytes that {} in a pattern may stand for
	maxTries = 32       // places where a pattern is tried
	maxShown = 200      // bytes of somebody else's text in a message
)

// explainText finds out from an error's text alone what kind of failure it
// tells of: an error that crossed an RPC, a log or another process has lost
// its types, and other languages' clients never had ours. The answer claims
// no more than the text does. It is nil when the text is unknown, or allows
// more than one cause.
//
// Host, Source and Err of the answer are empty. The text may hold anything:
// only a bounded part of it is read, and what is quoted is short, escaped and
// without passwords.
func explainText(text string) *Error {
	return explainWith(text, answerRows, logRows, clientRows)
}

// explainWith is given the tables so that a test can see which row answers.
func explainWith(text string, answerRows, logRows, clientRows []textRow) *Error {
	s := listen(text)
	if e := firstRow(answerRows, s.without(otherServers)); e != nil {
		return e
	}
	own, logs := s.splitDaemonLog()
	if e := firstRow(logRows, logs); e != nil {
		return e
	}
	if own.hasAny(buildOutput) {
		return nil
	}
	return firstRow(clientRows, own.without(otherServers).before(daemonWork))
}

// A textRow says which texts tell of a kind.
type textRow struct {
	kind  Kind
	seen  string   // where such texts come from
	texts []string // patterns (see find); one is enough
	fill  fill
}

// A fill completes an [*Error] from the words that {} stood for, or returns
// false because the text does not tell this kind after all.
type fill func(s said, e *Error, words []string) bool

// firstRow answers with the first row that fits. That is why the order of the
// rows matters: when one failure leads to another, texts hold both ("the peer
// closed the connection: certificate required"), and the specific one is the
// cause.
func firstRow(rows []textRow, s said) *Error {
	for _, row := range rows {
		for _, pattern := range row.texts {
			e := &Error{Kind: row.kind}
			if s.find(pattern, func(words []string) bool { return row.fill(s, e, words) }) {
				e.Detail, e.Hint = oneLine(e.Detail), oneLine(e.Hint)
				e.Evidence.Stage = cmp.Or(e.Evidence.Stage, stageOf(e.Kind))
				return e
			}
		}
	}
	return nil
}

// stageOf is empty where a kind can show at several stages: under TLS 1.3 even
// a refused certificate.
func stageOf(kind Kind) Stage {
	switch kind {
	case DNS, ConnectionRefused, Unreachable, SocketMissing, SocketPermission:
		return StageConnect
	case ProxyFailed:
		return StageProxy
	case TLSNotOffered, NotTLS, TLSVersion, TLSHandshake, ServerNameUnrecognized,
		ServerUntrusted, ServerNameMismatch, ServerCertExpired, ServerCertNotYet, ServerCertInvalid:
		return StageHandshake
	}
	return ""
}

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

var answerRows = []textRow{
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

// daemonRows are texts that only a daemon writes, with or without the words
// that mark its log.
var daemonRows = []textRow{
	{ClientCertRequired, "Go daemons", []string{"client didn't provide a certificate"},
		says("the daemon requires a client certificate, and the client sent none", hintPair)},
	{ClientCertRequired, "OpenSSL servers", []string{"peer did not return a certificate"},
		says("the server requires a client certificate, and the client sent none", hintPair)},
	{ClientCertIsExpired, "Go daemons since Go 1.13",
		[]string{"failed to verify client certificate: x509: certificate has expired or is not yet valid: current time {} is after {}",
			"failed to verify client's certificate: x509: certificate has expired or is not yet valid: current time {} is after {}"},
		clientDates("the daemon refused the client certificate: it expired on %s, and the daemon's clock said %s")},
	{ClientCertNotYet, "Go daemons since Go 1.13",
		[]string{"failed to verify client certificate: x509: certificate has expired or is not yet valid: current time {} is before {}",
			"failed to verify client's certificate: x509: certificate has expired or is not yet valid: current time {} is before {}"},
		clientDates("the daemon refused the client certificate: it is valid from %s, and the daemon's clock said %s")},
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

// logRows are for lines of a server's log. "bad certificate" and "handshake
// failure" are missing: clients send them for several reasons.
var logRows = slices.Concat(daemonRows, []textRow{
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

// clientRows go from what names its cause to what only says that nothing came.
var clientRows = slices.Concat(
	daemonRows,   // says who refused whom
	proxyRows,    // before all that can fail on the way to the proxy as on the way to the daemon
	speakingRows, // quotes what was on the wire
	trustRows,    // before alerts: the client's own verdict
	refusedRows,
	versionRows,
	fileRows,    // before sockets: both are missing files
	settingRows, // before names and connecting, which follow from a wrong address
	connectRows,
	silenceRows, // last: resets and time limits are the consequence of most of the above
)

var speakingRows = []textRow{
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

var proxyRows = []textRow{
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

var trustRows = []textRow{
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

// refusedRows are alerts: one side of TLS says why it hangs up.
var refusedRows = []textRow{
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

// versionRows are about a handshake in which nobody's certificate is at fault.
// "handshake failure" alone is missing: a refused client certificate is one
// of its causes.
var versionRows = []textRow{
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

var fileRows = []textRow{
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

var settingRows = []textRow{
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

var connectRows = []textRow{
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

// silenceRows only say that an answer stayed away.
var silenceRows = []textRow{
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

const (
	hintTLSOn = "switch TLS on in the client: DOCKER_TLS_VERIFY=1 or --tlsverify, with the daemon's ca.pem in the folder DOCKER_CERT_PATH; " +
		"some clients look at DOCKER_TLS_VERIFY only if DOCKER_CERT_PATH is set"
	hintTLSOff = "the daemon must be started with --tls or --tlsverify, or this is the wrong port; " +
		"if the client should not speak TLS: to docker, any DOCKER_TLS_VERIFY that is not empty means yes, even 0"
	hintPair      = "put cert.pem and key.pem, signed by the daemon's --tlscacert, into the folder DOCKER_CERT_PATH, or name them with --tlscert and --tlskey"
	hintPairFiles = "put cert.pem and key.pem into the folder DOCKER_CERT_PATH, or name them with --tlscert and --tlskey"
	hintRejected  = "the exact reason is in the daemon's log; check that its --tlscacert signed the client certificate, and the clock of its machine"
	hintCA        = "name the ca.pem that signed the daemon's certificate with --tlscacert, or put it into the folder DOCKER_CERT_PATH"
	hintSAN       = "connect by a name that is in the certificate, or issue it again with the address as subjectAltName"
	hintDates     = "check the dates of the daemon's certificate and of its authority (ca.pem), and the clocks of both machines"
	hintOldClient = "update the older of the two"
	hintProxy     = "if no proxy should be used, name the daemon's host in NO_PROXY"
	hintAddress   = "check the address (DOCKER_HOST, --host or the context), and that the daemon listens there"
	hintSocket    = "check that the daemon is running, and the path (DOCKER_HOST, --host or the context): rootless daemons and Docker Desktop have others"
	hintHost      = "check DOCKER_HOST, --host or the context: an address looks like tcp://host:2376 or unix:///path"
)

// says is for texts that hold no names.
func says(detail, hint string) fill {
	return func(_ said, e *Error, _ []string) bool {
		e.Detail, e.Hint = detail, hint
		return true
	}
}

// onlyWords demands that the text is the pattern and nothing else of weight.
func onlyWords(f fill) fill {
	return func(s said, e *Error, words []string) bool {
		return len(strings.Fields(s.text)) <= 4 && f(s, e, words)
	}
}

var (
	plainToTLS = says("plain HTTP was sent to a server that speaks TLS", hintTLSOn)
	tlsToPlain = says("TLS was spoken, and the server answered plain HTTP", hintTLSOff)
	tlsToNoTLS = says("TLS was spoken, and what answered was no TLS (plain HTTP looks like this)", hintTLSOff)
	untrusted  = says("the server's certificate was issued by an authority that the client does not know", hintCA)
	invalidCA  = says("the CA file holds no certificate that can be parsed", "ca.pem must hold a block BEGIN CERTIFICATE")
	encrypted  = says("the private key is protected by a pass phrase", "take the pass phrase off: openssl pkey -in key.pem -out plain-key.pem")
)

// alertTexts are the ways to write that a peer sent an alert.
func alertTexts(code int, names ...string) []string {
	texts := []string{"ssl alert number " + strconv.Itoa(code) + "$"}
	for _, name := range names {
		texts = append(texts,
			"remote error: tls: "+name+"$", "remote error: "+name+"$", // Go, since 1.8 and before
			"alert "+name+"$", "alert: "+name+"$", // OpenSSL; Java, rustls
			"alert: '"+name+"'", "alertreceived("+name+")") // .NET, rustls
	}
	return texts
}

func alertRow(code uint8, detail, hint string) fill {
	return func(_ said, e *Error, _ []string) bool {
		e.Detail, e.Hint = detail, hint
		e.Evidence.Alert = strings.TrimPrefix(tls.AlertError(code).Error(), "tls: ")
		e.Evidence.AlertCode = int(code)
		return true
	}
}

// requestTexts are the ways in which Go's http.Client begins an error.
func requestTexts(rest string) (texts []string) {
	for _, method := range []string{"get", "head", "post", "put", "delete"} {
		texts = append(texts, method+" "+rest, method+` "`+rest)
	}
	return texts
}

// missingTexts are the ways to write that a file of that name does not exist.
func missingTexts(name string) []string {
	return []string{
		"open {}" + name + ": no such file", "open {}" + name + ": the system cannot find", // Go
		"stat {}" + name + ": no such file", "stat {}" + name + ": the system cannot find",
		"open '{}" + name + "': no such file", `open "{}` + name + `": no such file`, // Go, with quotation marks in the path
		`"{}` + name + `": no such file`,                                            // docker before 1.7
		"no such file or directory: '{}" + name,                                     // Python
		"no such file or directory, open '{}" + name,                                // Node
		"no such file or directory @ rb sysopen - {}" + name,                        // Ruby, with its underscore gone
		"filenotfoundexception: {}" + name + " (", "nosuchfileexception: {}" + name, // Java
		"could not find file '{}" + name, // .NET
	}
}

// unreadableTexts are the ways to write that it exists.
func unreadableTexts(name string) []string {
	return []string{
		"open {}" + name + ": permission denied", "open {}" + name + ": access is denied", "read {}" + name + ": is a directory", // Go
		"permission denied: '{}" + name, "is a directory: '{}" + name, // Python
		"permission denied, open '{}" + name,                                                           // Node
		"permission denied @ rb sysopen - {}" + name,                                                   // Ruby
		"filenotfoundexception: {}" + name + " (permission denied", "accessdeniedexception: {}" + name, // Java
		"access to the path '{}" + name, // .NET
	}
}

// missingFile is for the file of one role. The name is added to what {} stood
// for, and must be all of the base name: server-key.pem is no client's key.
func missingFile(name, hint string) fill {
	return func(s said, e *Error, words []string) bool {
		path := tidyPath(words[len(words)-1])
		if name != "" && path != "" && !strings.HasSuffix(path, "/") && !strings.HasSuffix(path, `\`) {
			return false
		}
		path += name
		// Java has one exception for a missing file and for a closed one.
		if path == "" || s.has("(permission denied") || e.Kind != CAMissing && s.has("key pair (cert: ") {
			return false // the last is how the daemon names its own pair
		}
		e.Detail = "there is no file " + shown(path)
		e.Hint = hint
		if s.has("open '"+strings.ToLower(path)) || s.has(`open "`+strings.ToLower(path)) {
			e.Hint = "the quotation marks may be part of the path: remove them"
		}
		return true
	}
}

// missingPair tells certificate and key by their names.
func (s said) missingPair(e *Error, words []string) bool {
	path := strings.ToLower(tidyPath(words[0]))
	base := path[strings.LastIndexAny(path, `/\`)+1:]
	switch {
	case strings.Contains(base, "key"):
		e.Kind = ClientKeyMissing
	case !strings.Contains(base, "cert") && !strings.HasSuffix(base, ".crt") && !strings.HasSuffix(base, ".cer"):
		return false
	}
	return missingFile("", hintPairFiles)(s, e, words)
}

func (s said) unreadableFile(e *Error, words []string) bool {
	e.Detail = "the file " + shown(tidyPath(words[len(words)-1])) + " exists, but cannot be read"
	e.Hint = "check its owner and mode, and those of its folder"
	return true
}

// tidyPath cuts off what stands before a path in the same breath.
func tidyPath(path string) string {
	if i := strings.LastIndexAny(path, "\"'`"); i >= 0 && i < len(path)-1 {
		path = path[i+1:]
	}
	return strings.Trim(path, "\"'`() ")
}

func (s said) oversizedRecord(e *Error, words []string) bool {
	length, _ := strconv.Atoi(firstWord(words[0]))
	// The length is the fourth and fifth byte of what came.
	switch string([]byte{byte(length >> 8), byte(length)}) {
	case "P/": // HTTP/
		e.Kind = TLSNotOffered
		return tlsToPlain(s, e, nil)
	case "T ", " /", "D ", "ET", "IO": // POST, GET /, PUT /, HEAD, DELETE, OPTIONS: only a server reads that
		e.Kind = TLSRequired
		return plainToTLS(s, e, nil)
	}
	e.Kind = NotTLS
	return says("TLS was spoken, and what answered does not speak it", "check the port")(s, e, nil)
}

// answerBytes are the first bytes of an answer as %q writes them, without the
// backslashes, which some logs lose and others double.
func answerBytes(words []string) string {
	answer := strings.TrimLeft(words[0], " \"'`\\“")
	return strings.ReplaceAll(answer[:min(len(answer), 48)], `\`, "")
}

func (s said) tlsAnswer(e *Error, words []string) bool {
	answer := answerBytes(words)
	for _, alert := range []string{"x15x03", "x16x03", "025003", "u0015u0003"} {
		if strings.HasPrefix(answer, alert) {
			return plainToTLS(s, e, nil)
		}
	}
	return false
}

func (s said) http2Answer(e *Error, words []string) bool {
	if answer := answerBytes(words); !strings.HasPrefix(answer, "x00x00") || !strings.Contains(answer, "x04x00") {
		return false // the header of a SETTINGS frame
	}
	e.Detail, e.Hint = "the answer is HTTP/2 or gRPC, which is no Docker API", "check the port"
	if s.has(":2377") {
		e.Hint = "2377 is the port of swarm; the Docker API listens on another, 2375 or 2376 by custom"
	}
	return true
}

func (s said) otherAnswer(e *Error, words []string) bool {
	answer, _, _ := strings.Cut(strings.TrimLeft(words[0], `" `), `"`)
	e.Detail = "the answer is neither HTTP nor TLS: " + shown(answer)
	e.Evidence.Answer = shown(answer)
	if s.has("http://docker/") || s.has("ssh") {
		e.Hint = "over ssh, what the remote shell prints when it starts comes first: let it print nothing"
	}
	return answer != ""
}

func (s said) proxyUnreachable(e *Error, words []string) bool {
	e.Detail, e.Hint = "the connection to the proxy failed", hintProxy
	if address := s.dialled(words); address != "" {
		e.Detail += " (" + address + ")"
		e.Evidence.Proxy = address
	}
	return true
}

func (s said) proxyStatus(e *Error, words []string) bool {
	status := firstWord(words[len(words)-1])
	code, err := strconv.Atoi(status)
	if err != nil || code < 300 || code > 599 {
		return false
	}
	e.Evidence.Status = code
	e.Detail, e.Hint = "the proxy refused to connect: it answered "+status, hintProxy
	return true
}

// connectRefused knows the reason phrases that net/http makes the whole error
// when a proxy does not answer 200 to CONNECT.
func (s said) connectRefused(e *Error, words []string) bool {
	phrase := strings.Trim(words[1], `"'.,;)}* `)
	for code, text := range map[int]string{400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 407: "Proxy Authentication Required",
		500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"} {
		if strings.EqualFold(phrase, text) {
			e.Evidence.Status = code
			e.Detail, e.Hint = "the proxy refused to connect: it answered "+text, hintProxy
			return true
		}
	}
	return false
}

func (s said) namesNot(e *Error, words []string) bool {
	wanted := firstWord(words[1])
	if words[0] == "" {
		return s.noNames(e, words[1:])
	}
	e.Detail = "the server's certificate is for " + shown(words[0]) + ", not for " + shown(wanted)
	e.Evidence.ServerName = shown(wanted)
	e.Hint = "connect by one of its names, or issue it again with " + shown(sanOf(wanted)) + " as subjectAltName (the Common Name is not used)"
	return wanted != ""
}

func (s said) noIPNames(e *Error, words []string) bool {
	s.nameWanted(e, words)
	e.Detail = "the server's certificate is for no IP address, and " + e.Evidence.ServerName + " was asked for"
	return true
}

func (s said) noNames(e *Error, words []string) bool {
	s.nameWanted(e, []string{firstWord(words[0])})
	e.Detail = "the server's certificate is for no name at all, and " + e.Evidence.ServerName + " was asked for"
	return true
}

func (s said) nameWanted(e *Error, words []string) bool {
	wanted := strings.Trim(words[0], `"'<>,. `)
	e.Detail = "the server's certificate is not for " + shown(wanted)
	e.Evidence.ServerName = shown(wanted)
	e.Hint = "connect by a name that is in the certificate, or issue it again with " + shown(sanOf(wanted)) + " as subjectAltName (the Common Name is not used)"
	return wanted != ""
}

// twoTimes puts the two times of the text into a sentence: the limit and the clock.
func twoTimes(format string) func(words []string) (string, bool) {
	return func(words []string) (string, bool) {
		clock, limit := firstWord(words[0]), firstWord(words[1])
		_, err1 := time.Parse(time.RFC3339, clock)
		_, err2 := time.Parse(time.RFC3339, limit)
		before, rest, _ := strings.Cut(format, "%s")
		between, after, _ := strings.Cut(rest, "%s")
		return before + limit + between + clock + after, err1 == nil && err2 == nil
	}
}

func serverDates(format string) fill {
	return func(_ said, e *Error, words []string) (ok bool) {
		e.Detail, ok = twoTimes(format)(words)
		e.Hint = hintDates
		return ok
	}
}

func clientDates(format string) fill {
	return func(_ said, e *Error, words []string) (ok bool) {
		e.Detail, ok = twoTimes(format)(words)
		e.Hint = "check the dates of the client certificate (cert.pem), and the clock of the daemon's machine"
		return ok
	}
}

// refusedByDaemon adds the daemon's reason where it is one of few.
func (s said) refusedByDaemon(e *Error, _ []string) bool {
	e.Detail, e.Hint = "the daemon refused the client certificate", hintRejected
	switch {
	case s.has("certificate signed by unknown authority"):
		e.Detail += ": it does not know the authority that issued it"
		e.Hint = "use a client certificate that the daemon's --tlscacert has signed"
	case s.has("incompatible key usage"):
		e.Detail += ": it may not be used for clients"
		e.Hint = "issue it again with the extended key usage clientAuth"
	case s.has("has expired or is not yet valid"):
		e.Detail += ": it has expired, or is not valid yet"
		e.Hint = "check its dates, and the clock of the daemon's machine"
	}
	return true
}

func (s said) twinAuthority(e *Error, words []string) bool {
	e.Detail = "the server's certificate was issued by an authority that has the name, but not the key, of one that the client knows (" + shown(strings.Trim(words[0], `"`)) + ")"
	e.Hint = "ca.pem is from another generation of that authority, or another daemon answers at this address; fetch the ca.pem that signed the daemon's certificate"
	return true
}

func breaksRule(why string) fill {
	return says("the server's certificate breaks a rule: "+why, "")
}

// versionOf names the version that the text gives as a number.
func versionOf(detail string) fill {
	return func(_ said, e *Error, words []string) bool {
		e.Detail, e.Hint = detail, hintOldClient
		word := firstWord(words[0])
		if n, err := strconv.ParseUint(word, 16, 16); err == nil {
			word = tls.VersionName(uint16(n))
		}
		if word != "" {
			e.Detail += " (" + shown(word) + ")"
		}
		return true
	}
}

func (s said) noContext(e *Error, words []string) bool {
	e.Detail = "there is no docker context " + shown(words[0])
	e.Hint = "docker context ls lists them; one is chosen by --context, DOCKER_CONTEXT or docker context use"
	return !s.has("kube")
}

func (s said) brokenContext(e *Error, words []string) bool {
	e.Detail = "the file of the docker context " + shown(words[0]) + " is no JSON"
	return true
}

func (s said) noTransport(e *Error, words []string) bool {
	scheme, _, _ := strings.Cut(firstWord(words[0]), "://")
	scheme = strings.Trim(scheme, `"'`)
	if scheme == "" || strings.Contains(scheme, "docker") { // "http+docker": requests and docker-py do not fit together
		return false
	}
	e.Detail = "the client has no transport for " + shown(scheme) + " addresses"
	e.Hint = hintHost
	if s.has("http://unix") || s.has("http+unix") {
		e.Hint = ""
	}
	return true
}

func (s said) notAvailable(e *Error, _ []string) bool {
	e.Detail, e.Hint = "the client has no transport for such addresses on its system", hintHost
	return !s.has("setsockopt") && !s.has("socket option")
}

// badAddress tells an address that nobody could read from one that the client
// has no transport for.
func (s said) badAddress(e *Error, words []string) bool {
	e.Detail, e.Hint = "the address of the daemon cannot be read", hintHost
	if s.has("ssh://") {
		e.Kind, e.Detail = HostUnsupported, "the client cannot read ssh:// addresses"
		return true
	}
	if len(words) > 0 && firstWord(words[0]) != "" {
		e.Detail += ": " + shown(firstWord(words[0]))
	}
	if s.has("too many colons") {
		e.Hint = "an IPv6 address needs brackets: tcp://[::1]:2376"
	}
	return true
}

// badURL is about docker's addresses only: url.Parse serves many masters.
func (s said) badURL(e *Error, words []string) bool {
	address := strings.ToLower(strings.Trim(words[0], `"`))
	for _, scheme := range []string{"tcp://", "unix://", "npipe://", "ssh://"} {
		if strings.HasPrefix(address, scheme) {
			s.badAddress(e, nil)
			e.Detail += ": " + shown(strings.Trim(words[0], `"`))
			return true
		}
	}
	if s.has("docker host") || s.has("docker endpoint") || s.has("--host") || strings.Contains(address, ":237") {
		return s.badAddress(e, words)
	}
	return false
}

func (s said) badPort(e *Error, words []string) bool {
	e.Detail, e.Hint = "the port "+shown(firstWord(words[0]))+" is no port", hintHost
	return true
}

func (s said) noName(e *Error, words []string) bool {
	e.Detail, e.Hint = "a host name does not resolve", hintAddress
	if len(words) == 0 {
		return true
	}
	name, _, _ := strings.Cut(words[0], " on ")
	name = strings.Trim(firstWord(name), `"'`)
	if name == "" {
		return true
	}
	e.Detail = "the host name " + shown(name) + " does not resolve"
	switch {
	case strings.Contains(name, "://"):
		e.Detail += ": it holds a scheme"
		e.Hint = hintHost
	case strings.ContainsAny(name, `/\%`):
		e.Detail += ": it is a path"
		e.Hint = "a socket needs unix:// before its path, a named pipe npipe://, and both a client that knows them"
	case slices.Contains([]string{schemeTCP, schemeUnix, schemeNpipe, schemeHTTP, schemeHTTPS, schemeSSH}, name):
		e.Detail += ": it is a scheme"
		e.Hint = "the address may hold two schemes: write it as tcp://host:port"
	case strings.Contains(name, "@"):
		e.Detail += ": it holds a user"
		e.Hint = ""
	}
	return true
}

func (s said) noSocket(e *Error, words []string) bool {
	e.Detail, e.Hint = "there is no such socket or pipe", hintSocket
	if path := s.socketPath(words); path != "" {
		e.Detail = "there is no socket " + path
		e.Evidence.Address = path
	}
	return true
}

func (s said) noPipe(e *Error, words []string) bool {
	path := tidyPath(words[0])
	if !strings.Contains(path, "pipe") {
		return false
	}
	e.Detail, e.Hint = "there is no pipe "+shown(path), hintSocket
	e.Evidence.Address = shown(path)
	return true
}

func (s said) mayNotOpen(e *Error, words []string) bool {
	e.Detail, e.Hint = "the client's user may not open the daemon's socket", "add the user to the socket's group (usually docker), or use another address"
	if path := s.socketPath(words); path != "" {
		e.Detail = "the client's user may not open " + path
		e.Evidence.Address = path
	}
	return true
}

// at completes a sentence with an address.
func (s said) at(e *Error, words []string, detail, where, hint string) bool {
	address := s.dialled(words)
	e.Detail, e.Hint, e.Evidence.Address = detail, hint, address
	if address != "" {
		e.Detail += where + address
	}
	return true
}

func (s said) refused(e *Error, words []string) bool {
	s.at(e, words, "nobody listens", " at ", hintAddress)
	if e.Evidence.Address == "" {
		e.Detail += " at the address"
	}
	return true
}

func (s said) noRoute(e *Error, words []string) bool {
	return s.at(e, words, "there is no way to the host", " of ", hintAddress)
}

func (s said) forbidden(e *Error, words []string) bool {
	return s.at(e, words, "the client's system forbids the connection", " to ", "a firewall or a sandbox on the client's machine may be in the way")
}

func (s said) hungUp(e *Error, words []string) bool {
	s.at(e, words, "the connection was closed before there was an answer", ": ", "")
	if s.has("http://") {
		e.Hint = "a server that speaks TLS may do this to plain HTTP; the reason may be in the daemon's log"
	}
	return true
}

func (s said) tooLate(e *Error, words []string) bool {
	return s.at(e, words, "no answer in time", " from ", hintAddress)
}

func (s said) waited(e *Error, words []string) bool {
	s.tooLate(e, nil)
	if seconds, err := strconv.ParseFloat(words[0], 64); err == nil && seconds > 0 && seconds < 1e6 {
		e.Evidence.Waited = time.Duration(seconds * float64(time.Second))
		e.Detail += " (" + e.Evidence.Waited.String() + ")"
	}
	return true
}

// A said is a text made ready for patterns.
type said struct {
	text  string // as it came, but short, in lines, escaped and without users in URLs
	plain string // the same in small letters, with blanks for underscores and line ends, byte for byte as long
}

// unwrap undoes the escapes of JSON in which many logs keep their lines.
var unwrap = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, " ", `\/`, "/", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u0027`, "'")

func listen(text string) said {
	if len(text) > maxText {
		text = text[:maxText*3/4] + "\n" + text[len(text)-maxText/4:]
	}
	text = strings.ToValidUTF8(text, "?")
	for range 2 {
		if strings.Contains(text, `\"`) || strings.Contains(text, `\\x`) || strings.Contains(text, `\u003`) {
			text = unwrap.Replace(text)
		}
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		words := oneLine(strings.Join(strings.Fields(line), " "))
		if n := len(lines); n > 0 && strings.HasPrefix(line, " ") {
			lines[n-1] += " " + words // wrapped
			continue
		}
		lines = append(lines, words)
	}
	return fold(withoutUsers(strings.Join(lines, "\n"))).withoutHints()
}

func fold(text string) said {
	plain := []byte(text)
	for i, c := range plain {
		switch {
		case c >= 'A' && c <= 'Z':
			plain[i] = c + 'a' - 'A'
		case c == '_' || c == '\n':
			plain[i] = ' '
		}
	}
	return said{text, string(plain)}
}

// withoutUsers hides user and password of every URL, whatever is quoted later.
func withoutUsers(text string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, "://")
		if i < 0 {
			return b.String() + text
		}
		i += len("://")
		end := strings.IndexAny(text[i:], " \n")
		if end < 0 {
			end = len(text) - i
		}
		b.WriteString(text[:i])
		url := text[i : i+end]
		if at := strings.LastIndexByte(url, '@'); at >= 0 && !strings.HasSuffix(text[:i], "unix://") {
			b.WriteString("xxxxx")
			url = url[at:]
		}
		b.WriteString(url)
		text = text[i+end:]
	}
}

// withoutHints blanks advice that clients add to every failure of a sort: it
// is no evidence.
func (s said) withoutHints() said {
	text := []byte(s.text)
	for _, hint := range []string{
		"are you trying to connect to a tls-enabled daemon without tls", "is the docker daemon running", "is your docker daemon up and running",
		"is 'docker daemon' running on this host", "is 'docker -d' running on this host", "check if the path is correct and if the daemon is running",
		"the server probably has client authentication (--tlsverify) enabled", "check your tls client certification settings",
		"make sure the key is not encrypted", "key encrypted?", "the key may be encrypted", "this error may also indicate that the docker daemon is not running",
		"this error may indicate that the docker daemon is not running", "the docker client must be run elevated to connect", "the docker client must be run with elevated privileges to connect",
	} {
		for from := 0; ; {
			i := strings.Index(s.plain[from:], hint)
			if i < 0 {
				break
			}
			from += i + len(hint)
			copy(text[from-len(hint):from], strings.Repeat(" ", len(hint)))
		}
	}
	return fold(string(text))
}

// daemonWork begins what a daemon that was reached has to say about its own
// work, in the words of the various clients.
var daemonWork = []string{
	"error response from daemon", "api error (", "(http code", "server error for", "client error for", "docker responded with status code",
	"docker api responded with status code", `{"message":`, "<=> actual(", "error pulling image", "failed to register layer", "oci runtime",
	"driver failed programming", "error while creating mount",
}

// buildOutput shows that the text is the log of a build.
var buildOutput = []string{"returned a non-zero code", "did not complete successfully", "failed to solve", "failed to do request", "executor failed running", "unable to access 'http"}

// otherServers begin what is about a connection to a registry and the like.
var otherServers = []string{"registry endpoint", "error parsing http", "registry-1.docker.io", "index.docker.io", "auth.docker.io", "production.cloudflare.docker.com", "https://ghcr.io", "https://quay.io", "https://gcr.io", "https://mcr.microsoft.com", "login attempt to", "notary", "https://api.github.com"}

func (s said) has(words string) bool { return strings.Contains(s.plain, words) }

func (s said) hasAny(marks []string) bool { return slices.ContainsFunc(marks, s.has) }

// before cuts the text at the first of the marks.
func (s said) before(marks []string) said {
	end := len(s.plain)
	for _, mark := range marks {
		if i := strings.Index(s.plain[:end], mark); i >= 0 {
			end = i
		}
	}
	return said{s.text[:end], s.plain[:end]}
}

// without cuts each line at the first of the marks, or where a URL has a
// registry's path.
func (s said) without(marks []string) said {
	lines := strings.Split(s.text, "\n")
	for i, line := range lines {
		l := fold(line).before(marks)
		lines[i] = l.text[:registryURL(l.plain)]
	}
	return fold(strings.Join(lines, "\n"))
}

// registryURL is where a URL begins whose path is /v1/ or /v2/: those are a
// registry's. The daemon's have a second number.
func registryURL(line string) int {
	for from := 0; ; {
		i := strings.Index(line[from:], "://")
		if i < 0 {
			return len(line)
		}
		from += i + len("://")
		slash := strings.IndexAny(line[from:], "/ ")
		if slash < 0 {
			return len(line)
		}
		path := line[from+slash:]
		for _, p := range []string{"/v2", "/v1", "/v0"} {
			if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || strings.ContainsRune(`/": `, rune(rest[0]))) {
				return from
			}
		}
	}
}

// splitDaemonLog takes the lines of a server's log out of a text.
func (s said) splitDaemonLog() (own, logs said) {
	const mark, nginx = "tls handshake error", "while ssl handshaking, client"
	var ours, theirs []string
	for _, line := range strings.Split(s.text, "\n") {
		for _, part := range strings.SplitAfter(line, ";") {
			plain := fold(part).plain
			switch i := strings.Index(plain, mark); {
			case i >= 0:
				ours, theirs = append(ours, part[:i]), append(theirs, part[i:])
			case strings.Contains(plain, nginx):
				theirs = append(theirs, part)
			default:
				ours = append(ours, part)
			}
		}
		ours = append(ours, "\n")
	}
	return fold(strings.Join(ours, "")), fold(strings.Join(theirs, "\n"))
}

// find looks for a pattern: literal text in which {} stands for words of one
// clause, that is without ": " and line ends. At the end, $ forbids that a
// word goes on. The words are handed to accept as they were written, at each
// place where the pattern fits, until it says yes.
func (s said) find(pattern string, accept func(words []string) bool) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	chunks := strings.Split(pattern, "{}")
	from := 0
	for range maxTries {
		i := strings.Index(s.plain[from:], chunks[0])
		if i < 0 {
			return false
		}
		from += i + len(chunks[0])
		words, end, ok := s.match(from, chunks[1:])
		if ok && (!whole || !s.goesOn(end)) && accept(words) {
			return true
		}
	}
	return false
}

// match reads the rest of a pattern.
func (s said) match(at int, chunks []string) (words []string, end int, ok bool) {
	for _, chunk := range chunks {
		gap := s.clause(at)
		n := len(gap)
		if chunk != "" {
			n = strings.Index(s.plain[at:min(len(s.plain), at+len(gap)+len(chunk))], chunk)
		}
		if n < 0 {
			return nil, 0, false
		}
		words = append(words, gap[:n])
		at += n + len(chunk)
	}
	return words, at, true
}

// clause is the text from there on to where a {} must end.
func (s said) clause(from int) string {
	c := s.text[from:min(len(s.text), from+maxGap)]
	if i := strings.IndexByte(c, '\n'); i >= 0 {
		c = c[:i]
	}
	if i := strings.Index(c, ": "); i >= 0 {
		c = c[:i]
	}
	return c
}

func (s said) goesOn(at int) bool {
	if at >= len(s.plain) {
		return false
	}
	c := s.plain[at]
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// dialled is the address that a connection was tried to: from the pattern's
// words, or from the usual phrases.
func (s said) dialled(words []string) string {
	for _, w := range words {
		if a := addressIn(w); a != "" {
			return a
		}
	}
	var found string
	accept := func(words []string) bool {
		found = cmp.Or(addressIn(strings.Join(words, ":")), addressIn(words[0]))
		return found != ""
	}
	for _, pattern := range []string{"dial tcp {}: ", "dial unix {}: ", "host='{}', port={})", "failed to connect to {} port {}: ", "connect(2) for {}", "connect to {} [",
		"econnrefused {}", "etimedout {}", "ehostunreach {}", "enetunreach {}", "refused ({})", "refused it. ({})", "(socket: {})", "read tcp {}: ", "write tcp {}: "} {
		if s.find(pattern, accept) {
			return found
		}
	}
	return ""
}

// addressIn is the one that a word holds, or empty.
func addressIn(word string) string {
	if _, to, ok := strings.Cut(word, "->"); ok {
		word = to
	}
	word = strings.Trim(firstWord(word), `"'<>`)
	if strings.HasPrefix(word, "/") {
		return shown(word)
	}
	host, port, err := net.SplitHostPort(word)
	if err != nil || host == "" || port == "" || strings.Trim(port, "0123456789") != "" || !isPlain(host) {
		return ""
	}
	return word
}

// socketPath is the path in the pattern's words, or what looks like one.
func (s said) socketPath(words []string) string {
	for _, w := range words {
		w = tidyPath(firstWord(w))
		if strings.HasPrefix(w, "/") || strings.Contains(w, "pipe") {
			if !strings.Contains(w, "pipe") {
				w = "/" + strings.TrimLeft(w, "/")
			}
			return shown(w)
		}
	}
	i := strings.Index(s.plain, ".sock")
	if i < 0 {
		return ""
	}
	start := strings.LastIndexAny(s.text[:i], " \n\"'`()<>[]{},;:=") + 1
	path := "/" + strings.TrimLeft(s.text[start:i], "/")
	if strings.Contains(path, "%") || len(path) > maxShown {
		return ""
	}
	return shown(path + ".sock")
}

// firstWord is a word without the punctuation around it.
func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	return strings.TrimRight(word, ".,;)}*\"'`")
}

// shown quotes what came from elsewhere, unless it is as harmless as a name or
// an address. It is short and without passwords.
func shown(s string) string {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "/") {
		s = redact(s)
	}
	if isPlain(s) && len(s) <= maxShown {
		return s
	}
	for {
		quoted := strconv.Quote(s)
		if len(quoted) <= maxShown {
			return quoted
		}
		runes := []rune(s)
		s = string(runes[:len(runes)*3/4]) + "..."
	}
}

func isPlain(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`.-_:/\[]*~, +%$`, r)
	}) < 0
}
