package dockertlstest_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// every kind of key a certificate can have.
var keyTypes = []dockertlstest.KeyType{
	dockertlstest.ECDSA,
	dockertlstest.Ed25519,
	dockertlstest.RSA2048,
	dockertlstest.RSA4096,
}

func TestIssueFillsTheCertificate(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	tests := map[string]struct {
		spec dockertlstest.CertSpec
		want leafFacts
	}{
		"zero": {
			dockertlstest.CertSpec{},
			leafFacts{CommonName: "dockertlstest"},
		},
		"client": {
			dockertlstest.CertSpec{CommonName: "alice", Client: true},
			leafFacts{CommonName: "alice", Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		},
		"names": {
			dockertlstest.CertSpec{Names: []string{"node1", "10.0.0.5", "::1"}, Server: true},
			leafFacts{
				CommonName: "node1",
				DNS:        []string{"node1"},
				IPs:        []string{"10.0.0.5", "::1"},
				Usage:      []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			},
		},
		"both": {
			dockertlstest.CertSpec{CommonName: "peer", Client: true, Server: true},
			leafFacts{
				CommonName: "peer",
				Usage:      []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
			},
		},
		"edit has the last word": {
			dockertlstest.CertSpec{CommonName: "first", Edit: func(c *x509.Certificate) {
				c.Subject.CommonName = "last"
			}},
			leafFacts{CommonName: "last"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaf := ca.Issue(test.spec).Leaf()
			if diff := cmp.Diff(test.want, factsOf(leaf)); diff != "" {
				t.Errorf("certificate (-want +got):\n%s", diff)
			}
			checkFormalities(t, leaf, ca.Certificate())
		})
	}
}

// leafFacts is what CertSpec decides about a certificate, in printable form.
type leafFacts struct {
	CommonName string
	DNS, IPs   []string
	Usage      []x509.ExtKeyUsage
}

func factsOf(cert *x509.Certificate) leafFacts {
	facts := leafFacts{CommonName: cert.Subject.CommonName, DNS: cert.DNSNames, Usage: cert.ExtKeyUsage}
	for _, ip := range cert.IPAddresses {
		facts.IPs = append(facts.IPs, ip.String())
	}
	return facts
}

// checkFormalities checks what holds for every certificate.
func checkFormalities(t *testing.T, cert, issuer *x509.Certificate) {
	t.Helper()
	if cert.SerialNumber.Sign() <= 0 || cert.SerialNumber.BitLen() != 128 {
		t.Errorf("serial number %x, want 128 bits, positive", cert.SerialNumber)
	}
	if len(cert.SubjectKeyId) == 0 {
		t.Error("no subject key identifier")
	}
	if !bytes.Equal(cert.AuthorityKeyId, issuer.SubjectKeyId) {
		t.Errorf("authority key identifier %x, want the issuer's %x", cert.AuthorityKeyId, issuer.SubjectKeyId)
	}
	if now := time.Now(); cert.NotBefore.After(now) || cert.NotAfter.Before(now) {
		t.Errorf("valid from %v to %v, not now", cert.NotBefore, cert.NotAfter)
	}
}

func TestValidityIsNeverUpsideDown(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	year := 365 * 24 * time.Hour
	tests := map[string]struct {
		notBefore, notAfter   time.Time
		wantBefore, wantAfter time.Time
	}{
		"default":       {time.Time{}, time.Time{}, now.Add(-time.Hour), now.Add(24 * time.Hour)},
		"expired":       {time.Time{}, now.Add(-year), now.Add(-year - time.Hour), now.Add(-year)},
		"not yet valid": {now.Add(year), time.Time{}, now.Add(year), now.Add(year + 24*time.Hour)},
		"long":          {time.Time{}, now.Add(year), now.Add(-time.Hour), now.Add(year)},
		"both":          {now.Add(-year), now.Add(year), now.Add(-year), now.Add(year)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := dockertlstest.NewCAFrom(dockertlstest.CertSpec{
				NotBefore: test.notBefore,
				NotAfter:  test.notAfter,
			}).Certificate()
			if !about(cert.NotBefore, test.wantBefore) || !about(cert.NotAfter, test.wantAfter) {
				t.Errorf("got %v to %v, want %v to %v", cert.NotBefore, cert.NotAfter, test.wantBefore, test.wantAfter)
			}
		})
	}
}

// about allows for the time that passes while a test runs.
func about(got, want time.Time) bool {
	return got.Sub(want).Abs() < time.Minute
}

func TestCAIsAnAuthority(t *testing.T) {
	t.Parallel()
	root := dockertlstest.NewCA()
	cert := root.Certificate()
	if !cert.IsCA || cert.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("IsCA %v, key usage %b", cert.IsCA, cert.KeyUsage)
	}
	if !basicConstraintsCritical(cert) {
		t.Error("basicConstraints is not critical")
	}
	checkFormalities(t, cert, cert)
	intermediate := root.Intermediate("below")
	checkFormalities(t, intermediate.Certificate(), cert)
	if !bytes.Equal(intermediate.PEM(), root.PEM()) {
		t.Error("the PEM of an intermediate is not that of its root")
	}
	if other := dockertlstest.NewCA().Certificate(); other.Subject.CommonName == cert.Subject.CommonName {
		t.Errorf("two authorities are named %q", other.Subject.CommonName)
	}
}

