package dockertls

import (
	"cmp"
	"errors"
	"flag"
	"strconv"
)

// AddFlags defines docker's global flags on fs: -H and -host, -c and -context,
// -config, -tls, -tlsverify, -tlscacert, -tlscert, -tlskey. They set the
// fields of o when fs is parsed, with docker's meaning of an explicitly empty
// value: -H "" is the default address, -tlscacert= the system's roots,
// -tlscert= and -tlskey= none. A second -H is an error; of other repeated flags
// the last counts.
//
// For pflag: define them on a [flag.FlagSet] of their own and hand that to
// AddGoFlagSet, which makes -H and -c short forms.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	host := &hostFlag{o: o}
	fs.Var(host, "host", "daemon `address`: tcp://host:port, unix:///path (default: DOCKER_HOST)")
	fs.Var(host, "H", "daemon `address`, short for -host")
	text := func(name string, f field, target *string, empty, usage string) {
		fs.Var(&textFlag{o, f, target, "--" + name, empty}, name, usage)
	}
	const contextUsage = "docker context by `name`, overrides DOCKER_HOST (default: DOCKER_CONTEXT, docker context use)"
	text("context", fieldContext, &o.Context, "", contextUsage)
	text("c", fieldContext, &o.Context, "", "short for -context (a `name`)")
	text("config", fieldConfigDir, &o.ConfigDir, "", "`folder` with config.json and contexts (default: DOCKER_CONFIG, ~/.docker)")
	text("tlscacert", fieldCAFile, &o.CAFile, wordSystem, "trust certificates signed only by the authorities in this `file`; empty: the system's (default: ca.pem in DOCKER_CERT_PATH or ~/.docker)")
	text("tlscert", fieldCertFile, &o.CertFile, wordNone, "client certificate `file`; empty: none (default: cert.pem there)")
	text("tlskey", fieldKeyFile, &o.KeyFile, wordNone, "private key `file`; empty: none (default: key.pem there)")
	fs.Var(&boolFlag{o, fieldTLS, &o.TLS, "--tls"}, "tls", "use TLS; implied by -tlsverify")
	fs.Var(&boolFlag{o, fieldTLSVerify, &o.TLSVerify, "--tlsverify"}, "tlsverify", "use TLS and verify the daemon")
}

// A hostFlag is -H and -host together, which may be given once.
type hostFlag struct {
	o     *Options
	given bool
}

func (f *hostFlag) String() string {
	if f.o == nil { // the flag package asks a zero value for the default
		return ""
	}
	return redact(f.o.Host)
}

func (f *hostFlag) Set(value string) error {
	if f.given {
		return errors.New("specify only one -H")
	}
	f.given = true
	switch value {
	case "":
		f.o.Host = wordDefault
	case wordDefault:
		f.o.Host = "tcp://" + wordDefault // a name like any other, on the command line
	default:
		f.o.Host = value
	}
	f.o.note(fieldHost, "-H", false)
	return nil
}

// A textFlag stores text; an empty one as the word that means the same.
type textFlag struct {
	o      *Options
	field  field
	target *string
	name   string
	empty  string
}

func (f *textFlag) String() string {
	if f.target == nil {
		return ""
	}
	return *f.target
}

func (f *textFlag) Set(value string) error {
	switch {
	case f.empty != "" && value == f.empty:
		value = "./" + value // a file really so named
	case value == "":
		value = f.empty
	}
	*f.target = value
	f.o.note(f.field, cmp.Or(map[string]string{"--c": "--context"}[f.name], f.name), false)
	return nil
}

// A boolFlag has three states: the third is not given.
type boolFlag struct {
	o      *Options
	field  field
	target **bool
	name   string
}

func (f *boolFlag) IsBoolFlag() bool { return true }

func (f *boolFlag) String() string {
	if f.target == nil || *f.target == nil {
		return ""
	}
	return strconv.FormatBool(**f.target)
}

func (f *boolFlag) Set(value string) error {
	b, err := strconv.ParseBool(value)
	if err != nil {
		return errors.New("want true or false")
	}
	*f.target = &b
	f.o.note(f.field, f.name, false)
	return nil
}
