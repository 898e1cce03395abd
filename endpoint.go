package dockertls

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"path"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	schemeTCP   = "tcp"
	schemeUnix  = "unix"
	schemeNpipe = "npipe"
	schemeSSH   = "ssh"
	schemeFD    = "fd"
	schemeHTTP  = "http"
	schemeHTTPS = "https"

	defaultSocket = "/var/run/docker.sock"
	defaultPipe   = "//./pipe/docker_engine"
	plainPort     = "2375" // of an address without port, with TLS too (rule 9)
	tlsPort       = "2376" // by custom
	tlsHost       = "tcp://localhost:" + tlsPort

	// socketAuthority is the Host header on sockets and pipes, as docker sends it.
	socketAuthority = "api.moby.localhost"
)

// An endpoint is an address that has been decided: nothing in it is missing.
type endpoint struct {
	network    string // "tcp", "unix", "npipe" or "ssh"
	address    string // what to dial: host:port in ASCII, the path of a socket or pipe, or what follows ssh://
	authority  string // what stands in URLs and the Host header
	serverName string // tcp: the host name or IP address, without port and final dot
	basePath   string // tcp: prefix of every request path, "" or "/p"
	ssh        sshTarget

	https   bool     // the address itself asks for TLS (contexts only)
	dropped []string // parts of the address that have no meaning (Q5)
	noPort  bool     // the address has no port: rule 9, or Q4 in a context, fills it in
}

// isTCP tells endpoints that TLS, proxies and ports are for from sockets, pipes
// and ssh, which have none of them, and where every host name in a request stands
// for the one endpoint.
func (e endpoint) isTCP() bool { return e.network == schemeTCP }

func (e endpoint) isSocket() bool { return e.network == schemeUnix || e.network == schemeNpipe }

// String is the address with every default filled in, for DOCKER_HOST and for
// other clients' WithHost.
func (e endpoint) String() string {
	if !e.isTCP() {
		return e.network + "://" + e.address
	}
	return schemeTCP + "://" + e.address + e.escapedBase()
}

func (e endpoint) escapedBase() string { return (&url.URL{Path: e.basePath}).EscapedPath() }

// url is the address of an API path. The path may carry a query.
func (e endpoint) url(scheme, path string) string {
	if path != "" && path[0] != '/' && path[0] != '?' {
		path = "/" + path
	}
	return scheme + "://" + e.authority + e.escapedBase() + path
}

// defaultEndpoint is where docker looks without any address (rule 7).
func defaultEndpoint(tls bool) endpoint {
	if tls {
		e, _ := parseHost(tlsHost)
		return e
	}
	return localEndpoint()
}

// localEndpoint is the system's own socket or pipe.
func localEndpoint() endpoint {
	if runtime.GOOS == "windows" {
		return endpoint{network: schemeNpipe, address: defaultPipe, authority: socketAuthority}
	}
	return endpoint{network: schemeUnix, address: defaultSocket, authority: socketAuthority}
}

// parseHost reads an address as docker reads -H and DOCKER_HOST (rules 7 to
// 12). It must not be blank. Errors: [HostInvalid], [HostUnsupported]; their
// Source is left to the caller.
func parseHost(host string) (endpoint, *Error) {
	host = strings.TrimSpace(host)
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok {
		return parseSchemeless(host)
	}
	switch scheme {
	case schemeTCP:
		return parseTCP(rest)
	case schemeUnix:
		if inner, after, ok := strings.Cut(rest, "://"); ok {
			e := invalidHost(host, "a second %q", "://")
			if inner == schemeUnix {
				e.hint("write unix://%s", after)
			}
			return endpoint{}, e
		}
		return parseSocket(schemeUnix, cmp.Or(rest, defaultSocket))
	case schemeNpipe:
		return parseSocket(schemeNpipe, cmp.Or(rest, defaultPipe))
	case schemeSSH:
		return parseSSH(host)
	}
	return endpoint{}, unknownScheme(scheme, rest, host)
}

