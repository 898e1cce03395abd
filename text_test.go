package dockertls

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// none is the kind of texts that must stay unexplained.
const none Kind = ""

// A textCase is an error as some client printed it.
type textCase struct {
	text string
	kind Kind
}

func textCases() []textCase {
	return slices.Concat(speakingTexts(), trustTexts(), refusalTexts(), fileTexts(), settingTexts(), connectTexts(), silenceTexts())
}

func speakingTexts() []textCase {
	return []textCase{
		{`Get http://10.1.2.3:2376/v1.26/info: malformed HTTP response "\x15\x03\x01\x00\x02\x02". * Are you trying to connect to a TLS-enabled daemon without TLS?`, TLSRequired},
		{`time="2019-02-25" level=error msg="error during connect: Get http://h:2376/v1.24/version: net/http: HTTP/1.x transport connection broken: malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\x02\""`, TLSRequired},
		{`{"error":"malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\x02\\x16\""}`, TLSRequired},
		{`Get http://h:2376/_ping: malformed HTTP response "x15x03x01x00x02x02"`, TLSRequired},
		{"ERROR: Error response from daemon: Client sent an HTTP request to an HTTPS server.", TLSRequired},
		{`docker.errors.APIError: 400 Client Error: Bad Request ("Client sent an HTTP request to an HTTPS server.")`, TLSRequired},
		{"API error (400): client sent an HTTP request to an HTTPS server", TLSRequired},
		{"Error response from daemon: <html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>", TLSRequired},
		{`requests.exceptions.ConnectionError: ('Connection aborted.', BadStatusLine('\x15\x03\x01\x00\x02\x02\n',))`, TLSRequired},
		{"http.client.BadStatusLine: \x15\x03\x01\x00\x02\x02", TLSRequired},
		{`Net::HTTPBadResponse: wrong status line: "\x15\x03\x01\x00\x02\x02"`, TLSRequired},
		{"Error: Parse Error: Expected HTTP/ { code: 'HPE_INVALID_CONSTANT', rawPacket: <Buffer 15 03 03 00 02 02 46> }", TLSRequired},
		{"http: TLS handshake error from 10.0.0.7:50112: tls: oversized record received with length 21536", TLSRequired},
		{"http: TLS handshake error from 10.0.0.7:50112: client sent an HTTP request to an HTTPS server", TLSRequired},

		{`Get "https://10.0.0.5:2375/v1.41/info": http: server gave HTTP response to HTTPS client`, TLSNotOffered},
		{"An error occurred trying to connect: Get https://192.168.64.5:2375/v1.19/images/json: tls: oversized record received with length 20527", TLSNotOffered},
		{"exec attach: tls: first record does not look like a TLS handshake", TLSNotOffered},
		{`error during connect: Get "https://10.0.0.5:22/v1.41/info": tls: first record does not look like a TLS handshake`, NotTLS},
		{"Get https://h:5432/info: tls: oversized record received with length 18767000", NotTLS},
		{"requests.exceptions.SSLError: HTTPSConnectionPool(host='10.0.0.5', port=2375): Max retries exceeded with url: /version (Caused by SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1131)')))", TLSNotOffered},
		{"write EPROTO 8324:error:1408F10B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:252:", TLSNotOffered},
		{"curl: (35) error:140770FC:SSL routines:SSL23_GET_SERVER_HELLO:unknown protocol", TLSNotOffered},
		{"Excon::Errors::SocketError: SSL_connect returned=1 errno=0 state=SSLv2/v3 read server hello A: unknown protocol (OpenSSL::SSL::SSLError)", TLSNotOffered},
		{"error:0A0000C6:SSL routines::packet length too long", TLSNotOffered},
		{"javax.net.ssl.SSLException: Unrecognized SSL message, plaintext connection?", TLSNotOffered},
		{"javax.net.ssl.SSLException: Unsupported or unrecognized SSL message", TLSNotOffered},
		{"System.Security.Authentication.AuthenticationException: The handshake failed due to an unexpected packet format.", TLSNotOffered},
		{"AuthenticationException: Cannot determine the frame size or a corrupted frame was received.", TLSNotOffered},
		{"error trying to connect: received corrupt message of type InvalidContentType", TLSNotOffered},
		{"gnutls_handshake() failed: An unexpected TLS packet was received.", TLSNotOffered},

		{`Get http://h:2377/info: net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x00\x04\x00\x00\x00\x00\x00"`, NotHTTP},
		{`malformed HTTP response \"\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00@\\x00\"`, NotHTTP},
		{`Get http://h:22/v1.40/info: net/http: HTTP/1.x transport connection broken: malformed HTTP version "SSH-2.0-OpenSSH_8.2p1"`, NotHTTP},
		{`error during connect: Get http://docker/v1.40/info: net/http: HTTP/1.x transport connection broken: malformed HTTP status code "pid"`, NotHTTP},

		{"SSLError(\"bad handshake: Error([('SSL routines', 'ssl3_read_bytes', 'tlsv1 alert protocol version')],)\",)", TLSVersion},
		{"SSL error: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:727)", TLSVersion},
		{"[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1056)", TLSVersion},
		{"remote error: tls: protocol version not supported", TLSVersion},
		{"tls: server selected unsupported protocol version 301", TLSVersion},
		{"http: TLS handshake error from 10.0.0.7:50112: tls: client offered only unsupported versions: [302 301]", TLSVersion},
		{"javax.net.ssl.SSLHandshakeException: Received fatal alert: protocol_version", TLSVersion},
		{"SSLHandshakeException: The server selected protocol version TLS10 is not accepted by client preferences [TLS13, TLS12]", TLSVersion},
		{"javax.net.ssl.SSLHandshakeException: Server chose TLSv1, but that protocol version is not enabled or not supported by the client.", TLSVersion},
		{"peer is incompatible: ServerDoesNotSupportTls12Or13", TLSVersion},
		{"http: TLS handshake error from 10.0.0.7:50112: tls: no cipher suite supported by both client and server", TLSHandshake},
		{"remote error: tls: insufficient security level", TLSHandshake},
		{"tls: server chose an unconfigured cipher suite", TLSHandshake},
		{"[SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1091)", TLSHandshake},
		{"error:0A000152:SSL routines::unsafe legacy renegotiation disabled", TLSHandshake},
		{"remote error: tls: unrecognized name", ServerNameUnrecognized},
		{"javax.net.ssl.SSLProtocolException: handshake alert: unrecognized_name", ServerNameUnrecognized},
		{"[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name (_ssl.c:1122)", ServerNameUnrecognized},
		{"http: TLS handshake error from 10.0.0.7:1: tls: unsupported SSLv2 handshake received", TLSVersion},
		{"http: TLS handshake error from 10.0.0.7:1: remote error: tls: protocol version not supported", TLSVersion},
		{"http: TLS handshake error from 10.0.0.7:1: tls: peer doesn't support any of the certificate's signature algorithms", TLSHandshake},
		{"error:1408A0C1:SSL routines:ssl3_get_client_hello:no shared cipher", TLSHandshake},
		{"remote error: tls: no application protocol", TLSHandshake},
		{`malformed HTTP response "\025\003\001\000\002\002"`, TLSRequired},
	}
}

func trustTexts() []textCase {
	return slices.Concat(nameTexts(), dateTexts(), issuerTexts(), ruleTexts())
}

