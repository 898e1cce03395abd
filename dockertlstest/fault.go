package dockertlstest

import (
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"github.com/dockertls/dockertls"
)

// Fault is a way in which a daemon fails, or its clients fail to reach it. It is
// an [Option]. Whatever a client uses of the daemon, be it [Daemon.Options],
// [Daemon.Env], [Daemon.TLSClientConfig] or [Daemon.WriteConfig], it runs into
// the fault.
//
// Each constant names the kind of error that package dockertls reports for it;
// [Fault.Kind] returns that kind, and [Faults] lists all faults. Faults can be
// combined, as far as they make sense together. Those about certificates need a
// mode with TLS, those about the client's need MutualTLS; without a mode among
// the options that is what they get.
type Fault string

// The daemon's certificate is not good.
const (
	ServerNameWrong           Fault = "server-name-wrong"           // it is for elsewhere.test: server-name-mismatch
	ServerCommonNameOnly      Fault = "server-common-name-only"     // the address is its Common Name, and it has no other name: server-name-mismatch
	ServerCertExpired         Fault = "server-cert-expired"         // an hour ago: server-cert-expired
	ServerCertNotYetValid     Fault = "server-cert-not-yet-valid"   // valid from tomorrow: server-cert-not-yet-valid
	ServerCAUnknown           Fault = "server-ca-unknown"           // another authority has issued it: server-untrusted
	ServerCATwin              Fault = "server-ca-twin"              // an authority of the same name with another key has issued it: server-untrusted
	ServerCertSelfSigned      Fault = "server-cert-self-signed"     // nobody has issued it: server-untrusted
	ServerIntermediateMissing Fault = "server-intermediate-missing" // an intermediate has issued it, which is not sent along: server-untrusted
	ServerCertForClients      Fault = "server-cert-for-clients"     // its extended key usage is that of a client: server-cert-invalid
)

// The client's certificate is not good, or not good enough. Under TLS 1.3 the
// daemon says so only after the client's handshake has succeeded.
const (
	ClientCertMissing     Fault = "client-cert-missing"       // the client has none: client-cert-required
	ClientCertExpired     Fault = "client-cert-expired"       // an hour ago: client-cert-expired
	ClientCertNotYetValid Fault = "client-cert-not-yet-valid" // valid from tomorrow: client-cert-not-yet-valid
	ClientCAUnknown       Fault = "client-ca-unknown"         // of another authority, so most clients do not show it: client-cert-required; with NoAcceptedCAs they do: client-cert-rejected
	ClientCATwin          Fault = "client-ca-twin"            // of an authority of the same name with another key: client-cert-rejected
	ClientCertForServers  Fault = "client-cert-for-servers"   // its extended key usage is that of a server: client-cert-rejected
	ClientCertRefused     Fault = "client-cert-refused"       // nothing is wrong with it, and the daemon refuses it all the same: client-cert-rejected
)

// The two sides do not speak the same.
const (
	UnexpectedPlain        Fault = "unexpected-plain"         // the daemon speaks plain HTTP, and its clients speak TLS: tls-not-offered
	UnexpectedTLS          Fault = "unexpected-tls"           // the daemon speaks TLS, and its clients speak plain HTTP: tls-required
	TLSTooOld              Fault = "tls-too-old"              // TLS 1.1 only: tls-version
	NoCommonCipher         Fault = "no-common-cipher"         // TLS 1.2, with a cipher suite for RSA keys and another key: tls-handshake
	ServerNameUnrecognized Fault = "server-name-unrecognized" // the daemon has no certificate for the name asked for, whatever it is: server-name-unrecognized
)

// Somebody else is there, or nobody.
const (
	NotListening Fault = "not-listening" // the port is closed: connection-refused
	SSHServer    Fault = "ssh-server"    // it greets as sshd does: not-tls, and not-http in mode Plain
	MySQLServer  Fault = "mysql-server"  // it greets as mysqld does: not-tls, and not-http in mode Plain
	HTTP2Server  Fault = "http2-server"  // it speaks HTTP/2 only, over TLS unless in mode Plain, as swarm's port 2377 does: not-http
	Page407      Fault = "page-407"      // every answer is a proxy's "407 Proxy Authentication Required": no error but the status
	Page502      Fault = "page-502"      // every answer is a proxy's "502 Bad Gateway": no error but the status
	Page302      Fault = "page-302"      // every answer is a redirect to http://portal.test/: endpoint-mismatch if the client follows it
)

// Hangs makes a daemon that does nothing more once a connection has come to a
// stage: it neither reads nor closes. A client's own deadline ends that;
// otherwise package dockertls gives up after 9 seconds with timeout at the stages
// OnAccept (of TLS) and AfterHello, and never later.
func Hangs(at Stage) Fault { return Fault("hangs-" + at) }

