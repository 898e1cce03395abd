package dockertls

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// files are the paths of the material in use.
type files struct {
	ca, cert, key string
	inMemory      bool   // some of it has no path
	signer        string // the setting of a key kept elsewhere
}

const hintEnvironIn = "name a folder that the files may be written to (EnvironIn)"

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
// in code. Nothing is ever copied; [Config.EnvironIn] does that, to a folder that
// the caller names.
func (c *Config) Environ() ([]string, error) {
	vars, err := c.environVars()
	if err != nil || !c.secured() {
		return vars.list(), err
	}
	if vars.certPath, err = c.environFolder(); err != nil {
		return nil, err
	}
	return vars.list(), nil
}

// dockerVars are the values of DOCKER_* variables.
type dockerVars struct{ host, tls, tlsVerify, certPath string }

func (v dockerVars) list() []string {
	if v.host == "" {
		return nil
	}
	return []string{envHost + "=" + v.host, envContext + "=", envTLS + "=" + v.tls,
		envTLSVerify + "=" + v.tlsVerify, envCertPath + "=" + v.certPath}
}

// environVars are all but the folder, if variables can say the rest.
func (c *Config) environVars() (dockerVars, error) {
	host, err := c.environHost()
	switch {
	case err != nil:
		return dockerVars{}, err
	case c.dialer != nil:
		return dockerVars{}, c.notInEnviron("connections go through a Dialer set in code")
	case c.proxyInCode:
		return dockerVars{}, c.notInEnviron("the proxy was chosen in code (%s)", c.proxySource)
	case c.renamed:
		return dockerVars{}, c.notInEnviron("the server name %q is not the address's own", c.current().serverName)
	}
	v := dockerVars{host: host}
	switch c.Mode() {
	case Encrypted:
		v.tls = "1"
	case Verified, Mutual:
		v.tlsVerify = "1"
	}
	return v, nil
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
		path, err := c.absolute(e.address)
		if err != nil {
			return "", err
		}
		e.address = path
	}
	back, err := parseHost(e.String())
	// An absolute path may be too long where the relative one is not.
	if err != nil || back.address != e.address || back.basePath != e.basePath || back.checkSocketPath() != nil {
		return "", c.notInEnviron("the address %q", e.String())
	}
	return e.String(), nil
}

// environFolder is the one folder that holds all of the material, and nothing
// that the child would use besides.
func (c *Config) environFolder() (string, error) {
	f := c.current().material.paths()
	switch {
	case f.signer != "":
		return "", c.notInEnviron("the private key is kept in a Signer (%s)", f.signer)
	case f.inMemory:
		return "", c.notInEnviron("TLS material is in memory").hint("%s", hintEnvironIn)
	case f.ca == "":
		return "", c.notInEnviron(saidSystemRoots)
	}
	dir := filepath.Dir(f.ca)
	for _, want := range [...]struct{ path, name string }{{f.ca, roleCA().file}, {f.cert, roleCert().file}, {f.key, roleKey().file}} {
		if want.path != "" && !isIn(dir, want.path, want.name) {
			return "", c.notInEnviron("%s is not %s", want.path, filepath.Join(dir, want.name)).
				hint("keep the files in one folder, under docker's names, or %s", hintEnvironIn)
		}
	}
	if f.cert == "" && exists(filepath.Join(dir, roleCert().file)) && exists(filepath.Join(dir, roleKey().file)) {
		return "", c.notInEnviron("%s has a client certificate, which is not to be used", dir).hint("%s", hintEnvironIn)
	}
	return c.absolute(dir)
}

func (c *Config) absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", c.notInEnviron("the working folder is not known: %s", reason(err)).cause(err)
	}
	return abs, nil
}

// isIn tells whether a path is that of a name in a folder, in whatever form it is
// written. One with ".." may not be what it looks like: there may be a symbolic
// link before it.
func isIn(dir, path, name string) bool {
	return filepath.Clean(path) == filepath.Join(dir, name) && !slices.Contains(strings.Split(filepath.ToSlash(path), "/"), "..")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
