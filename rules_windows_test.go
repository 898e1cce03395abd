package dockertls

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What rules mean for pipes, drives, backslashes and variables without letter
// case, which only Windows has.
func TestRulesOnWindows(t *testing.T) {
	t.Parallel()
	pki := newRulePKI(t)
	const pipe = "npipe:////./pipe/docker_engine plain"
	for _, tc := range []ruleCase{
		{"5 names of variables have no letter case", "docker_host=tcp://box docker_tls_verify=1 docker_cert_path={T}/certs", nil, certs, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"5 HOME is not the home folder", verify + " HOME={T}/other USERPROFILE={T}/home", nil, set + " other/.docker/ca.pem=ca.foreign", boxPair, ""},
		{"7 nothing: the pipe", "", nil, "", pipe, ""},
		{"8 npipe without a path", "DOCKER_HOST=npipe://", nil, "", pipe, ""},
		{"8 npipe", "DOCKER_HOST=npipe:////./pipe/x", nil, "", "npipe:////./pipe/x plain", ""},
		{"8 npipe on another machine", "DOCKER_HOST=npipe:////box/pipe/x", nil, "", "npipe:////box/pipe/x plain", ""},
		{"8 npipe with backslashes", `DOCKER_HOST=npipe://\\.\pipe\x`, nil, "", `npipe://\\.\pipe\x plain`, ""},
		{"8 a pipe without its scheme", `DOCKER_HOST=//./pipe/x`, nil, "", "error host-invalid", ""},
		{"12 unix with a drive", `DOCKER_HOST=unix://C:\run\docker.sock`, nil, "", `unix://C:\run\docker.sock plain`, ""},
		{"12 unix with a drive and slashes", "DOCKER_HOST=unix:///C:/run/docker.sock", nil, "", "unix:///C:/run/docker.sock plain", ""},
		{"16 backslashes in DOCKER_CERT_PATH", verify + ` DOCKER_CERT_PATH={T}\certs`, nil, certs, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"16 slashes in DOCKER_CERT_PATH", verify + " DOCKER_CERT_PATH={/}/certs", nil, certs, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"16 a final backslash", verify + ` DOCKER_CERT_PATH={T}\certs\`, nil, certs, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"16 flags with drives", "", []string{"-H", "box", "--tlsverify", `--tlscacert={T}\certs\ca.pem`, `--tlscert={T}\certs\cert.pem`, `--tlskey={/}/certs/key.pem`}, certs, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"16 the long form of paths", verify + ` DOCKER_CERT_PATH=\\?\{T}\certs`, nil, certs, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"17 quotation marks of cmd's set", verify + ` DOCKER_CERT_PATH="{T}\certs"`, nil, certs, "error ca-missing", ""},
		{"17 DOCKER_CERT_PATH is a file", verify + " DOCKER_CERT_PATH={T}/afile", nil, "afile=text:x", "error ca-missing", ""},
		{"21 no TLS on pipes", "DOCKER_HOST=npipe:// DOCKER_TLS_VERIFY=1", nil, set, pipe, "no-effect"},
		{"21 but the files must exist", "DOCKER_HOST=npipe:// DOCKER_TLS_VERIFY=1", nil, "", "error ca-missing", ""},
		{"26 a pipe in a context", "DOCKER_CONTEXT=prod", nil, storedContext("prod", `{"Name":"prod","Metadata":{},"Endpoints":{"docker":{"Host":"npipe:////./pipe/x"}}}`), "npipe:////./pipe/x plain", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pki.lay(t, dir, tc.files)
			slashes := strings.ReplaceAll(dir, `\`, "/")
			tc.env = strings.ReplaceAll(tc.env, "{/}", slashes)
			for i := range tc.flags {
				tc.flags[i] = strings.ReplaceAll(tc.flags[i], "{/}", slashes)
			}
			got, warn := tc.resolve(dir, pki)
			if got != tc.want {
				t.Errorf("decided %q, want %q", got, tc.want)
			}
			if diff := cmp.Diff(strings.Fields(tc.warn), warn); diff != "" && len(tc.warn)+len(warn) > 0 {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
