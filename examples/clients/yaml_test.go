package clients

import (
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"go.yaml.in/yaml/v3"
)

// Options are part of other programs' configuration files.
func TestYAML(t *testing.T) {
	t.Parallel()
	pair := dockertlstest.NewCA().ClientPair("client")
	want := dockertls.Options{Host: "tcp://user:hunter2@box", TLS: new(false), TLSVerify: new(true), CAFile: "system", Cert: pair.CertPEM, Key: pair.KeyPEM}
	text, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); strings.Contains(s, "hunter2") || strings.Contains(s, "PRIVATE KEY") || !strings.Contains(s, "tls_verify: true") {
		t.Errorf("marshals as\n%s", s)
	}
	var got dockertls.Options
	if err := yaml.Unmarshal(text, &got); err == nil || !strings.Contains(err.Error(), "removed") {
		t.Errorf("a redacted key is read back: %v", err)
	}
	text, err = yaml.Marshal(map[string]any{"host": "tcp://box", "tls_verify": false, "cert": string(pair.CertPEM), "key": string(pair.KeyPEM)})
	if err != nil {
		t.Fatal(err)
	}
	got = dockertls.Options{}
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Host != "tcp://box" || got.TLS != nil || got.TLSVerify == nil || *got.TLSVerify || string(got.Cert) != string(pair.CertPEM) || string(got.Key) != string(pair.KeyPEM) {
		t.Errorf("reads as %s", got)
	}
}