func basicConstraintsCritical(cert *x509.Certificate) bool {
	for _, extension := range cert.Extensions {
		if extension.Id.String() == "2.5.29.19" {
			return extension.Critical
		}
	}
	return false
}

func TestPairsCarryTheirChain(t *testing.T) {
	t.Parallel()
	root := dockertlstest.NewCA()
	lower := root.Intermediate("upper").Intermediate("lower")
	pair := lower.ServerPair("node1")
	var subjects []string
	for _, cert := range parseAll(t, pair.CertPEM) {
		subjects = append(subjects, cert.Subject.CommonName)
	}
	if diff := cmp.Diff([]string{"node1", "lower", "upper"}, subjects); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
}

func parseAll(t *testing.T, data []byte) []*x509.Certificate {
	t.Helper()
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	return certs
}

func TestTwoCAsDoNotTrustEachOther(t *testing.T) {
	t.Parallel()
	twin := dockertlstest.CertSpec{CommonName: "docker CA"}
	tests := map[string][2]*dockertlstest.CA{
		"strangers": {dockertlstest.NewCA(), dockertlstest.NewCA()},
		"twins":     {dockertlstest.NewCAFrom(twin), dockertlstest.NewCAFrom(twin)},
	}
	for name, cas := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, ca := range cas {
				leaf := ca.ServerPair("node1").Leaf()
				if _, err := leaf.Verify(x509.VerifyOptions{Roots: poolOf(ca), DNSName: "node1"}); err != nil {
					t.Errorf("own CA: %v", err)
				}
				_, err := leaf.Verify(x509.VerifyOptions{Roots: poolOf(cas[1-i])})
				if !errors.As(err, new(x509.UnknownAuthorityError)) {
					t.Errorf("other CA: got %v, want an unknown authority", err)
				}
			}
		})
	}
}

func poolOf(ca *dockertlstest.CA) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.PEM())
	return pool
}

func TestServerPairDefaultNames(t *testing.T) {
	t.Parallel()
	leaf := dockertlstest.NewCA().ServerPair().Leaf()
	for _, name := range []string{"localhost", "127.0.0.1", net.IPv6loopback.String()} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteCerts(t *testing.T) {
	t.Parallel()
	ca := dockertlstest.NewCA()
	dir := filepath.Join(t.TempDir(), "sub", "certs")
	writeCerts(t, dir, ca, nil)
	checkFiles(t, dir, map[string][]byte{"ca.pem": ca.PEM()})

	// A key that anyone can read, from before: it must not stay so.
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pair := ca.ClientPair("alice")
	writeCerts(t, dir, ca, pair)
	checkFiles(t, dir, map[string][]byte{"ca.pem": ca.PEM(), "cert.pem": pair.CertPEM, "key.pem": pair.KeyPEM})
	if runtime.GOOS == "windows" {
		return // no such modes
	}
	checkMode(t, dir, 0o700)
	checkMode(t, filepath.Join(dir, "key.pem"), 0o600)
}

func TestWriteCertsReportsErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dockertlstest.WriteCerts(file, dockertlstest.NewCA(), nil); err == nil {
		t.Error("no error for a directory that is a file")
	}
}

func writeCerts(t *testing.T, dir string, ca *dockertlstest.CA, client *dockertlstest.Pair) {
	t.Helper()
	if err := dockertlstest.WriteCerts(dir, ca, client); err != nil {
		t.Fatal(err)
	}
}

func checkFiles(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	for _, entry := range entries {
		if got[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func checkMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
	}
}

// OpenSSL is stricter than Go about extensions, and what other clients use.
func TestOpenSSLAcceptsTheCertificates(t *testing.T) {
	t.Parallel()
	openssl := programtest.Find(t, "openssl", "openssl")
	for _, key := range keyTypes {
		t.Run(key.String(), func(t *testing.T) {
			t.Parallel()
			root := dockertlstest.NewCAFrom(dockertlstest.CertSpec{CommonName: "root", Key: key})
			client := dockertlstest.CertSpec{CommonName: "alice", Client: true, Key: key}
			server := dockertlstest.CertSpec{Names: []string{"localhost"}, Server: true, Key: key}
			opensslVerify(t, openssl, root, root.Issue(client), "sslclient")
			opensslVerify(t, openssl, root, root.Issue(server), "sslserver")
			below := root.Intermediate("")
			opensslVerify(t, openssl, below, below.Issue(client), "sslclient")
			opensslVerify(t, openssl, below, below.Issue(server), "sslserver")
		})
	}
}

func opensslVerify(t *testing.T, openssl string, ca *dockertlstest.CA, pair *dockertlstest.Pair, purpose string) {
	t.Helper()
	dir := t.TempDir()
	writeCerts(t, dir, ca, pair)
	// cert.pem is given twice, because openssl does not take the
	// intermediates from the file to verify.
	command := exec.Command(openssl, "verify", "-x509_strict", "-purpose", purpose,
		"-CAfile", "ca.pem", "-untrusted", "cert.pem", "cert.pem")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("openssl verify -purpose %s: %v\n%s", purpose, err, out)
	}
}
