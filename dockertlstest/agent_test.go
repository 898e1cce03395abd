package dockertlstest_test

import (
	"errors"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// An agent is what somebody else may want to test.
type agent struct{}

func (agent) Deploy(opts dockertls.Options) error {
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		return err
	}
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Post(cfg.URL("/images/load"), "application/x-tar", nil)
	if err != nil {
		return cfg.Diagnose(err)
	}
	return resp.Body.Close()
}

// The test with which the package documentation begins.
func TestExpiredClientCertificate(t *testing.T) {
	t.Parallel()
	var agent agent
	daemon := dockertlstest.Start(t, dockertlstest.ClientCertExpired)
	if err := agent.Deploy(daemon.Options()); !errors.Is(err, dockertls.ClientCertExpired) {
		t.Errorf("got %v", err)
	}
}
