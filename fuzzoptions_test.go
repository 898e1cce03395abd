package dockertls

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fuzzedSecret stands for a private key: the line must never be seen.
const fuzzedSecret = "SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECR"

func secretPEM() []byte {
	return []byte("-----BEGIN PRIVATE KEY-----\n" + fuzzedSecret + "\n-----END PRIVATE KEY-----\n")
}

// FuzzOptionsJSON: what can be read as Options can be written, and the second
// reading is the same as the first, except for passwords and keys: those are in
// nothing that is written, printed or logged, and options without their key are
// refused. Certificates survive, whatever else a bundle holds.
func FuzzOptionsJSON(f *testing.F) {
	for _, text := range []string{
		"{}", "null", `{"host":"tcp://me:{P}@box:1","tls":false,"tls_verify":true}`, `{"HOST":"default","context":"x","ca_file":"system"}`, `{"ca":"x","cert":"","key":"k"}`,
		`{"reload_interval":-1,"expiry_warnings":[1,2],"disable_resumption":true}`, `{"key":"[redacted]"}`, `{"expiry_warnings":[]}`, `{"tls":null,"Signer":1}`, `{"host":"\u001b[2J\ud800"}`, `{"host":1}`, `{"server_name":"box","cert_path":"~","config_dir":".","cert_file":"none","key_file":"./none"}`,
		`{"ca":` + jsonLine(string(pemOf(newTestCA(f, "ca", nil).cert))) + `}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var opts Options
		if err := json.Unmarshal(bytes.ReplaceAll(data, []byte(passwordIn), []byte(password)), &opts); err != nil {
			return
		}
		again := checkRoundTrip(t, opts)
		if diff := cmp.Diff(again.String(), checkRoundTrip(t, again).String()); diff != "" {
			t.Errorf("written and read once more (-first +second):\n%s", diff)
		}
		opts.Key, opts.CA, opts.Cert = secretPEM(), append(secretPEM(), opts.CA...), append(bytes.Clone(opts.Cert), secretPEM()...)
		shown := shownEverywhere(t, opts)
		if strings.Contains(shown, fuzzedSecret) && !bytes.Contains(data, []byte(fuzzedSecret[:8])) {
			t.Errorf("the key is shown: %s", shown)
		}
		host := strings.Replace(opts.Host, password, passwordIn, 1)
		if hasPassword(host, false) && strings.Contains(shown, password) && bytes.Count(data, []byte(passwordIn)) == 1 {
			t.Errorf("the password is shown: %s", shown)
		}
		marshalled, err := json.Marshal(opts)
		if err != nil || json.Unmarshal(marshalled, new(Options)) == nil {
			t.Errorf("options that have lost their key can be read: %s, %v", marshalled, err)
		}
	})
}

// checkRoundTrip writes options without their key, and reads them back.
func checkRoundTrip(t *testing.T, o Options) Options {
	t.Helper()
	o.Key = nil
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatalf("%s cannot be written: %v", o, err)
	}
	var back Options
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%s cannot be read: %v", text, err)
	}
	if back.Host != redact(o.Host) || !slices.EqualFunc(rootsIn(back.CA), rootsIn(o.CA), bytes.Equal) || len(chainIn(back.Cert)) != len(chainIn(o.Cert)) {
		t.Errorf("%s becomes %s by %s", o, back, text)
	}
	for _, f := range allFields() {
		was, wasSet := o.value(f)
		is, isSet := back.value(f)
		if f != fieldCA && f != fieldCert && (was != is || wasSet != isSet) {
			t.Errorf("%s was %q (%t), and is %q (%t) after %s", f, was, wasSet, is, isSet, text)
		}
	}
	return back
}

// shownEverywhere is what every way of showing options shows.
func shownEverywhere(t *testing.T, o Options) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", o, &o, struct{ O Options }{o})
	}
	fmt.Fprintf(&out, "%v %+v %#v %q %x %v %s", o.Key, o.Key, o.Key, o.Key, o.Key, o.CA, o.Cert)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "o", o, "k", o.Key, "c", o.CA)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "o", &o, "k", o.Key, "c", o.Cert)
	text, err := json.Marshal([]any{o, &o, o.Key, o.CA, o.Cert})
	check(t, err)
	out.Write(text)
	return out.String()
}

// A givenFlag is one of docker's flags, as it was given.
type givenFlag struct{ name, value string }

// parseFlags reads docker's flags with the flag package alone.
func parseFlags(args []string) (given []givenFlag, rest []string, err error) {
	fs := flag.NewFlagSet("docker", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, name := range []string{"H", "host", "c", "context", "config", "tlscacert", "tlscert", "tlskey"} {
		fs.Func(name, "", func(value string) error {
			given = append(given, givenFlag{name, value})
			return nil
		})
	}
	for _, name := range []string{"tls", "tlsverify"} {
		fs.BoolFunc(name, "", func(value string) error {
			given = append(given, givenFlag{name, value})
			return nil
		})
	}
	err = fs.Parse(args)
	return given, fs.Args(), err
}

// dockersFlags is what flags mean to docker (rules 2, 13, 14 and 16): -H once, of
// others the last, an empty file for none of them. ok tells whether it takes them.
func dockersFlags(given []givenFlag) (o Options, ok bool) {
	truths := map[string]bool{"1": true, "t": true, "T": true, "true": true, "TRUE": true, "True": true, "0": false, "f": false, "F": false, "false": false, "FALSE": false, "False": false}
	hosts := 0
	word := func(value, empty string) string {
		switch value {
		case "":
			return empty
		case empty:
			return "./" + value
		}
		return value
	}
	for _, g := range given {
		truth, isTruth := truths[g.value]
		switch g.name {
		case "H", "host":
			hosts++
			o.Host = g.value
			if g.value == "" {
				o.Host = "default"
			} else if g.value == "default" {
				o.Host = "tcp://default"
			}
		case "c", "context":
			o.Context = g.value
		case "config":
			o.ConfigDir = g.value
		case "tlscacert":
			o.CAFile = word(g.value, "system")
		case "tlscert":
			o.CertFile = word(g.value, "none")
		case "tlskey":
			o.KeyFile = word(g.value, "none")
		case "tls", "tlsverify":
			if !isTruth {
				return o, false
			}
			if g.name == "tls" {
				o.TLS = &truth
			} else {
				o.TLSVerify = &truth
			}
		}
	}
	return o, hosts <= 1
}

// FuzzFlags: docker's flags, as they are given on a command line, mean what they
// mean to docker, or are refused as docker refuses them. The layer they fill shows
// no password, and its sources are the flags.
func FuzzFlags(f *testing.F) {
	for _, tc := range ruleCases() {
		if len(tc.flags) > 0 {
			f.Add(strings.Join(tc.flags, "\n"))
		}
	}
	for _, args := range []string{"-H\ntcp://me:{P}@box", "--host=a\n-H=b", "-H=", "-c=a\n--context=b", "--tls=T\n--tlsverify=F", "--tlsverify=yes", "--tlscacert=\n--tlscert=none\n--tlskey=x", "--\n-H", "-H", "--config=a\nps\n--tls", "-tls=\n", "--tlscacert=\x1b[2J\n-tlsverify"} {
		f.Add(args)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(strings.Replace(line, passwordIn, password, 1), "\n")
		var got Options
		fs := flag.NewFlagSet("docker", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		got.AddFlags(fs)
		err := fs.Parse(args)
		given, rest, wantErr := parseFlags(args)
		want, ok := dockersFlags(given)
		if ok = ok && wantErr == nil; ok != (err == nil) {
			t.Fatalf("%q: %v, where docker accepts them: %t", args, err, ok)
		}
		if err != nil {
			return
		}
		same := cmp.Comparer(func(a, b Options) bool {
			return a.String() == b.String() && a.Host == b.Host // String has every field that a flag can set
		})
		if diff := cmp.Diff(want, got, same); diff != "" || !slices.Equal(rest, fs.Args()) {
			t.Errorf("%q: %q is left of %q (-want +got):\n%s", args, fs.Args(), rest, diff)
		}
		for _, field := range allFields() {
			if source, env := got.origin(field); env || !strings.HasPrefix(source, "-") {
				if value, set := got.value(field); set {
					t.Errorf("%q: %s is %s because of %s", args, field, value, source)
				}
			}
		}
		if host := strings.Replace(got.Host, password, passwordIn, 1); hasPassword(host, false) && strings.Count(line, password) == 0 {
			checkHidden(t, nil, nil, got, &got)
		}
	})
}
