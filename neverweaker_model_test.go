package dockertls

import (
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
)

// What was asked for, told from the rows of a combination by docs/rules.md and
// nothing else: no code of the library is asked. Where the rules refuse to go on,
// nothing may be sent at all.

// An asking is what the rows ask for.
type asking int

const (
	askedPlain     asking = iota // TCP in the clear: nobody asked for more
	askedSocket                  // no TCP: TLS has no meaning there (rule 21)
	askedEncrypted               // TLS; the server may be anybody
	askedVerified                // TLS, and a server that verifies
	askedRefusal                 // the rules, or where docker is not followed, make it an error
)

func (a asking) String() string {
	return [...]string{"plain", "socket", "encrypted", "verified", "refused"}[a]
}

// A verdict is what must be true of every byte on the wire.
type verdict struct {
	asking  asking
	by      string    // who asked for it: a layer, or "context"
	name    string    // the server's, that must be in its certificate
	address string    // as it was written; "" is docker's default
	roots   [2]tokens // authorities that may have issued it, before and after the change
}

// tokens is a set of names.
type tokens map[string]bool

func newTokens(names ...string) tokens {
	t := tokens{}
	for _, name := range names {
		t[name] = true
	}
	return t
}

func (t tokens) or(other tokens) tokens {
	both := maps.Clone(t)
	maps.Copy(both, other)
	return both
}

func (t tokens) String() string { return strings.Join(slices.Sorted(maps.Keys(t)), "+") }

// accepts tells whether a server of this kind may get a request.
func (v verdict) accepts(kind string, name string, phase int) bool {
	if v.asking != askedVerified {
		return true
	}
	facts, ok := serverKinds()[kind]
	return ok && facts.valid && v.roots[phase][facts.issuer] && slices.Contains(facts.names, name)
}

// An oracle reads the rows of one combination.
type oracle struct {
	rows   map[string]string
	layers []string // "A", "B" and "F" are explicit, "E" is the environment
}

func ask(c combination) verdict {
	o := oracle{rows: c.rows()}
	o.layers = strings.Fields(o.rows["layers"])
	return o.decide()
}

// variables are the environment's names for settings.
func variables() map[string]string {
	return map[string]string{
		"Host": "DOCKER_HOST", "Context": "DOCKER_CONTEXT", "TLS": "DOCKER_TLS", "TLSVerify": "DOCKER_TLS_VERIFY",
		"CertPath": "DOCKER_CERT_PATH", "ConfigDir": "DOCKER_CONFIG",
	}
}

// in is what one layer says of a setting.
func (o oracle) in(layer, setting string) (string, bool) {
	key := layer + "." + setting
	if layer == "E" {
		variable, ok := variables()[setting]
		if !ok {
			return "", false
		}
		key = "E." + variable
	}
	value, ok := o.rows[key]
	if layer == "E" && ok && (setting == "TLS" || setting == "TLSVerify") {
		return "true", value != "" // any text means yes (rule 13)
	}
	return value, ok && value != ""
}

// first is what the highest layer says that says anything.
func (o oracle) first(settings ...string) (setting, value, layer string) {
	for _, layer := range o.layers {
		for _, setting := range settings {
			if value, ok := o.in(layer, setting); ok {
				return setting, value, layer
			}
		}
	}
	return "", "", ""
}

func (o oracle) value(setting string) string {
	_, value, _ := o.first(setting)
	return value
}

// wish follows rules 13 and 14, and tells which layer asks.
func (o oracle) wish() (tls, verify bool, by string) {
	if _, verify, by := o.first("TLSVerify"); by != "" {
		return true, verify == "true", by
	}
	_, value, by := o.first("TLS")
	return value == "true", false, by
}

func (o oracle) decide() verdict {
	for _, layer := range o.layers {
		_, host := o.in(layer, "Host")
		_, context := o.in(layer, "Context")
		if host && context && layer != "E" {
			return verdict{asking: askedRefusal} // rule 2
		}
	}
	switch name := o.context(); name {
	case "default":
		return o.decideDefault()
	case "prod":
		return o.decideStored()
	}
	return verdict{asking: askedRefusal} // rule 4, U5
}

