package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func loadPair(t *testing.T, dir, cert, key string) {
	t.Helper()
	_, err := tls.LoadX509KeyPair(filepath.Join(dir, cert), filepath.Join(dir, key))
	if err != nil {
		t.Fatal(err)
	}
}

func readCertificate(t *testing.T, path ...string) *x509.Certificate {
	t.Helper()
	cert, err := readCert(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Renewal keeps the authority, the names and the kind of keys, and makes new keys.
func TestRenew(t *testing.T) {
	dir := newSet(t, "--rsa", "2048", "localhost", "box", "10.0.0.5", "2001:db8::5")
	before := contents(t, dir)
	oldServer := readCertificate(t, dir, "server-cert.pem")
	if got := mkcerts(t, "-o", dir, "--renew"); !strings.HasPrefix(got, "Renewed in "+dir) || !strings.Contains(got, "restart it") {
		t.Errorf("got:\n%s", got)
	}

	after := contents(t, dir)
	for name := range before {
		kept := name == "ca.pem" || name == "ca-key.pem"
		if (before[name] == after[name]) != kept {
			t.Errorf("%s: kept %v, want %v", name, !kept, kept)
		}
	}
	checkSet(t, dir)
	server := readCertificate(t, dir, "server-cert.pem")
	if diff := cmp.Diff(namesOf(oldServer), namesOf(server)); diff != "" {
		t.Error(diff)
	}
	if got := rsaBitsOf(server); got != 2048 {
		t.Errorf("RSA with %d bits, want 2048 as before", got)
	}
	if server.SerialNumber.Cmp(oldServer.SerialNumber) == 0 {
		t.Error("the same serial number")
	}
	verifyIssuedBy(t, dir, server)
}

func verifyIssuedBy(t *testing.T, dir string, cert *x509.Certificate) {
	t.Helper()
	if err := cert.CheckSignatureFrom(readCertificate(t, dir, "ca.pem")); err != nil {
		t.Error(err)
	}
}

func TestRenewWithOtherNames(t *testing.T) {
	dir := newSet(t, "box")
	mkcerts(t, "-o", dir, "--renew", "--days", "30", "crate", "10.0.0.6")
	server := readCertificate(t, dir, "server-cert.pem")
	if diff := cmp.Diff([]string{"crate", "10.0.0.6"}, namesOf(server)); diff != "" {
		t.Error(diff)
	}
	if days := time.Until(server.NotAfter).Hours() / 24; days > 30 || days < 29 {
		t.Errorf("valid for %.1f days, want 30", days)
	}
}

// Whoever is known to the daemon by name stays so.
func TestRenewKeepsTheClientsName(t *testing.T) {
	dir := newSet(t, "box")
	mkcerts(t, "-o", dir, "--client", "alice")
	alice := filepath.Join(dir, "clients", "alice")
	for _, name := range []string{"cert.pem", "key.pem"} {
		if err := os.Rename(filepath.Join(alice, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	got := runProgram("-o", dir, "--renew")
	if got.code != 0 || got.stderr != "warning: not renewed: alice, for which there is --renew --client NAME\n" {
		t.Errorf("got %+v", got)
	}
	if name := readCertificate(t, dir, "cert.pem").Subject.CommonName; name != "alice" {
		t.Errorf("the client is %q now", name)
	}
}

func TestRenewClient(t *testing.T) {
	dir := newSet(t, "box")
	mkcerts(t, "-o", dir, "--client", "alice")
	before := contents(t, dir)
	mkcerts(t, "-o", dir, "--renew", "--client", "alice")
	after := contents(t, dir)
	var changed []string
	for name := range before {
		if before[name] != after[name] {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	if diff := cmp.Diff([]string{"clients/alice/cert.pem", "clients/alice/key.pem"}, changed); diff != "" {
		t.Error(diff)
	}
	loadPair(t, filepath.Join(dir, "clients", "alice"), "cert.pem", "key.pem")
}

// Files that were moved elsewhere, where they are used, are made again.
func TestRenewWithMissingFiles(t *testing.T) {
	dir := newSet(t, "box")
	for _, name := range []string{"cert.pem", "key.pem", "server-cert.pem", "server-key.pem"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	runProgram("-o", dir, "--renew").wantFailure(t, 1, "the daemon's names are not known, give them", "server-cert.pem")
	mkcerts(t, "-o", dir, "--renew", "box")
	checkSet(t, dir)
}

func TestRenewWithoutAuthority(t *testing.T) {
	other := newSet(t, "box")
	for _, tt := range []struct {
		name string
		edit func(dir string) error
		want string
	}{
		{"no ca.pem", func(dir string) error { return os.Remove(filepath.Join(dir, "ca.pem")) }, "there is no authority yet"},
		{"no ca-key.pem", func(dir string) error { return os.Remove(filepath.Join(dir, "ca-key.pem")) }, "only with the authority's key"},
		{"another's key", func(dir string) error {
			return os.Rename(filepath.Join(other, "ca-key.pem"), filepath.Join(dir, "ca-key.pem"))
		}, "private key does not match public key"},
		{"a pass phrase", func(dir string) error {
			path := filepath.Join(dir, "ca-key.pem")
			os.Remove(path)
			return os.WriteFile(path, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), 0o600)
		}, "has a pass phrase"},
		{"no authority", func(dir string) error {
			os.Remove(filepath.Join(dir, "ca-key.pem"))
			return errors.Join(os.Rename(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "ca.pem")),
				os.Rename(filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca-key.pem")))
		}, "CA:TRUE"},
		{"no folder", os.RemoveAll, "make a set first"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := newSet(t, "box")
			if err := tt.edit(dir); err != nil {
				t.Fatal(err)
			}
			runProgram("-o", dir, "--renew").wantFailure(t, 1, tt.want)
		})
	}
}

// runAt runs a job at another time than now.
func runAt(t *testing.T, now time.Time, args ...string) (result, error) {
	t.Helper()
	j, err := parseArgs(args, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	j.now = now
	return j.run(context.Background())
}

func TestAuthorityEndsSoon(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	made := time.Now().AddDate(-9, 0, 0)
	if _, err := runAt(t, made, "-o", dir, "box"); err != nil {
		t.Fatal(err)
	}
	got := runProgram("-o", dir, "--renew")
	if got.code != 0 || !strings.HasPrefix(got.stderr, "warning: the authority expires on ") {
		t.Errorf("got %+v", got)
	}
	ca, server := readCertificate(t, dir, "ca.pem"), readCertificate(t, dir, "server-cert.pem")
	if !server.NotAfter.Equal(ca.NotAfter) {
		t.Errorf("ends %v, after the authority's %v", server.NotAfter, ca.NotAfter)
	}
	mkcerts(t, "-o", dir, "--renew", "--days", "90") // no warning
}

func TestAuthorityHasExpired(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if _, err := runAt(t, time.Now().AddDate(-11, 0, 0), "-o", dir, "box"); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	runProgram("-o", dir, "--renew").wantFailure(t, 1, "the authority expired on ", "another folder")
	if !maps.Equal(before, contents(t, dir)) {
		t.Error("something was written")
	}
}

// writeAuthority makes an authority that is not like those of mkcerts.
func writeAuthority(t *testing.T, edit func(*x509.Certificate)) (dir string) {
	t.Helper()
	key, err := newKey(0)
	if err != nil {
		t.Fatal(err)
	}
	template, err := newTemplate("docker CA", key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	template.NotAfter = time.Now().AddDate(5, 0, 0)
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign
	edit(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPair(der, key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := errors.Join(os.Chmod(dir, 0o700), os.WriteFile(filepath.Join(dir, "ca.pem"), p.cert, 0o600),
		os.WriteFile(filepath.Join(dir, "ca-key.pem"), p.key, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Authorities from elsewhere do, and those that cannot do say why.
func TestForeignAuthority(t *testing.T) {
	for _, tt := range []struct {
		name        string
		edit        func(*x509.Certificate)
		fails, warn string
	}{
		{name: "a good one", edit: func(*x509.Certificate) {}},
		{name: "no key usage", edit: func(c *x509.Certificate) { c.KeyUsage = 0 }, warn: "strict clients refuse it"},
		{name: "signs nothing", edit: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature },
			fails: "does not allow it to sign"},
		{name: "the client's name", edit: func(c *x509.Certificate) { c.Subject.CommonName = "Client" },
			fails: "is the authority's own name"},
		{name: "other names only", edit: func(c *x509.Certificate) {
			c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"example.com"}, true
		}, fails: "the authority's certificates are no good"},
		{name: "servers only", edit: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
			fails: "the authority's certificates are no good"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeAuthority(t, tt.edit)
			got := runProgram("-o", dir, "--renew", "box")
			if tt.fails != "" {
				if got.code != 1 || !strings.Contains(got.stderr, tt.fails) || len(contents(t, dir)) != 2 {
					t.Errorf("got %+v, want %q", got, tt.fails)
				}
				return
			}
			if got.code != 0 || tt.warn == "" != (got.stderr == "") || !strings.Contains(got.stderr, tt.warn) {
				t.Errorf("got %+v, want %q", got, tt.warn)
			}
			checkSet(t, dir)
		})
	}
}