// parseContextHost reads the address of a stored context, which docker does
// not complete (rule 26). It must not be empty.
func parseContextHost(host string, tls bool) (endpoint, *Error) {
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok || rest == "" {
		return endpoint{}, invalidHost(host, "it must have a scheme and an address, such as tcp://host:2376 or unix:///path")
	}
	switch scheme {
	case schemeTCP:
		return parseContextTCP(rest, tls)
	case schemeHTTP, schemeHTTPS:
		if strings.ContainsAny(rest, "/?#@") {
			return endpoint{}, invalidHost(host, "docker takes all that follows %s:// for the name of the host", scheme).
				hint("write tcp://%s", redact(rest))
		}
		e, err := parseContextTCP(rest, tls)
		e.https = scheme == schemeHTTPS
		return e, err
	case schemeUnix, schemeNpipe:
		return parseSocket(scheme, rest)
	case schemeSSH:
		return parseSSH(host)
	}
	return endpoint{}, unknownScheme(scheme, rest, host)
}

// parseContextTCP keeps host and port as they are written. A missing port is
// that of the URL's scheme (Q4).
func parseContextTCP(rest string, tls bool) (endpoint, *Error) {
	a, err := parseAuthority(rest)
	if err != nil {
		return endpoint{}, err
	}
	whole := schemeTCP + "://" + rest
	switch {
	case a.host == "" && (tls || a.port == ""):
		return endpoint{}, invalidHost(whole, "no host name")
	case a.bare:
		return endpoint{}, invalidHost(whole, saidIPv6Brackets).hint("write tcp://[%s]:%s", a.host, plainPort)
	}
	e := a.endpoint
	e.authority, e.noPort = a.written, a.port == ""
	e.serverName = cmp.Or(e.serverName, "localhost") // where an empty host leads
	port := "80"
	if tls {
		port = "443"
	}
	e.address = net.JoinHostPort(asciiHost(a.host), cmp.Or(a.port, port))
	return e, nil
}

// parseSchemeless reads an address without "://": docker takes it for tcp. A
// path, and a scheme whose slashes are missing, cannot be meant so (Q6).
func parseSchemeless(host string) (endpoint, *Error) {
	if strings.HasPrefix(host, "/") {
		e := invalidHost(host, "a path without a scheme")
		if name, ok := strings.CutPrefix(host, "//"); ok && name != "" {
			return endpoint{}, e.hint("write tcp://%s", redact(name))
		}
		return endpoint{}, e.hint("write unix://%s for a socket", host)
	}
	for _, s := range []string{schemeTCP, schemeUnix, schemeNpipe, schemeSSH, schemeFD, schemeHTTP, schemeHTTPS} {
		rest, ok := strings.CutPrefix(host, s)
		if !ok || !strings.HasPrefix(rest, ":/") && !strings.HasPrefix(rest, "//") {
			continue
		}
		rest = strings.TrimLeft(rest, ":/")
		if s == schemeUnix || s == schemeNpipe {
			rest = "/" + rest
		}
		return endpoint{}, invalidHost(host, "the scheme %s is not followed by %q", s, "://").
			hint("write %s://%s", s, redact(rest))
	}
	return parseTCP(host)
}

// parseTCP reads what follows "tcp://" and completes it (rules 9 to 11).
func parseTCP(rest string) (endpoint, *Error) {
	a, err := parseAuthority(rest)
	if err != nil {
		return endpoint{}, err
	}
	if strings.HasSuffix(a.written, "]") {
		return endpoint{}, invalidHost(schemeTCP+"://"+rest, "after an address in brackets docker wants a colon and a port").
			hint("write tcp://[%s]:%s, or the port the daemon listens on", a.host, plainPort)
	}
	e := a.endpoint
	host := cmp.Or(a.host, "localhost")
	e.serverName = strings.TrimSuffix(asciiHost(host), ".")
	e.address = net.JoinHostPort(asciiHost(host), cmp.Or(a.port, plainPort))
	e.authority, e.noPort = e.address, a.port == ""
	return e, nil
}

// An authority is what stands between "tcp://" and the path, taken apart.
type authority struct {
	endpoint          // with what the address says besides host and port
	written    string // without the user
	host, port string // either may be empty; an IPv6 address has no brackets
	bare       bool   // an IPv6 address was written without them
}