// context follows rules 1, 3 and 6.
func (o oracle) context() string {
	setting, value, layer := o.first("Host", "Context") // an address beats a context of its layer, which only E may have
	switch {
	case setting == "Host":
		return "default"
	case setting == "Context" && layer != "":
		return value
	}
	if dir := o.configDir(); dir == "" || dir == "{T}/nothing" {
		return "default"
	}
	switch o.rows["config.json"] {
	case "":
		return "default"
	case "current":
		return "prod"
	case "number", "broken", "cut", "folder":
		return "(unknown)"
	}
	return o.rows["config.json"]
}

// configDir follows rule 5.
func (o oracle) configDir() string {
	if dir := o.value("ConfigDir"); dir != "" {
		return dir
	}
	if slices.Contains(o.layers, "E") {
		return "{T}/home/.docker"
	}
	return ""
}

// certDir follows rule 16.
func (o oracle) certDir() string {
	if dir := o.value("CertPath"); dir != "" {
		return dir
	}
	if !slices.Contains(o.layers, "E") {
		return ""
	}
	if dir := o.rows["E.DOCKER_CONFIG"]; dir != "" {
		return dir // --config does not move it (Q2)
	}
	return "{T}/home/.docker"
}

// decideDefault follows rules 7 to 21.
func (o oracle) decideDefault() verdict {
	tls, verify, by := o.wish()
	address := strings.TrimSpace(o.value("Host"))
	if address == "(empty)" || address == "default" {
		address = ""
	}
	v := verdict{asking: askedPlain, by: by, address: address}
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case address == "" && !tls, ok && (scheme == "unix" || scheme == "ssh"):
		v.asking = askedSocket
		return v
	case address == "":
		rest = "localhost:2376"
	case !ok:
		rest = address
	case scheme != "tcp":
		v.asking = askedRefusal // rule 8
		return v
	}
	v.name = o.serverName(rest)
	_, inMemory, _ := o.first("CA", "Cert", "Key", "Signer", "Material")
	switch {
	case verify:
		v.asking = askedVerified
		v.roots = o.defaultRoots()
	case tls:
		v.asking = askedEncrypted
	case inMemory != "":
		v.asking = askedRefusal // who hands over material does not mean the clear
	}
	return v
}

// serverName is the name in an address, unless another one is set.
func (o oracle) serverName(rest string) string {
	if name := o.value("ServerName"); name != "" {
		return name
	}
	rest = rest[strings.LastIndex(rest, "@")+1:]
	rest, _, _ = strings.Cut(rest, "/")
	rest = strings.NewReplacer("{daemon}", "127.0.0.1:1", "{port}", "1").Replace(rest)
	if host, _, err := net.SplitHostPort(rest); err == nil {
		return host
	}
	return rest
}

// defaultRoots follows rules 16 to 19.
func (o oracle) defaultRoots() [2]tokens {
	setting, value, layer := o.first("CA", "CAFile")
	material, _, supplier := o.first("Material")
	if material != "" && o.rows[supplier+".Material"] != "" && (setting == "" || o.before(supplier, layer)) {
		if supplied := suppliedCA(o.rows[supplier+".Material"]); supplied != "" {
			return o.afterSupply(o.rows[supplier+".Material"], o.rows["then.Material"])
		}
	}
	switch {
	case setting == "CA":
		return o.after(authoritiesIn(value), nil)
	case value == "system" || value == "(empty)":
		return [2]tokens{}
	case setting == "CAFile":
		return o.inFile(value)
	case o.certDir() == "":
		return [2]tokens{}
	}
	return o.inFile(o.certDir() + "/ca.pem")
}

// before tells whether a layer is above another one, or the same.
func (o oracle) before(a, b string) bool {
	return slices.Index(o.layers, a) <= slices.Index(o.layers, b)
}

