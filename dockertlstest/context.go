package dockertlstest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Context is a docker context: a daemon's address and TLS material under a name.
type Context struct {
	Name string
	Host string // as for DOCKER_HOST

	// CA and Client become ca.pem, and cert.pem with key.pem. Each may be nil,
	// and the files are missing then. Docker uses TLS if there are any.
	CA     *CA
	Client *Pair

	// SkipTLSVerify switches TLS on and the verification of the server off.
	SkipTLSVerify bool

	// Current makes it the one that is used when nobody chooses.
	Current bool
}

// Context returns a context by which docker reaches the daemon.
func (d *Daemon) Context(name string) Context {
	c := Context{Name: name, Host: d.Host()}
	if d.access.mode != Plain {
		c.CA, c.Client = d.ca, d.ClientPair()
	}
	return c
}

// WriteContext stores a context in dir, as docker would: in
// contexts/meta/<id>/meta.json, contexts/tls/<id>/docker/*.pem and, if it is the
// current one, in config.json, of which everything else is kept. The folder is
// what ~/.docker is, or what DOCKER_CONFIG and --config name; it is made if it
// does not exist. A context of that name is replaced.
func WriteContext(dir string, c Context) error {
	sum := sha256.Sum256([]byte(c.Name))
	id := hex.EncodeToString(sum[:])
	meta, err := json.Marshal(fields{
		"Name":     c.Name,
		"Metadata": fields{},
		"Endpoints": fields{
			"docker": fields{"Host": c.Host, "SkipTLSVerify": c.SkipTLSVerify},
		},
	})
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "contexts", "meta", id, "meta.json"), meta, 0o644); err != nil {
		return err
	}
	tlsDir := filepath.Join(dir, "contexts", "tls", id)
	if err := os.RemoveAll(tlsDir); err != nil {
		return err
	}
	if err := WriteCerts(filepath.Join(tlsDir, "docker"), c.CA, c.Client); err != nil {
		return err
	}
	if !c.Current {
		return nil
	}
	return setCurrentContext(filepath.Join(dir, "config.json"), c.Name)
}

// WriteConfig makes dir what ~/.docker is to somebody who uses this daemon:
// ca.pem, cert.pem and key.pem, as far as clients need them, and a current
// context called "dockertlstest". So a program finds the daemon without any
// variable, except that HOME or DOCKER_CONFIG leads to dir.
func (d *Daemon) WriteConfig(dir string) error {
	c := d.Context("dockertlstest")
	c.Current = true
	if err := WriteCerts(dir, c.CA, c.Client); err != nil {
		return err
	}
	return WriteContext(dir, c)
}

// setCurrentContext changes one field of a file, which need not exist.
func setCurrentContext(path, name string) error {
	config := fields{}
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		err = json.Unmarshal(data, &config)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return err
	}
	config["currentContext"] = name
	data, err = json.MarshalIndent(config, "", "\t")
	if err != nil {
		return err
	}
	return writeFile(path, data, 0o600)
}

// writeFile is replaceFile, with the folder.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replaceFile(path, data, mode)
}