// Closes makes a daemon that closes every connection in an orderly way of TCP
// once it has come to a stage, as a process does that ends: connection-reset, and
// [io.ErrUnexpectedEOF] while the body is read. In mode Plain a connection that
// ends before the answer may be tls-required as well, because that is how some
// servers of TLS refuse plain HTTP.
func Closes(at Stage) Fault { return Fault("closes-" + at) }

// Resets is like [Closes], but the connection is reset: connection-reset at
// every stage, and at [InBody] for a client that reads the body.
func Resets(at Stage) Fault { return Fault("resets-" + at) }

// Sends makes a daemon that sends a text in place of what is due at a stage, and
// then closes the connection. From [AfterHandshake] on the text is sent over TLS
// unless the mode is Plain, before that in the clear.
func Sends(at Stage, text string) Option {
	return staged{at, misdeed{says: text, end: closes}}
}

// Faults returns all of them, [Hangs], [Closes] and [Resets] at every stage
// included, for a table of tests. Give each test a deadline of more than 9 seconds
// (a context, say): package dockertls does not end what hangs at the later stages,
// and a shorter one hides the kind timeout. And let it read the body: some faults
// are in there.
func Faults() []Fault {
	var all []Fault
	for _, e := range faultTable() {
		all = append(all, e.fault)
	}
	return all
}

// Kind returns the kind of the error that package dockertls reports: to a client
// with the daemon's own [Daemon.Options], the default mode and any version of TLS,
// which reads the answer to its end and has no deadline within 9 seconds. It is ""
// where the client gets no error, one without a kind, or no answer at all.
func (f Fault) Kind() dockertls.Kind {
	for _, e := range faultTable() {
		if e.fault == f {
			return e.kind
		}
	}
	return ""
}

func (f Fault) apply(s *setup) error {
	for _, e := range faultTable() {
		if e.fault != f {
			continue
		}
		s.need(e.needs, string(f))
		return e.option.apply(s)
	}
	return fmt.Errorf("no such fault: %q", string(f))
}

// A faultEntry is what there is to know of a fault.
type faultEntry struct {
	fault  Fault
	kind   dockertls.Kind
	needs  Mode // the least that it makes sense in
	option Option
}

func faultTable() []faultEntry {
	return slices.Concat(serverFaults(), clientFaults(), speechFaults(), strangers(), stageFaults())
}

// The validity of certificates that are not valid now.
const (
	expiredSince = time.Hour
	validIn      = 24 * time.Hour
)

func expired(spec *CertSpec) { spec.NotAfter = time.Now().Add(-expiredSince) }
func early(spec *CertSpec)   { spec.NotBefore = time.Now().Add(validIn) }
func another(*CA) *CA        { return NewCA() }
func below(ca *CA) *CA       { return ca.Intermediate("") }

func serverFaults() []faultEntry {
	plan := func(edit func(*certPlan)) Option { return optionFunc(func(s *setup) { edit(&s.server) }) }
	spec := func(edit func(*CertSpec)) Option {
		return plan(func(p *certPlan) { p.edits = append(p.edits, edit) })
	}
	return []faultEntry{
		{ServerNameWrong, dockertls.ServerNameMismatch, TLS, spec(func(c *CertSpec) { c.Names = []string{"elsewhere.test"} })},
		{ServerCommonNameOnly, dockertls.ServerNameMismatch, TLS, spec(func(c *CertSpec) { c.CommonName, c.Names = "127.0.0.1", nil })},
		{ServerCertExpired, dockertls.ServerCertExpired, TLS, spec(expired)},
		{ServerCertNotYetValid, dockertls.ServerCertNotYet, TLS, spec(early)},
		{ServerCAUnknown, dockertls.ServerUntrusted, TLS, plan(func(p *certPlan) { p.issuer = another })},
		{ServerCATwin, dockertls.ServerUntrusted, TLS, plan(func(p *certPlan) { p.issuer = (*CA).Twin })},
		{ServerCertSelfSigned, dockertls.ServerUntrusted, TLS, plan(func(p *certPlan) { p.selfSigned = true })},
		{ServerIntermediateMissing, dockertls.ServerUntrusted, TLS, plan(func(p *certPlan) { p.issuer, p.leafOnly = below, true })},
		{ServerCertForClients, dockertls.ServerCertInvalid, TLS, spec(func(c *CertSpec) { c.Client, c.Server = true, false })},
	}
}

