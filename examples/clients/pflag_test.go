package clients

import (
	"flag"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/spf13/pflag"
)

// The flags keep docker's forms and meaning with pflag, and so with cobra.
func TestPflag(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string // Options.String, or "error"
	}{
		{[]string{"-Htcp://box", "--tlsverify"}, "{Host:tcp://box TLSVerify:true}"},
		{[]string{"-H", "", "-cprod", "--tls=false"}, "{Host:default Context:prod TLS:false}"},
		{[]string{"--host=tcp://box", "--tlscacert=", "--tlscert", "c", "--tlskey="}, "{Host:tcp://box CAFile:system CertFile:c KeyFile:none}"},
		{[]string{"-H", "a", "--host", "b"}, "error"},
		{[]string{"--tlsverify=maybe"}, "error"},
	} {
		var opts dockertls.Options
		goFlags := flag.NewFlagSet("docker", flag.ContinueOnError)
		opts.AddFlags(goFlags)
		flags := pflag.NewFlagSet("docker", pflag.ContinueOnError)
		flags.AddGoFlagSet(goFlags)
		got := "error"
		if flags.Parse(tc.args) == nil {
			got = opts.String()
		}
		if got != tc.want {
			t.Errorf("%q: %s, want %s", tc.args, got, tc.want)
		}
	}
}