func parseAuthority(rest string) (authority, *Error) {
	whole := schemeTCP + "://" + rest
	var a authority
	a.network = schemeTCP
	if _, after, ok := strings.Cut(rest, "://"); ok {
		e := invalidHost(whole, "a second %q", "://")
		if strings.HasPrefix(rest, schemeTCP+"://") {
			e.hint("write tcp://%s", redact(after))
		}
		return a, e
	}
	hostPort, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		hostPort, tail = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(hostPort, '@'); i >= 0 {
		hostPort = hostPort[i+1:]
		a.dropped = append(a.dropped, "user")
	}
	a.written = hostPort
	err := a.split(whole)
	switch {
	case err != nil && strings.Contains(tail, "@"):
		// What was taken for the host may be a password with a slash in it.
		return a, invalidHost(whole, saidBadAddress).hint("docker knows no user in a tcp address: leave it out")
	case err != nil:
		return a, err
	}
	return a, a.parsePath(tail, whole)
}

// parsePath reads what follows host and port.
func (a *authority) parsePath(tail, whole string) *Error {
	u, err := url.Parse("tcp://host" + tail)
	if err == nil {
		if u.RawQuery != "" {
			a.dropped = append(a.dropped, "query")
		}
		if u.Fragment != "" {
			a.dropped = append(a.dropped, "fragment")
		}
		u, err = url.Parse("tcp://host" + u.Path) // docker takes the path apart twice
	}
	if err != nil || strings.ContainsFunc(u.Path, func(r rune) bool { return r == '%' || unicode.IsControl(r) }) {
		return invalidHost(whole, "the path cannot be parsed").hint(hintEscape)
	}
	if clean := path.Clean("/" + u.Path); clean != "/" {
		a.basePath = clean
	}
	return nil
}

// split takes host and port apart (rules 9 and 10).
func (a *authority) split(whole string) *Error {
	s := a.written
	if i := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("%\"<>\\^`{|}", r)
	}); i >= 0 {
		return invalidHost(whole, "the character %q has no place in a host name", []rune(s[i:])[0])
	}
	switch {
	case strings.HasPrefix(s, "["):
		if err := a.splitBrackets(whole); err != nil {
			return err
		}
	case strings.Count(s, ":") > 1:
		a.host, a.bare = s, true
		return checkBareIPv6(s, whole)
	default:
		a.host, a.port, _ = strings.Cut(s, ":")
	}
	if strings.ContainsAny(a.host, "[]") {
		return invalidHost(whole, "a bracket in the host name %q", a.host)
	}
	a.serverName = strings.TrimSuffix(asciiHost(a.host), ".")
	if a.serverName == "" && a.host != "" {
		return invalidHost(whole, "%q is no host name", a.host)
	}
	return checkPort(a.port, whole)
}

// splitBrackets reads "[::1]:2376".
func (a *authority) splitBrackets(whole string) *Error {
	host, after, ok := strings.Cut(a.written[1:], "]")
	if !ok {
		return invalidHost(whole, "the bracket is not closed").hint("write tcp://[::1]:2376")
	}
	if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
		return invalidHost(whole, "%q in brackets is no IPv6 address", host)
	}
	if after != "" && after[0] != ':' {
		return invalidHost(whole, "%q after the bracket", after)
	}
	a.host, a.port = host, strings.TrimPrefix(after, ":")
	return nil
}

// checkBareIPv6 accepts an IPv6 address without brackets as docker does: only
// if it ends like a port. One that would also be a shorter address and a port
// is refused, because docker takes it for the address, which cannot be meant.
func checkBareIPv6(s, whole string) *Error {
	addr, err := netip.ParseAddr(s)
	i := strings.LastIndexByte(s, ':')
	head, last := s[:i], s[i+1:]
	_, headErr := netip.ParseAddr(head)
	digits := strings.Trim(last, "0123456789") == ""
	switch {
	case headErr == nil && digits && len(last) > 3:
		return invalidHost(whole, "an IPv6 address with a port needs brackets").hint("write tcp://[%s]:%s", head, last)
	case err != nil || !addr.Is6():
		return invalidHost(whole, "too many colons in %q", s).hint("write host:port, and an IPv6 address in brackets")
	case !digits:
		return invalidHost(whole, saidIPv6Brackets).hint("write tcp://[%s]:%s", s, plainPort)
	}
	return nil
}

func checkPort(port, whole string) *Error {
	if port == "" {
		return nil
	}
	if strings.Trim(port, "0123456789") != "" {
		return invalidHost(whole, saidBadPort, port)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return invalidHost(whole, "the port %s is not between 1 and 65535", port)
	}
	return nil
}

