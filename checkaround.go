package dockertls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// lookAround looks for the cause of a failure, and for a way out that works.
func (k *checkup) lookAround(ctx context.Context) {
	if ctx.Err() != nil || k.failure == nil {
		return
	}
	looks := map[Kind]func(context.Context, *Step){
		TLSRequired:     k.whoSpeaksTLS,
		ConnectionReset: k.whoSpeaksTLS,
		ProxyFailed:     k.withoutProxy,
		SocketMissing:   k.whichSocket, SocketPermission: k.whichSocket,
		ConnectionRefused: k.otherDoors, Unreachable: k.otherDoors, Timeout: k.otherDoors, DNS: k.otherDoors,
	}
	if k.seen != nil { // else it is an Options.Dialer that failed so, about another server's TLS
		maps.Copy(looks, map[Kind]func(context.Context, *Step){
			TLSNotOffered:      k.whoSpeaksPlain,
			ServerUntrusted:    k.whoseAuthority,
			ServerCertExpired:  k.whoseAuthority,
			ServerNameMismatch: k.whichName,
			ClientCertRequired: k.whichClientCert, ClientCertRejected: k.whichClientCert,
			ClientCertExpired: k.whichClientCert, ClientCertNotYet: k.whichClientCert,
		})
	}
	look := looks[k.failure.Kind]
	if look == nil {
		return
	}
	k.step(StepLookAround, func(s *Step) error {
		ctx, cancel := context.WithTimeout(ctx, 4*lookLimit)
		defer cancel()
		look(ctx, s)
		if len(s.Seen) == 0 {
			s.see("nothing was found that would help")
		}
		return nil
	})
}

func (k *checkup) remedy(advice string, env ...string) {
	k.report.Remedies = append(k.report.Remedies, Remedy{oneLine(advice), env})
}

// glance looks at the chain that a server shows, and whether it asks for a
// certificate, without one of ours and without trusting it. No request follows.
func (k *checkup) glance(ctx context.Context, address string) *handshake {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	there := k.at(address)
	raw, err := there.dialRaw(ctx)
	if err != nil {
		return new(handshake)
	}
	defer raw.Close()
	// The chain is judged by hand; nothing is sent.
	conn, seen, err := there.shake(ctx, raw, new(generation), &tls.Config{MinVersion: tls.VersionTLS12, ServerName: k.endpoint.serverName, InsecureSkipVerify: true}) //nolint:gosec // nothing but the look at the chain follows
	if err == nil {
		conn.Close()
	}
	return seen
}

// at is this endpoint at another address, for looking only.
func (k *checkup) at(address string) *Config {
	there := &Config{endpoint: k.endpoint, source: k.source, context: k.context, proxy: k.proxy, proxySource: k.proxySource, dialer: k.dialer}
	if address != there.endpoint.address {
		there.endpoint.address, there.endpoint.authority = address, address
	}
	return there
}

// whoSpeaksTLS is for plain HTTP that was refused.
func (k *checkup) whoSpeaksTLS(ctx context.Context, s *Step) {
	if k.secured() || !k.endpoint.isTCP() {
		return
	}
	seen := k.glance(ctx, k.endpoint.address)
	if len(seen.chain) == 0 {
		s.see("no TLS is spoken there either")
		return
	}
	s.see("TLS is spoken there")
	describeChain(s, describeAll(seen.chain))
	k.trustedBy(s, seen, k.endpoint.serverName)
}

// whoSpeaksPlain is for TLS that was answered in the clear: the other
// well-known port may be the right one.
func (k *checkup) whoSpeaksPlain(ctx context.Context, s *Step) {
	host, port, err := net.SplitHostPort(k.endpoint.address)
	if err != nil || port == tlsPort {
		s.see("this port is plain HTTP; the daemon has to be started with --tlsverify, or reached without TLS")
		return
	}
	other := net.JoinHostPort(host, tlsPort)
	chain := k.glance(ctx, other).chain
	if len(chain) == 0 {
		s.see("port %s does not speak TLS either", tlsPort)
		return
	}
	s.see("port %s speaks TLS", tlsPort)
	if k.material.verifies(chain) {
		k.remedy("use tcp://"+other+", whose certificate is verified", envHost+"=tcp://"+other)
	}
}

// whoseAuthority is for a chain that is not trusted.
func (k *checkup) whoseAuthority(_ context.Context, s *Step) {
	seen := &handshake{chain: x509Of(k.failure.Evidence.Server)} // it ended before the server could ask
	if len(seen.chain) > 0 && !k.trustedBy(s, seen, k.material.serverName) {
		s.see("no ca.pem in the usual places has signed this chain")
	}
}