func clientFaults() []faultEntry {
	plan := func(edit func(*certPlan)) Option { return optionFunc(func(s *setup) { edit(&s.client) }) }
	spec := func(edit func(*CertSpec)) Option {
		return plan(func(p *certPlan) { p.edits = append(p.edits, edit) })
	}
	return []faultEntry{
		{ClientCertMissing, dockertls.ClientCertRequired, MutualTLS, optionFunc(func(s *setup) { s.withhold = true })},
		{ClientCertExpired, dockertls.ClientCertExpired, MutualTLS, spec(expired)},
		{ClientCertNotYetValid, dockertls.ClientCertNotYet, MutualTLS, spec(early)},
		{ClientCAUnknown, dockertls.ClientCertRequired, MutualTLS, plan(func(p *certPlan) { p.issuer = another })},
		{ClientCATwin, dockertls.ClientCertRejected, MutualTLS, plan(func(p *certPlan) { p.issuer = (*CA).Twin })},
		{ClientCertForServers, dockertls.ClientCertRejected, MutualTLS, spec(func(c *CertSpec) { c.Client, c.Server = false, true })},
		{ClientCertRefused, dockertls.ClientCertRejected, MutualTLS, optionFunc(func(s *setup) { s.refuse = true })},
	}
}

func speechFaults() []faultEntry {
	config := func(edit func(*tls.Config)) Option {
		return optionFunc(func(s *setup) { s.edits = append(s.edits, edit) })
	}
	return []faultEntry{
		{UnexpectedPlain, dockertls.TLSNotOffered, TLS, optionFunc(func(s *setup) { s.speaks = new(Plain) })},
		{UnexpectedTLS, dockertls.TLSRequired, TLS, optionFunc(func(s *setup) { s.dials = new(Plain) })},
		{TLSTooOld, dockertls.TLSVersion, TLS, MaxTLS(tls.VersionTLS11)},
		{NoCommonCipher, dockertls.TLSHandshake, TLS, config(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		})},
		{ServerNameUnrecognized, dockertls.ServerNameUnrecognized, TLS, config(func(c *tls.Config) {
			c.Certificates = nil // crypto/tls answers with the alert unrecognized_name then
		})},
	}
}

func strangers() []faultEntry {
	return []faultEntry{
		{NotListening, dockertls.ConnectionRefused, Plain, optionFunc(func(s *setup) { s.down = true })},
		{SSHServer, dockertls.NotTLS, Plain, Sends(OnAccept, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n")},
		{MySQLServer, dockertls.NotTLS, Plain, Sends(OnAccept, mysqlGreeting)},
		{HTTP2Server, dockertls.NotHTTP, Plain, Sends(AfterHandshake, http2Settings)},
		{Page407, "", Plain, Sends(AfterRequest, page("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"proxy\"\r\n"))},
		{Page502, "", Plain, Sends(AfterRequest, page("502 Bad Gateway", ""))},
		{Page302, dockertls.EndpointMismatch, Plain, Sends(AfterRequest, page("302 Found", "Location: http://portal.test/\r\n"))},
	}
}

// http2Settings is the frame with which a server of HTTP/2 begins (RFC 9113,
// 3.4): one setting, the most concurrent streams.
const http2Settings = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"

// mysqlGreeting is a handshake packet of protocol version 10, cut short.
const mysqlGreeting = "\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00\x2b\x3f\x51\x1c\x6f\x2a\x17\x33\x00\xff\xff\xff\x02\x00\xff\xdf\x15"

// page is what a proxy answers by itself.
func page(status, header string) string {
	body := "<html><head><title>" + status + "</title></head><body><h1>" + status + "</h1></body></html>\n"
	return fmt.Sprintf("HTTP/1.1 %s\r\nServer: squid/5.7\r\n%sContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, header, len(body), body)
}

// staged is the option to fail at a stage.
type staged struct {
	at Stage
	misdeed
}

func (o staged) apply(s *setup) error {
	if !slices.Contains(stages(), o.at) {
		return fmt.Errorf("no such stage: %q", string(o.at))
	}
	if o.at == AfterHello {
		s.need(TLS, "a failure "+string(o.at))
	}
	s.misdeeds[o.at] = o.misdeed
	return nil
}

func stageFaults() []faultEntry {
	var all []faultEntry
	for _, at := range stages() {
		hanging, closing := dockertls.Kind(""), dockertls.ConnectionReset
		if at == OnAccept || at == AfterHello {
			hanging = dockertls.Timeout
		}
		if at == InBody {
			closing = ""
		}
		all = append(all,
			faultEntry{Hangs(at), hanging, Plain, staged{at, misdeed{end: hangs}}},
			faultEntry{Closes(at), closing, Plain, staged{at, misdeed{end: closes}}},
			faultEntry{Resets(at), dockertls.ConnectionReset, Plain, staged{at, misdeed{end: resets}}})
	}
	return all
}
