package sshtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Client says what the user's own side is like.
type Client struct {
	Config []string // more lines of ssh's configuration; of equal ones the first counts
	Key    string   // "": the right one; "other": one that the server does not know
	Known  string   // "": the server's key is known; "other": another one is; "none": none
	Before string   // commands of the shell before the real ssh, for example a sleep
}

// Use puts a user's ssh program on the PATH until the test ends. Such a test cannot be parallel.
func (s *Server) Use(tb testing.TB, c Client) {
	tb.Helper()
	path := withoutWrappers()
	tb.Setenv("PATH", path)
	real, err := exec.LookPath("ssh")
	check(tb, err)
	s.writeKnown(tb, c.Known)
	key := "user_key"
	if c.Key != "" {
		key = c.Key + "_key"
	}
	lines := append(c.Config,
		"IdentityFile "+s.file(key),
		"IdentitiesOnly yes",
		"IdentityAgent none",
		"UserKnownHostsFile "+s.file("known_hosts"),
		"GlobalKnownHostsFile /dev/null",
		"StrictHostKeyChecking yes",
		"SendEnv LC_*",
	)
	s.write(tb, "client/config", strings.Join(lines, "\n")+"\n", 0o600)
	s.write(tb, "client/bin/ssh", fmt.Sprintf("#!/bin/sh\n%s\nexec %s -F %s \"$@\"\n", c.Before, real, s.file("client/config")), 0o755)
	tb.Setenv("PATH", s.file("client/bin")+string(os.PathListSeparator)+path)
}

func (s *Server) writeKnown(tb testing.TB, known string) {
	tb.Helper()
	name := fmt.Sprintf("[127.0.0.1]:%s ", s.Port)
	switch known {
	case "none":
		s.write(tb, "known_hosts", "", 0o600)
	case "other":
		s.copy(tb, "other_key.pub", "known_hosts", name)
	default:
		s.copy(tb, "host_key.pub", "known_hosts", name)
	}
}

// withoutWrappers is the PATH without those of earlier calls.
func withoutWrappers() string {
	var folders []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if !strings.Contains(dir, "sshtest") {
			folders = append(folders, dir)
		}
	}
	return strings.Join(folders, string(os.PathListSeparator))
}
