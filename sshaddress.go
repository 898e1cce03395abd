package dockertls

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// sshAuthority is the Host header over ssh, as docker sends it. Nobody looks it up.
const sshAuthority = "docker.example.com"

// An sshTarget is an ssh address taken apart (rule 30).
type sshTarget struct {
	login, host, port string // as ssh gets them; login (the user) and port may be empty, an IPv6 address has no brackets
	path              string // of the socket on the other side; "" for the one that docker uses there
}

// parseSSH reads an address that begins with "ssh://". Nothing in it is
// completed: what is missing, ssh's own configuration decides.
func parseSSH(address string) (endpoint, *Error) {
	u, err := url.Parse(address)
	if err != nil {
		return endpoint{}, malformedSSH(address, err)
	}
	t := sshTarget{login: u.User.Username(), host: u.Hostname(), port: u.Port(), path: u.Path}
	if strings.Trim(t.path, "/") == "" {
		t.path = ""
	}
	_, password := u.User.Password()
	switch {
	case password:
		return endpoint{}, invalidHost(address, "a password has no place in an ssh address").
			hint("leave it out: ssh takes keys, from its agent or as its own configuration says")
	case t.host == "":
		return endpoint{}, invalidHost(address, "no host name").hint("write ssh://user@host or ssh://host:port")
	case strings.Contains(t.host, ":") && u.Host[0] != '[':
		return endpoint{}, bareColons(address)
	case u.RawQuery != "":
		return endpoint{}, invalidHost(address, "an ssh address has no query").hint("write a ? in a path as %%3F")
	case u.Fragment != "":
		return endpoint{}, invalidHost(address, "an ssh address has no fragment").hint("write a # in a path as %%23")
	}
	if err := checkPort(t.port, address); err != nil {
		return endpoint{}, err
	}
	if err := t.checkWords(address); err != nil {
		return endpoint{}, err
	}
	return endpoint{network: schemeSSH, address: t.String(), authority: sshAuthority, ssh: t}, nil
}

// malformedSSH says what is wrong with an address that is no URL, without the
// parser's text, which may quote a password.
func malformedSSH(address string, err error) *Error {
	rest := strings.TrimPrefix(address, schemeSSH+"://")
	hostPort, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		hostPort, tail = rest[:i], rest[i:]
	}
	hostPort = hostPort[strings.LastIndexByte(hostPort, '@')+1:]
	_, port, ok := strings.Cut(strings.TrimLeft(hostPort, "["), ":")
	escape := url.EscapeError("")
	switch {
	case strings.Contains(tail, "@"):
		// What looks like a host and a port may be a user and half a password.
		return invalidHost(address, saidBadAddress).hint("write ssh://user@host, without a password")
	case ok && strings.Count(hostPort, ":") == 1 && strings.Trim(port, "0123456789") != "":
		return invalidHost(address, saidBadPort, port).hint("a path on the other side begins with a slash: ssh://host/path")
	case strings.Count(hostPort, ":") > 1 && !strings.HasPrefix(hostPort, "["):
		return bareColons(address)
	case errors.As(err, &escape):
		return invalidHost(address, saidBadAddress).hint(hintEscape)
	}
	return invalidHost(address, saidBadAddress).hint("write ssh://user@host:port")
}

func bareColons(address string) *Error {
	return invalidHost(address, "more than one colon: "+saidIPv6Brackets).hint("write ssh://host:port or ssh://[::1]:22")
}

// checkWords refuses what ssh could take for something else than it is: an
// option, or text that a terminal acts upon.
func (t sshTarget) checkWords(address string) *Error {
	for _, word := range [...]struct{ what, text string }{{"user", t.login}, {"host", t.host}, {"path", t.path}} {
		if i := strings.IndexFunc(word.text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			return invalidHost(address, "the character %q has no place in the %s", []rune(word.text[i:])[0], word.what)
		}
		if strings.HasPrefix(word.text, "-") {
			return invalidHost(address, "the %s begins with a dash, as options of ssh do", word.what).
				hint("give it another name in ssh's configuration (Host, HostName, User), and use that")
		}
	}
	return nil
}

// String is the address without its scheme, as parseSSH reads it back.
func (t sshTarget) String() string {
	u := url.URL{Host: t.host, Path: t.path}
	if strings.Contains(t.host, ":") {
		u.Host = "[" + t.host + "]"
	}
	if t.port != "" {
		u.Host = net.JoinHostPort(t.host, t.port)
	}
	if t.login != "" {
		u.User = url.User(t.login)
	}
	return strings.TrimPrefix(u.String(), "//")
}

// destination is the address without the path: who is spoken to.
func (t sshTarget) destination() string {
	t.path = ""
	return t.String()
}

// args are ssh's arguments, in docker's order. User, host and port are words of
// their own, before and after "--": none can be taken for an option. What a shell
// would act upon is quoted, because ssh hands user and host to the ProxyCommand's
// shell, and the command to the one on the other side.
func (t sshTarget) args() []string {
	return slices.Concat(t.options(), []string{"-o ConnectTimeout=30", "-T", "--", shellWord(t.host), t.command("system", "dial-stdio")})
}

func (t sshTarget) options() []string {
	var args []string
	if t.login != "" {
		args = append(args, "-l", shellWord(t.login))
	}
	if t.port != "" {
		args = append(args, "-p", t.port)
	}
	return args
}

// command is docker's command line on the other side.
func (t sshTarget) command(words ...string) string {
	line := []string{"docker"}
	if t.path != "" {
		line = append(line, shellWord("--host=unix://"+t.path))
	}
	return strings.Join(append(line, words...), " ")
}

// byHand is what a user can type to see the same as we do.
func (t sshTarget) byHand(command string) string {
	line := slices.Concat([]string{"ssh"}, t.options(), []string{shellWord(t.host)})
	if strings.ContainsAny(command, "'\";$") {
		command = shellWord(command)
	}
	return strings.Join(append(line, command), " ")
}

func (t sshTarget) tryDocker() string { return t.byHand(t.command("version")) }

// shellWord quotes a word for a POSIX shell in the way that docker does here.
func shellWord(s string) string {
	switch {
	case !strings.ContainsAny(s, " ;\"'()$|&<>`\\#{~*?[="):
		return s
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "`", "\\`", "$", `\$`).Replace(s) + `"`
}