func nameTexts() []textCase {
	return []textCase{
		{"error during connect: Get https://172.17.0.2:2376/v1.40/images/json: x509: certificate is valid for 172.17.0.3, 127.0.0.1, not 172.17.0.2", ServerNameMismatch},
		{"Get https://192.168.1.1:2376/info: x509: cannot validate certificate for 192.168.1.1 because it doesn't contain any IP SANs", ServerNameMismatch},
		{"tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match box", ServerNameMismatch},
		{"x509: certificate relies on legacy Common Name field, use SANs instead", ServerNameMismatch},
		{"rpc error: code = Unavailable desc = connection error: desc = \"transport: authentication handshake failed: tls: failed to verify certificate: x509: certificate is valid for a, not b\"", ServerNameMismatch},
		{"requests.exceptions.SSLError: hostname '192.168.59.103' doesn't match 'boot2docker'", ServerNameMismatch},
		{"ssl.CertificateError: hostname 'box' doesn't match either of 'localhost', 'other'", ServerNameMismatch},
		{"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'box'. (_ssl.c:1129)", ServerNameMismatch},
		{"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: IP address mismatch, certificate is not valid for '10.0.0.5'. (_ssl.c:1129)", ServerNameMismatch},
		{"Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 10.0.0.5 is not in the cert's list: 127.0.0.1", ServerNameMismatch},
		{"Hostname/IP doesn't match certificate's altnames: \"Host: box. is not in the cert's altnames: DNS:localhost\"", ServerNameMismatch},
		{"java.security.cert.CertificateException: No subject alternative names matching IP address 10.0.0.5 found", ServerNameMismatch},
		{"java.security.cert.CertificateException: No name matching box found", ServerNameMismatch},
		{"javax.net.ssl.SSLException: hostname in certificate didn't match: <10.0.0.5> != <box>", ServerNameMismatch},
		{"javax.net.ssl.SSLPeerUnverifiedException: Certificate for <10.0.0.5> doesn't match any of the subject alternative names: [box]", ServerNameMismatch},
		{"javax.net.ssl.SSLException: Certificate for <localhost> doesn't contain CN or DNS subjectAlt", ServerNameMismatch},
		{"The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch", ServerNameMismatch},
		{"curl: (60) SSL: no alternative certificate subject name matches target host name '10.0.0.5'", ServerNameMismatch},
		{`hostname "box" does not match the server certificate (OpenSSL::SSL::SSLError)`, ServerNameMismatch},
		{"invalid peer certificate: NotValidForName", ServerNameMismatch},
		{`certificate not valid for name "box"; certificate is only valid for DnsName("other")`, ServerNameMismatch},
		{"Peer certificate CN=`other' did not match expected CN=`box'", ServerNameMismatch},
		{"x509: “docker” certificate name does not match input", ServerNameMismatch},
		{"x509: certificate is valid for , not box", ServerNameMismatch},
	}
}

func dateTexts() []textCase {
	return []textCase{
		{"x509: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00Z is after 2024-04-30T00:00:00Z", ServerCertExpired},
		{"x509: certificate has expired or is not yet valid", ServerCertExpired},
		{"SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1129)", ServerCertExpired},
		{"Error: certificate has expired { code: 'CERT_HAS_EXPIRED' }", ServerCertExpired},
		{"java.security.cert.CertificateExpiredException: NotAfter: Tue Apr 30 00:00:00 UTC 2024", ServerCertExpired},
		{"invalid peer certificate: Expired", ServerCertExpired},
		{"The remote certificate is invalid because of errors in the certificate chain: NotTimeValid", ServerCertExpired},
		{"PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed", ServerCertExpired},
		{"x509: “docker” certificate is expired", ServerCertExpired},
		{"http: TLS handshake error from 10.0.0.7:1: remote error: tls: expired certificate", ServerCertExpired},
		{"x509: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00+02:00 is before 2024-05-02T00:00:00Z", ServerCertNotYet},
		{"certificate verify failed: certificate is not yet valid (_ssl.c:1129)", ServerCertNotYet},
		{"java.security.cert.CertificateNotYetValidException: NotBefore: Tue Apr 30 00:00:00 UTC 2024", ServerCertNotYet},
		{"invalid peer certificate: NotValidYet", ServerCertNotYet},
	}
}

func issuerTexts() []textCase {
	return []textCase{
		{"Post https://192.168.99.102:2376/v1.16/containers/create: x509: certificate signed by unknown authority", ServerUntrusted},
		{`x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "docker CA")`, ServerUntrusted},
		{`x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm SHA1-RSA" while trying to verify candidate authority certificate "ca")`, ServerUntrusted},
		{"x509: “docker” certificate is not trusted", ServerUntrusted},
		{"x509: A certificate chain processed, but terminated in a root certificate which is not trusted by the trust provider.", ServerUntrusted},
		{"x509: failed to load system roots and no roots provided", ServerUntrusted},
		{"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1129)", ServerUntrusted},
		{"certificate verify failed: self-signed certificate in certificate chain (_ssl.c:1007)", ServerUntrusted},
		{"SSL_connect returned=1 errno=0 state=error: certificate verify failed (self signed certificate) (OpenSSL::SSL::SSLError)", ServerUntrusted},
		{"Error: unable to verify the first certificate", ServerUntrusted},
		{"self signed certificate", ServerUntrusted},
		{"code: 'DEPTH_ZERO_SELF_SIGNED_CERT'", ServerUntrusted},
		{"sun.security.validator.ValidatorException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target", ServerUntrusted},
		{"AuthenticationException: The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot", ServerUntrusted},
		{"error trying to connect: invalid peer certificate: UnknownIssuer", ServerUntrusted},
		{"curl: (60) SSL certificate problem: unable to get local issuer certificate", ServerUntrusted},
		{"http: TLS handshake error from 10.0.0.7:50112: remote error: tls: unknown certificate authority", ServerUntrusted},
	}
}

func ruleTexts() []textCase {
	return []textCase{
		{"x509: certificate specifies an incompatible key usage", ServerCertInvalid},
		{"x509: too many intermediates for path length constraint", ServerCertInvalid},
		{"x509: certificate is not authorized to sign other certificates", ServerCertInvalid},
		{"x509: a root or intermediate certificate is not authorized to sign for this name: box", ServerCertInvalid},
		{"x509: a root or intermediate certificate is not authorized for an extended key usage: 1", ServerCertInvalid},
		{"x509: issuer name does not match subject from issuing certificate", ServerCertInvalid},
		{"x509: cannot verify signature: insecure algorithm SHA1-RSA", ServerCertInvalid},
		{"certificate verify failed: EE certificate key too weak (_ssl.c:1129)", ServerCertInvalid},
		{"certificate verify failed: certificate signature failure (_ssl.c:1129)", ServerCertInvalid},
		{"tls: failed to parse certificate from server: x509: negative serial number", ServerCertInvalid},
		{"SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: CA cert does not include key usage extension (_ssl.c:1032)')", ServerCertInvalid},
		{"certificate verify failed: Missing Authority Key Identifier (_ssl.c:1028)", ServerCertInvalid},
		{"certificate verify failed: unsuitable certificate purpose", ServerCertInvalid},
		{"sun.security.validator.ValidatorException: Extended key usage does not permit use for TLS server authentication", ServerCertInvalid},
		{"java.security.cert.CertificateException: Certificates do not conform to algorithm constraints", ServerCertInvalid},
		{"invalid peer certificate: Other(CaUsedAsEndEntity)", ServerCertInvalid},
	}
}

