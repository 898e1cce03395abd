package dockertls_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/google/go-cmp/cmp"
)

// leaks lists the secrets that a text shows.
func leaks(text string, secrets ...string) []string {
	var found []string
	for _, s := range secrets {
		if strings.Contains(text, s) {
			found = append(found, s)
		}
	}
	return found
}

func TestOptionsShowNoSecret(t *testing.T) {
	t.Parallel()
	pair := dockertlstest.NewCA().ClientPair("client")
	body := strings.Split(string(pair.KeyPEM), "\n")[1]
	opts := dockertls.Options{
		Host: "tcp://user:hunter2@box:1", Key: pair.KeyPEM,
		Cert: append(bytes.Clone(pair.CertPEM), pair.KeyPEM...), // a bundle
		CA:   pair.KeyPEM,                                       // a mistake
	}
	numbers := strings.Trim(fmt.Sprint([]byte(body[:20])), "[]")
	hex := fmt.Sprintf("%x", body[:20])
	secrets := []string{"hunter2", body, numbers, hex, strings.ToUpper(hex)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{opts, &opts, opts.Key, opts.Cert, opts.CA, []dockertls.Options{opts}, struct{ O dockertls.Options }{opts}} {
			if found := leaks(fmt.Sprintf(verb, value), secrets...); found != nil {
				t.Errorf("%s of %T shows a secret", verb, value)
			}
		}
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "o", opts, "p", &opts, "k", opts.Key, "c", opts.Cert)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "o", opts, "p", &opts, "k", opts.Key, "c", opts.Cert)
	marshalled, err := json.Marshal([]any{opts, &opts, opts.Key, opts.Cert})
	if err != nil {
		t.Fatal(err)
	}
	if found := leaks(logged.String()+string(marshalled), secrets...); found != nil {
		t.Errorf("log or JSON shows a secret: %s %s", logged.String(), marshalled)
	}
}

func TestOptionsSurviveJSON(t *testing.T) {
	t.Parallel()
	pair := dockertlstest.NewCA().ClientPair("client")
	want := dockertls.Options{
		Host: "tcp://box:1", Context: "prod", TLS: new(false), TLSVerify: new(true), CAFile: "system", CertFile: "none",
		KeyFile: "k", CertPath: "p", ConfigDir: "d", CA: pair.CertPEM, Cert: pair.CertPEM, ServerName: "n",
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got dockertls.Options
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("after JSON (-want +got):\n%s", diff)
	}
	if !bytes.Equal(want.CA, got.CA) {
		t.Errorf("CA after JSON: %s, want %s", []byte(got.CA), []byte(want.CA))
	}
	if empty, err := json.Marshal(dockertls.Options{}); err != nil || string(empty) != "{}" {
		t.Errorf("the zero value is %s, %v, want {}", empty, err)
	}
}

func TestRedactedKeyIsNoKey(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(dockertls.Options{Key: dockertls.Secret("k")})
	if err != nil {
		t.Fatal(err)
	}
	var got dockertls.Options
	if err := json.Unmarshal(text, &got); err == nil || !strings.Contains(err.Error(), "removed") {
		t.Errorf("reading %s: %v, want an error", text, err)
	}
	if err := json.Unmarshal([]byte(`{"key":"k"}`), &got); err != nil || string(got.Key) != "k" {
		t.Errorf("reading a key: %q, %v", []byte(got.Key), err)
	}
}

func TestAddFlags(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args string // separated by blanks; '' is an empty one
		want string // Options.String, or "error"
	}{
		{"", "{}"},
		{"-H tcp://box", "{Host:tcp://box}"},
		{"--host=tcp://box", "{Host:tcp://box}"},
		{"-H ''", "{Host:default}"},
		{"-H default", "{Host:tcp://default}"},
		{"-H a --host b", "error"},
		{"-c a --context b", "{Context:b}"},
		{"--tls --tlsverify=0", "{TLS:true TLSVerify:false}"},
		{"--tls=T --tls=F", "{TLS:false}"},
		{"--tls=", "error"},
		{"--tlsverify=yes", "error"},
		{"--tlscacert= --tlscert= --tlskey=", "{CAFile:system CertFile:none KeyFile:none}"},
		{"--tlscacert system --tlscert none --tlskey none", "{CAFile:./system CertFile:./none KeyFile:./none}"},
		{"--tlscacert a --tlscert b --tlskey c --config d", "{CAFile:a CertFile:b KeyFile:c ConfigDir:d}"},
		{"--config ''", "{}"},
	} {
		var opts dockertls.Options
		fs := flag.NewFlagSet("docker", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		opts.AddFlags(fs)
		args := strings.Split(tc.args, " ")
		for i := range args {
			args[i] = strings.Trim(args[i], "'")
		}
		got := "error"
		if fs.Parse(args) == nil {
			got = opts.String()
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.args, got, tc.want)
		}
	}
}

func TestFlagsUsageShowsNoSecret(t *testing.T) {
	t.Parallel()
	opts := dockertls.Options{Host: "tcp://u:hunter2@box"}
	fs := flag.NewFlagSet("docker", flag.ContinueOnError)
	var out bytes.Buffer
	fs.SetOutput(&out)
	opts.AddFlags(fs)
	fs.PrintDefaults()
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("usage shows the password:\n%s", out.String())
	}
}

func TestErrorParts(t *testing.T) {
	t.Parallel()
	_, err := dockertls.Resolve(dockertls.Options{Host: "https://box"})
	var e *dockertls.Error
	if !errors.As(err, &e) || !errors.Is(err, dockertls.HostInvalid) || errors.Is(err, dockertls.CAMissing) {
		t.Fatalf("got %#v", err)
	}
	const line = `Options.Host: "https://box": docker has no scheme "https"`
	const hint = "\nhint: write tcp://box and switch TLS on with DOCKER_TLS_VERIFY=1 or --tlsverify"
	for verb, want := range map[string]string{"%v": line, "%s": line, "%+v": line + hint, "%q": fmt.Sprintf("%q", line)} {
		if got := fmt.Sprintf(verb, err); got != want {
			t.Errorf("%s prints\n%s\nwant\n%s", verb, got, want)
		}
	}
	var nothing *dockertls.Error
	if got := fmt.Sprintf("%+v %v", nothing, nothing.Unwrap()); got != "<nil> []" {
		t.Errorf("a nil *Error prints %q", got)
	}
}
