package dockertls

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// says is for texts that hold no names.
func says(detail, hint string) fill {
	return func(_ said, e *Error, _ []string) bool {
		e.Detail, e.Hint = detail, hint
		return true
	}
}

// onlyWords demands that the text is the pattern and nothing else of weight.
func onlyWords(f fill) fill {
	return func(s said, e *Error, words []string) bool {
		return len(strings.Fields(s.text)) <= 4 && f(s, e, words)
	}
}

var (
	plainToTLS = says(saidPlainToTLS, hintTLSOn)
	tlsToPlain = says(saidTLSToPlain, hintTLSOff)
	tlsToNoTLS = says("TLS was spoken, and what answered was no TLS (plain HTTP looks like this)", hintTLSOff)
	untrusted  = says("the server's certificate was issued by an authority that the client does not know", hintCA)
	invalidCA  = says("the CA file holds no certificate that can be parsed", "ca.pem must hold a block BEGIN CERTIFICATE")
	encrypted  = says("the private key is protected by a pass phrase", "take the pass phrase off: openssl pkey -in key.pem -out plain-key.pem")
)

// alertTexts are the ways to write that a peer sent an alert.
func alertTexts(code int, names ...string) []string {
	texts := []string{"ssl alert number " + strconv.Itoa(code) + "$"}
	for _, name := range names {
		texts = append(texts,
			"remote error: tls: "+name+"$", "remote error: "+name+"$", // Go, since 1.8 and before
			"alert "+name+"$", "alert: "+name+"$", // OpenSSL; Java, rustls
			"alert: '"+name+"'", "alertreceived("+name+")") // .NET, rustls
	}
	return texts
}

func alertRow(code int, detail, hint string) fill {
	return func(_ said, e *Error, _ []string) bool {
		e.Detail, e.Hint = detail, hint
		e.Evidence.AlertCode, e.Evidence.Alert = code, alertName(code)
		return true
	}
}

// requestTexts are the ways in which Go's http.Client begins an error.
func requestTexts(rest string) (texts []string) {
	for _, method := range []string{"get", "head", "post", "put", "delete"} {
		texts = append(texts, method+" "+rest, method+` "`+rest)
	}
	return texts
}

// missingTexts are the ways to write that a file of that name does not exist.
func missingTexts(name string) []string {
	return []string{
		"open {}" + name + ": no such file", "open {}" + name + ": the system cannot find", // Go
		"stat {}" + name + ": no such file", "stat {}" + name + ": the system cannot find",
		"open '{}" + name + "': no such file", `open "{}` + name + `": no such file`, // Go, with quotation marks in the path
		`"{}` + name + `": no such file`,                                            // docker before 1.7
		"no such file or directory: '{}" + name,                                     // Python
		"no such file or directory, open '{}" + name,                                // Node
		"no such file or directory @ rb sysopen - {}" + name,                        // Ruby, with its underscore gone
		"filenotfoundexception: {}" + name + " (", "nosuchfileexception: {}" + name, // Java
		"could not find file '{}" + name, // .NET
	}
}

// unreadableTexts are the ways to write that it exists.
func unreadableTexts(name string) []string {
	return []string{
		"open {}" + name + ": permission denied", "open {}" + name + ": access is denied", "read {}" + name + ": is a directory", // Go
		"permission denied: '{}" + name, "is a directory: '{}" + name, // Python
		"permission denied, open '{}" + name,                                                           // Node
		"permission denied @ rb sysopen - {}" + name,                                                   // Ruby
		"filenotfoundexception: {}" + name + " (permission denied", "accessdeniedexception: {}" + name, // Java
		"access to the path '{}" + name, // .NET
	}
}