func refusalTexts() []textCase {
	return []textCase{
		{`Get "https://10.0.0.5:2376/_ping": remote error: tls: certificate required`, ClientCertRequired},
		{"OpenSSL SSL_read: error:1409445C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required, errno 0", ClientCertRequired},
		{"[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2546)", ClientCertRequired},
		{"javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_required", ClientCertRequired},
		{"received fatal alert: CertificateRequired", ClientCertRequired},
		{"http: TLS handshake error from 192.168.99.1:54213: tls: client didn't provide a certificate", ClientCertRequired},
		{"Error response from daemon: <html><title>400 No required SSL certificate was sent</title>", ClientCertRequired},
		{"error:1417C0C7:SSL routines:tls_process_client_certificate:peer did not return a certificate", ClientCertRequired},
		{"Error response from daemon: <html><title>400 The SSL certificate error</title>", ClientCertRejected},
		{"http: TLS handshake error from 10.0.0.7:1: tls: failed to parse client certificate: x509: malformed", ClientCertRejected},
		{"remote error: tls: revoked certificate", ClientCertRejected},
		{"remote error: tls: unsupported certificate", ClientCertRejected},
		{"remote error: tls: access denied", ClientCertRejected},

		{"An error occurred trying to connect: Get https://0.0.0.0:2371/v1.20/version: remote error: bad certificate", ClientCertRejected},
		{"error during connect: The server probably has client authentication (--tlsverify) enabled. Please check your TLS client certification settings: Get \"https://h:2376/v1.24/info\": remote error: tls: bad certificate", ClientCertRejected},
		{"remote error: tls: unknown certificate authority", ClientCertRejected},
		{"remote error: tls: expired certificate", ClientCertRejected},
		{"remote error: tls: unknown certificate", ClientCertRejected},
		{"[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2576)", ClientCertRejected},
		{"140735:error:14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:ssl/record/rec_layer_s3.c:1528:SSL alert number 42", ClientCertRejected},
		{"javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate", ClientCertRejected},
		{"Authentication failed because the remote party sent a TLS alert: 'BadCertificate'.", ClientCertRejected},
		{"hyper::Error(Connect, Custom { kind: InvalidData, error: AlertReceived(UnknownCA) })", ClientCertRejected},
		{"http: TLS handshake error from 192.168.99.1:54213: tls: failed to verify client's certificate: x509: certificate signed by unknown authority", ClientCertRejected},
		{"http: TLS handshake error from 192.168.99.1:54213: tls: failed to verify client certificate: x509: certificate specifies an incompatible key usage", ClientCertRejected},
		{`http: TLS handshake error from 10.0.0.7:1: tls: failed to verify client certificate: x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "docker CA")`, ServerUntrusted},
		{`tls: failed to verify client's certificate: x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "docker CA")`, ServerUntrusted},
		{"http: TLS handshake error from 10.0.0.7:1: tls: failed to verify client certificate: x509: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00Z is after 2024-04-30T00:00:00Z", ClientCertExpired},
		{"http: TLS handshake error from 10.0.0.7:1: tls: failed to verify client certificate: x509: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00Z is before 2024-05-02T00:00:00Z", ClientCertNotYet},
	}
}

func fileTexts() []textCase {
	return []textCase{
		{`Could not read CA certificate "/etc/docker/ca.pem": open /etc/docker/ca.pem: no such file or directory`, CAMissing},
		{`could not read CA certificate "/certs/root.crt": open /certs/root.crt: no such file or directory`, CAMissing},
		{"Couldn't read ca cert /root/.docker/roots: open /root/.docker/roots: no such file or directory", CAMissing},
		{`unable to resolve docker endpoint: open C:\Users\x\.docker\ca.pem: The system cannot find the path specified.`, CAMissing},
		{"OSError: Could not find a suitable TLS CA certificate bundle, invalid path: /certs/ca.pem", CAMissing},
		{"docker.errors.TLSParameterError: Invalid CA certificate provided for `ca_cert`.", CAMissing},
		{"ENOENT: no such file or directory, open '/root/.docker/ca.pem'", CAMissing},
		{"Couldn't load X509 key pair (/h/cert.pem, /h/key.pem): open /h/cert.pem: no such file or directory. Key encrypted?", ClientCertMissing},
		{"Could not load X509 key pair: open /certs/client.crt: no such file or directory. Make sure the key is not encrypted", ClientCertMissing},
		{"open '.dockercerts/cert.pem': no such file or directory. Make sure the key is not encrypted", ClientCertMissing},
		{"OSError: Could not find the TLS certificate file, invalid path: /certs/cert.pem", ClientCertMissing},
		{"Could not load X509 key pair: open /certs/key.pem: no such file or directory", ClientKeyMissing},
		{"java.io.FileNotFoundException: /home/u/.docker/key.pem (No such file or directory)", ClientKeyMissing},
		{"Errno::ENOENT: No such file or directory @ rb_sysopen - /certs/key.pem", ClientKeyMissing},
		{"System.IO.FileNotFoundException: Could not find file '/certs/key.pem'.", ClientKeyMissing},
		{"OSError: Could not find the TLS key file, invalid path: /certs/box.key", ClientKeyMissing},
		{"Could not load X509 key pair: open /root/.docker/key.pem: permission denied", FileUnreadable},
		{"PermissionError: [Errno 13] Permission denied: '/root/.docker/ca.pem'", FileUnreadable},
		{"EACCES: permission denied, open '/root/.docker/key.pem'", FileUnreadable},
		{"java.io.FileNotFoundException: /root/.docker/ca.pem (Permission denied)", FileUnreadable},
		{`could not read CA certificate "/certs": read /certs: is a directory`, FileUnreadable},
		{"Error reading X509 key pair (cert: \"/etc/docker/server.pem\", key: \"/etc/docker/server-key.pem\"): tls: private key does not match public key. Make sure the key is not encrypted.", KeyPairMismatch},
		{"ssl.SSLError: [X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:4046)", KeyPairMismatch},
		{"Could not load X509 key pair: private key is encrypted, but could not decrypt it: x509: no DEK-Info header in block", ClientKeyEncrypted},
		{"could not load X509 key pair: private key is encrypted; encrypted private keys are obsolete, and not supported", ClientKeyEncrypted},
		{"Error: error:0906A068:PEM routines:PEM_do_header:bad password read", ClientKeyEncrypted},
		{"error:07880109:common libcrypto routines::interrupted or cancelled", ClientKeyEncrypted},
		{"java.lang.ClassCastException: org.bouncycastle.openssl.PEMEncryptedKeyPair cannot be cast to org.bouncycastle.openssl.PEMKeyPair", ClientKeyEncrypted},
		{"tls: failed to find any PEM data in certificate input", ClientCertInvalid},
		{`tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [RSA PRIVATE KEY]`, ClientCertInvalid},
		{"Could not load X509 key pair: x509: malformed certificate", ClientCertInvalid},
		{"tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched", ClientCertInvalid},
		{"tls: failed to find any PEM data in key input", ClientKeyInvalid},
		{"tls: found a certificate rather than a key in the PEM for the private key", ClientKeyInvalid},
		{"Could not load X509 key pair: crypto/tls: failed to parse private key. Make sure the key is not encrypted", ClientKeyInvalid},
		{`failed to append certificates from PEM file: "/certs/ca.pem"`, CAInvalid},
		{"failed to retrieve context tls info: ca.pem seems invalid", CAInvalid},
		{"[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4149)", CAInvalid},
	}
}

