package bench

import (
	"path/filepath"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/moby/moby/client"
)

// Ours makes an HTTP client of what the environment says.
func Ours() error {
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	if err != nil {
		return err
	}
	cfg.HTTPClient()
	return nil
}

// Moby does the same with moby's client.
func Moby() error {
	_, err := client.New(client.FromEnv)
	return err
}

// A Case is an environment that both sides read.
type Case struct {
	Name string
	Env  map[string]string
}

// Cases returns a case for each kind of certificates: short keys, and those of
// Docker's documentation. It writes the files below dir.
func Cases(dir string) ([]Case, error) {
	var cases []Case
	for _, k := range []struct {
		name string
		key  dockertlstest.KeyType
	}{
		{"ecdsa-p256", dockertlstest.ECDSA},
		{"rsa-4096", dockertlstest.RSA4096},
	} {
		certs := filepath.Join(dir, k.name)
		ca := dockertlstest.NewCAFrom(dockertlstest.CertSpec{Key: k.key})
		pair := ca.Issue(dockertlstest.CertSpec{CommonName: "client", Client: true, Key: k.key})
		if err := dockertlstest.WriteCerts(certs, ca, pair); err != nil {
			return nil, err
		}
		cases = append(cases, Case{k.name, map[string]string{
			"DOCKER_HOST":       "tcp://127.0.0.1:2376",
			"DOCKER_TLS_VERIFY": "1",
			"DOCKER_CERT_PATH":  certs,
			"HOME":              dir, // no config.json of the machine
		}})
	}
	return cases, nil
}

// A Result relates the two sides: ratios are to moby's.
type Result struct {
	Ours, Moby Side
}

// Compare measures the two sides in the environment as it is.
func Compare(pairs int) (Result, error) {
	sides, err := Measure(pairs, Moby, Ours)
	if err != nil {
		return Result{}, err
	}
	return Result{Moby: sides[0], Ours: sides[1]}, nil
}
