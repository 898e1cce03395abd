package dockertls

import (
	"cmp"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Resolve merges layers of settings into a [Config]; of each setting the first
// layer that has it wins. It reads the files that the settings name, so that
// mistakes surface here.
//
//	Resolve(FromEnv())        // what the docker command would do
//	Resolve(opts, FromEnv())  // explicit settings win
//	Resolve(opts)             // nothing but opts: no environment, no home folder
//
// An explicit Host hides a Context of a lower layer and the other way round;
// between DOCKER_HOST and DOCKER_CONTEXT the address wins.
//
// Every error is an [*Error] of one of the kinds from [HostInvalid] to
// [FileUnreadable], [MaterialUnavailable] or [ProxyFailed].
func Resolve(layers ...Options) (*Config, error) {
	return new(Resolver).Resolve(layers...)
}

// A resolution is one call of Resolve: the layers, and what is known so far.
type resolution struct {
	owner    *Resolver
	layers   []Options
	env      *environment // of the first layer that has one; may be nil
	now      time.Time
	settings []Setting
	warnings []Warning

	files fileStates // that were read

	supplying    *Options // the layer whose Material function counts; nil: none
	supplySource string   // what that is called
}

// A choice is the layer and the field that decide a setting.
type choice struct {
	layer    *Options // nil: set nowhere
	field    field
	value    string
	source   string
	env      bool
	overrode []Overridden
}

func (c choice) set() bool { return c.layer != nil }

// first finds the first layer with one of these fields: this is the whole rule
// of precedence. Within a layer the order of the fields counts.
func (r *resolution) first(fields ...field) choice {
	var c choice
	for i := range r.layers {
		o := &r.layers[i]
		for _, f := range fields {
			value, ok := o.value(f)
			if !ok {
				continue
			}
			source, env := o.origin(f)
			if c.set() {
				c.overrode = append(c.overrode, Overridden{source, oneLine(value)})
				continue
			}
			c = choice{layer: o, field: f, value: value, source: source, env: env}
		}
	}
	return c
}

// flag is first for a truth value.
func (r *resolution) flag(f field, name string) (value, given bool, source string) {
	c := r.first(f)
	if c.set() {
		r.record(name, c.value, c.source, c.overrode)
	}
	return c.value == "true", c.set(), c.source
}

// A wish is what the settings ask for, before any context is looked at (rules
// 13 and 14).
type wish struct {
	tls, verify bool
	source      string // of what switched TLS on
}

func (r *resolution) wish() wish {
	verify, given, verifySource := r.flag(fieldTLSVerify, "tlsverify")
	tls, _, tlsSource := r.flag(fieldTLS, "tls")
	switch {
	case given:
		return wish{true, verify, verifySource}
	case tls:
		return wish{true, false, tlsSource}
	}
	return wish{}
}

// A decision is the outcome, before it is made into a Config.
type decision struct {
	endpoint endpoint
	context  string // "default" or the name of a stored context
	source   string // of the address
	tls      bool
	verify   bool
	material material
}

func (r *resolution) resolve() (*Config, *Error) {
	for i := range r.layers {
		r.env = cmp.Or(r.env, r.layers[i].env)
		if err := r.layers[i].checkConflicts(); err != nil {
			return nil, err
		}
	}
	if err := r.supply(); err != nil {
		return nil, err
	}
	name, err := r.chooseContext()
	if err != nil {
		return nil, err
	}
	w := r.wish()
	var d decision
	if name.value == wordDefault {
		d, err = r.decideDefault(w)
	} else {
		d, err = r.decideContext(name, w)
	}
	if err != nil {
		return nil, err
	}
	cfg, err := r.build(d)
	if err != nil {
		return nil, err
	}
	r.warnAbout(d, w)
	cfg.settings, cfg.warnings = r.settings, r.warnings
	return cfg, nil
}

// checkConflicts finds settings of one layer that exclude each other (rule 2).
func (o *Options) checkConflicts() *Error {
	exclusive := [...][]field{
		{fieldHost, fieldContext}, {fieldCA, fieldCAFile}, {fieldCert, fieldCertFile}, {fieldKey, fieldKeyFile, fieldSigner},
	}
	for _, fields := range exclusive {
		var sources []string
		for _, f := range fields {
			// What the environment says yields to the rest of its layer.
			if _, ok := o.value(f); ok {
				if source, env := o.origin(f); !env {
					sources = append(sources, source)
				}
			}
		}
		if len(sources) > 1 {
			return fail(OptionsConflict, strings.Join(sources, " and "), "only one of them can be given")
		}
	}
	return nil
}

// chooseContext follows rules 1 and 3. The value is never empty.
func (r *resolution) chooseContext() (choice, *Error) {
	named, address := r.first(fieldContext), r.first(fieldHost)
	c := choice{value: wordDefault, source: "default"}
	switch {
	case named.set() && (!address.set() || r.outranks(named, address)):
		c = named
	case address.set():
		c.source = address.source
		if named.set() {
			c.overrode = append([]Overridden{{named.source, named.value}}, named.overrode...)
		}
		r.warnHiddenContext(address, named)
	default:
		current, err := r.currentContext()
		if err != nil {
			return c, err
		}
		if current.value != "" {
			c = current
		}
	}
	if c.value != wordDefault || c.set() || len(c.overrode) > 0 {
		r.record("context", c.value, c.source, c.overrode)
	}
	return c, nil
}

// outranks tells whether the context beats the address: it comes from a higher
// layer, or from the same one, where it is explicit and the address is not.
func (r *resolution) outranks(context, address choice) bool {
	for i := range r.layers {
		switch o := &r.layers[i]; {
		case o == context.layer && o == address.layer:
			return address.env && !context.env
		case o == context.layer:
			return true
		case o == address.layer:
			return false
		}
	}
	return false
}

// warnHiddenContext says so when an address hides a context that somebody
// chose: DOCKER_CONTEXT, or currentContext of config.json.
func (r *resolution) warnHiddenContext(address, named choice) {
	name, source := named.value, named.source
	if !named.set() {
		current, err := r.currentContext()
		if err != nil {
			r.warn(WarnConfigFile, err.Source, "%s; it was not needed, because of %s", err.Detail, address.source)
			return
		}
		name, source = current.value, current.source
	}
	if name != "" && name != wordDefault {
		r.warn(WarnContextHidden, address.source, "it hides the context %q, which %s chooses", name, source)
	}
}

// decideDefault follows rules 7 to 22 for the default context.
func (r *resolution) decideDefault(w wish) (decision, *Error) {
	address := r.first(fieldHost)
	d := decision{context: wordDefault, tls: w.tls, verify: w.verify, source: cmp.Or(address.source, "default")}
	host := ""
	if address.set() {
		host = strings.TrimSpace(address.layer.Host)
	}
	if host == "" || host == wordDefault {
		d.endpoint = defaultEndpoint(w.tls)
	} else {
		e, err := parseHost(host)
		if err != nil {
			err.Source = address.source
			return d, err
		}
		d.endpoint = e
	}
	r.record("host", d.endpoint.String(), d.source, address.overrode)
	if !w.tls {
		return d, r.checkUnused(d, "set TLSVerify (or TLS, to encrypt without verifying)")
	}
	dir := r.certDir()
	if dir.path != "" {
		r.record("cert-path", dir.path, dir.source, dir.overrode)
	}
	var err *Error
	d.material, err = r.readMaterial(dir, w)
	return d, err
}

// checkUnused refuses key material in memory over plain TCP: who hands it over
// in code does not want the clear, although the files' flags alone would mean
// just that (rule 15).
func (r *resolution) checkUnused(d decision, hint string) *Error {
	c := r.first(fieldCA, fieldCert, fieldKey, fieldSigner)
	if !c.set() || d.tls || !d.endpoint.isTCP() {
		return nil
	}
	return fail(OptionsConflict, c.source, "TLS material is given, but TLS is not switched on for %s", d.endpoint).hint("%s", hint)
}

// A folder is a directory and the setting that chose it.
type folder struct {
	path, source string
	overrode     []Overridden
}

// certDir is the folder of the default files (rule 16): the same as the
// configuration directory of the environment, which --config does not move (Q2).
func (r *resolution) certDir() folder {
	if c := r.first(fieldCertPath); c.set() {
		return folder{c.value, c.source, c.overrode}
	}
	path, source := r.env.configDir()
	return folder{path: path, source: source}
}

// configDir is the directory of config.json and the contexts (rule 5).
func (r *resolution) configDir() folder {
	if c := r.first(fieldConfigDir); c.set() {
		return folder{c.value, c.source, c.overrode}
	}
	path, source := r.env.configDir()
	return folder{path: path, source: source}
}

// build turns a decision into a Config.
func (r *resolution) build(d decision) (*Config, *Error) {
	dir := r.certDir()
	c := &Config{
		endpoint: d.endpoint, context: d.context, source: d.source, dialer: r.dialer(),
		certDir: dir.path, certDirFrom: dir.source, logger: r.logger(), onEvent: r.onEvent(),
	}
	if r.env != nil {
		c.elsewhere = otherSockets(r.env.home, r.env.runtimeDir)
		c.places = &places{home: r.env.home, config: r.configDir().path, certPath: r.first(fieldCertPath).value, noProxy: r.env.proxy.NoProxy}
	}
	if !d.endpoint.isTCP() {
		err := d.endpoint.checkSocketPath()
		if err != nil {
			err.Source = d.source
			return nil, err
		}
		return c, nil
	}
	if d.tls {
		name := r.first(fieldServerName)
		if name.set() {
			r.record("server-name", name.value, name.source, name.overrode)
			c.renamed = true
		}
		plan := tlsPlan{d.verify, cmp.Or(name.value, d.endpoint.serverName), r.first(fieldNoResumption).set()}
		first, err := plan.generation(1, d.material)
		if err != nil {
			return nil, err
		}
		c.generation.Store(first)
		c.follower = r.follower(plan)
	}
	var err *Error
	c.proxy, c.proxySource, err = r.chooseProxy(c)
	return c, err
}

func (r *resolution) dialer() dialFunc {
	if c := r.first(fieldDialer); c.set() {
		r.record("dialer", c.value, c.source, c.overrode)
		return c.layer.Dialer
	}
	return nil
}

// chooseProxy follows rule 28: the environment's proxy variables, never for
// sockets and loopback addresses.
func (r *resolution) chooseProxy(c *Config) (*url.URL, string, *Error) {
	target := &url.URL{Scheme: c.scheme(), Host: c.endpoint.address}
	choose, source := func(*url.URL) (*url.URL, error) { return nil, nil }, ""
	if p := r.first(fieldProxy); p.set() {
		choose, source, c.proxyInCode = p.layer.Proxy, p.source, true
	} else if r.env != nil {
		choose = r.env.proxy.ProxyFunc()
		i := 0
		if c.secured() {
			i = 1
		}
		source = r.env.proxyVars[i]
		r.warnMalformedProxy(i)
	}
	proxy, err := choose(target)
	if err != nil {
		e := fail(ProxyFailed, source, "no proxy can be chosen for %s", c.endpoint).cause(err)
		if !c.proxyInCode {
			e.hint("%s is refused while REQUEST_METHOD is set, as in a CGI program: unset it, or use NO_PROXY", source)
		}
		return nil, "", e
	}
	if proxy == nil {
		return nil, "", nil
	}
	switch proxy.Scheme {
	case schemeHTTP, schemeHTTPS, "socks5", "socks5h":
	default:
		return nil, "", fail(ProxyFailed, source, "the proxy's scheme %q is not supported", proxy.Scheme).
			hint("http, https and socks5 are supported")
	}
	r.record("proxy", redactURL(proxy), source, nil)
	return new(*proxy), source, nil // the caller's own stays the caller's
}

func (r *resolution) warnMalformedProxy(i int) {
	value := [...]string{r.env.proxy.HTTPProxy, r.env.proxy.HTTPSProxy}[i]
	if value == "" {
		return
	}
	if _, err := url.Parse(value); err == nil {
		return
	}
	if _, err := url.Parse("http://" + value); err != nil {
		r.warn(WarnProxy, r.env.proxyVars[i], "it cannot be parsed and is ignored")
	}
}

// warnAbout collects what the user should know about a decision.
func (r *resolution) warnAbout(d decision, w wish) {
	for _, part := range d.endpoint.dropped {
		r.warn(WarnAddressParts, d.source, "the %s in the address has no meaning and is dropped", part)
	}
	if d.endpoint.noPort && d.context != wordDefault {
		r.warn(WarnDefaultPort, d.source, "no port in the address: in a context that means %s", d.endpoint.String())
	}
	r.warnNoEffect(d, w)
	r.warnWords(d)
	if d.endpoint.isTCP() && d.tls {
		r.warnTLS(d, w)
	}
	if r.env != nil {
		for _, l := range r.env.lookalikes {
			r.warn(WarnMisspelt, l.name, "docker knows no such variable; %s was probably meant, which is not set", l.meant)
		}
	}
}

// warnNoEffect names TLS settings that do nothing.
func (r *resolution) warnNoEffect(d decision, w wish) {
	var why string
	switch {
	case !d.endpoint.isTCP() && (w.tls || d.context != wordDefault):
		why = map[string]string{schemeUnix: "the endpoint is a unix socket", schemeNpipe: "the endpoint is a named pipe", schemeSSH: "ssh secures the connection"}[d.endpoint.network]
	case d.context != wordDefault && !d.tls:
		why = "the context " + quote(d.context) + " is without TLS"
	case d.context != wordDefault:
		why = "the context " + quote(d.context) + " brings its own TLS settings"
	case !w.tls && d.endpoint.isTCP():
		why = "TLS is not switched on (DOCKER_TLS_VERIFY or --tlsverify would)"
	default:
		return
	}
	warned := map[string]bool{} // a source that stands for several fields is named once
	for _, f := range []field{fieldTLSVerify, fieldTLS, fieldCAFile, fieldCertFile, fieldKeyFile, fieldCertPath, fieldCA, fieldCert, fieldKey, fieldSigner, fieldServerName} {
		c := r.first(f)
		tlsFlag := f == fieldTLSVerify || f == fieldTLS
		switch {
		case !c.set(), warned[c.source], tlsFlag && c.value == "false" && !w.tls:
		case tlsFlag && d.context != wordDefault && d.tls: // it asks for no more than the context does
		case f == fieldServerName && d.context != wordDefault && d.tls: // it counts there too
		default:
			r.warn(WarnNoEffect, c.source, "it has no effect: %s", why)
			warned[c.source] = true
		}
	}
}

// warnWords is about values that mean something else than they seem to.
func (r *resolution) warnWords(d decision) {
	if d.context == wordDefault {
		for _, v := range [...]struct {
			field field
			name  string
		}{{fieldTLSVerify, envTLSVerify}, {fieldTLS, envTLS}} {
			if c := r.first(v.field); c.set() && c.env && r.env != nil && r.env.falsy[v.name] != "" {
				r.warn(WarnFalseMeansTrue, v.name, "the value %q means yes, as any text does: unset it to switch it off", r.env.falsy[v.name])
			}
		}
	}
	config := r.first(fieldConfigDir)
	if config.set() && !config.env && d.tls && d.context == wordDefault {
		if certs := r.certDir(); r.first(fieldCertPath).layer == nil && certs.path != "" && filepath.Clean(certs.path) != filepath.Clean(config.value) {
			r.warn(WarnConfigCerts, config.source, "it does not move the certificate folder, which is %s", certs.path)
		}
	}
}