func settingTexts() []textCase {
	return []textCase{
		{`Failed to initialize: unable to resolve docker endpoint: context "desktop-linux": context not found: open /h/.docker/contexts/meta/fe9c/meta.json: no such file or directory`, ContextNotFound},
		{`unable to resolve docker endpoint: context "foo" does not exist`, ContextNotFound},
		{"docker.errors.ContextNotFound: context 'foo' not found", ContextNotFound},
		{`load context "foo": unexpected end of JSON input`, ContextInvalid},
		{`Current context "foo" is not found on the file system, please check your config file at /h/.docker/config.json`, ContextNotFound},
		{"conflicting options: either specify --host or --context, not both", OptionsConflict},
		{`If using TLS, the base_url argument must begin with "https://".`, OptionsConflict},
		{`Get "tcp://10.0.0.5:2375/version": unsupported protocol scheme "tcp"`, HostUnsupported},
		{"dial ssh: unknown network ssh", HostUnsupported},
		{"Invalid bind address protocol: ssh://me@server", HostUnsupported},
		{"docker.errors.DockerException: Install paramiko package to enable ssh:// support", HostUnsupported},
		{"com.github.dockerjava.api.exception.DockerClientException: Unsupported protocol scheme found: 'ssh://me@server'", HostUnsupported},
		{"requests.exceptions.InvalidSchema: No connection adapters were found for 'tcp://10.0.0.5:2375/version'", HostUnsupported},
		{"System.Exception: Unknown URL scheme ssh", HostUnsupported},
		{"error during connect: protocol not available", HostUnsupported},
		{"unable to parse docker host `127.0.0.1`", HostInvalid},
		{"FATA[0000] Invalid bind address format: undefined", HostInvalid},
		{"docker.errors.DockerException: Bind address needs a port: tcp://localhost", HostInvalid},
		{`invalid argument "tcp:/x" for "-H, --host" flag: invalid bind address format: tcp:/x`, HostInvalid},
		{`parse "tcp://box:port": invalid port ":port" after host`, HostInvalid},
		{`parse "tcp://192.168.99.100:2376\r": net/url: invalid control character in URL`, HostInvalid},
		{`unable to resolve docker endpoint: parse "127.0.0.1:2375": first path segment in URL cannot contain colon`, HostInvalid},
		{"dial tcp: address 10.0.0.5: missing port in address", HostInvalid},
		{"dial tcp: address fe80::1:2376: too many colons in address", HostInvalid},
		{"dial tcp: lookup tcp/2375/: nodename nor servname provided, or not known", HostInvalid},
		{"Error: DOCKER_HOST env variable should be something like tcp://localhost:1234", HostInvalid},
	}
}

func connectTexts() []textCase {
	return slices.Concat(lookupTexts(), socketTexts(), portTexts())
}

func lookupTexts() []textCase {
	return []textCase{
		{`error during connect: Post "http://docker:2375/v1.24/auth": dial tcp: lookup docker on 169.254.169.254:53: no such host`, DNS},
		{"failed to connect to the docker API at tcp://box:2376: lookup box: no such host", DNS},
		{"dial tcp: lookup box on 10.0.0.1:53: read udp 10.0.0.7:4431->10.0.0.1:53: i/o timeout", DNS},
		{"dial tcp: lookup box: getaddrinfow: The requested name is valid, but no data of the requested type was found.", DNS},
		{"dial tcp: lookup box: Temporary failure in name resolution", DNS},
		{"error during connect: Get http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.21/version: dial tcp: lookup //./pipe/docker_engine: no such host", DNS},
		{"HTTPConnectionPool(host='box', port=2375): Max retries exceeded with url: /version (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno -2] Name or service not known'))", DNS},
		{"NameResolutionError(\"<urllib3.connection.HTTPConnection object at 0x7f>: Failed to resolve 'box' ([Errno -3] Temporary failure in name resolution)\")", DNS},
		{"Error: getaddrinfo ENOTFOUND box", DNS},
		{"Error: getaddrinfo EAI_AGAIN box box:2375", DNS},
		{"java.net.UnknownHostException: box", DNS},
		{"Failed to open TCP connection to box:2375 (getaddrinfo: Name or service not known)", DNS},
		{"error trying to connect: dns error: failed to lookup address information: Name or service not known", DNS},
		{"System.Net.Sockets.SocketException (11001): No such host is known.", DNS},
		{"curl: (6) Could not resolve host: box", DNS},
		{"stderr=ssh: Could not resolve hostname box: Name or service not known", DNS},
	}
}

func socketTexts() []textCase {
	return []textCase{
		{"dial unix /var/run/docker.sock: connect: no such file or directory", SocketMissing},
		{"failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory", SocketMissing},
		{`error during connect: This error may indicate that the docker daemon is not running.: Get "http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.24/version": open //./pipe/docker_engine: The system cannot find the file specified.`, SocketMissing},
		{"docker.errors.DockerException: Error while fetching server API version: (2, 'CreateFile', 'The system cannot find the file specified.')", SocketMissing},
		{"DockerException: Error while fetching server API version: (2, 'WaitNamedPipe', 'The system cannot find the file specified.')", SocketMissing},
		{"Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", SocketMissing},
		{"Error while fetching server API version: ('Connection aborted.', error(2, 'No such file or directory'))", SocketMissing},
		{"Error: connect ENOENT /var/run/docker.sock", SocketMissing},
		{`Error: connect ENOENT \\.\pipe\docker_engine`, SocketMissing},
		{"open //./pipe/docker_engine: Das System kann die angegebene Datei nicht finden.", SocketMissing},
		{"aiohttp.client_exceptions.ClientConnectorError: Cannot connect to unix socket /var/run/docker.sock ssl:default [No such file or directory]", SocketMissing},
		{"java.io.IOException: com.sun.jna.LastErrorException: [2] Datei oder Verzeichnis nicht gefunden", SocketMissing},
		{"UnixSocketClientProviderStrategy: failed with exception InvalidConfigurationException (Could not find unix domain socket). Root cause NoSuchFileException (/var/run/docker.sock)", SocketMissing},
		{"Excon::Errors::SocketError: No such file or directory - connect(2) for /var/run/docker.sock (Errno::ENOENT)", SocketMissing},
		{`HyperLegacyError { err: Error { kind: Connect, source: Some(Os { code: 2, kind: NotFound, message: "No such file or directory" }) } }`, SocketMissing},
		{`unable to connect to docker: SocketNotFoundError("/Users/joe/.docker/run/docker.sock")`, SocketMissing},
		{"System.Net.Sockets.SocketException (99): Cannot assign requested address /var/run/docker.sock", SocketMissing},
		{"stream_socket_client(): unable to connect to unix:///var/run/docker.sock (No such file or directory)", SocketMissing},

		{`Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied`, SocketPermission},
		{"permission denied while trying to connect to the docker API at unix:///var/run/docker.sock", SocketPermission},
		{"open //./pipe/docker_engine: Access is denied.", SocketPermission},
		{"('Connection aborted.', PermissionError(13, 'Permission denied'))", SocketPermission},
		{"Error: connect EACCES /var/run/docker.sock", SocketPermission},
		{"com.sun.jna.LastErrorException: [13] Permission denied", SocketPermission},
		{"Permission denied - connect(2) (Errno::EACCES) (Excon::Errors::SocketError)", SocketPermission},
		{"error trying to connect: Permission denied (os error 13)", SocketPermission},
		{"System.Net.Sockets.SocketException (13): Permission denied /var/run/docker.sock", SocketPermission},
	}
}

