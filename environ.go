package dockertls

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// files are the paths of the material in use.
type files struct {
	ca, cert, key string
	inMemory      bool // some of it has no path
}

// Environ returns the DOCKER_* variables that make a child process reach the
// same endpoint with the same TLS, as one unit: DOCKER_HOST, DOCKER_CONTEXT,
// DOCKER_TLS, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. Those that must not count
// are set to the empty string, which docker takes for unset, so that
//
//	cmd.Env = append(os.Environ(), environ...)
//
// leaves nothing of the parent's. Paths are absolute.
//
// What the variables cannot say is an [*Error] of kind [EnvironUnsupported]:
// material in memory or under other names than ca.pem, cert.pem and key.pem in
// one folder, the system's roots, another server name, a dialer or a proxy set
// in code. Nothing is ever copied.
func (c *Config) Environ() ([]string, error) {
	host, err := c.environHost()
	if err != nil {
		return nil, err
	}
	vars := []string{envHost + "=" + host, envContext + "=", envTLS + "=", envTLSVerify + "=", envCertPath + "="}
	if c.dialer != nil {
		return nil, c.notInEnviron("connections go through a Dialer set in code")
	}
	if c.proxyInCode {
		return nil, c.notInEnviron("the proxy was chosen in code (%s)", c.proxySource)
	}
	if c.tls == nil {
		return vars, nil
	}
	dir, err := c.environFolder()
	if err != nil {
		return nil, err
	}
	if c.mode == Encrypted {
		vars[2] += "1"
	} else {
		vars[3] += "1"
	}
	vars[4] += dir
	return vars, nil
}

func (c *Config) notInEnviron(format string, args ...any) *Error {
	e := fail(EnvironUnsupported, "", format, args...)
	e.Host = c.Host()
	e.Detail = "DOCKER_* variables cannot say this: " + e.Detail
	return e
}

// environHost is the address, if DOCKER_HOST is read back as the same.
func (c *Config) environHost() (string, error) {
	e := c.endpoint
	if e.network == schemeUnix && e.address[0] != '@' {
		path, err := filepath.Abs(e.address)
		if err != nil {
			return "", err
		}
		e.address = path
	}
	back, err := parseHost(e.String())
	if err != nil || back.address != e.address || back.basePath != e.basePath {
		return "", c.notInEnviron("the address %q", e.String())
	}
	return e.String(), nil
}

// environFolder is the one folder that holds all of the material, and nothing
// that the child would use besides.
func (c *Config) environFolder() (string, error) {
	f := c.files
	switch {
	case c.renamed:
		return "", c.notInEnviron("the server name %q is not the address's own", c.tls.ServerName)
	case f.inMemory:
		return "", c.notInEnviron("TLS material is in memory").hint("write it to a folder of its own, as ca.pem, cert.pem and key.pem, and name that as CertPath")
	case f.ca == "":
		return "", c.notInEnviron("there is no CA file, only the system's roots")
	}
	dir := filepath.Dir(f.ca)
	for _, want := range [...]struct{ path, name string }{{f.ca, roleCA().file}, {f.cert, roleCert().file}, {f.key, roleKey().file}} {
		if want.path != "" && want.path != filepath.Join(dir, want.name) {
			return "", c.notInEnviron("%s is not %s", want.path, filepath.Join(dir, want.name)).hint("keep the files in one folder, under docker's names")
		}
	}
	if f.cert == "" && exists(filepath.Join(dir, roleCert().file)) && exists(filepath.Join(dir, roleKey().file)) {
		return "", c.notInEnviron("%s has a client certificate, which is not to be used", dir)
	}
	return filepath.Abs(dir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
