package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The names that docker looks for, and those of its documentation.
const (
	caFile         = "ca.pem"
	caKeyFile      = "ca-key.pem"
	serverCertFile = "server-cert.pem"
	serverKeyFile  = "server-key.pem"
	certFile       = "cert.pem"
	keyFile        = "key.pem"
	clientsFolder  = "clients"
)

// A job is what the command line asks for.
type job struct {
	dir     string
	names   []string // of the daemon
	client  string   // make one more of this name
	renew   bool
	rsaBits int // 0: ECDSA, or when renewing what was there
	days    int
	now     time.Time
}

// A result is what was made.
type result struct {
	dir       string // of the certificates, absolute
	renewed   bool
	clientDir string // where client's files are
	client    string
	names     []string // of the daemon
	files     []file
	until     time.Time // when the certificates end
	caUntil   time.Time
	environ   []string // what leads a client there
	warnings  []string
}

func (j job) run(ctx context.Context) (done result, err error) {
	dir, err := filepath.Abs(j.dir)
	if err != nil {
		return result{}, err
	}
	j.dir = dir
	s, err := openStage(j.dir, j.isNew())
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	if err := j.checkTargets(); err != nil {
		return result{}, err
	}
	done, err = j.make()
	if err != nil {
		return done, err
	}
	if err := s.write(done.files); err != nil {
		return done, err
	}
	if err := context.Cause(ctx); err != nil {
		return done, err // nothing has got its name yet
	}
	if err := s.commit(done.files); err != nil {
		return done, err
	}
	return done, done.findEnviron()
}

// isNew: an authority is made too.
func (j job) isNew() bool { return !j.renew && j.client == "" }

// targets are the files that the job makes. The order matters to one that is
// killed in between: with the authority complete, --renew makes the rest.
func (j job) targets() []string {
	switch {
	case j.client != "":
		return []string{j.clientPath(caFile), j.clientPath(keyFile), j.clientPath(certFile)}
	case j.renew:
		return []string{serverKeyFile, serverCertFile, keyFile, certFile}
	}
	return []string{caKeyFile, caFile, serverKeyFile, serverCertFile, keyFile, certFile}
}

func (j job) clientPath(name string) string { return filepath.Join(clientsFolder, j.client, name) }

