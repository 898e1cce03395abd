package dockertls

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"

	"github.com/google/go-cmp/cmp"
)

// How ssh is called (rule 30): as docker 29 does.
func TestSSHArguments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ host, want string }{
		{"ssh://box", "[-o ConnectTimeout=30] [-T] [--] [box] [docker system dial-stdio]"},
		{"ssh://me@box:2222", "[-l] [me] [-p] [2222] [-o ConnectTimeout=30] [-T] [--] [box] [docker system dial-stdio]"},
		{"ssh://box/", "[-o ConnectTimeout=30] [-T] [--] [box] [docker system dial-stdio]"},
		{"ssh://[::1]:22", "[-p] [22] [-o ConnectTimeout=30] [-T] [--] [::1] [docker system dial-stdio]"},
		{"ssh://[fe80::1%25eth0]", "[-o ConnectTimeout=30] [-T] [--] [fe80::1%eth0] [docker system dial-stdio]"},
		{"ssh://box;id", "[-o ConnectTimeout=30] [-T] [--] ['box;id'] [docker system dial-stdio]"},
		{"ssh://$(id)@box", "[-l] ['$(id)'] [-o ConnectTimeout=30] [-T] [--] [box] [docker system dial-stdio]"},
		{"ssh://me%40corp@box", "[-l] [me@corp] [-o ConnectTimeout=30] [-T] [--] [box] [docker system dial-stdio]"},
		{"ssh://box/a b", "[-o ConnectTimeout=30] [-T] [--] [box] [docker '--host=unix:///a b' system dial-stdio]"},
		{"ssh://box/run/docker.sock", "[-o ConnectTimeout=30] [-T] [--] [box] [docker '--host=unix:///run/docker.sock' system dial-stdio]"},
		{"ssh://box/it's", `[-o ConnectTimeout=30] [-T] [--] [box] [docker "--host=unix:///it's" system dial-stdio]`},
	} {
		e, err := parseHost(tt.host)
		if err != nil {
			t.Errorf("%s: %v", tt.host, err)
			continue
		}
		got := "[" + strings.Join(e.ssh.args(), "] [") + "]"
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.host, diff)
		}
		if back, err := parseHost(e.String()); err != nil || back.ssh != e.ssh {
			t.Errorf("%s reads back as %v, %v", e, back, err)
		}
	}
}

// A word reaches a command as it is, whatever a shell would do with it.
func FuzzShellWord(f *testing.F) {
	sh := programtest.Find(f, "sh", "dash")
	for _, word := range []string{"plain", "a b", "it's", `$HOME \ "quoted" it's`, "`id`", "$(id)", "*", "~", "#x", "a=b", "{a,b}", "!", "é", "--", ";id", "\\"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if word == "" || (sshTarget{path: word}).checkWords("") != nil || strings.ToValidUTF8(word, "") != word {
			return
		}
		out, err := exec.Command(sh, "-c", "printf %s "+shellWord(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q becomes %q (%v)", word, out, err)
		}
	})
}

// What is wrong with an address is said in words of our own, without a password.
func TestSSHAddressErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ host, want string }{
		{"ssh://me:hunter2@box", "a password has no place"},
		{"ssh://me:hunter2/x@box", "cannot be parsed"},
		{"ssh://me:hun%zzter2@box", "cannot be parsed"},
		{"ssh://box:abc", `the port "abc" is not a number`},
		{"ssh://box:22/path?x=1", "no query"},
		{"ssh://box#x", "no fragment"},
		{"ssh://:22", "no host name"},
		{"ssh://-oProxyCommand=id@box", "the user begins with a dash"},
		{"ssh://-box", "the host begins with a dash"},
		{"ssh://::1", "needs brackets"},
		{"ssh://box/\u200b", "has no place in the path"},
	} {
		_, err := parseHost(tt.host)
		if err == nil || err.Kind != HostInvalid || !strings.Contains(err.Detail, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.host, err, tt.want)
		} else if text := err.Error() + err.Hint; strings.Contains(text, "hunter2") || strings.Contains(text, "hun%") {
			t.Errorf("%s: the password is shown: %s", tt.host, text)
		}
	}
}

// The user of an ssh address is part of it, and no secret; a password is.
func TestSSHRedaction(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"ssh://me@box":          "ssh://me@box",
		" ssh://me@box ":        " ssh://me@box ",
		"ssh://me:hunter2@box":  "ssh://xxxxx@box",
		"ssh://me%3ahunter@box": "ssh://xxxxx@box",
		"tcp://me@box":          "tcp://xxxxx@box",
	} {
		if got := redact(host); got != want {
			t.Errorf("%s becomes %s, want %s", host, got, want)
		}
	}
}
