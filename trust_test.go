package dockertls

import (
	"crypto/x509"
	"testing"

	"github.com/dockertls/dockertls/dockertlstest"
)

// Where a chain breaks off, and why.
func TestFindGap(t *testing.T) {
	t.Parallel()
	spec := func(name string, edit func(*x509.Certificate)) dockertlstest.CertSpec {
		return dockertlstest.CertSpec{CommonName: name, Edit: edit}
	}
	root := dockertlstest.NewCAFrom(spec("root", nil))
	twin := dockertlstest.NewCAFrom(spec("root", nil))
	other := dockertlstest.NewCAFrom(spec("other", nil))
	below := root.Intermediate("below")
	noCA := dockertlstest.NewCAFrom(spec("no authority", func(c *x509.Certificate) { c.IsCA = false; c.KeyUsage = 0 }))
	chainOf := func(ca *dockertlstest.CA) []*x509.Certificate { return parseCertificates(ca.ServerPair().CertPEM) }
	selfSigned := []*x509.Certificate{other.Certificate()}
	for _, tt := range []struct {
		name  string
		chain []*x509.Certificate
		roots []*x509.Certificate
		want  distrust
		cert  string // the common name of the certificate at the gap
		ours  bool
	}{
		{"unknown", chainOf(root), []*x509.Certificate{other.Certificate()}, issuerUnknown, "localhost", false},
		{"no roots", chainOf(root), nil, issuerUnknown, "localhost", false},
		{"twin", chainOf(root), []*x509.Certificate{other.Certificate(), twin.Certificate()}, issuerTwin, "localhost", true},
		{"twin beside the right one", chainOf(root), []*x509.Certificate{twin.Certificate(), root.Certificate()}, issuerUnknown, "localhost", true},
		{"intermediate missing", chainOf(below)[:1], []*x509.Certificate{root.Certificate()}, issuerUnknown, "localhost", false},
		{"behind the intermediate", chainOf(below), []*x509.Certificate{other.Certificate()}, issuerUnknown, "below", false},
		{"twin above the intermediate", chainOf(below), []*x509.Certificate{twin.Certificate()}, issuerTwin, "below", true},
		{"self-signed", selfSigned, []*x509.Certificate{root.Certificate()}, issuerSelfSigned, "other", false},
		{"root sent along", append(chainOf(root), root.Certificate()), []*x509.Certificate{other.Certificate()}, issuerSelfSigned, "root", false},
		{"no authority", chainOf(noCA), []*x509.Certificate{noCA.Certificate()}, issuerNoCA, "localhost", true},
		{"no authority sent along", append(chainOf(noCA), noCA.Certificate()), []*x509.Certificate{other.Certificate()}, issuerNoCA, "localhost", false},
	} {
		g := findGap(tt.chain, tt.roots)
		if g.why != tt.want || g.cert.Subject.CommonName != tt.cert || g.ours != tt.ours {
			t.Errorf("%s: got %d at %q, ours %t; want %d at %q, ours %t", tt.name, g.why, g.cert.Subject.CommonName, g.ours, tt.want, tt.cert, tt.ours)
		}
	}
}
