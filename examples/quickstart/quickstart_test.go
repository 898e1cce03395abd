package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// output is what the program prints, with ports and separators made equal.
func output(t *testing.T) string {
	t.Helper()
	// Whoever runs this may have settings of their own: they must not count.
	// t.Setenv also puts back what run changes.
	for _, name := range []string{"HOME", "USERPROFILE", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS",
		"DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "users-own")
	}
	var stdout bytes.Buffer
	if err := run(&stdout); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(stdout.String(), `\`, "/")
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "127.0.0.1:PORT")
}

// blocks are the output by title.
func blocks(text string) map[string]string {
	found := map[string]string{}
	for block := range strings.SplitSeq(text, "\n\n") {
		heading, rest, _ := strings.Cut(block, "\n")
		_, title, _ := strings.Cut(heading, ". ")
		found[title] = rest
	}
	return found
}

// squeezed is text with single spaces only: rows may be aligned and wrapped.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// wantedBlocks are what the blocks of the output hold, by title.
func wantedBlocks() map[string][]string {
	return map[string][]string{
		"Plain: nobody is checked, and everything is in the clear": {
			"command DOCKER_HOST=tcp://127.0.0.1:PORT docker version",
			"mode plain",
			"host tcp://127.0.0.1:PORT from DOCKER_HOST",
			"answer Docker 28.5.2, API 1.51",
		},
		"Encrypted only: private, but with whom?": {
			"command docker -H tcp://127.0.0.1:PORT --tls version",
			"mode encrypted",
			"tls true from --tls",
			"host tcp://127.0.0.1:PORT from -H",
			"the server is not verified",
			"answer Docker 28.5.2",
		},
		"Verified: the client checks the server": {
			"mode verified",
			"tlsverify true from --tlsverify",
			"tlscacert ~/.docker/ca.pem from default folder ~/.docker",
			"answer Docker 28.5.2",
		},
		"Mutual: both sides are checked": {
			"mode mutual",
			"tlsverify true from DOCKER_TLS_VERIFY",
			"tlscert ~/.docker/cert.pem from default folder ~/.docker",
			"tlskey ~/.docker/key.pem from default folder ~/.docker",
			"answer Docker 28.5.2",
		},
		"TLS is not switched on": {
			"error tcp://127.0.0.1:PORT: plain HTTP was sent",
			"set DOCKER_TLS_VERIFY=1",
		},
		"The daemon wants a client certificate, and there is none": {
			"the daemon requires a client certificate",
			"cert.pem",
		},
		"A file has another name than docker looks for": {
			"~/.docker ca.crt",
			"~/.docker/ca.pem: no such file",
			"hint ~/.docker/ca.crt",
		},
		"ca.pem is from before the authority was made anew": {
			`"CN=docker CA"`,
			"~/.docker/ca.pem",
		},
		"The daemon does not speak TLS": {
			"answered plain HTTP",
			"--tlsverify",
		},
		"The daemon's certificate is for another name": {
			"[DNS ubuntuvm, localhost]",
			"not for 127.0.0.1",
			"IP:127.0.0.1",
		},
	}
}

func TestBlocks(t *testing.T) {
	found := blocks(output(t))
	for title, wanted := range wantedBlocks() {
		t.Run(title, func(t *testing.T) {
			block := squeezed(found[title])
			for _, want := range wanted {
				if !strings.Contains(block, want) {
					t.Errorf("no %q in:\n%s", want, found[title])
				}
			}
			if fails := strings.Contains(block, " error "); fails != strings.Contains(block, " hint ") {
				t.Errorf("an error has a hint, and nothing else has:\n%s", found[title])
			}
		})
	}
}

// The output fits a terminal, and shows nothing of the machine it runs on.
func TestOutputIsTidy(t *testing.T) {
	text := output(t)
	if strings.Contains(text, "users-own") || strings.Contains(text, os.TempDir()) {
		t.Errorf("the output shows the user's settings or paths:\n%s", text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > columns || strings.TrimRight(line, " ") != line {
			t.Errorf("too long, or blanks at its end: %q", line)
		}
	}
	if again := output(t); again != text {
		t.Errorf("another run prints something else:\n%s\nthan:\n%s", again, text)
	}
}

// The scenarios make their folders themselves, and leave none behind.
func TestNoFilesLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	output(t)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestUnexpectedOutcome(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*scenario)
		want string
	}{
		{"another mode", func(s *scenario) { s.mode++ }, "want mode encrypted, got plain"},
		{"no failure", func(s *scenario) { s.fails = "dns" }, "want the error dns, got: <nil>"},
		{"a failure", func(s *scenario) { s.command = "docker -H ADDRESS --tls version" }, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("HOME", "")
			s := scenarios()[0]
			tt.edit(&s)
			if _, err := s.play(1); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string
	}{
		{"fits", "fits"},
		{"just ten c", "just ten c"},
		{"one two three four", "one two|three four"},
		{"averylongword after", "averylongword after"},
	} {
		if got := strings.Join(wrap(tt.text, 10), "|"); got != tt.want {
			t.Errorf("wrap(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