func portTexts() []textCase {
	return []textCase{
		{"failed to dial gRPC: cannot connect to the Docker daemon. Is 'docker daemon' running on this host?: dial tcp 0.0.0.0:2376: connect: connection refused", ConnectionRefused},
		{"dial tcp 127.0.0.1:2375: connectex: No connection could be made because the target machine actively refused it.", ConnectionRefused},
		{"dial tcp 127.0.0.1:2375: connectex: Es konnte keine Verbindung hergestellt werden, da der Zielcomputer die Verbindung verweigerte.", ConnectionRefused},
		{"cannot connect to Docker endpoint", ConnectionRefused},
		{"Failed to establish a new connection: [Errno 111] Connection refused", ConnectionRefused},
		{"Error: connect ECONNREFUSED 127.0.0.1:443", ConnectionRefused},
		{"org.apache.http.conn.HttpHostConnectException: Connect to localhost:2375 [localhost/127.0.0.1] failed: Connection refused (Connection refused)", ConnectionRefused},
		{"Excon::Errors::SocketError: Connection refused - connect(2) for 10.0.0.5:2376 (Errno::ECONNREFUSED)", ConnectionRefused},
		{"tcp connect error: Connection refused (os error 111)", ConnectionRefused},
		{"System.Net.Http.HttpRequestException: Connection refused (localhost:2375)", ConnectionRefused},
		{"dial tcp 10.0.0.5:2376: connect: no route to host", Unreachable},
		{"dial tcp 10.0.0.5:2376: connectex: A socket operation was attempted to an unreachable network.", Unreachable},
		{"Error: connect EHOSTUNREACH 10.0.0.5:2376", Unreachable},
		{"java.net.NoRouteToHostException: No route to host (Host unreachable)", Unreachable},
		{"dial tcp 10.0.0.5:2376: connect: operation not permitted", Unreachable},

		{"proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", ProxyFailed},
		{"socks connect tcp 10.0.0.9:1080->box:2376: unknown error network unreachable", ProxyFailed},
		{"HTTP/1.1 407 Proxy Authentication Required", ProxyFailed},
		{"An error occurred trying to connect: Get https://192.168.99.100:2376/v1.23/version: Service Unavailable", ProxyFailed},
		{`error during connect: Get "https://10.0.0.5:2376/v1.41/info": Forbidden`, ProxyFailed},
		{"(Caused by ProxyError('Cannot connect to proxy.', error('Tunnel connection failed: 503 Service Unavailable',)))", ProxyFailed},
		{`java.io.IOException: Unable to tunnel through proxy. Proxy returns "HTTP/1.1 407 Proxy Authentication Required"`, ProxyFailed},
		{"curl: (56) CONNECT tunnel failed, response 403", ProxyFailed},
		{"curl: (5) Could not resolve proxy: proxy.corp", ProxyFailed},
		{"The proxy tunnel request to proxy 'http://proxy.corp:3128/' failed with status code '407'.", ProxyFailed},
	}
}

func silenceTexts() []textCase {
	return []textCase{
		{`There was an error validating certificates for host "10.0.0.5:2376": read tcp 10.0.0.7:1->10.0.0.5:2376: read: connection reset by peer`, ConnectionReset},
		{`error during connect: Get "http://10.0.0.5:2376/v1.41/info": EOF`, ConnectionReset},
		{"net/http: HTTP/1.x transport connection broken: unexpected EOF", ConnectionReset},
		{"write unix @->/var/run/docker.sock: write: broken pipe", ConnectionReset},
		{"wsarecv: An existing connection was forcibly closed by the remote host.", ConnectionReset},
		{"('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))", ConnectionReset},
		{"('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", ConnectionReset},
		{"Error: socket hang up { code: 'ECONNRESET' }", ConnectionReset},
		{"Error: socket hang up", ConnectionReset},
		{"System.IO.IOException: Unexpected end of stream", ConnectionReset},
		{"error reading from server: EOF", ConnectionReset},
		{"java.net.SocketException: Unexpected end of file from server", ConnectionReset},
		{"org.apache.http.NoHttpResponseException: 10.0.0.5:2376 failed to respond", ConnectionReset},
		{"javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake", ConnectionReset},
		{"curl: (52) Empty reply from server", ConnectionReset},
		{"error:0A000126:SSL routines::unexpected eof while reading", ConnectionReset},
		{"connection closed before message completed", ConnectionReset},
		{"Excon::Error::Socket: end of file reached (EOFError)", ConnectionReset},

		{"dial tcp 192.168.99.100:2376: i/o timeout", Timeout},
		{"Get https://10.0.0.5:2376/info: net/http: TLS handshake timeout", Timeout},
		{"net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)", Timeout},
		{`Get "https://10.0.0.5:2376/info": context deadline exceeded`, Timeout},
		{"ERROR: An HTTP request took too long to complete. Retry with --verbose to obtain debug information.", Timeout},
		{"UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=60)", Timeout},
		{"java.net.SocketTimeoutException: connect timed out", Timeout},
		{"org.apache.http.conn.ConnectTimeoutException", Timeout},
		{"Error: connect ETIMEDOUT 10.0.0.5:2376", Timeout},
		{"A connection attempt failed because the connected party did not properly respond after a period of time, or established connection failed because connected host has failed to respond", Timeout},
		{"The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.", Timeout},
		{"curl: (28) Connection timed out after 5001 milliseconds", Timeout},
		{"Excon::Error::Timeout: connect timeout reached", Timeout},
		{"Operation timed out (os error 110)", Timeout},
	}
}

func TestExplainText(t *testing.T) {
	t.Parallel()
	cases := textCases()
	if len(cases) < 120 {
		t.Errorf("only %d texts", len(cases))
	}
	for _, tc := range cases {
		if got := kindOfText(tc.text); got != tc.kind {
			t.Errorf("%s\n\tis explained as %q, want %q", tc.text, got, tc.kind)
		}
	}
}

// kindOfText also checks what every answer must keep.
func kindOfText(text string) Kind {
	e := explainText(text)
	switch {
	case e == nil:
		return none
	case e.Detail == "" || e.Host != "" || e.Source != "" || e.Err != nil:
		return "(incomplete) " + e.Kind
	}
	return e.Kind
}

// TestExplainTextRows: each row is there for a text that only it explains.
func TestExplainTextRows(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{}
	note := func(rows []textRow) []textRow {
		rows = slices.Clone(rows)
		for i, row := range rows {
			rows[i].fill = func(s said, e *Error, words []string) bool {
				ok := row.fill(s, e, words)
				reached[row.texts[0]] = reached[row.texts[0]] || ok
				return ok
			}
		}
		return rows
	}
	answers, logs, clients := note(answerRows()), note(logRows()), note(clientRows())
	for _, tc := range textCases() {
		explainWith(tc.text, answers, logs, clients)
	}
	for _, row := range slices.Concat(answers, logs, clients) {
		if !reached[row.texts[0]] {
			t.Errorf("no text for the row %s, %s: %q", row.kind, row.seen, row.texts[0])
		}
	}
}

// TestExplainTextOfWrappers: the layers that carry an error change nothing.
func TestExplainTextOfWrappers(t *testing.T) {
	t.Parallel()
	for _, tc := range textCases() {
		for _, wrapped := range []string{
			"rpc error: code = Unknown desc = " + tc.text,
			"FATA[0000] " + tc.text + " \n",
			tc.text + "\n* Are you trying to connect to a TLS-enabled daemon without TLS?\n* Is your docker daemon up and running?",
			strings.ReplaceAll(tc.text, " x509: ", "\n  x509: "),
			jsonLine(tc.text),
		} {
			if got := kindOfText(wrapped); got != tc.kind && len(strings.Fields(tc.text)) > 3 {
				t.Errorf("%s\n\tis explained as %q, want %q", wrapped, got, tc.kind)
			}
		}
	}
}

