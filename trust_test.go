package dockertls

import (
	"crypto/x509"
	"testing"
)

// Where a chain breaks off, and why.
func TestFindGap(t *testing.T) {
	t.Parallel()
	root, twin, other := newTestCA(t, "root", nil), newTestCA(t, "root", nil), newTestCA(t, "other", nil)
	below := root.below("below")
	noCA := newTestCA(t, "no authority", func(c *x509.Certificate) { c.IsCA = false; c.KeyUsage = 0 })
	chainOf := func(ca *testCA) []*x509.Certificate {
		pem, _ := ca.pair("localhost", newTestKey(t), nil)
		return parseCertificates(pem)
	}
	selfSigned := []*x509.Certificate{other.cert}
	for _, tt := range []struct {
		name  string
		chain []*x509.Certificate
		roots []*x509.Certificate
		want  distrust
		cert  string // the common name of the certificate at the gap
		ours  bool
	}{
		{"unknown", chainOf(root), []*x509.Certificate{other.cert}, issuerUnknown, "localhost", false},
		{"no roots", chainOf(root), nil, issuerUnknown, "localhost", false},
		{"twin", chainOf(root), []*x509.Certificate{other.cert, twin.cert}, issuerTwin, "localhost", true},
		{"twin beside the right one", chainOf(root), []*x509.Certificate{twin.cert, root.cert}, issuerKnown, "localhost", true},
		{"intermediate missing", chainOf(below)[:1], []*x509.Certificate{root.cert}, issuerUnknown, "localhost", false},
		{"behind the intermediate", chainOf(below), []*x509.Certificate{other.cert}, issuerUnknown, "below", false},
		{"twin above the intermediate", chainOf(below), []*x509.Certificate{twin.cert}, issuerTwin, "below", true},
		{"self-signed", selfSigned, []*x509.Certificate{root.cert}, issuerSelfSigned, "other", false},
		{"root sent along", append(chainOf(root), root.cert), []*x509.Certificate{other.cert}, issuerSelfSigned, "root", false},
		{"no authority", chainOf(noCA), []*x509.Certificate{noCA.cert}, issuerNoCA, "localhost", true},
		{"no authority sent along", append(chainOf(noCA), noCA.cert), []*x509.Certificate{other.cert}, issuerNoCA, "localhost", false},
	} {
		g := findGap(tt.chain, tt.roots)
		if g.why != tt.want || g.cert.Subject.CommonName != tt.cert || g.ours != tt.ours {
			t.Errorf("%s: got %d at %q, ours %t; want %d at %q, ours %t", tt.name, g.why, g.cert.Subject.CommonName, g.ours, tt.want, tt.cert, tt.ours)
		}
	}
}
