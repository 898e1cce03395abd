package faulttest

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// oddFaults: certificates that Go neither makes nor accepts. They are made and
// served by openssl. The comments are what Go says. It does accept RSA keys of
// 1024 bits.
func oddFaults() []Fault {
	sha1 := dockertls.ServerCertInvalid
	sha1Words := []string{"SHA"}
	if fips140.Enabled() {
		// This side does not offer SHA-1 then, and openssl has nothing else to offer.
		sha1, sha1Words = dockertls.TLSHandshake, []string{"signature algorithm"}
	}
	var faults []Fault
	for _, row := range []struct {
		name  string
		key   []string // arguments of genpkey
		sign  []string // and of x509
		kind  dockertls.Kind
		words []string
	}{
		// x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature:
		// insecure algorithm ECDSA-SHA1" while trying ...)
		{"a signature with SHA-1", ecKey(), []string{"-sha1"}, sha1, sha1Words},
		// tls: invalid signature by the server certificate: crypto/rsa: 768-bit keys are insecure (see ...)
		{"an RSA key of 768 bits", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768"}, nil, dockertls.ServerCertInvalid, []string{"768"}},
		// tls: failed to parse certificate from server: x509: negative serial number
		{"a negative serial number", ecKey(), []string{"-set_serial", "-1"}, dockertls.ServerCertInvalid, []string{"serial"}},
	} {
		faults = append(faults, Fault{
			Name:     "openssl: " + row.name,
			Start:    startOdd(row.key, row.sign),
			Versions: both,
			Kind:     row.kind,
			Words:    row.words,
		})
	}
	return faults
}

func ecKey() []string { return []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"} }

// startOdd has openssl serve a certificate that it makes with further arguments.
func startOdd(key, sign []string) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		return start(opensslServer, func(s *setup) {
			s.server.pair = oddPair(t, s.ca, key, sign)
			s.server.extra = []string{"-cipher", "DEFAULT@SECLEVEL=0"}
		})(t, tlsMax)
	}
}

// oddPair has openssl issue a certificate for a server.
func oddPair(t testing.TB, ca *authority, key, sign []string) *dockertlstest.Pair {
	t.Helper()
	dir := tempDir(t)
	writeFile(t, dir, "ca.pem", ca.pem())
	writeFile(t, dir, "ca-key.pem", keyPEM(ca.key))
	writeFile(t, dir, "extensions", []byte("subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n"))
	writeFile(t, dir, "req.conf", []byte("[req]\ndistinguished_name = name\n[name]\n"))
	openssl(t, dir, slices.Concat([]string{"genpkey", "-out", "key.pem"}, key)...)
	openssl(t, dir, "req", "-new", "-config", "req.conf", "-key", "key.pem", "-subj", "/CN=daemon", "-out", "csr.pem")
	if len(sign) == 0 || sign[0] != "-set_serial" {
		sign = append(sign, "-set_serial", "1")
	}
	openssl(t, dir, slices.Concat([]string{"x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "1",
		"-extfile", "extensions", "-out", "cert.pem"}, sign)...)
	return &dockertlstest.Pair{CertPEM: readFile(t, dir, "cert.pem"), KeyPEM: readFile(t, dir, "key.pem")}
}

func openssl(t testing.TB, dir string, arguments ...string) {
	t.Helper()
	cmd := exec.Command(findOpenssl(t), arguments...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %q: %v\n%s", arguments, err, out)
	}
}

func readFile(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
