package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls/internal/programtest"
)

// Certificates of every kind pass the strict checks of OpenSSL and Python.
func TestStrictCheckers(t *testing.T) {
	for name, args := range map[string][]string{
		"ecdsa": nil, "rsa2048": {"--rsa", "2048"}, "rsa4096": {"--rsa", "4096"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newSet(t, append(args, "localhost", "127.0.0.1", "::1", "*.example.com", "my_box")...)
			mkcerts(t, "-o", dir, "--client", "alice")
			t.Run("openssl", func(t *testing.T) { checkByOpenSSL(t, dir) })
			t.Run("python", func(t *testing.T) { checkByPython(t, dir) })

			mkcerts(t, "-o", dir, "--renew", "--client", "alice")
			if got := runProgram("-o", dir, "--renew"); got.code != 0 {
				t.Fatalf("renew: %+v", got)
			}
			t.Run("openssl after renewal", func(t *testing.T) { checkByOpenSSL(t, dir) })
			t.Run("python after renewal", func(t *testing.T) { checkByPython(t, dir) })
		})
	}
}

func checkByOpenSSL(t *testing.T, dir string) {
	opensslVerify(t, dir, "sslserver", "server-cert.pem")
	opensslVerify(t, dir, "sslclient", "cert.pem")
	opensslVerify(t, dir, "sslclient", filepath.Join("clients", "alice", "cert.pem"))
	// Each for its own purpose only.
	for purpose, cert := range map[string]string{"sslclient": "server-cert.pem", "sslserver": "cert.pem"} {
		if out, err := openssl(t, dir, "verify", "-purpose", purpose, "-CAfile", "ca.pem", cert); err == nil {
			t.Errorf("%s passes as %s:\n%s", cert, purpose, out)
		}
	}
	for _, name := range []string{"localhost", "box.example.com", "my_box"} {
		checkName(t, dir, "-checkhost", name, true)
	}
	for _, name := range []string{"example.com", "a.b.example.com", "elsewhere"} {
		checkName(t, dir, "-checkhost", name, false)
	}
	checkName(t, dir, "-checkip", "127.0.0.1", true)
	checkName(t, dir, "-checkip", "::1", true)
	checkName(t, dir, "-checkip", "127.0.0.2", false)
}

func opensslVerify(t *testing.T, dir, purpose, cert string) {
	t.Helper()
	out, err := openssl(t, dir, "verify", "-x509_strict", "-check_ss_sig", "-policy_check",
		"-purpose", purpose, "-CAfile", "ca.pem", cert)
	if err != nil || strings.Contains(out, "error") {
		t.Errorf("%s: %v\n%s", cert, err, out)
	}
}

func checkName(t *testing.T, dir, flag, name string, want bool) {
	t.Helper()
	out, err := openssl(t, dir, "x509", "-noout", "-in", "server-cert.pem", flag, name)
	if err != nil {
		t.Fatal(err)
	}
	if got := !strings.Contains(out, "does NOT match"); got != want {
		t.Errorf("%s %s: %s", flag, name, out)
	}
}

func openssl(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(programtest.Find(t, "openssl", "openssl"), args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// checkByPython shakes hands as Python 3.13 does by default, on older ones too.
func checkByPython(t *testing.T, dir string) {
	const script = `
import ssl, sys, threading, socket
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("server-cert.pem", "server-key.pem")
client = ssl.create_default_context(cafile="ca.pem")
client.load_cert_chain("cert.pem", "key.pem")
for context in server, client:
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
server.verify_mode = ssl.CERT_REQUIRED
server.load_verify_locations("ca.pem")

def shake(context, sock, **kw):
    with context.wrap_socket(sock, **kw) as conn:
        conn.sendall(b"x")
        assert conn.recv(1) == b"x"
        assert conn.getpeercert()

for name in "localhost", "127.0.0.1", "::1", "box.example.com":
    a, b = socket.socketpair()
    thread = threading.Thread(target=shake, args=(server, a), kwargs={"server_side": True})
    thread.start()
    shake(client, b, server_hostname=name)
    thread.join()
print("done")
`
	cmd := exec.Command(programtest.Find(t, "python3", "python3"), "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// What RFC 5280 and strict clients want, byte for byte.
func TestCertificateFields(t *testing.T) {
	dir := newSet(t, "box", "10.0.0.5")
	ca := readCertificate(t, dir, "ca.pem")
	server, client := readCertificate(t, dir, "server-cert.pem"), readCertificate(t, dir, "cert.pem")
	if !ca.IsCA || ca.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("the authority: CA %v, key usage %b", ca.IsCA, ca.KeyUsage)
	}
	if years := ca.NotAfter.Sub(ca.NotBefore).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("the authority is valid for %.2f years", years)
	}
	if server.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || client.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("extended key usage: %v, %v", server.ExtKeyUsage, client.ExtKeyUsage)
	}
	for _, cert := range []*x509.Certificate{ca, server, client} {
		checkFields(t, cert, ca)
	}
	serials := map[string]bool{ca.SerialNumber.String(): true, server.SerialNumber.String(): true, client.SerialNumber.String(): true}
	if len(serials) != 3 {
		t.Error("serial numbers repeat")
	}
}

func checkFields(t *testing.T, cert, ca *x509.Certificate) {
	t.Helper()
	name := cert.Subject.String()
	if cert.SerialNumber.Sign() != 1 || cert.SerialNumber.BitLen() != 128 {
		t.Errorf("%s: serial number %v", name, cert.SerialNumber)
	}
	if len(cert.SubjectKeyId) == 0 || string(cert.AuthorityKeyId) != string(ca.SubjectKeyId) {
		t.Errorf("%s: identifiers %x, %x", name, cert.SubjectKeyId, cert.AuthorityKeyId)
	}
	if key, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("%s: key %T", name, cert.PublicKey)
	}
	if age := time.Since(cert.NotBefore); age < 59*time.Minute || age > 70*time.Minute {
		t.Errorf("%s: valid since %v", name, age)
	}
	if cert != ca && cert.NotAfter.Sub(cert.NotBefore) > maxDays*24*time.Hour {
		t.Errorf("%s: valid for %v", name, cert.NotAfter.Sub(cert.NotBefore))
	}
	critical := map[string]bool{}
	for _, e := range cert.Extensions {
		critical[e.Id.String()] = e.Critical
	}
	for id, extension := range map[string]string{"2.5.29.15": "key usage", "2.5.29.19": "basic constraints"} {
		if !critical[id] {
			t.Errorf("%s: %s is missing or not critical", name, extension)
		}
	}
}
