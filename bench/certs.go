package main

import (
	"os"
	"path/filepath"

	"github.com/dockertls/dockertls/dockertlstest"
)

// A keyKind is one kind of certificates: those of authority, server and client.
type keyKind struct {
	name string
	key  dockertlstest.KeyType
}

// keyKinds are short keys, and those of Docker's documentation.
var keyKinds = []keyKind{{"ECDSA P-256", dockertlstest.ECDSA}, {"RSA 4096", dockertlstest.RSA4096}}

// endpointName is that of an endpoint in a row of many: see many.go.
const endpointName = "*.bench.test"

// A certDir holds ca.pem, cert.pem and key.pem as docker wants them, and the
// server's pair beside them.
type certDir string

func (d certDir) ca() string         { return filepath.Join(string(d), "ca.pem") }
func (d certDir) cert() string       { return filepath.Join(string(d), "cert.pem") }
func (d certDir) key() string        { return filepath.Join(string(d), "key.pem") }
func (d certDir) serverCert() string { return filepath.Join(string(d), "server-cert.pem") }
func (d certDir) serverKey() string  { return filepath.Join(string(d), "server-key.pem") }

func (k keyKind) write(dir certDir) error {
	ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{Key: k.key})
	client := ca.Issue(dockertlstest.CertSpec{CommonName: "client", Client: true, Key: k.key})
	server := ca.Issue(dockertlstest.CertSpec{Names: []string{"127.0.0.1", endpointName}, Server: true, Key: k.key})
	if err := dockertlstest.WriteCerts(string(dir), ca, client); err != nil {
		return err
	}
	if err := os.WriteFile(dir.serverCert(), server.CertPEM, 0o600); err != nil {
		return err
	}
	return os.WriteFile(dir.serverKey(), server.KeyPEM, 0o600)
}