func x509Of(certs []Certificate) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, c := range certs {
		chain = append(chain, c.X509)
	}
	return chain
}

// trustedBy finds the folders whose ca.pem verifies what was seen of a server.
func (k *checkup) trustedBy(s *Step, seen *handshake, name string) bool {
	found := false
	for _, dir := range k.certFolders() {
		cas := parseCertificates(readIfThere(filepath.Join(dir, roleCA().file)))
		if len(cas) == 0 {
			continue
		}
		if err := verifyChain(seen.chain, poolOf(cas), name); err != nil {
			s.see("%s does not verify it", filepath.Join(dir, roleCA().file))
			continue
		}
		found = true
		s.see("%s verifies it", filepath.Join(dir, roleCA().file))
		if seen.requested && !(exists(filepath.Join(dir, roleCert().file)) && exists(filepath.Join(dir, roleKey().file))) {
			s.see("%s lacks cert.pem or key.pem, and the server asks for a client certificate", dir)
			continue
		}
		k.remedy("use "+dir+", whose ca.pem verifies this server", k.useFolder(dir)...)
	}
	return found
}

// useFolder are the variables that select a certificate folder.
func (k *checkup) useFolder(dir string) []string {
	return []string{envTLSVerify + "=1", envCertPath + "=" + dir, envHost + "=" + k.Host(), envContext + "="}
}

// whichName is for a certificate that is for other names: one of them may lead
// to the same address.
func (k *checkup) whichName(ctx context.Context, s *Step) {
	chain := x509Of(k.failure.Evidence.Server)
	_, port, err := net.SplitHostPort(k.endpoint.address)
	if len(chain) == 0 || err != nil || k.proxy != nil || k.dialer != nil {
		return
	}
	reached, _, _ := net.SplitHostPort(k.failure.Evidence.Address)
	names := slices.Clone(chain[0].DNSNames)
	for _, ip := range chain[0].IPAddresses {
		names = append(names, ip.String())
	}
	for _, name := range names[:min(len(names), maxChain)] {
		ctx, cancel := context.WithTimeout(ctx, lookLimit)
		addresses, _ := lookupHost(ctx, name)
		cancel()
		if !slices.Contains(addresses, reached) || verifyChain(chain, k.material.pool, name) != nil {
			s.see("%s leads elsewhere, or nowhere", name)
			continue
		}
		host := "tcp://" + net.JoinHostPort(name, port)
		s.see("%s leads to the same address, and is verified", name)
		k.remedy("use "+host+", which the certificate is for", envHost+"="+host)
	}
}

// whichClientCert is for a daemon that wants another client certificate: one
// that lies elsewhere may be of an authority that it accepts. Keys are not read.
func (k *checkup) whichClientCert(_ context.Context, s *Step) {
	accepted := k.seen.accepted
	if len(accepted) == 0 {
		s.see("the daemon does not say which authorities it accepts")
		return
	}
	now := time.Now()
	for _, dir := range k.certFolders() {
		path := filepath.Join(dir, roleCert().file)
		chain := parseCertificates(readIfThere(path))
		if len(chain) == 0 || dir == k.certDir && k.material.leaf() != nil && chain[0].Equal(k.material.leaf()) {
			continue
		}
		cas := parseCertificates(readIfThere(filepath.Join(dir, roleCA().file)))
		switch leaf := chain[0]; {
		case !issuedByOne(accepted, chain):
			s.see("%s is of another authority, %s", path, quote(issuerOf(leaf)))
		case now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) || !allowsClientAuth(leaf):
			s.see("%s is not valid for a client now", path)
		case !exists(filepath.Join(dir, roleKey().file)):
			s.see("%s has no key.pem beside it", path)
		case len(cas) == 0:
			s.see("%s has no ca.pem beside it", path)
		case twinIssuer(cas, leaf) != nil || len(k.seen.chain) > 0 && twinIssuer(cas, k.seen.chain[0]) != nil:
			s.see("%s is of another generation of that authority", path)
		case !k.verifiesServer(cas):
			s.see("%s does not verify the server", filepath.Join(dir, roleCA().file))
		default:
			s.see("%s is of an authority that the daemon accepts", path)
			k.remedy("use "+dir+", whose cert.pem is of an authority that the daemon accepts", k.useFolder(dir)...)
		}
	}
}