func jsonLine(text string) string {
	line, _ := json.Marshal(map[string]string{"level": "error", "msg": "ping: " + text})
	return string(line)
}

// vagueTexts allow more than one cause.
func vagueTexts() []string {
	return []string{
		"",
		"ordinary words about a certificate that the daemon requires",
		"I use a self signed certificate for my registry, is that a problem?",

		// More than one cause.
		"Cannot connect to the Docker daemon at tcp://myswarm.com:2376. Is the docker daemon running?",
		"error during connect: Are you trying to connect to a TLS-enabled daemon without TLS?",
		"The server probably has client authentication (--tlsverify) enabled. Please check your TLS client certification settings",
		"In the default daemon configuration on Windows, the docker client must be run elevated to connect.",
		"remote error: tls: handshake failure",
		"[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1129)",
		"Received fatal alert: handshake_failure",
		"remote error: tls: internal error",
		"tls: bad certificate",
		"local error: tls: bad record MAC",
		"certificate verify failed",
		"SSL error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:590)",
		"The remote certificate is invalid according to the validation procedure.",
		"The remote certificate is invalid according to the validation procedure: RemoteCertificateChainErrors",
		"The SSL connection could not be established, see inner exception.",
		"docker.errors.TLSParameterError: Path to a certificate and key files must be provided through the client_config param.",
		"ssl.SSLError: [SSL] PEM lib (_ssl.c:4065)",
		"error:0909006C:PEM routines:get_name:no start line",
		"DockerClientException: Error in SSL Configuration",
		"Cannot open/read certificate with path: /root/.docker/ca.pem",
		"Certificate path (DOCKER_CERT_PATH) '/x/.docker' doesn't exist.",
		"Parse Error: Expected HTTP/",
		"invalid HTTP version parsed",
		"the server failed to respond with a valid HTTP response",
		"curl: (7) Couldn't connect to server",
		"context deadline exceeded",
		"context canceled",
		"System.TimeoutException: The operation has timed out.",
		"open //./pipe/docker_engine: message readmode pipes not supported",
		"open //./pipe/docker_engine: All pipe instances are busy.",
		"FileNotFoundError: [Errno 2] No such file or directory",
		`java.io.IOException: Cannot run program "docker": error=2, No such file or directory`,
		"error contacting notary server: x509: certificate signed by unknown authority",
		`Get "": unsupported protocol scheme ""`,
	}
}

// foreignTexts are about other connections than a client's to the daemon.
func foreignTexts() []string {
	return []string{
		// A server's log: what the client said, for reasons of its own.
		"http: TLS handshake error from 10.0.0.7:50112: remote error: tls: bad certificate",
		"http: TLS handshake error from 10.0.0.7:50112: remote error: bad certificate; http: TLS handshake error from 10.0.0.8:1: EOF",
		"http: TLS handshake error from 10.0.0.7:50112: remote error: tls: unknown certificate",
		"http: TLS handshake error from 10.0.0.7:50112: read tcp 1.2.3.4:5->6.7.8.9:10: read: connection reset by peer",
		"http: TLS handshake error from 10.0.0.7:50112: tls: first record does not look like a TLS handshake",
		"http: TLS handshake error from 10.0.0.7:50112: i/o timeout",
		"SSL_do_handshake() failed (SSL: error:14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:SSL alert number 42) while SSL handshaking, client: 1.2.3.4",

		// A registry's connection, not the daemon's.
		`Error response from daemon: Get "https://registry.example/v2/": x509: certificate signed by unknown authority`,
		`Get "https://registry.example/v2/": x509: certificate signed by unknown authority`,
		"Error response from daemon: Get https://10.0.0.5:5000/v2/: http: server gave HTTP response to HTTPS client",
		"Error response from daemon: Get https://10.0.0.5:5000/v1/_ping: http: server gave HTTP response to HTTPS client",
		"Error response from daemon: Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host",
		"Error response from daemon: Get https://registry-1.docker.io/v2/: net/http: TLS handshake timeout",
		"Error response from daemon: Get https://registry-1.docker.io/v2/: Service Unavailable",
		`error parsing HTTP 400 response body: invalid character 'C' looking for beginning of value: "Client sent an HTTP request to an HTTPS server.\n"`,
		`docker.errors.APIError: 500 Server Error: Internal Server Error ("Get https://quay.example/v2/: dial tcp 1.2.3.4:443: connect: connection refused")`,
		"(HTTP code 500) server error - Get https://quay.example/x: net/http: TLS handshake timeout",
		"API error (500): dial tcp 1.2.3.4:443: i/o timeout",
		`InternalServerErrorException: Status 500: {"message":"x509: certificate signed by unknown authority"}`,
		"unable to ping registry endpoint https://registry.example:5000/v0/\nv2 ping attempt failed with error: Get https://registry.example:5000/v2/: x509: certificate signed by unknown authority",
		"ERROR: failed to solve: alpine: failed to do request: Head \"https://registry-1.docker.io/v2/library/alpine/manifests/3\": dial tcp: lookup registry-1.docker.io: no such host",
		"error pulling image configuration: download failed after attempts=6: dial tcp 1.2.3.4:443: i/o timeout",
		"dial tcp: lookup auth.docker.io on 10.0.0.1:53: no such host",

		// The daemon's own work, and builds.
		"Error response from daemon: No such container: web",
		"Error response from daemon: driver failed programming external connectivity: listen tcp 0.0.0.0:80: bind: address already in use",
		"Bind for 0.0.0.0:8080 failed: port is already allocated",
		"Error response from daemon: rpc error: code = Unavailable desc = dial tcp 10.0.0.1:2377: connect: connection refused",
		"FATA[0000] Error response from daemon: 404 page not found",
		`OCI runtime create failed: exec: "foo": permission denied: unknown`,
		"curl: (6) Could not resolve host: deb.debian.org\nThe command '/bin/sh -c curl x' returned a non-zero code: 6",
		"request returned Bad Request for API route and version http://10.0.0.5:2376/v1.41/info, check if the server supports the requested API version",
		"client version 1.22 is too old. Minimum supported API version is 1.24",
		"unable to upgrade to tcp, received 200",
	}
}

// TestExplainTextLeavesAlone: look-alikes, texts with more than one cause, and
// what is no failure of the daemon's connection.
func TestExplainTextLeavesAlone(t *testing.T) {
	t.Parallel()
	for _, text := range slices.Concat(vagueTexts(), foreignTexts()) {
		if e := explainText(text); e != nil {
			t.Errorf("%s\n\tis explained as %s: %s", text, e.Kind, e.Detail)
		}
	}
}

