package main

import (
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/docker/go-connections/tlsconfig"
	"github.com/dockertls/dockertls"
	docker "github.com/fsouza/go-dockerclient"
	"github.com/moby/moby/client"
)

const resolveMethod = `
Each side makes its client from the same variables (DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH) and files:
` + "`Resolve(FromEnv())` and `HTTPClient`, `client.New(client.FromEnv)`, `docker.NewClientFromEnv`," + `
and for net/http ` + "`tlsconfig.Client`" + ` and a transport. No connection is made: work that is left to the first handshake
does not count. The second row resolves again through one ` + "`Resolver`" + `, with files that have not changed.
`

// resolving compares what it takes to read the settings and build a client.
func (l *lab) resolving() ([]row, error) {
	var rows []row
	for _, k := range keyKinds {
		more, err := l.resolvingWith(k)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func (l *lab) resolvingWith(k keyKind) ([]row, error) {
	defer setEnv(map[string]string{
		"DOCKER_HOST":       "tcp://127.0.0.1:2376",
		"DOCKER_TLS_VERIFY": "1",
		"DOCKER_CERT_PATH":  string(l.certs(k)),
		"HOME":              l.dir, // no config.json of the machine
	})()
	peers := []action{
		{side: moby, run: mobyFromEnv},
		{side: fsouza, run: fsouzaFromEnv},
		{side: bare, run: bareFromEnv},
	}
	rows, err := l.compareResolving("resolve, "+k.name, 0.7, resolveReason, append(peers, action{side: ours, run: fromEnv(dockertls.Resolve)}))
	if err != nil {
		return nil, err
	}
	if l.exact {
		time.Sleep(3 * time.Second) // a file changed just now is read again: it may change once more
	}
	again, err := l.compareResolving("again, shared, "+k.name, 0.2, sharedReason, append(peers, action{side: ours, run: fromEnv(newShared())}))
	return append(rows, again...), err
}

func (l *lab) compareResolving(name string, limit float64, reason string, actions []action) ([]row, error) {
	s, err := measure(l.resolve, actions)
	if err != nil {
		return nil, err
	}
	rows := []row{timeRow(name, s, s.atMost(limit, moby).because(reason))}
	if !l.exact {
		return rows, nil
	}
	c, err := countAll(actions)
	if err != nil {
		return nil, err
	}
	return append(rows, countRows(name, c, []side{ours, moby, fsouza, bare})...), nil
}

// fromEnv makes an HTTP client of what the environment says.
func fromEnv(resolve resolveFunc) func() error {
	return func() error {
		cfg, err := resolve(dockertls.FromEnv())
		if err != nil {
			return err
		}
		cfg.HTTPClient()
		return nil
	}
}

func mobyFromEnv() error {
	_, err := client.New(client.FromEnv)
	return err
}

func fsouzaFromEnv() error {
	_, err := docker.NewClientFromEnv()
	return err
}

func bareFromEnv() error {
	dir := certDir(os.Getenv("DOCKER_CERT_PATH"))
	cfg, err := tlsconfig.Client(tlsconfig.Options{
		CAFile: dir.ca(), CertFile: dir.cert(), KeyFile: dir.key(), ExclusiveRootPools: true,
	})
	if err != nil {
		return err
	}
	_ = &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
	return nil
}

// setEnv replaces the environment, and returns what brings it back.
func setEnv(env map[string]string) (restore func()) {
	before := os.Environ()
	os.Clearenv()
	for name, value := range env {
		os.Setenv(name, value)
	}
	return func() {
		os.Clearenv()
		for _, pair := range before {
			// On Windows some names begin with the separator.
			i := strings.Index(pair[1:], "=") + 1
			name, value := pair[:i], pair[i+1:]
			os.Setenv(name, value)
		}
	}
}