// inFile are the authorities of a file.
func (o oracle) inFile(path string) [2]tokens {
	content := o.rows["file "+path]
	return o.after(authoritiesIn(content), authoritiesIn(o.rows["then.ca"]))
}

// after adds what a change makes of authorities. Only after a look that found it
// settled the old ones are gone for certain.
func (o oracle) after(old, fresh tokens) [2]tokens {
	switch {
	case len(fresh) == 0: // what cannot be used changes nothing
		return [2]tokens{old, old}
	case o.rows["settle"] != "" && o.rows["then.Material"] == "":
		return [2]tokens{old, fresh}
	}
	return [2]tokens{old, old.or(fresh)}
}

// afterSupply is after for what Options.Material supplies: it must go on supplying
// what it supplied at first, and a whole set.
func (o oracle) afterSupply(first, then string) [2]tokens {
	old, fresh := authoritiesIn(suppliedCA(first)), authoritiesIn(suppliedCA(then))
	shape := regexp.MustCompile(`\.\S+`)
	same := shape.ReplaceAllString(first, "") == shape.ReplaceAllString(then, "")
	switch {
	case len(fresh) == 0:
		return [2]tokens{old, old}
	case o.rows["settle"] != "" && same && !strings.Contains(then, "cert.a key.b"):
		return [2]tokens{old, fresh}
	}
	return [2]tokens{old, old.or(fresh)}
}

// decideStored follows rules 23 to 26 and U2 to U4.
func (o oracle) decideStored() verdict {
	tls, verify, _ := o.wish()
	address := o.rows["context.host"]
	v := verdict{asking: askedRefusal, by: "context", address: address}
	if o.rows["context.meta"] != "" || o.configDir() == "" || address == "" || o.configDir() == "{T}/nothing" {
		return v
	}
	scheme, rest, _ := strings.Cut(address, "://")
	switch scheme {
	case "unix", "ssh":
		v.asking = askedSocket
		return v
	case "tcp", "http", "https":
	default:
		return v
	}
	material, skip := o.rows["context.tls"], o.rows["context.skip"] != ""
	secured := material != "" || skip || scheme == "https"
	_, inMemory, _ := o.first("CA", "Cert", "Key", "Signer", "Material")
	switch {
	case material == "misplaced", material == "file", tls && !secured, verify && skip, inMemory != "" && !secured:
		return v
	case !secured:
		v.asking = askedPlain
	case skip:
		v.asking = askedEncrypted
	default:
		v.asking, v.name = askedVerified, o.serverName(rest)
		ca, _, _ := strings.Cut(material, " ")
		fresh := authoritiesIn(o.rows["then.ca"])
		if !strings.HasPrefix(ca, "ca.") {
			fresh = nil // there is no file that could change
		}
		v.roots = o.after(authoritiesIn(ca), fresh)
	}
	return v
}

// authoritiesIn names those in a content such as "ca.good+key.a".
func authoritiesIn(content string) tokens {
	t := tokens{}
	for piece := range strings.SplitSeq(content, "+") {
		if name, ok := strings.CutPrefix(piece, "ca."); ok {
			t[name] = true
		}
	}
	return t
}

// suppliedCA is the CA in "ca.good cert.a key.a", as Options.Material supplies it.
func suppliedCA(material string) string {
	for content := range strings.FieldsSeq(material) {
		if strings.HasPrefix(content, "ca.") {
			return content
		}
	}
	return ""
}

// A serverKind is what a server's certificate is.
type serverKind struct {
	issuer string
	names  []string
	valid  bool // by time and purpose
}

// serverKinds are the certificates a server may show.
func serverKinds() map[string]serverKind {
	here, elsewhere := []string{"127.0.0.1", "localhost", "daemon.test"}, []string{"127.0.0.2"}
	return map[string]serverKind{
		"good":      {"good", here, true},
		"other":     {"other", here, true},
		"twin":      {"twin", here, true},
		"self":      {"self", here, true},
		"wrongname": {"good", elsewhere, true},
		"expired":   {"good", here, false},
		"early":     {"good", here, false},
		"purpose":   {"good", here, false},
	}
}
