package dockertls

import "slices"

// trustRows are what a client itself says of the server's certificate.
func trustRows() []textRow {
	return slices.Concat(nameRows(), dateRows(), issuerRows(), ruleRows())
}

func nameRows() []textRow {
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
	}
}

func dateRows() []textRow {
	return []textRow{
		{ServerCertExpired, "Go since 1.13", []string{"certificate has expired or is not yet valid: current time {} is after {}"},
			serverDates("a certificate of the server, or of its authority, expired on %s, and the client's clock said %s")},
		{ServerCertNotYet, "Go since 1.13", []string{"certificate has expired or is not yet valid: current time {} is before {}"},
			serverDates("a certificate of the server, or of its authority, is valid from %s, and the client's clock said %s")},
		{ServerCertExpired, "Go before 1.13, Java, .NET: the texts of both cases are one", []string{
			"certificate has expired or is not yet valid", "nottimevalid", "certificate is not within its validity period",
		},
			says(saidCertDates, hintDates)},
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
			says(saidCertDates, hintDates)},
	}
}

func issuerRows() []textRow {
	return []textRow{
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
	}
}

// ruleRows are about certificates that break a rule.
func ruleRows() []textRow {
	return []textRow{
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
		{ClientCertRequired, "TLS 1.3 servers", alertTexts(alertCertificateRequired, "certificate required", "certificaterequired"),
			alertRow(alertCertificateRequired, "the daemon requires a client certificate, and none was sent", hintPair)},
		{ClientCertRejected, "Go servers since 1.22, OpenSSL servers", alertTexts(alertUnknownCA, "unknown certificate authority", "unknown ca", "unknownca"),
			alertRow(alertUnknownCA, "the daemon does not know the authority that issued the client certificate", hintSignedPair)},
		{ClientCertRejected, "Go servers since 1.22, OpenSSL servers", alertTexts(alertCertExpired, "expired certificate", "certificate expired", "certificateexpired"),
			alertRow(alertCertExpired, "the daemon refused the client certificate: it says that it has expired", hintClientDates)},
		{ClientCertRejected, "any server", alertTexts(alertCertRevoked, "revoked certificate", "certificate revoked", "certificaterevoked"),
			alertRow(alertCertRevoked, "the daemon refused the client certificate: it says that it was revoked", "")},
		{ClientCertRejected, "any server", alertTexts(alertUnsupportedCert, "unsupported certificate", "unsupportedcert", "unsupportedcertificate"),
			alertRow(alertUnsupportedCert, "the daemon refused the client certificate: it does not support such certificates", "the exact reason is in the daemon's log; a client certificate may need the extended key usage clientAuth")},
		{ClientCertRejected, "any server", alertTexts(alertCertUnknown, "unknown certificate", "certificate unknown", "certificateunknown"),
			alertRow(alertCertUnknown, saidRefusedCert, hintRejected)},
		{ClientCertRejected, "any server", alertTexts(alertAccessDenied, "access denied", "accessdenied"),
			alertRow(alertAccessDenied, "the daemon refused the client certificate: access denied", hintRejected)},
		// Older Go servers send this one for a missing certificate, too.
		{ClientCertRejected, "Go servers of all ages", alertTexts(alertBadCertificate, "bad certificate", "badcertificate"),
			alertRow(alertBadCertificate, "the daemon refused the client certificate, or got none", "check that cert.pem and key.pem are found (DOCKER_CERT_PATH, --tlscert, --tlskey) and that the daemon's --tlscacert signed them; the exact reason is in the daemon's log")},
	}
}
