package dockertls_test

import (
	"crypto/tls"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// A daemon may refuse a client when it comes back with its session, where it
// does not ask for a certificate again: it is still the certificate's refusal.
func TestRefusedOnResumption(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			var refuse, resumed atomic.Bool
			_, opts := startDaemon(t, dockertlstest.MutualTLS, dockertlstest.NewCA(), func(d *dockertlstest.Daemon) {
				d.TLSConfig = func(cfg *tls.Config) {
					cfg.MaxVersion = version
					cfg.VerifyConnection = func(state tls.ConnectionState) error {
						resumed.Store(state.DidResume)
						if refuse.Load() {
							return errors.New("no longer")
						}
						return nil
					}
				}
			})
			cfg := resolve(t, opts)
			check(t, request(cfg))
			check(t, request(cfg))
			refuse.Store(true)
			wantKind(t, request(cfg), dockertls.ClientCertRejected, `"CN=client"`)
			if !resumed.Load() {
				t.Error("the session was not resumed: this test shows nothing")
			}
		})
	}
}
