package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalize(t *testing.T) {
	for _, tt := range []struct {
		name, args, want string
	}{
		{"nothing", "", ""},
		{"a command only", "version", "version"},
		{"-H x", "-H box", "--host=box"},
		{"-Hx", "-Hbox", "--host=box"},
		{"-H=x", "-H=box", "--host=box"},
		{"-H= is the value =", "-H=", "--host=="},
		{"-H==x keeps the second sign", "-H==box", "--host==box"},
		{"-c x", "-c prod", "--context=prod"},
		{"-cx", "-cprod", "--context=prod"},
		{"two short flags", "-Hbox -H other", "--host=box --host=other"},
		{"a short flag's value starts with a dash", "-H -tls", "--host=-tls"},
		{"a long flag's value starts with a dash", "--tlscacert -Hx", "--tlscacert -Hx"},
		{"a long flag's value is a flag", "--tlscacert --tls", "--tlscacert --tls"},
		{"a joined value", "--tlscacert= -Hbox", "--tlscacert= --host=box"},
		{"switches take no value", "--tls -Hbox", "--tls --host=box"},
		{"switches take a joined value", "--tlsverify=false -Hbox", "--tlsverify=false --host=box"},
		{"the command ends the flags", "--tls load -i FILE", "--tls load -i FILE"},
		{"-- ends the flags", "-- -Hbox", "-- -Hbox"},
		{"- ends the flags", "- -Hbox", "- -Hbox"},
		{"a long flag without its value is left to flag", "--host", "--host"},
		{"unknown long flags are left to flag", "--unknown x", "--unknown x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normalize(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An empty value is a value: -H "" is the default address.
func TestNormalizeEmptyValue(t *testing.T) {
	got, err := normalize([]string{"-H", "", "--host", "", "version"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"--host=", "--host", "", "version"}, got); diff != "" {
		t.Error(diff)
	}
}

// What docker refuses, although the flag package would take it.
func TestNormalizeRefuses(t *testing.T) {
	for _, tt := range []struct {
		args, want string
	}{
		{"-tls", "unknown shorthand flag: 't' in -tls"},
		{"-host box", "unknown shorthand flag: 'h' in -host"},
		{"-x", "unknown shorthand flag: 'x' in -x"},
		{"--H box", "unknown flag: --H"},
		{"--H=box", "unknown flag: --H"},
		{"--c prod", "unknown flag: --c"},
		{"--=x", "unknown flag: --"},
		{"-H", "flag needs an argument: -H"},
		{"--tls -H", "flag needs an argument: -H"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			got, err := normalize(strings.Fields(tt.args))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %q and error %v, want error %q", got, err, tt.want)
			}
		})
	}
}
