package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

const (
	maxCommonName = 64 // RFC 5280
	maxLabel      = 63
	maxName       = 253
)

// parseNames reads the names and IP addresses of a daemon. Each must be one that
// every client understands: a certificate with another one would be made, and
// fail later.
func parseNames(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		name, err := parseName(arg)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func parseName(s string) (string, error) {
	if s == "" {
		return "", errors.New("a name is empty")
	}
	if strings.HasPrefix(s, "-") {
		return "", fmt.Errorf("%q: flags come before the names", s)
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return parseIP(ip)
	}
	if host := hostPart(s); host != s {
		return "", fmt.Errorf("%q: a certificate has no scheme, port or brackets: write %q", s, host)
	}
	return strings.ToLower(s), checkDNSName(s)
}

func parseIP(ip netip.Addr) (string, error) {
	switch {
	case ip.Zone() != "":
		return "", fmt.Errorf("%q: a certificate has no zone: write %q", ip, ip.WithZone(""))
	case ip.IsUnspecified():
		return "", fmt.Errorf("%q is where a daemon listens: write the addresses that clients connect to", ip)
	}
	return ip.Unmap().String(), nil
}

// hostPart takes the host out of an address such as tcp://box:2376.
func hostPart(s string) string {
	if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if host, _, err := net.SplitHostPort(s); err == nil && host != "" {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
}

func checkDNSName(s string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return fmt.Errorf("%q: write the name as DNS has it, in ASCII (xn--...); python3 -c 'print(%[1]q.encode(\"idna\").decode())' tells", s)
	}
	if len(s) > maxName {
		return fmt.Errorf("%q: a name has at most %d letters", s, maxName)
	}
	if strings.HasSuffix(s, ".") {
		return fmt.Errorf("%q: write the name without the dot at its end", s)
	}
	labels := strings.Split(s, ".")
	if labels[0] == "*" {
		// OpenSSL, and Python with it, do not match *.com; hence this makes no such thing.
		if labels = labels[1:]; len(labels) < 2 {
			return fmt.Errorf("%q: after *. a wildcard needs a domain of two parts at least, such as *.example.com", s)
		}
	}
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return fmt.Errorf("%q: %w", s, err)
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return fmt.Errorf("%q looks like an IP address, but is none", s)
	}
	return nil
}

func checkLabel(label string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_" // underscores occur in names of containers
	switch {
	case label == "":
		return errors.New("a dot too many")
	case len(label) > maxLabel:
		return fmt.Errorf("a part is longer than %d letters", maxLabel)
	case strings.Contains(label, "*"):
		return errors.New("a wildcard is the whole first part of a name, such as *.example.com")
	case strings.ContainsFunc(strings.ToLower(label), func(r rune) bool { return !strings.ContainsRune(letters, r) }):
		return errors.New("no name of a host; names stand apart, with blanks between them")
	case label[0] == '-' || label[len(label)-1] == '-':
		return errors.New("no part of a name begins or ends with a hyphen")
	}
	return nil
}

// checkClientName: it becomes the name of a folder, and the common name of a
// certificate, which the daemon's plugins take for the user.
func checkClientName(s string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@"
	if len(s) > maxCommonName || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "-") || strings.HasSuffix(s, ".") ||
		strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(letters, r) }) {
		return fmt.Errorf("--client %q: up to %d letters, digits, and - _ . @, to name a folder with", s, maxCommonName)
	}
	return nil
}