// asciiHost is the name that is looked up, as net/http makes it.
func asciiHost(host string) string {
	for i := range len(host) {
		if host[i] >= 0x80 {
			if a, err := idna.Lookup.ToASCII(host); err == nil {
				return a
			}
			break
		}
	}
	return host
}

func parseSocket(network, address string) (endpoint, *Error) {
	if network == schemeNpipe && runtime.GOOS != "windows" {
		return endpoint{}, fail(HostUnsupported, "", "%q: named pipes exist on Windows only", "npipe://"+address)
	}
	if strings.ContainsRune(address, 0) {
		return endpoint{}, invalidHost(network+"://"+address, "a NUL character in the path")
	}
	return endpoint{network: network, address: address, authority: socketAuthority}, nil
}

// maxSocketPath is how many bytes a socket's path may have: sun_path less its
// final NUL, which an abstract name does without.
func maxSocketPath(address string) int {
	n := 107
	switch runtime.GOOS {
	case "darwin", "freebsd", "netbsd", "openbsd", "dragonfly":
		n = 103
	}
	if runtime.GOOS == "linux" && strings.HasPrefix(address, "@") {
		n++
	}
	return n
}

// checkSocketPath is separate from parsing because docker looks at the length
// only after it has read the files (rule 22).
func (e endpoint) checkSocketPath() *Error {
	if limit := maxSocketPath(e.address); e.network == schemeUnix && len(e.address) > limit {
		return fail(HostInvalid, "", "the path of the socket has %d bytes, and %d is the most that works: %s", len(e.address), limit, e.address).
			hint("use a shorter path, or a symbolic link with one")
	}
	return nil
}

// unknownScheme says what was probably meant.
func unknownScheme(scheme, rest, host string) *Error {
	lower := strings.ToLower(strings.TrimLeft(scheme, `'"`))
	switch lower {
	case schemeFD:
		if lower == scheme {
			return fail(HostUnsupported, "", "%q: the scheme %s is not supported here", redact(host), scheme)
		}
	case schemeHTTP:
		return invalidHost(host, saidNoScheme, redact(scheme)).hint("write tcp://%s", redact(rest))
	case schemeHTTPS:
		return invalidHost(host, saidNoScheme, redact(scheme)).
			hint("write tcp://%s and switch TLS on with DOCKER_TLS_VERIFY=1 or --tlsverify", redact(rest))
	}
	e := invalidHost(host, "unknown scheme %q", redact(scheme))
	switch lower {
	case schemeTCP, schemeUnix, schemeNpipe, schemeSSH, schemeFD:
		if lower != scheme && !strings.EqualFold(lower, scheme) {
			return e.hint("the quotation marks are part of the value: remove them")
		}
		return e.hint("write %s:// in small letters", lower)
	}
	return e.hint("tcp, unix, npipe and ssh are supported")
}

func invalidHost(host, format string, args ...any) *Error {
	e := fail(HostInvalid, "", format, args...)
	e.Detail = quote(redact(host)) + ": " + e.Detail
	return e
}

// redact replaces the user and password of an address that may not even parse.
// The user of an ssh address stays: it is no secret, and part of the address.
func redact(host string) string {
	if scheme, path, _ := strings.Cut(host, "://"); (scheme == schemeUnix || scheme == schemeNpipe) && !strings.Contains(path, "://") {
		return host
	}
	at := strings.LastIndexByte(host, '@')
	if at < 0 {
		return host
	}
	start := 0
	if i := strings.Index(host, "://"); i >= 0 && i < at {
		start = i + len("://")
	}
	if user := strings.ToLower(host[start:at]); strings.TrimSpace(host[:start]) == schemeSSH+"://" && !containsAny(user, ":", "%3a") {
		return host
	}
	return host[:start] + "xxxxx" + host[at:]
}

// redactURL is the part of a proxy's address that counts. The user is left out
// too: it may be a token. So is what follows the host: of http://me:pass/word@proxy,
// which cannot be parsed, net/http makes http://http: with the rest for a path.
func redactURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host}
	if u.User != nil {
		shown.User = url.User("xxxxx")
	}
	return shown.String()
}