// TestExplainTextNeighbours has, for each kind, a text that looks like it and
// is not.
func TestExplainTextNeighbours(t *testing.T) {
	t.Parallel()
	near := map[Kind]string{
		HostInvalid:            `invalid argument "abc" for "-p, --publish" flag: Invalid containerPort: abc`,
		HostUnsupported:        "Error while fetching server API version: Not supported URL scheme http+docker",
		OptionsConflict:        "conflicting options: hostname and the network mode",
		ContextNotFound:        `error: kubeconfig: context "foo" does not exist`,
		ContextInvalid:         `unable to load context "x": build context is too large`,
		CAMissing:              "open /etc/docker/registry-ca.pem: no such file or directory",
		CAInvalid:              "ca.pem is invalid for that purpose",
		ClientCertMissing:      `Could not load X509 key pair (cert: "", key: ""): open : no such file or directory`,
		ClientCertInvalid:      "invalid certificate file. Ensure that the file is uploaded correctly",
		ClientKeyMissing:       "open /etc/docker/server-key.pem: no such file or directory",
		ClientKeyInvalid:       "invalid API key",
		ClientKeyEncrypted:     "Could not load X509 key pair: open : no such file or directory. Make sure the key is not encrypted",
		KeyPairMismatch:        "Error reading X509 key pair. Make sure the key is not encrypted",
		FileUnreadable:         "open /data/app.pem: permission denied",
		DNS:                    "Err:1 http://deb.debian.org stable InRelease Could not resolve 'deb.debian.org'",
		ConnectionRefused:      "the registry refused the connection",
		Unreachable:            "listen tcp 0.0.0.0:80: bind: An attempt was made to access a socket in a way forbidden by its access permissions.",
		Timeout:                "timed out waiting for container to become healthy",
		ConnectionReset:        "write /dev/stdout: broken pipe",
		SocketMissing:          "open ./docker-compose.yml: no such file or directory",
		SocketPermission:       "root@box: Permission denied (publickey,password).",
		ProxyFailed:            "http: proxy error: context canceled",
		TLSRequired:            "malformed HTTP response from a daemon",
		TLSNotOffered:          "the server gave an HTTP response",
		NotTLS:                 "http: TLS handshake error from 1.2.3.4:5: tls: first record does not look like a TLS handshake",
		NotHTTP:                `net/http: HTTP/1.x transport connection broken: malformed MIME header line: x`,
		TLSVersion:             "API version 1.52 is not supported by this server",
		TLSHandshake:           "tls: handshake failure",
		ServerNameUnrecognized: "unrecognized name in compose file",
		ServerUntrusted:        "image is not trusted: no trust data for latest",
		ServerNameMismatch:     "container name does not match",
		ServerCertExpired:      "token has expired",
		ServerCertNotYet:       "not yet valid",
		ServerCertInvalid:      "invalid certificate",
		ClientCertRequired:     "certificate required",
		ClientCertRejected:     "http: TLS handshake error from 1.2.3.4:5: remote error: tls: bad certificate",
		ClientCertExpired:      "x509: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00Z is after 2024-04-30T00:00:00Z",
		ClientCertNotYet:       "x509: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00Z is before 2024-05-02T00:00:00Z",
	}
	for kind, text := range near {
		if got := kindOfText(text); got == kind {
			t.Errorf("%s\n\tis explained as %q", text, got)
		}
	}
	for _, row := range slices.Concat(answerRows(), logRows(), clientRows()) {
		if near[row.kind] == "" {
			t.Errorf("no neighbour of %s", row.kind)
		}
	}
}

// TestExplainTextOrder: the specific cause wins, and then the first.
func TestExplainTextOrder(t *testing.T) {
	t.Parallel()
	for _, tc := range []textCase{
		{"dial unix /var/run/docker.sock: no such file or directory (with sudo); dial tcp 192.168.59.103:2375: i/o timeout (without)", SocketMissing},
		{"client: tls: oversized record received with length 20527; daemon: Could not read CA certificate: open /root/.docker/ca.pem: no such file or directory", TLSNotOffered},
		{"remote error: handshake failure, then x509: certificate signed by unknown authority", ServerUntrusted},
		{"http: TLS handshake error from 172.17.0.4:38609: remote error: bad certificate; x509: cannot validate certificate for 10.0.0.5 because it doesn't contain any IP SANs", ServerNameMismatch},
		{"write: broken pipe: remote error: tls: certificate required", ClientCertRequired},
		{"sslv3 alert bad certificate; dockerd: http: TLS handshake error: tls: client didn't provide a certificate", ClientCertRequired},
		{"proxyconnect tcp: dial tcp: lookup proxy.corp: no such host", ProxyFailed},
		{"proxyconnect tcp: tls: first record does not look like a TLS handshake", ProxyFailed},
		{"dial tcp 10.0.0.5:2376: connect: connection refused\nError response from daemon: No such container: x", ConnectionRefused},
	} {
		if got := kindOfText(tc.text); got != tc.kind {
			t.Errorf("%s\n\tis explained as %q, want %q", tc.text, got, tc.kind)
		}
	}
}

func TestExplainTextDetails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, detail string }{
		{"x509: certificate is valid for 172.17.0.3, 127.0.0.1, not 172.17.0.2", "the server's certificate is for 172.17.0.3, 127.0.0.1, not for 172.17.0.2"},
		{"dial tcp: lookup box on 10.0.0.1:53: no such host.", "the host name box does not resolve"},
		{"dial tcp: lookup tcp on 10.0.0.1:53: no such host", "the host name tcp does not resolve: it is a scheme"},
		{"dial tcp: lookup tcp://10.0.0.1: no such host", "the host name tcp://10.0.0.1 does not resolve: it holds a scheme"},
		{"Get x: dial unix ///run/podman.sock: connect: no such file or directory", "there is no socket /run/podman.sock"},
		{"java.net.ConnectException: Connection refused: connect", "nobody listens at the address"},
		{"dial tcp 10.0.0.5:2376: connect: connection refused", "nobody listens at 10.0.0.5:2376"},
		{"Error: connect ECONNREFUSED 127.0.0.1:443", "nobody listens at 127.0.0.1:443"},
		{"read tcp 10.0.0.7:1->10.0.0.5:2376: read: connection reset by peer", "the connection was closed before there was an answer: 10.0.0.5:2376"},
		{"HTTPConnectionPool(host='box', port=2375): [Errno 111] Connection refused", "nobody listens at box:2375"},
		{`open C:\Users\x y\.docker\ca.pem: The system cannot find the path specified.`, `there is no file C:\Users\x y\.docker\ca.pem`},
		{"Error: connect ENOENT /var/run/docker.sock", "there is no socket /var/run/docker.sock"},
		{"current time 2024-05-01T10:00:00Z is after 2024-04-30T00:00:00Z: certificate has expired or is not yet valid: current time 2024-05-01T10:00:00Z is after 2024-04-30T00:00:00Z.",
			"a certificate of the server, or of its authority, expired on 2024-04-30T00:00:00Z, and the client's clock said 2024-05-01T10:00:00Z"},
		{"tls: server selected unsupported protocol version 301", "the server speaks no version of TLS that the client accepts (TLS 1.0)"},
		{"[SSL: X] certificate verify failed: Hostname mismatch, certificate is not valid for 'box'.", "the server's certificate is not for box"},
		{"UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=60)", "no answer in time (1m0s)"},
	} {
		if e := explainText(tc.text); e == nil || e.Detail != tc.detail {
			t.Errorf("%s\n\tis explained as %v, want %s", tc.text, e, tc.detail)
		}
	}
}

