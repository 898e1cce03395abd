package main

import (
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"unicode"
)

// FuzzName: a name is refused with an error that can be shown, or a certificate for
// it is good for that name, and read once more it is the same.
func FuzzName(f *testing.F) {
	for _, name := range []string{"", "localhost", "Box.Example.COM", "*.example.com", "*.com", "10.0.0.5", "::1", "::ffff:10.0.0.5", "fe80::1%eth0", "tcp://box:2376", "box:1", "[::1]:1", "-x\x1b[2J", "b\u00fccher", "a_b", "a..b", "1.2.3", "a.", "a b", "xn--bcher-kva.example", strings.Repeat("a", 64), "tcp://\x1b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := parseName(s)
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("an error that cannot be shown: %q", err)
			}
			return
		}
		cert := &x509.Certificate{DNSNames: []string{name}}
		if ip := net.ParseIP(name); ip != nil {
			cert = &x509.Certificate{IPAddresses: []net.IP{ip}}
		}
		if host, ok := strings.CutPrefix(name, "*"); ok {
			name = "box" + host
		}
		if err := cert.VerifyHostname(name); err != nil {
			t.Errorf("%q: a certificate for %q is of no use: %v", s, name, err)
		}
		if again, err := parseName(name); again != name || err != nil {
			t.Errorf("%q becomes %q and %v", name, again, err)
		}
	})
}
