// Package dockertlstest helps to test programs that talk to Docker, without
// Docker on the machine: certificate authorities minted in memory, and a
// stand-in for the daemon that speaks plain HTTP, TLS or mutual TLS. It is to
// Docker endpoints what [net/http/httptest] is to web servers.
//
// A test makes an authority, starts a daemon that trusts it, and writes the
// client's files where the program under test looks for them:
//
//	ca := dockertlstest.NewCA()
//	daemon := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
//	defer daemon.Close()
//
//	dir := t.TempDir()
//	if err := dockertlstest.WriteCerts(dir, ca, ca.ClientPair("alice")); err != nil {
//		t.Fatal(err)
//	}
//	t.Setenv("DOCKER_HOST", daemon.Host())
//	t.Setenv("DOCKER_TLS_VERIFY", "1")
//	t.Setenv("DOCKER_CERT_PATH", dir)
//
// # The daemon's modes
//
//	Plain      no TLS; [NewSocketDaemon] serves it on a unix socket
//	TLS        dockerd --tls --tlsverify=false: encrypted, the daemon checks nobody
//	MutualTLS  dockerd --tlsverify: clients must show a certificate
//
// # Certificates for the unhappy paths
//
// [CA.Issue] makes what a test of failures needs. A few recipes:
//
//	ca.Issue(CertSpec{Server: true, Names: names, NotAfter: yesterday})  // expired
//	ca.Issue(CertSpec{Server: true, Names: []string{"elsewhere"}})       // wrong name
//	ca.Issue(CertSpec{Server: true, CommonName: "localhost"})            // no subjectAltName
//	ca.Issue(CertSpec{Server: true, CommonName: "alice"})                // wrong purpose for a client
//	NewCAFrom(CertSpec{CommonName: ca.Certificate().Subject.CommonName}) // same name, another key
//
// A [Daemon] serves such a certificate through its Server field. Nothing made
// here is a fixture that expires: every certificate is made when it is asked
// for, and is valid for a day unless its [CertSpec] says otherwise.
//
// Like httptest, functions without an error result panic when the system fails
// them (no port to listen on, no randomness) or when they are misused.
//
// The keys are for tests only: they are kept in memory without protection.
package dockertlstest
