package dockerdtest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// DocsCerts writes the certificates of a daemon and its client into dir, by the commands of "Protect the Docker
// daemon socket" in Docker's documentation: ca.pem, server-cert.pem, server-key.pem, cert.pem and key.pem,
// with RSA keys of 4096 bits. The server's certificate is for hosts, names or IP addresses.
//
// It takes seconds. Call it once and share the folder.
func DocsCerts(tb testing.TB, dir string, hosts ...string) {
	tb.Helper()
	o := openssl{tb: tb, path: programtest.Find(tb, "openssl", "openssl"), dir: dir}
	o.run("genrsa", "-aes256", "-passout", "pass:docs", "-out", "ca-key.pem", "4096")
	o.run("req", "-new", "-x509", "-days", "365", "-key", "ca-key.pem", "-passin", "pass:docs",
		"-sha256", "-subj", "/O=Docs/CN=docker CA", "-out", "ca.pem")

	o.issue("server-key.pem", "server-cert.pem", hosts[0],
		"subjectAltName = "+altNames(hosts)+"\nextendedKeyUsage = serverAuth\n")
	o.issue("key.pem", "cert.pem", "client", "extendedKeyUsage = clientAuth\n")
}

// altNames returns hosts as the documentation writes them: DNS:$HOST,IP:10.10.10.20.
func altNames(hosts []string) string {
	var names []string
	for _, host := range hosts {
		kind := "DNS:"
		if net.ParseIP(host) != nil {
			kind = "IP:"
		}
		names = append(names, kind+host)
	}
	return strings.Join(names, ",")
}

type openssl struct {
	tb        testing.TB
	path, dir string
}

// issue makes a key, and a certificate for it with the given extensions, signed by the CA.
func (o openssl) issue(key, cert, name, extensions string) {
	o.tb.Helper()
	o.run("genrsa", "-out", key, "4096")
	o.run("req", "-subj", "/CN="+name, "-sha256", "-new", "-key", key, "-out", "request.csr")
	if err := os.WriteFile(filepath.Join(o.dir, "extfile.cnf"), []byte(extensions), 0o600); err != nil {
		o.tb.Fatal(err)
	}
	o.run("x509", "-req", "-days", "365", "-sha256", "-in", "request.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
		"-passin", "pass:docs", "-CAcreateserial", "-out", cert, "-extfile", "extfile.cnf")
}

func (o openssl) run(args ...string) {
	o.tb.Helper()
	cmd := exec.Command(o.path, args...)
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		o.tb.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
