package dockertls

import (
	"cmp"
	"net"
	"slices"
	"strings"
	"unicode"
)

// A said is a text made ready for patterns.
type said struct {
	text  string // as it came, but short, in lines, escaped and without users in URLs
	plain string // the same in small letters, with blanks for underscores and line ends, byte for byte as long
}

// unwrap undoes the escapes of JSON in which many logs keep their lines.
var unwrap = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, " ", `\/`, "/", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u0027`, "'")

func listen(text string) said {
	if len(text) > maxText {
		text = text[:maxText*3/4] + "\n" + text[len(text)-maxText/4:]
	}
	text = strings.ToValidUTF8(text, "?")
	for range 2 {
		if strings.Contains(text, `\"`) || strings.Contains(text, `\\x`) || strings.Contains(text, `\u003`) {
			text = unwrap.Replace(text)
		}
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		words := oneLine(strings.Join(strings.Fields(line), " "))
		if n := len(lines); n > 0 && strings.HasPrefix(line, " ") {
			lines[n-1] += " " + words // wrapped
			continue
		}
		lines = append(lines, words)
	}
	return fold(withoutUsers(strings.Join(lines, "\n"))).withoutHints()
}

func fold(text string) said {
	plain := []byte(text)
	for i, c := range plain {
		switch {
		case c >= 'A' && c <= 'Z':
			plain[i] = c + 'a' - 'A'
		case c == '_' || c == '\n':
			plain[i] = ' '
		}
	}
	return said{text, string(plain)}
}

// withoutUsers hides user and password of every URL, whatever is quoted later.
func withoutUsers(text string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, "://")
		if i < 0 {
			return b.String() + text
		}
		i += len("://")
		end := strings.IndexAny(text[i:], " \n")
		if end < 0 {
			end = len(text) - i
		}
		b.WriteString(text[:i])
		url := text[i : i+end]
		if at := strings.LastIndexByte(url, '@'); at >= 0 && !strings.HasSuffix(text[:i], "unix://") {
			b.WriteString("xxxxx")
			url = url[at:]
		}
		b.WriteString(url)
		text = text[i+end:]
	}
}

// withoutHints blanks advice that clients add to every failure of a sort: it
// is no evidence.
func (s said) withoutHints() said {
	text := []byte(s.text)
	for _, hint := range []string{
		"are you trying to connect to a tls-enabled daemon without tls", "is the docker daemon running", "is your docker daemon up and running",
		"is 'docker daemon' running on this host", "is 'docker -d' running on this host", "check if the path is correct and if the daemon is running",
		"the server probably has client authentication (--tlsverify) enabled", "check your tls client certification settings",
		"make sure the key is not encrypted", "key encrypted?", "the key may be encrypted", "this error may also indicate that the docker daemon is not running",
		"this error may indicate that the docker daemon is not running", "the docker client must be run elevated to connect", "the docker client must be run with elevated privileges to connect",
	} {
		for from := 0; ; {
			i := strings.Index(s.plain[from:], hint)
			if i < 0 {
				break
			}
			from += i + len(hint)
			copy(text[from-len(hint):from], strings.Repeat(" ", len(hint)))
		}
	}
	return fold(string(text))
}

// daemonWork begins what a daemon that was reached has to say about its own
// work, in the words of the various clients.
var daemonWork = []string{
	"error response from daemon", "api error (", "(http code", "server error for", "client error for", "docker responded with status code",
	"docker api responded with status code", `{"message":`, "<=> actual(", "error pulling image", "failed to register layer", "oci runtime",
	"driver failed programming", "error while creating mount",
}

// buildOutput shows that the text is the log of a build.
var buildOutput = []string{"returned a non-zero code", "did not complete successfully", "failed to solve", "failed to do request", "executor failed running", "unable to access 'http"}

// otherServers begin what is about a connection to a registry and the like.
var otherServers = []string{"registry endpoint", "error parsing http", "registry-1.docker.io", "index.docker.io", "auth.docker.io", "production.cloudflare.docker.com", "https://ghcr.io", "https://quay.io", "https://gcr.io", "https://mcr.microsoft.com", "login attempt to", "notary", "https://api.github.com"}

func (s said) has(words string) bool { return strings.Contains(s.plain, words) }

func (s said) hasAny(marks []string) bool { return slices.ContainsFunc(marks, s.has) }

// before cuts the text at the first of the marks.
func (s said) before(marks []string) said {
	end := len(s.plain)
	for _, mark := range marks {
		if i := strings.Index(s.plain[:end], mark); i >= 0 {
			end = i
		}
	}
	return said{s.text[:end], s.plain[:end]}
}

// without cuts each line at the first of the marks, or where a URL has a
// registry's path.
func (s said) without(marks []string) said {
	lines := strings.Split(s.text, "\n")
	for i, line := range lines {
		l := fold(line).before(marks)
		lines[i] = l.text[:registryURL(l.plain)]
	}
	return fold(strings.Join(lines, "\n"))
}

// registryURL is where a URL begins whose path is /v1/ or /v2/: those are a
// registry's. The daemon's have a second number.
func registryURL(line string) int {
	for from := 0; ; {
		i := strings.Index(line[from:], "://")
		if i < 0 {
			return len(line)
		}
		from += i + len("://")
		slash := strings.IndexAny(line[from:], "/ ")
		if slash < 0 {
			return len(line)
		}
		path := line[from+slash:]
		for _, p := range []string{"/v2", "/v1", "/v0"} {
			if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || strings.ContainsRune(`/": `, rune(rest[0]))) {
				return from
			}
		}
	}
}

