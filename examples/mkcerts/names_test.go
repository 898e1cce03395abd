package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNames(t *testing.T) {
	for _, tt := range []struct {
		args string
		want string
	}{
		{"localhost 10.0.0.5 ubuntuvm", "localhost 10.0.0.5 ubuntuvm"},
		{"Box.Example.COM box.example.com", "box.example.com"},
		{"::1 0:0:0:0:0:0:0:1 2001:DB8::5", "::1 2001:db8::5"},
		{"::ffff:10.0.0.5", "10.0.0.5"},
		{"*.example.com", "*.example.com"},
		{"my_container xn--bcher-kva.example 3com.example", "my_container xn--bcher-kva.example 3com.example"},
		{"", ""},
	} {
		got, err := parseNames(strings.Fields(tt.args))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Error(diff)
		}
	}
}

// The message says what to write instead.
func TestParseNameRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, want string
	}{
		{"", "a name is empty"},
		{" ", "no name of a host"},
		{"tcp://box:2376", `write "box"`},
		{"box:2376", `write "box"`},
		{"10.0.0.5:2376", `write "10.0.0.5"`},
		{"[::1]:2376", `write "::1"`},
		{"[::1]", `write "::1"`},
		{"https://box/", `write "box"`},
		{"box,localhost", "names stand apart"},
		{"box/24", "no name of a host"},
		{"bücher.example", "xn--"},
		{"fe80::1%eth0", `write "fe80::1"`},
		{"0.0.0.0", "where a daemon listens"},
		{"::", "where a daemon listens"},
		{"10.0.0.256", "looks like an IP address, but is none"},
		{"010.0.0.5", "looks like an IP address, but is none"},
		{"10.0.0", "looks like an IP address, but is none"},
		{"box.", "without the dot"},
		{"box..example", "a dot too many"},
		{".example", "a dot too many"},
		{"-box", "flags come before"},
		{"box-.example", "hyphen"},
		{"*", "domain of two parts"},
		{"*.com", "domain of two parts"},
		{"w*.example.com", "whole first part"},
		{"a.*.example.com", "whole first part"},
		{strings.Repeat("a", 64), "longer than 63"},
		{strings.Repeat("a.", 127), "at most 253"},
	} {
		if got, err := parseName(tt.name); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %q and error %v, want %q", tt.name, got, err, tt.want)
		}
	}
}