// checkTargets finds what is in the way.
func (j job) checkTargets() error {
	if j.renew {
		return nil
	}
	for _, target := range j.targets() {
		path := filepath.Join(j.dir, target)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is in the way: nothing is replaced without --renew, "+
				"which issues certificates anew with the authority that is there", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// make makes everything in memory.
func (j job) make() (result, error) {
	done := result{dir: j.dir, renewed: j.renew, clientDir: j.dir, client: "client", warnings: j.folderWarnings()}
	contents := map[string][]byte{}
	var ca authority
	var err error
	if j.isNew() {
		var p pair
		ca, p, err = newAuthority(j.rsaBits, j.now)
		contents[caFile], contents[caKeyFile] = p.cert, p.key
	} else {
		ca, err = readAuthority(filepath.Join(j.dir, caFile), filepath.Join(j.dir, caKeyFile), j.now)
	}
	if err != nil {
		return done, err
	}
	if j.client != "" {
		err = j.makeClient(ca, &done, contents)
	} else {
		err = j.makeBoth(ca, &done, contents)
	}
	for _, target := range j.targets() {
		done.files = append(done.files, file{target, contents[target], modeOf(target)})
	}
	end := leafEnd(j.days, j.now)
	done.until, done.caUntil = earlier(end, ca.cert.NotAfter), ca.cert.NotAfter
	done.warnings = append(done.warnings, ca.warnings(end)...)
	return done, err
}

// makeBoth makes the certificates of the daemon and of the first client.
func (j job) makeBoth(ca authority, done *result, contents map[string][]byte) error {
	server := subject{names: j.names, usage: x509.ExtKeyUsageServerAuth, rsaBits: j.rsaBits}
	client := subject{commonName: done.client, usage: x509.ExtKeyUsageClientAuth, rsaBits: j.rsaBits}
	if j.renew {
		if err := j.takeOver(&server, &client); err != nil {
			return err
		}
		done.client = client.commonName
		done.warnings = append(done.warnings, j.otherClients()...)
	}
	done.names = server.names
	if server.commonName = server.names[0]; len(server.commonName) > maxCommonName {
		server.commonName = "docker daemon"
	}
	p, err := ca.issue(server, j.days, j.now)
	if err != nil {
		return err
	}
	contents[serverCertFile], contents[serverKeyFile] = p.cert, p.key
	p, err = ca.issue(client, j.days, j.now)
	contents[certFile], contents[keyFile] = p.cert, p.key
	return err
}

// takeOver fills in, from the certificates to renew, what the job leaves open.
func (j job) takeOver(server, client *subject) error {
	old, err := readCert(filepath.Join(j.dir, serverCertFile))
	switch {
	case err == nil:
		server.fillIn(old)
	case len(j.names) == 0:
		return fmt.Errorf("the daemon's names are not known, give them: %w", err)
	}
	if len(server.names) == 0 {
		return fmt.Errorf("%s has no names: give them", filepath.Join(j.dir, serverCertFile))
	}
	if old, err = readCert(filepath.Join(j.dir, certFile)); err == nil {
		client.fillIn(old)
	}
	return nil
}

// fillIn takes over what is not set. A client keeps its name: plugins of the
// daemon may know it by that.
func (s *subject) fillIn(old *x509.Certificate) {
	if s.usage == x509.ExtKeyUsageClientAuth && old.Subject.CommonName != "" {
		s.commonName = old.Subject.CommonName
	}
	if s.usage == x509.ExtKeyUsageServerAuth && len(s.names) == 0 {
		s.names = namesOf(old)
	}
	if s.rsaBits == 0 {
		s.rsaBits = rsaBitsOf(old)
	}
}

// makeClient makes one more client, in a folder that DOCKER_CERT_PATH can name.
func (j job) makeClient(ca authority, done *result, contents map[string][]byte) error {
	s := subject{commonName: j.client, usage: x509.ExtKeyUsageClientAuth, rsaBits: j.rsaBits}
	if old, err := readCert(filepath.Join(j.dir, j.clientPath(certFile))); err == nil {
		s.fillIn(old)
	}
	if server, err := readCert(filepath.Join(j.dir, serverCertFile)); err == nil {
		done.names = namesOf(server) // for the commands to print
	}
	caPEM, err := os.ReadFile(filepath.Join(j.dir, caFile))
	if err != nil {
		return err
	}
	p, err := ca.issue(s, j.days, j.now)
	contents[j.clientPath(caFile)] = caPEM
	contents[j.clientPath(certFile)], contents[j.clientPath(keyFile)] = p.cert, p.key
	done.client, done.clientDir = j.client, filepath.Join(j.dir, clientsFolder, j.client)
	return err
}

// otherClients are not renewed along with the rest.
func (j job) otherClients() []string {
	entries, err := os.ReadDir(filepath.Join(j.dir, clientsFolder))
	if err != nil || len(entries) == 0 {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return []string{fmt.Sprintf("not renewed: %s, for which there is --renew --client NAME", strings.Join(names, ", "))}
}

func (j job) folderWarnings() []string {
	info, err := os.Stat(j.dir)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o022 == 0 {
		return nil
	}
	return []string{fmt.Sprintf("others may write to %s (mode %04o), and so replace the authority: chmod go-w", j.dir, info.Mode().Perm())}
}

func modeOf(path string) fs.FileMode {
	switch filepath.Base(path) {
	case caKeyFile:
		return authorityKeyMode
	case serverKeyFile, keyFile:
		return keyMode
	}
	return certMode
}

// readCert reads the first certificate of a file.
func readCert(path string) (*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s: no certificate in it", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