// splitDaemonLog takes the lines of a server's log out of a text.
func (s said) splitDaemonLog() (own, logs said) {
	const mark, nginx = "tls handshake error", "while ssl handshaking, client"
	var ours, theirs []string
	for _, line := range strings.Split(s.text, "\n") {
		for _, part := range strings.SplitAfter(line, ";") {
			plain := fold(part).plain
			switch i := strings.Index(plain, mark); {
			case i >= 0:
				ours, theirs = append(ours, part[:i]), append(theirs, part[i:])
			case strings.Contains(plain, nginx):
				theirs = append(theirs, part)
			default:
				ours = append(ours, part)
			}
		}
		ours = append(ours, "\n")
	}
	return fold(strings.Join(ours, "")), fold(strings.Join(theirs, "\n"))
}

// find looks for a pattern: literal text in which {} stands for words of one
// clause, that is without ": " and line ends. At the end, $ forbids that a
// word goes on. The words are handed to accept as they were written, at each
// place where the pattern fits, until it says yes.
func (s said) find(pattern string, accept func(words []string) bool) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	chunks := strings.Split(pattern, "{}")
	from := 0
	for range maxTries {
		i := strings.Index(s.plain[from:], chunks[0])
		if i < 0 {
			return false
		}
		from += i + len(chunks[0])
		words, end, ok := s.match(from, chunks[1:])
		if ok && (!whole || !s.goesOn(end)) && accept(words) {
			return true
		}
	}
	return false
}

// match reads the rest of a pattern.
func (s said) match(at int, chunks []string) (words []string, end int, ok bool) {
	for _, chunk := range chunks {
		gap := s.clause(at)
		n := len(gap)
		if chunk != "" {
			n = strings.Index(s.plain[at:min(len(s.plain), at+len(gap)+len(chunk))], chunk)
		}
		if n < 0 {
			return nil, 0, false
		}
		words = append(words, gap[:n])
		at += n + len(chunk)
	}
	return words, at, true
}

// clause is the text from there on to where a {} must end.
func (s said) clause(from int) string {
	c := s.text[from:min(len(s.text), from+maxGap)]
	if i := strings.IndexByte(c, '\n'); i >= 0 {
		c = c[:i]
	}
	if i := strings.Index(c, ": "); i >= 0 {
		c = c[:i]
	}
	return c
}

func (s said) goesOn(at int) bool {
	if at >= len(s.plain) {
		return false
	}
	c := s.plain[at]
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// dialled is the address that a connection was tried to: from the pattern's
// words, or from the usual phrases.
func (s said) dialled(words []string) string {
	for _, w := range words {
		if a := addressIn(w); a != "" {
			return a
		}
	}
	var found string
	accept := func(words []string) bool {
		found = cmp.Or(addressIn(strings.Join(words, ":")), addressIn(words[0]))
		return found != ""
	}
	for _, pattern := range []string{"dial tcp {}: ", "dial unix {}: ", "host='{}', port={})", "failed to connect to {} port {}: ", "connect(2) for {}", "connect to {} [",
		"econnrefused {}", "etimedout {}", "ehostunreach {}", "enetunreach {}", "refused ({})", "refused it. ({})", "(socket: {})", "read tcp {}: ", "write tcp {}: "} {
		if s.find(pattern, accept) {
			return found
		}
	}
	return ""
}

// addressIn is the one that a word holds, or empty.
func addressIn(word string) string {
	if _, to, ok := strings.Cut(word, "->"); ok {
		word = to
	}
	word = strings.Trim(firstWord(word), `"'<>`)
	if strings.HasPrefix(word, "/") {
		return shown(word)
	}
	host, port, err := net.SplitHostPort(word)
	if err != nil || host == "" || port == "" || strings.Trim(port, "0123456789") != "" || !isPlain(host) {
		return ""
	}
	return word
}

// socketPath is the path in the pattern's words, or what looks like one.
func (s said) socketPath(words []string) string {
	for _, w := range words {
		w = tidyPath(firstWord(w))
		if strings.HasPrefix(w, "/") || strings.Contains(w, "pipe") {
			if !strings.Contains(w, "pipe") {
				w = "/" + strings.TrimLeft(w, "/")
			}
			return shown(w)
		}
	}
	i := strings.Index(s.plain, ".sock")
	if i < 0 {
		return ""
	}
	start := strings.LastIndexAny(s.text[:i], " \n\"'`()<>[]{},;:=") + 1
	path := "/" + strings.TrimLeft(s.text[start:i], "/")
	if strings.Contains(path, "%") || len(path) > maxQuote {
		return ""
	}
	return shown(path + ".sock")
}

// firstWord is a word without the punctuation around it.
func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	return strings.TrimRight(word, ".,;)}*\"'`")
}

// shown quotes what came from elsewhere, unless it is as harmless as a name or
// an address. It is short and without passwords.
func shown(s string) string {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "/") {
		s = redact(s)
	}
	if isPlain(s) && len(s) <= maxQuote {
		return s
	}
	for {
		quoted := quote(s)
		if len(quoted) <= maxQuote {
			return quoted
		}
		runes := []rune(s)
		s = string(runes[:len(runes)*3/4]) + "..."
	}
}

func isPlain(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`.-_:/\[]*~, +%$`, r)
	}) < 0
}