func TestExplainTextEvidence(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want func(Evidence) bool
	}{
		{"remote error: tls: certificate required", func(ev Evidence) bool { return ev.Alert == "certificate required" && ev.AlertCode == 116 }},
		{"SSL alert number 48", func(ev Evidence) bool { return ev.Alert == "unknown certificate authority" && ev.AlertCode == 48 }},
		{"dial tcp 10.0.0.5:2376: i/o timeout", func(ev Evidence) bool { return ev.Address == "10.0.0.5:2376" }},
		{"dial unix /run/x.sock: connect: permission denied", func(ev Evidence) bool { return ev.Address == "/run/x.sock" && ev.Stage == StageConnect }},
		{"x509: certificate is valid for a, not b", func(ev Evidence) bool { return ev.ServerName == "b" && ev.Stage == StageHandshake }},
		{"Tunnel connection failed: 503 Service Unavailable", func(ev Evidence) bool { return ev.Status == 503 && ev.Stage == StageProxy }},
		{"proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", func(ev Evidence) bool { return ev.Proxy == "10.0.0.9:3128" }},
		{`malformed HTTP version "SSH-2.0-OpenSSH_8.2p1"`, func(ev Evidence) bool { return ev.Answer == "SSH-2.0-OpenSSH_8.2p1" }},
		{"Read timed out. (read timeout=60)", func(ev Evidence) bool { return ev.Waited == time.Minute }},
	} {
		if e := explainText(tc.text); e == nil || !tc.want(e.Evidence) {
			t.Errorf("%s\n\tgives the evidence %+v", tc.text, e)
		}
	}
}

func TestExplainTextKeepsSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"unable to parse docker host `tcp://me:hunter2@box`",
		"Invalid bind address format: http://me:hunter2@box:2375",
		"Invalid bind address format: me:hunter2@box:2375",
		`parse "tcp://me:hun/ter2@box:x": invalid port ":x" after host`,
		`parse "tcp://me:hunter2@box:x": invalid port ":x" after host`,
		"dial tcp: lookup me:hunter2@box: no such host",
		`Get "tcp://me:hunter2@box/version": unsupported protocol scheme "tcp"`,
		"proxyconnect tcp: dial tcp me:hunter2@box:3128: connect: connection refused",
		"socks connect tcp me:hunter2@box:1080->h:2376: refused",
		"Could not resolve proxy: me:hunter2@box",
		"No connection adapters were found for 'tcp://me:hunter2@box:2375/version'",
		"dial tcp: address me:hunter2@box: too many colons in address",
		`invalid argument "tcp://me:hunter2@box" for "-H, --host" flag: x`,
		"getaddrinfo ENOTFOUND me:hunter2@box",
	} {
		e := explainText(text)
		if e == nil {
			t.Errorf("%s is not explained", text)
			continue
		}
		if shown, _ := json.Marshal(e); strings.Contains(string(shown), "ter2") {
			t.Errorf("%s\n\tshows the password: %s", text, shown)
		}
	}
}

// TestExplainTextOfReports asks about texts from public issue threads. The
// empty kind is right for every report whose kinds are not known.
func TestExplainTextOfReports(t *testing.T) {
	t.Parallel()
	const path = "../shared/failure-reports.jsonl"
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the collection of reports is not part of the repository: this runs where it is, as %s", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known, found := reportAnswers(), 0
	for in := bufio.NewScanner(f); in.Scan(); found++ {
		var report struct {
			ID, Error string
			Kinds     []Kind
		}
		if err := json.Unmarshal(in.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		got, want := kindOfText(report.Error), report.Kinds
		if answer, ok := known[report.ID]; ok {
			want = []Kind{answer}
		} else if len(want) == 0 {
			want = []Kind{none}
		}
		if !slices.Contains(want, got) {
			t.Errorf("%s: %s\n\tis explained as %q, want one of %q", report.ID, report.Error, got, want)
		}
	}
	if found == 0 {
		t.Errorf("%s is empty", path)
	}
}

// reportAnswers are the answers to reports that come without a kind, with the
// reason.
func reportAnswers() map[string]Kind {
	return map[string]Kind{
		"fc-012": ClientKeyMissing,   // Java names key.pem, and that there is no such file
		"fc-031": ClientCertRequired, // the daemon's log is quoted: no certificate came
		"fc-089": ProxyFailed,        // net/http writes only the status after a URL when a proxy refused CONNECT
		"fc-093": HostInvalid,        // docker-py could not read the address
		"fc-099": HostInvalid,        // it wants a port
		"fc-112": HostUnsupported,    // docker-py before it knew ssh://
		"fc-115": HostInvalid,        // aiodocker knew no scheme in the address; which it was, the text does not say
		"fc-117": HostInvalid,        // dockerode could not read the address; the same
		"fc-120": NotHTTP,            // the output of a remote shell in place of an answer
		"fc-133": ServerUntrusted,    // Go's words, without the x509 before them
		"fc-141": ServerCertInvalid,  // Python 3.13 demands keyUsage in the authority's certificate
		"fc-159": ServerUntrusted,    // Node's whole message
		"fc-181": TLSVersion,         // OpenSSL: alert protocol version
		"fc-182": TLSVersion,
		"fc-183": TLSVersion,
		"fc-194": ServerUntrusted,    // OpenSSL: unable to get local issuer certificate
		"fc-206": ServerUntrusted,    // Node: unable to verify the first certificate
		"fc-207": ServerUntrusted,    // the same
		"fc-273": ServerUntrusted,    // the same
		"fc-211": ClientCertRejected, // Java: alert bad_certificate; "or got none" is said
		"fc-212": ConnectionReset,    // Java: the server closed without an answer
		"fc-271": ConnectionReset,    // .NET: the same
		"fc-239": HostInvalid,        // an IPv6 address without brackets
		"fc-255": SocketMissing,      // it says that the socket does not exist
		"fc-289": TLSRequired,        // the daemon's own words in docker-py's error
		"fc-322": TLSRequired,        // a daemon's log; 21536 is "T " of "POST "
	}
}

// FuzzExplainText: whatever a text holds, the answer is one short line.
func FuzzExplainText(f *testing.F) {
	for _, tc := range textCases() {
		f.Add(tc.text)
		f.Add(jsonLine(tc.text))
	}
	for _, text := range []string{
		strings.Repeat("://@", 5000), strings.Repeat("get https://", 3000), strings.Repeat("open ", 9000) + "ca.pem: no such file",
		"certificate is valid for \x1b[31m\x00\u202e" + strings.Repeat("\U000e0001", 300) + ", not \xff\n\r", "lookup {}$: no such host", `\"\\\"`,
		"dial tcp [::1]:99999: i/o timeout", "connect ENOENT \u2028.sock", "parse \"\": missing protocol scheme in docker_host", "x509 key pair: open \": no such file",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := explainText(text)
		if e == nil {
			return
		}
		if e.Kind == "" || e.Detail == "" || e.Host != "" || e.Source != "" {
			t.Errorf("%q: incomplete: %+v", text, e)
		}
		if n := len(e.Detail); n > 3*maxQuote {
			t.Errorf("%q: the detail has %d bytes", text, n)
		}
		ev := e.Evidence
		for _, s := range []string{e.Detail, e.Hint, ev.Address, ev.Proxy, ev.ServerName, ev.Answer} {
			if strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) || len(s) > 3*maxQuote {
				t.Errorf("%q: shown as %q", text, s)
			}
		}
	})
}

func BenchmarkExplainText(b *testing.B) {
	for name, text := range map[string]string{
		"usual":   "error during connect: Get https://10.0.0.5:2376/info: dial tcp 10.0.0.5:2376: connect: connection refused",
		"unknown": strings.Repeat("nothing that anybody knows, ", 100_000),
		"hostile": strings.Repeat("open get https://x: lookup dial tcp ", 100_000),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				explainText(text)
			}
		})
	}
}