// missingFile is for the file of one role. The name is added to what {} stood
// for, and must be all of the base name: server-key.pem is no client's key.
func missingFile(name, hint string) fill {
	return func(s said, e *Error, words []string) bool {
		path := tidyPath(words[len(words)-1])
		if name != "" && path != "" && !strings.HasSuffix(path, "/") && !strings.HasSuffix(path, `\`) {
			return false
		}
		path += name
		// Java has one exception for a missing file and for a closed one.
		if path == "" || s.has("(permission denied") || e.Kind != CAMissing && s.has("key pair (cert: ") {
			return false // the last is how the daemon names its own pair
		}
		e.Detail = "there is no file " + shown(path)
		e.Hint = hint
		if s.has("open '"+strings.ToLower(path)) || s.has(`open "`+strings.ToLower(path)) {
			e.Hint = "the quotation marks may be part of the path: remove them"
		}
		return true
	}
}

// missingPair tells certificate and key by their names.
func (s said) missingPair(e *Error, words []string) bool {
	path := strings.ToLower(tidyPath(words[0]))
	base := path[strings.LastIndexAny(path, `/\`)+1:]
	switch {
	case strings.Contains(base, "key"):
		e.Kind = ClientKeyMissing
	case !strings.Contains(base, "cert") && !strings.HasSuffix(base, ".crt") && !strings.HasSuffix(base, ".cer"):
		return false
	}
	return missingFile("", hintPairFiles)(s, e, words)
}

func (s said) unreadableFile(e *Error, words []string) bool {
	e.Detail = "the file " + shown(tidyPath(words[len(words)-1])) + " exists, but cannot be read"
	e.Hint = hintFileMode
	return true
}

// tidyPath cuts off what stands before a path in the same breath.
func tidyPath(path string) string {
	if i := strings.LastIndexAny(path, "\"'`"); i >= 0 && i < len(path)-1 {
		path = path[i+1:]
	}
	return strings.Trim(path, "\"'`() ")
}

func (s said) oversizedRecord(e *Error, words []string) bool {
	length, _ := strconv.Atoi(firstWord(words[0]))
	// The length is the fourth and fifth byte of what came.
	switch string([]byte{byte(length >> 8), byte(length)}) {
	case "P/": // HTTP/
		e.Kind = TLSNotOffered
		return tlsToPlain(s, e, nil)
	case "T ", " /", "D ", "ET", "IO": // POST, GET /, PUT /, HEAD, DELETE, OPTIONS: only a server reads that
		e.Kind = TLSRequired
		return plainToTLS(s, e, nil)
	}
	e.Kind = NotTLS
	return says("TLS was spoken, and what answered does not speak it", "check the port")(s, e, nil)
}

// answerBytes are the first bytes of an answer as %q writes them, without the
// backslashes, which some logs lose and others double.
func answerBytes(words []string) string {
	answer := strings.TrimLeft(words[0], " \"'`\\“")
	return strings.ReplaceAll(answer[:min(len(answer), 48)], `\`, "")
}

func (s said) tlsAnswer(e *Error, words []string) bool {
	answer := answerBytes(words)
	for _, alert := range []string{"x15x03", "x16x03", "025003", "u0015u0003"} {
		if strings.HasPrefix(answer, alert) {
			return plainToTLS(s, e, nil)
		}
	}
	return false
}

func (s said) http2Answer(e *Error, words []string) bool {
	if answer := answerBytes(words); !strings.HasPrefix(answer, "x00x00") || !strings.Contains(answer, "x04x00") {
		return false // the header of a SETTINGS frame
	}
	e.Detail, e.Hint = "the answer is HTTP/2 or gRPC, which is no Docker API", "check the port"
	if s.has(":2377") {
		e.Hint = "2377 is the port of swarm; the Docker API listens on another, 2375 or 2376 by custom"
	}
	return true
}

func (s said) otherAnswer(e *Error, words []string) bool {
	answer, _, _ := strings.Cut(strings.TrimLeft(words[0], `" `), `"`)
	e.Detail = "the answer is neither HTTP nor TLS: " + shown(answer)
	e.Evidence.Answer = shown(answer)
	if s.has("http://docker/") || s.has("ssh") {
		e.Hint = "over ssh, what the remote shell prints when it starts comes first: let it print nothing"
	}
	return answer != ""
}

func (s said) proxyUnreachable(e *Error, words []string) bool {
	e.Detail, e.Hint = "the connection to the proxy failed", hintProxy
	if address := s.dialled(words); address != "" {
		e.Detail += " (" + address + ")"
		e.Evidence.Proxy = address
	}
	return true
}

func (s said) proxyStatus(e *Error, words []string) bool {
	status := firstWord(words[len(words)-1])
	code, err := strconv.Atoi(status)
	if err != nil || code < 300 || code > 599 {
		return false
	}
	e.Evidence.Status = code
	e.Detail, e.Hint = saidProxyAnswer+status, hintProxy
	return true
}

// connectRefused knows the reason phrases that net/http makes the whole error
// when a proxy does not answer 200 to CONNECT.
func (s said) connectRefused(e *Error, words []string) bool {
	phrase := strings.Trim(words[1], `"'.,;)}* `)
	for code, text := range map[int]string{400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 407: "Proxy Authentication Required",
		500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"} {
		if strings.EqualFold(phrase, text) {
			e.Evidence.Status = code
			e.Detail, e.Hint = saidProxyAnswer+text, hintProxy
			return true
		}
	}
	return false
}

func (s said) namesNot(e *Error, words []string) bool {
	wanted := firstWord(words[1])
	if words[0] == "" {
		return s.noNames(e, words[1:])
	}
	e.Detail = "the server's certificate is for " + shown(words[0]) + ", not for " + shown(wanted)
	e.Evidence.ServerName = shown(wanted)
	e.Hint = "connect by one of its names, or " + reissueFor(wanted)
	return wanted != ""
}

func (s said) noIPNames(e *Error, words []string) bool {
	s.nameWanted(e, words)
	e.Detail = "the server's certificate is for no IP address, and " + e.Evidence.ServerName + " was asked for"
	return true
}

func (s said) noNames(e *Error, words []string) bool {
	s.nameWanted(e, []string{firstWord(words[0])})
	e.Detail = "the server's certificate is for no name at all, and " + e.Evidence.ServerName + " was asked for"
	return true
}

func (s said) nameWanted(e *Error, words []string) bool {
	wanted := strings.Trim(words[0], `"'<>,. `)
	e.Detail = "the server's certificate is not for " + shown(wanted)
	e.Evidence.ServerName = shown(wanted)
	e.Hint = "connect by a name that is in the certificate, or " + reissueFor(wanted)
	return wanted != ""
}

func reissueFor(name string) string {
	return "issue it again with " + shown(sanOf(name)) + " as subjectAltName (the Common Name is not used)"
}

// twoTimes puts the two times of the text into a sentence: the limit and the clock.
func twoTimes(format string) func(words []string) (string, bool) {
	return func(words []string) (string, bool) {
		clock, limit := firstWord(words[0]), firstWord(words[1])
		_, err1 := time.Parse(time.RFC3339, clock)
		_, err2 := time.Parse(time.RFC3339, limit)
		before, rest, _ := strings.Cut(format, "%s")
		between, after, _ := strings.Cut(rest, "%s")
		return before + limit + between + clock + after, err1 == nil && err2 == nil
	}
}

func serverDates(format string) fill {
	return func(_ said, e *Error, words []string) (ok bool) {
		e.Detail, ok = twoTimes(format)(words)
		e.Hint = hintDates
		return ok
	}
}

func clientDates(format string) fill {
	return func(_ said, e *Error, words []string) (ok bool) {
		e.Detail, ok = twoTimes(format)(words)
		e.Hint = hintClientDates
		return ok
	}
}

// refusedByDaemon adds the daemon's reason where it is one of few.
func (s said) refusedByDaemon(e *Error, _ []string) bool {
	e.Detail, e.Hint = saidRefusedCert, hintRejected
	switch {
	case s.has("certificate signed by unknown authority"):
		e.Detail += ": it does not know the authority that issued it"
		e.Hint = hintSignedPair
	case s.has("incompatible key usage"):
		e.Detail += ": it may not be used for clients"
		e.Hint = "issue it again with the extended key usage clientAuth"
	case s.has("has expired or is not yet valid"):
		e.Detail += ": it has expired, or is not valid yet"
		e.Hint = "check its dates, and the clock of the daemon's machine"
	}
	return true
}

func (s said) twinAuthority(e *Error, words []string) bool {
	e.Detail = "the server's certificate was issued by an authority that has the name, but not the key, of one that the client knows (" + shown(strings.Trim(words[0], `"`)) + ")"
	e.Hint = fmt.Sprintf(hintTwin, roleCA().file)
	return true
}

func breaksRule(why string) fill {
	return says("the server's certificate breaks a rule: "+why, "")
}

// versionOf names the version that the text gives as a number.
func versionOf(detail string) fill {
	return func(_ said, e *Error, words []string) bool {
		e.Detail, e.Hint = detail, hintOldClient
		word := firstWord(words[0])
		if n, err := strconv.ParseUint(word, 16, 16); err == nil {
			word = tls.VersionName(uint16(n))
		}
		if word != "" {
			e.Detail += " (" + shown(word) + ")"
		}
		return true
	}
}

func (s said) noContext(e *Error, words []string) bool {
	e.Detail = "there is no docker context " + shown(words[0])
	e.Hint = "docker context ls lists them; one is chosen by --context, DOCKER_CONTEXT or docker context use"
	return !s.has("kube")
}

func (s said) brokenContext(e *Error, words []string) bool {
	e.Detail = "the file of the docker context " + shown(words[0]) + " is no JSON"
	return true
}

func (s said) noTransport(e *Error, words []string) bool {
	scheme, _, _ := strings.Cut(firstWord(words[0]), "://")
	scheme = strings.Trim(scheme, `"'`)
	if scheme == "" || strings.Contains(scheme, "docker") { // "http+docker": requests and docker-py do not fit together
		return false
	}
	e.Detail = "the client has no transport for " + shown(scheme) + " addresses"
	e.Hint = hintHost
	if s.has("http://unix") || s.has("http+unix") {
		e.Hint = ""
	}
	return true
}

func (s said) notAvailable(e *Error, _ []string) bool {
	e.Detail, e.Hint = "the client has no transport for such addresses on its system", hintHost
	return !s.has("setsockopt") && !s.has("socket option")
}

// badAddress tells an address that nobody could read from one that the client
// has no transport for.
func (s said) badAddress(e *Error, words []string) bool {
	e.Detail, e.Hint = "the address of the daemon cannot be read", hintHost
	if s.has("ssh://") {
		e.Kind, e.Detail = HostUnsupported, "the client cannot read ssh:// addresses"
		return true
	}
	if len(words) > 0 && firstWord(words[0]) != "" {
		e.Detail += ": " + shown(firstWord(words[0]))
	}
	if s.has("too many colons") {
		e.Hint = "an IPv6 address needs brackets: tcp://[::1]:2376"
	}
	return true
}

// badURL is about docker's addresses only: url.Parse serves many masters.
func (s said) badURL(e *Error, words []string) bool {
	address := strings.ToLower(strings.Trim(words[0], `"`))
	for _, scheme := range []string{"tcp://", "unix://", "npipe://", "ssh://"} {
		if strings.HasPrefix(address, scheme) {
			s.badAddress(e, nil)
			e.Detail += ": " + shown(strings.Trim(words[0], `"`))
			return true
		}
	}
	if s.has("docker host") || s.has("docker endpoint") || s.has("--host") || strings.Contains(address, ":237") {
		return s.badAddress(e, words)
	}
	return false
}

func (s said) badPort(e *Error, words []string) bool {
	e.Detail, e.Hint = "the port "+shown(firstWord(words[0]))+" is no port", hintHost
	return true
}

func (s said) noName(e *Error, words []string) bool {
	e.Detail, e.Hint = "a host name does not resolve", hintAddress
	if len(words) == 0 {
		return true
	}
	name, _, _ := strings.Cut(words[0], " on ")
	name = strings.Trim(firstWord(name), `"'`)
	if name == "" {
		return true
	}
	e.Detail = "the host name " + shown(name) + " does not resolve"
	switch {
	case strings.Contains(name, "://"):
		e.Detail += ": it holds a scheme"
		e.Hint = hintHost
	case strings.ContainsAny(name, `/\%`):
		e.Detail += ": it is a path"
		e.Hint = "a socket needs unix:// before its path, a named pipe npipe://, and both a client that knows them"
	case slices.Contains([]string{schemeTCP, schemeUnix, schemeNpipe, schemeHTTP, schemeHTTPS, schemeSSH}, name):
		e.Detail += ": it is a scheme"
		e.Hint = "the address may hold two schemes: write it as tcp://host:port"
	case strings.Contains(name, "@"):
		e.Detail += ": it holds a user"
		e.Hint = ""
	}
	return true
}

func (s said) noSocket(e *Error, words []string) bool {
	e.Detail, e.Hint = "there is no such socket or pipe", hintSocket
	if path := s.socketPath(words); path != "" {
		e.Detail = "there is no socket " + path
		e.Evidence.Address = path
	}
	return true
}

func (s said) noPipe(e *Error, words []string) bool {
	path := tidyPath(words[0])
	if !strings.Contains(path, "pipe") {
		return false
	}
	e.Detail, e.Hint = "there is no pipe "+shown(path), hintSocket
	e.Evidence.Address = shown(path)
	return true
}

func (s said) mayNotOpen(e *Error, words []string) bool {
	e.Detail, e.Hint = "the client's user may not open the daemon's socket", "add the user to the socket's group (usually docker), or use another address"
	if path := s.socketPath(words); path != "" {
		e.Detail = "the client's user may not open " + path
		e.Evidence.Address = path
	}
	return true
}

// at completes a sentence with an address.
func (s said) at(e *Error, words []string, detail, where, hint string) bool {
	address := s.dialled(words)
	e.Detail, e.Hint, e.Evidence.Address = detail, hint, address
	if address != "" {
		e.Detail += where + address
	}
	return true
}

func (s said) refused(e *Error, words []string) bool {
	s.at(e, words, "nobody listens", " at ", hintAddress)
	if e.Evidence.Address == "" {
		e.Detail += " at the address"
	}
	return true
}

func (s said) noRoute(e *Error, words []string) bool {
	return s.at(e, words, "there is no way to the host", " of ", hintAddress)
}

func (s said) forbidden(e *Error, words []string) bool {
	return s.at(e, words, "the client's system forbids the connection", " to ", "a firewall or a sandbox on the client's machine may be in the way")
}

func (s said) hungUp(e *Error, words []string) bool {
	s.at(e, words, "the connection was closed before there was an answer", ": ", "")
	if s.has("http://") {
		e.Hint = "a server that speaks TLS may do this to plain HTTP; the reason may be in the daemon's log"
	}
	return true
}

func (s said) tooLate(e *Error, words []string) bool {
	return s.at(e, words, "no answer in time", " from ", hintAddress)
}

func (s said) waited(e *Error, words []string) bool {
	s.tooLate(e, nil)
	if seconds, err := strconv.ParseFloat(words[0], 64); err == nil && seconds > 0 && seconds < 1e6 {
		e.Evidence.Waited = time.Duration(seconds * float64(time.Second))
		e.Detail += " (" + e.Evidence.Waited.String() + ")"
	}
	return true
}
