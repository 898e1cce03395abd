package main

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dockertls/dockertls"
)

const port = "2376" // Docker's own for TLS

// text says what was made, and how to use it.
func (r result) text() string {
	var b strings.Builder
	verb := "Made"
	if r.renewed {
		verb = "Renewed"
	}
	fmt.Fprintf(&b, "%s in %s, valid until %s; the authority is valid until %s:\n\n", verb, r.clientDir, date(r.until), date(r.caUntil))
	for _, f := range r.files {
		fmt.Fprintf(&b, "  %-16s %s\n", filepath.Base(f.path), r.purpose(f.path))
	}
	if r.clientDir == r.dir {
		if r.renewed {
			fmt.Fprint(&b, "\nA daemon reads its certificate when it starts: restart it.\n")
		}
		r.steps(&b)
	}
	fmt.Fprintf(&b, "\nFor docker, and for all programs that read its variables:\n\n")
	for _, v := range r.environ {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&b, "  export %s=%s\n", name, quote(value))
	}
	return b.String()
}

func (r result) purpose(path string) string {
	switch filepath.Base(path) {
	case caFile:
		return "the authority: for the daemon and for all clients"
	case caKeyFile:
		return "the authority's key, which makes more certificates: keep it apart from both"
	case serverCertFile:
		return "for the daemon, as " + strings.Join(r.names, ", ")
	case serverKeyFile:
		return "the daemon's key"
	case certFile:
		return fmt.Sprintf("for the client %q", r.client)
	}
	return "the client's key: whoever has it is root on the daemon's host"
}

// steps are the commands for the daemon, and those that use it.
func (r result) steps(b *strings.Builder) {
	flag := func(name, file string) string { return "--" + name + "=" + quote(filepath.Join(r.dir, file)) }
	authority := flag("tlscacert", caFile)
	daemon := fmt.Sprintf("dockerd -H unix:///var/run/docker.sock -H tcp://%s", net.JoinHostPort(r.listen(), port))
	server := flag("tlscert", serverCertFile) + " " + flag("tlskey", serverKeyFile)
	docker := "docker -H " + r.address()

	fmt.Fprint(b, `
1. Encrypted only. Nobody is checked: who reaches the port is root on the daemon's host.
   (Without --tlsverify=false the daemon would want client certificates, in spite of --tls.)

`)
	fmt.Fprintf(b, "  %s \\\n    --tls --tlsverify=false %s\n", daemon, server)
	fmt.Fprintf(b, "  %s --tls %s version\n", docker, authority)
	fmt.Fprint(b, "\n2. The client checks the daemon. The daemon runs as in 1, and checks nobody.\n\n")
	fmt.Fprintf(b, "  %s --tlsverify %s version\n", docker, authority)
	fmt.Fprint(b, "\n3. Both check each other: the way to run it.\n\n")
	fmt.Fprintf(b, "  %s \\\n    --tlsverify %s %s\n", daemon, authority, server)
	fmt.Fprintf(b, "  %s --tlsverify %s \\\n    %s %s version\n", docker, authority, flag("tlscert", certFile), flag("tlskey", keyFile))
}

// findEnviron lets the library read the files as a client will, and say what
// leads there.
func (r *result) findEnviron() error {
	yes := true
	cfg, err := dockertls.Resolve(dockertls.Options{Host: r.address(), TLSVerify: &yes, CertPath: r.clientDir})
	if err != nil {
		return err
	}
	vars, err := cfg.Environ()
	for _, v := range vars {
		if !strings.HasSuffix(v, "=") { // one that must not be set
			r.environ = append(r.environ, v)
		}
	}
	return err
}

// host is one by which a client may reach the daemon.
func (r result) host() string {
	for _, name := range r.names {
		if !strings.Contains(name, "*") {
			return name
		}
	}
	if len(r.names) > 0 {
		return strings.Replace(r.names[0], "*", "box", 1)
	}
	return "HOST"
}

func (r result) address() string { return "tcp://" + net.JoinHostPort(r.host(), port) }

// listen is where the daemon listens: not on all interfaces if it is for this
// machine only.
func (r result) listen() string {
	if slices.ContainsFunc(r.names, func(name string) bool { return !isLoopback(name) }) {
		return "0.0.0.0"
	}
	return r.host()
}

func isLoopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// quote makes one word of s, for a shell.
func quote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,="
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
