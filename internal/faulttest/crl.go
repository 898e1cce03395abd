package faulttest

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// revokedFaults: the server knows that the client's certificate is revoked.
func revokedFaults() []Fault {
	fault := func(name string, s starter, option string) Fault {
		return Fault{
			Name:     name + ": a client certificate that is revoked",
			Start:    startRevoked(s, option),
			Versions: both,
			Kind:     dockertls.ClientCertRejected,
			Words:    []string{"client certificate", "revoked"},
		}
	}
	return []Fault{
		fault("openssl", opensslServer, "-crl_check -CRL "),
		fault("haproxy", haproxyTLS, "crl-file "),
	}
}

// startRevoked gives the server a list of revoked certificates by one of its options.
func startRevoked(s starter, option string) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		ca := newAuthority(daemonCA, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign })
		client := ca.client()
		list := writeFile(t, tempDir(t), "crl.pem", ca.revoke(client))
		return start(s, func(s *setup) {
			s.server.pair, s.trusted, s.client = ca.server(), ca.pem(), client
			s.server.clientCA = ca.pem()
			s.server.extra = append(strings.Fields(option), list)
		})(t, tlsMax)
	}
}

// revoke returns a list with one certificate.
func (a *authority) revoke(p *dockertlstest.Pair) []byte {
	list := &x509.RevocationList{
		Number:     big.NewInt(1),
		ThisUpdate: time.Now().Add(-time.Hour),
		NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{
			{SerialNumber: p.Leaf().SerialNumber, RevocationTime: time.Now().Add(-time.Minute)},
		},
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	check(err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}
