package dockertlstest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Pair is a certificate and its private key.
type Pair struct {
	CertPEM []byte // the certificate, then the intermediates above it, without the root
	KeyPEM  []byte // PKCS #8, not encrypted
}

// Certificate returns the pair for use in a [tls.Config].
func (p *Pair) Certificate() tls.Certificate {
	cert, err := tls.X509KeyPair(p.CertPEM, p.KeyPEM)
	check(err)
	return cert
}

// Leaf returns the certificate itself, without its chain.
func (p *Pair) Leaf() *x509.Certificate {
	return parseCert(p.Certificate().Certificate[0])
}

// WriteCerts writes ca.pem, cert.pem and key.pem, the names under which docker
// looks for them, into dir: what DOCKER_CERT_PATH wants to find. Of a nil ca or
// client there are no files. It makes dir if it does not exist and there is
// something to write. Files that are there already are replaced, each in one
// step, so a program that reads them meanwhile never sees half a file.
func WriteCerts(dir string, ca *CA, client *Pair) error {
	if ca != nil {
		if err := writeFile(filepath.Join(dir, "ca.pem"), ca.PEM(), 0o644); err != nil {
			return err
		}
	}
	if client == nil {
		return nil
	}
	if err := writeFile(filepath.Join(dir, "cert.pem"), client.CertPEM, 0o644); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "key.pem"), client.KeyPEM, 0o600)
}

// replaceFile writes a new file and renames it: besides being one step, this
// gives a file that was there before the new mode.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".dockertlstest-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // after the rename there is nothing left to remove
	_, err = temp.Write(data)
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(temp.Name(), mode); err != nil {
		return err
	}
	return rename(temp.Name(), path)
}

// rename tries for a while on Windows, where a file cannot be replaced in the
// moment in which somebody reads it.
func rename(from, to string) error {
	err := os.Rename(from, to)
	for end := time.Now().Add(time.Second); err != nil && runtime.GOOS == "windows" && time.Now().Before(end); err = os.Rename(from, to) {
		time.Sleep(time.Millisecond)
	}
	return err
}
