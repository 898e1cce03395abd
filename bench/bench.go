// Package bench compares Resolve with the FromEnv of moby's client: the same
// variables, files and process, and the result ready for requests. The program
// in resolve prints how they relate.
//
// No connection is made: work that is left to the first handshake does not
// count. FromEnv copies the system's roots, and costs the more the more of them
// there are.
package bench

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

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

// A Side is what one side needs for one call.
type Side struct {
	Time          time.Duration // median
	Allocs, Bytes int64
}

// A Result relates the two sides.
type Result struct {
	Ours, Moby Side
	// TimeRatio is that of our time to moby's in each pair: the lower
	// quartile, the median and the upper quartile.
	TimeRatio [3]float64
}

// Compare runs the two sides in turn, in pairs, so that a busy machine is busy
// for both, and counts their allocations.
func Compare(pairs int) (Result, error) {
	for _, run := range []func() error{Ours, Moby} {
		if err := run(); err != nil {
			return Result{}, err
		}
	}
	// Long enough for every measurement to have its share of garbage collection.
	const length = 5 * time.Millisecond
	calls := 1 + int(length/clock(Moby, 20))
	var ours, moby []time.Duration
	var ratios []float64
	for range pairs {
		a, b := clock(Ours, calls), clock(Moby, calls)
		ours, moby = append(ours, a), append(moby, b)
		ratios = append(ratios, float64(a)/float64(b))
	}
	return Result{
		Ours:      side(ours, Ours),
		Moby:      side(moby, Moby),
		TimeRatio: [3]float64{quartile(ratios, 1), quartile(ratios, 2), quartile(ratios, 3)},
	}, nil
}

// clock returns the mean time of a call, which has succeeded before.
func clock(run func() error, calls int) time.Duration {
	start := time.Now()
	for range calls {
		run()
	}
	return time.Since(start) / time.Duration(calls)
}

func side(times []time.Duration, run func() error) Side {
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			run()
		}
	})
	return Side{quartile(times, 2), r.AllocsPerOp(), r.AllocedBytesPerOp()}
}

// quartile returns the first, second or third.
func quartile[T time.Duration | float64](values []T, n int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)*n/4]
}
