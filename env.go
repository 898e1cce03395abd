package dockertls

import (
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// The environment variables that decide where docker connects, and how.
const (
	envHost      = "DOCKER_HOST"
	envContext   = "DOCKER_CONTEXT"
	envTLS       = "DOCKER_TLS"
	envTLSVerify = "DOCKER_TLS_VERIFY"
	envCertPath  = "DOCKER_CERT_PATH"
	envConfig    = "DOCKER_CONFIG"
)

const (
	configFolder  = ".docker"
	defaultFolder = "default folder ~/.docker" // as a source
)

// An environment is what FromEnv knows besides the options: where the home
// folder is, the proxy variables, and variables that look misspelt.
type environment struct {
	home       string // "" when there is none
	homeSource string // "HOME", "USERPROFILE" or "the user database"
	config     string // DOCKER_CONFIG
	runtimeDir string // XDG_RUNTIME_DIR, where rootless daemons keep their sockets
	proxy      httpproxy.Config
	proxyVars  [2]string // names of the variables for plain and for TLS
	lookalikes []lookalike
	falsy      map[string]string // TLS variables whose text reads like a no
}

// A lookalike is a variable that docker does not know, beside one that it does.
type lookalike struct{ name, meant string }

// FromEnv returns what the environment says, read at this moment: the DOCKER_*
// variables, the home folder with its default files, and the proxy variables
// (HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in capitals or small letters). A variable
// set to the empty string counts as unset. FromEnv reads no file but, if HOME
// is not set, the user database.
func FromEnv() Options { return fromEnv(os.Environ(), userHome) }

// userHome asks the user database.
func userHome() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.HomeDir
}

func fromEnv(environ []string, userHome func() string) Options {
	get := func(name string) string { return lookup(environ, name) }
	yes := func(name string) *bool {
		if get(name) == "" {
			return nil
		}
		return new(true)
	}
	o := Options{
		Host:      get(envHost),
		Context:   get(envContext),
		TLS:       yes(envTLS),
		TLSVerify: yes(envTLSVerify),
		CertPath:  get(envCertPath),
		ConfigDir: get(envConfig),
	}
	if o.Host == wordDefault {
		o.Host = "tcp://" + wordDefault // to docker it is a name like any other
	}
	o.origins = make([]origin, 0, 6)
	for _, v := range [...]struct {
		field field
		name  string
	}{
		{fieldHost, envHost}, {fieldContext, envContext}, {fieldTLS, envTLS},
		{fieldTLSVerify, envTLSVerify}, {fieldCertPath, envCertPath}, {fieldConfigDir, envConfig},
	} {
		if _, ok := o.value(v.field); ok {
			o.note(v.field, v.name, true)
		}
	}
	o.env = newEnvironment(environ, get, userHome)
	return o
}

func newEnvironment(environ []string, get func(string) string, userHome func() string) *environment {
	e := &environment{config: get(envConfig), runtimeDir: get("XDG_RUNTIME_DIR"), lookalikes: lookalikes(environ)}
	e.homeSource = "HOME"
	if runtime.GOOS == "windows" {
		e.homeSource = "USERPROFILE"
	}
	if e.home = get(e.homeSource); e.home == "" {
		e.home, e.homeSource = userHome(), "the user database"
	}
	either := func(upper string) (value, name string) {
		if v := get(upper); v != "" {
			return v, upper
		}
		lower := strings.ToLower(upper)
		return get(lower), lower
	}
	e.proxy.HTTPProxy, e.proxyVars[0] = either("HTTP_PROXY")
	e.proxy.HTTPSProxy, e.proxyVars[1] = either("HTTPS_PROXY")
	e.proxy.NoProxy, _ = either("NO_PROXY")
	e.proxy.CGI = get("REQUEST_METHOD") != ""
	for _, name := range [...]string{envTLS, envTLSVerify} {
		if text := get(name); readsLikeNo(text) {
			if e.falsy == nil {
				e.falsy = map[string]string{}
			}
			e.falsy[name] = text
		}
	}
	return e
}

// readsLikeNo tells texts that mean yes although they say no.
func readsLikeNo(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "0", "f", "false", "n", "no", "off", "never", "disabled":
		return true
	}
	return text != "" && strings.TrimSpace(text) == ""
}

// configDir is the directory of rule 5 without --config, and its source.
func (e *environment) configDir() (dir, source string) {
	switch {
	case e == nil:
		return "", ""
	case e.config != "":
		return e.config, envConfig
	case e.home == "":
		return "", ""
	}
	return filepath.Join(e.home, configFolder), defaultFolder
}

// lookup finds a variable. On Windows names have no case.
func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if len(kv) <= len(name) || kv[len(name)] != '=' {
			continue
		}
		if kv[:len(name)] == name || runtime.GOOS == "windows" && strings.EqualFold(kv[:len(name)], name) {
			return kv[len(name)+1:]
		}
	}
	return ""
}

// lookalikes finds variables that are one slip away from one of docker's.
func lookalikes(environ []string) []lookalike {
	var found []lookalike
	for _, kv := range environ {
		if len(kv) < 6 || !strings.EqualFold(kv[:6], "DOCKER") {
			continue
		}
		name, value, _ := strings.Cut(kv, "=")
		if meant := misspelt(name); value != "" && meant != "" && lookup(environ, meant) == "" {
			found = append(found, lookalike{name, meant})
		}
	}
	return found
}

// misspelt names the variable that was probably meant, or nothing.
func misspelt(name string) string {
	known := [...]string{envHost, envContext, envTLS, envTLSVerify, envCertPath, envConfig}
	for _, k := range known {
		if name == k || runtime.GOOS == "windows" && strings.EqualFold(name, k) {
			return ""
		}
	}
	letters := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "_", "")) }
	for _, k := range known {
		if letters(name) == letters(k) {
			return k
		}
	}
	if strings.Contains(letters(name), "VERIFY") && !strings.Contains(name, "COMPOSE") {
		return envTLSVerify
	}
	for _, k := range known {
		// One letter more, less or other: in a long name a slip, in a short one another word.
		if len(k) > len(envTLS) && distance(letters(name), letters(k)) == 1 {
			return k
		}
	}
	return ""
}

// distance counts the letters to change, insert or delete from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
