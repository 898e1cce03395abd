// Package dockertlstest helps to test programs that talk to Docker, without
// Docker on the machine: a stand-in for the daemon that speaks plain HTTP, TLS or
// mutual TLS, or fails in a way that the test names, and certificate authorities
// minted in memory. It is to Docker endpoints what [net/http/httptest] is to web
// servers.
//
//	func TestExpiredClientCertificate(t *testing.T) {
//		daemon := dockertlstest.Start(t, dockertlstest.ClientCertExpired)
//		if err := agent.Deploy(daemon.Options()); !errors.Is(err, dockertls.ClientCertExpired) {
//			t.Errorf("got %v", err)
//		}
//	}
//
// [Start] makes the authority, the certificates and the daemon, and closes it
// when the test ends. Without a fault among its options the daemon works, in mode
// [MutualTLS].
//
// # How the program under test gets there
//
// It need not know of package dockertls:
//
//	daemon.Options()          for dockertls.Resolve: everything in memory
//	daemon.Setenv(t)          DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH of the test itself
//	daemon.Env()              the same for a child process
//	daemon.CertPath()         a folder with ca.pem, cert.pem and key.pem
//	daemon.WriteConfig(dir)   a whole ~/.docker, with a current context
//	WriteContext(dir, daemon.Context("prod"))   one context of several
//	daemon.TLSClientConfig(), daemon.URL(path)  for net/http and crypto/tls
//
// All of them run into the daemon's fault, if it has one.
//
// # The daemon's modes
//
//	Plain      no TLS; [NewSocketDaemon] serves it on a unix socket
//	TLS        dockerd --tls --tlsverify=false: encrypted, the daemon checks nobody
//	MutualTLS  dockerd --tlsverify: clients must show a certificate
//
// # Faults
//
// Each of these constants is an option, and its comment tells what kind of error
// package dockertls makes of it (go doc dockertlstest.ClientCertMissing):
//
//	server's certificate   ServerNameWrong, ServerCommonNameOnly, ServerCertExpired, ServerCertNotYetValid,
//	                       ServerCAUnknown, ServerCATwin, ServerCertSelfSigned, ServerIntermediateMissing,
//	                       ServerCertForClients
//	client's certificate   ClientCertMissing, ClientCertExpired, ClientCertNotYetValid, ClientCAUnknown,
//	                       ClientCATwin, ClientCertForServers, ClientCertRefused
//	another language       UnexpectedPlain, UnexpectedTLS, TLSTooOld, NoCommonCipher, ServerNameUnrecognized
//	another server         NotListening, SSHServer, MySQLServer, HTTP2Server, Page407, Page502, Page302
//
// [Hangs], [Closes], [Resets] and [Sends] are for any [Stage] of a connection:
//
//	dockertlstest.Start(t, dockertlstest.Resets(dockertlstest.InBody))
//
// A table of tests loops over [Faults], each of which knows the [Fault.Kind] of
// error that package dockertls makes of it; its comment says what such a test needs.
//
// # What the daemon answers, and what it has seen
//
// It answers a part of Docker's API, listed at [Daemon]. [Handle] adds to it or
// replaces parts, [Stream] serves attach and exec. [Daemon.Requests] and
// [Daemon.ConnectionLog] tell what came, with the certificates that clients
// showed and the reason of a failed handshake; [Daemon.WaitRequest] and
// [Daemon.WaitConnection] wait for it.
//
// # Certificates of your own
//
// [NewCA] makes an authority, and [CA.Issue] what a test needs beyond the faults:
//
//	ca := dockertlstest.NewCA()
//	pair := ca.Issue(dockertlstest.CertSpec{Server: true, Names: names, NotAfter: soon})
//	daemon := dockertlstest.Start(t, dockertlstest.UseCA(ca),
//		dockertlstest.Configure(func(d *dockertlstest.Daemon) { d.Server = pair }))
//
// Nothing made here is a fixture that expires: every certificate is made when it
// is asked for, and is valid for a day unless its [CertSpec] says otherwise.
//
// Like httptest, functions without an error result panic when the system fails
// them (no port to listen on, no randomness) or when they are misused; [Start]
// fails the test instead where options are misused.
//
// The keys are for tests only: they are kept in memory without protection.
package dockertlstest