// verifiesServer tells whether authorities verify the server that was reached.
func (k *checkup) verifiesServer(cas []*x509.Certificate) bool {
	return len(k.seen.chain) > 0 && verifyChain(k.seen.chain, poolOf(cas), k.material.serverName) == nil
}

// withoutProxy is for a proxy that fails: the daemon may be reached directly.
func (k *checkup) withoutProxy(ctx context.Context, s *Step) {
	direct := k.at(k.endpoint.address)
	direct.proxy, direct.settings = nil, k.Config.settings
	direct.generation.Store(k.generation.Load())
	if !direct.answers(ctx) {
		s.see("the daemon is not reached directly either")
		return
	}
	s.see("the daemon is reached directly, without the proxy")
	host, _, _ := net.SplitHostPort(k.endpoint.address)
	if k.proxyInCode || k.places == nil {
		return
	}
	k.remedy("go past the proxy", "NO_PROXY="+strings.TrimPrefix(k.places.noProxy+","+host, ","))
}

// answers tells whether a daemon answers, by the rules of this Config.
func (c *Config) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	client := c.HTTPClient()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL("/_ping"), nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK && resp.Header.Get("Api-Version") != ""
}

// whichSocket is for a socket that is not there, or may not be opened.
func (k *checkup) whichSocket(ctx context.Context, s *Step) {
	for _, path := range k.elsewhere {
		if path == k.endpoint.address || !exists(path) {
			continue
		}
		host := schemeUnix + "://" + path
		there := &Config{endpoint: localEndpoint(), context: wordDefault}
		there.endpoint.network, there.endpoint.address = schemeUnix, path
		if !there.answers(ctx) {
			s.see("%s does not answer", path)
			continue
		}
		s.see("%s answers", path)
		k.remedy("use the socket "+path, envHost+"="+host, envContext+"=", envTLS+"=", envTLSVerify+"=", envCertPath+"=")
	}
	if len(k.report.Remedies) == 0 {
		s.see("no other socket of a daemon was found")
	}
}

// otherDoors is for an address where nobody is: the other well-known port, and
// the sockets of this machine.
func (k *checkup) otherDoors(ctx context.Context, s *Step) {
	if k.endpoint.isTCP() && k.failure.Kind == ConnectionRefused && k.proxy == nil {
		k.otherPort(ctx, s)
	}
	k.whichSocket(ctx, s)
}

func (k *checkup) otherPort(ctx context.Context, s *Step) {
	host, port, err := net.SplitHostPort(k.endpoint.address)
	other := map[string]string{plainPort: tlsPort, tlsPort: plainPort}[port]
	if err != nil || other == "" || k.secured() && !k.material.verify && k.material.pair != nil {
		return // the last would show the certificate to whoever is at a port that nobody named
	}
	address := net.JoinHostPort(host, other)
	there := k.at(address)
	there.generation.Store(k.generation.Load())
	if !there.answers(ctx) {
		s.see("port %s does not answer like this either", other)
		return
	}
	s.see("port %s answers", other)
	k.remedy("use tcp://"+address, envHost+"=tcp://"+address)
}

// certFolders are the usual places of certificates. Without an environment
// there are none.
func (k *checkup) certFolders() []string {
	if k.places == nil {
		return nil
	}
	p := k.places
	dirs := []string{p.certPath, p.config, filepath.Join(p.home, configFolder), "/certs/client", filepath.Join(p.home, configFolder, "machine", "certs")}
	dirs = append(dirs, globIn(filepath.Join(p.config, "contexts", "tls"), "*/docker")...)
	dirs = append(dirs, globIn(filepath.Join(p.home, configFolder, "machine", "machines"), "*")...)
	var distinct []string
	for _, dir := range dirs {
		if dir != "" && filepath.IsAbs(dir) && !slices.Contains(distinct, dir) {
			distinct = append(distinct, dir)
		}
	}
	return distinct[:min(len(distinct), 100)]
}

// places are where the environment says that things of docker's may lie.
type places struct {
	home, config string
	certPath     string // DOCKER_CERT_PATH, whether it counted or not
	noProxy      string // NO_PROXY
}

// readIfThere reads a small file, or nothing. It never reads a key, whoever asks:
// the settings did not choose it.
func readIfThere(path string) []byte {
	if !isFile(path) || strings.HasSuffix(path, roleKey().file) {
		return nil
	}
	data, err := readSmallFile(path)
	if err != nil {
		return nil
	}
	return data
}
