package dockertls

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hintPath says what a shell or a careful reader would have done with a path.
// Docker takes it literally (rule 5).
func hintPath(path string) string {
	switch {
	case strings.ContainsAny(path[:1]+path[len(path)-1:], `"'`):
		return "the quotation marks are part of the path: remove them"
	case strings.HasPrefix(path, "~"):
		return "a ~ is not expanded here: write the home folder out"
	case strings.HasPrefix(path, "$"), strings.HasPrefix(path, "%"):
		return "variables are not expanded here: write the path out"
	case strings.TrimSpace(path) != path:
		return "the path begins or ends with a blank: remove it"
	}
	return ""
}

// hintBeside looks into a folder where a file is missing for one that was
// probably meant.
func hintBeside(ro role, dir string) string {
	names := map[string][]string{
		"ca.pem":   {"ca.crt", "ca.cer", "ca.cert", "cacert.pem", "ca-cert.pem", "ca_cert.pem", "ca.pem.txt", "ca", "rootca.pem", "root.pem", "ca.der"},
		"cert.pem": {"client.pem", "client-cert.pem", "client.crt", "cert.crt", "clientcert.pem", "cert.pem.txt", "client_cert.pem"},
		"key.pem":  {"client-key.pem", "client.key", "key.key", "clientkey.pem", "key.pem.txt", "client_key.pem"},
	}[ro.file]
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if name == ro.file && e.Name() != ro.file || slices.Contains(names, name) {
			return fmt.Sprintf("%s lies beside it: if that is it, rename it, or name it with --%s", filepath.Join(dir, e.Name()), ro.setting)
		}
	}
	for _, sub := range []string{"certs", "client", "tls"} {
		if path := filepath.Join(dir, sub, ro.file); isFile(path) {
			return fmt.Sprintf("there is a %s: if that is it, set DOCKER_CERT_PATH=%s", path, filepath.Dir(path))
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// An inspection is what a file that should be PEM really holds.
type inspection struct {
	types     []string // of its PEM blocks
	encrypted bool     // a private key in it needs a pass phrase
	key, cert bool     // it has such a block
}

func inspect(data []byte) inspection {
	var in inspection
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		in.types = append(in.types, block.Type)
		in.key = in.key || isType(block, "PRIVATE KEY")
		in.cert = in.cert || block.Type == "CERTIFICATE"
		in.encrypted = in.encrypted || block.Type == "ENCRYPTED PRIVATE KEY" ||
			strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") || block.Headers["DEK-Info"] != ""
	}
	return in
}

// found says what there is in place of a block that is missing.
func (in inspection) found(data []byte) string {
	switch {
	case len(data) == 0:
		return "it is empty"
	case len(in.types) > 0:
		return "found " + cut(strings.Join(in.types, ", "), maxQuote)
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "it begins with a byte order mark"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return "it is UTF-16"
	case isDER(data):
		return "it is DER, not PEM"
	case bytes.Contains(data, []byte("-----BEGIN")):
		return "a PEM block begins, but is not whole"
	}
	return "it is no PEM"
}

// hintContent is the next step after found.
func (in inspection) hintContent(ro role, data []byte) string {
	switch {
	case len(in.types) == 0 && bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "save the file without a byte order mark"
	case len(in.types) == 0 && isDER(data):
		convert := "x509"
		if _, err := x509.ParseCertificate(data); err != nil {
			convert = "pkey"
		}
		return fmt.Sprintf("convert it: openssl %s -inform der -in FILE -out %s", convert, ro.file)
	case ro.inMemory == fieldCert && in.key && !in.cert:
		return "certificate and key may be swapped: this one should hold the certificate"
	case ro.inMemory == fieldKey && in.cert && !in.key:
		return "certificate and key may be swapped: this one should hold the private key"
	case ro.inMemory == fieldCA && in.key && !in.cert:
		return "ca.pem should hold the certificate of the authority, never its key"
	}
	return ""
}

func isDER(data []byte) bool {
	if _, err := x509.ParseCertificate(data); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS8PrivateKey(data); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(data); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(data)
	return err == nil
}
