package dockertls

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// A StepName names a part of a [Report]. The strings are stable.
type StepName string

// The steps of [Config.Check], in their order. Those that do not apply are left
// out: a socket has no name to resolve and no TLS.
const (
	StepSettings   StepName = "settings"           // files and warnings, with the dates of certificates
	StepResolve    StepName = "name"               // the host name's addresses
	StepConnect    StepName = "connect"            // TCP, socket, pipe or ssh
	StepProxy      StepName = "proxy"              // the way through a proxy
	StepHandshake  StepName = "handshake"          // TLS: the server is verified, if it is to be
	StepClientCert StepName = "client-certificate" // whether the daemon accepts us
	StepPing       StepName = "ping"               // GET /_ping
	StepVersion    StepName = "version"            // of the daemon and its API
	StepLookAround StepName = "look-around"        // after a failure: who is there, and what would help
)

// A StepStatus is how a step ended.
type StepStatus string

// What a [Step] can be.
const (
	StepOK      StepStatus = "ok"
	StepWarning StepStatus = "warning" // it works, but you should know
	StepFailed  StepStatus = "failed"
)

// A Step is one part of a [Report].
type Step struct {
	Name   StepName      `json:"name"`
	Status StepStatus    `json:"status"`
	Took   time.Duration `json:"took"`            // nanoseconds in JSON
	Seen   []string      `json:"seen,omitempty"`  // what was seen, a line each
	Error  *Error        `json:"error,omitempty"` // of the step that failed
}

// A Remedy is a way out that was checked before it is named: the settings to
// change, as variables for a shell. An empty value means to unset it.
type Remedy struct {
	Advice string   `json:"advice"`        // one line
	Env    []string `json:"env,omitempty"` // "DOCKER_CERT_PATH=/certs/client", "DOCKER_HOST="
}

// A Report is what [Config.Check] found out. Its JSON form is stable.
type Report struct {
	Host     string    `json:"host"`
	Mode     Mode      `json:"mode"`
	Context  string    `json:"context"`
	Healthy  bool      `json:"healthy"` // every step is ok, or only has a warning
	Steps    []Step    `json:"steps"`
	Remedies []Remedy  `json:"remedies,omitempty"` // the best first
	Settings []Setting `json:"settings"`
}

// Error returns the failure, or nil if the connection is healthy.
func (r *Report) Error() error {
	for _, s := range r.Steps {
		if s.Error != nil {
			return s.Error
		}
	}
	return nil
}

// Limits of Check.
const (
	checkLimit = 30 * time.Second
	lookLimit  = 3 * time.Second // each look around after a failure
)

// Check tries the connection step by step, and says of each what was seen. The
// functions are called with each step as it ends.
//
// After a failure it goes on as far as that is safe, to find the cause and a way
// out: it looks at who answers in TLS where plain HTTP was refused, at a server's
// chain that is not trusted (no request is ever sent over it), at the other
// well-known port, at other usual places of certificates and sockets. It never
// presents a client certificate, nor reads a key, that the settings did not
// choose. A [Remedy] is named only after it was checked: a socket and a port have
// answered, an authority verifies the chain, a client certificate is covered by
// the server's list. Other places are looked at only if the environment counts
// ([FromEnv]).
//
// As every new connection it uses new certificates that have come
// ([Options.ReloadInterval]), and is counted in [Config.Stats]. It takes 30
// seconds at most, less if ctx ends before. The report is never nil.
func (c *Config) Check(ctx context.Context, progress ...func(Step)) *Report {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	g := c.latest(ctx)
	k := &checkup{Config: c, progress: progress, material: g, report: &Report{
		Host: c.Host(), Mode: g.mode(), Context: c.context, Settings: c.Settings(),
	}}
	if k.settings() && k.reach(ctx) {
		k.report.Healthy = true
		return k.report
	}
	k.lookAround(ctx)
	return k.report
}

// A checkup is one run of Check.
type checkup struct {
	*Config
	progress []func(Step)
	report   *Report
	material *generation // the same for all steps, whatever comes meanwhile
	seen     *handshake  // of the connection
	failure  *Error
}

// step runs one step, and tells whether to go on.
func (k *checkup) step(name StepName, run func(*Step) error) bool {
	s := Step{Name: name, Status: StepOK}
	start := time.Now()
	err := run(&s)
	s.Took = time.Since(start)
	if err != nil {
		s.Status, s.Error = StepFailed, k.asError(err)
		k.failure = s.Error
	}
	for i := range s.Seen {
		s.Seen[i] = cut(oneLine(s.Seen[i]), 4*maxQuote)
	}
	k.report.Steps = append(k.report.Steps, s)
	for _, tell := range k.progress {
		tell(s)
	}
	return err == nil
}

// asError makes an [*Error] of what ended a step; the end of the caller's
// context is a matter of time, too.
func (k *checkup) asError(err error) *Error {
	err = k.Diagnose(err)
	if e, ok := err.(*Error); ok {
		return e
	}
	e := &Error{Kind: Timeout, Host: k.Host(), Detail: "the check was ended before there was an answer", Err: err}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return e
	}
	e.Kind, e.Detail = ConnectionReset, "the connection failed for a reason that is not understood"
	return e
}

func (s *Step) see(format string, args ...any) {
	s.Seen = append(s.Seen, fmt.Sprintf(format, args...))
}

func (k *checkup) settings() bool {
	return k.step(StepSettings, func(s *Step) error {
		for _, set := range k.report.Settings {
			s.see("%s = %s (%s)", set.Name, set.Value, set.Source)
		}
		for _, ca := range k.material.roots() {
			s.see("authority %s, valid until %s", quote(subjectOf(ca)), stamp(ca.NotAfter))
		}
		if leaf := k.material.leaf(); leaf != nil {
			s.see("client certificate %s issued by %s, valid until %s", quote(subjectOf(leaf)), quote(issuerOf(leaf)), stamp(leaf.NotAfter))
		}
		for _, w := range k.Warnings() {
			s.Status = StepWarning
			s.see("warning: %s", w)
		}
		return nil
	})
}

// reach goes from the name to the daemon's version.
func (k *checkup) reach(ctx context.Context) bool {
	var conn net.Conn
	if !k.resolveName(ctx) || !k.open(ctx, &conn) || k.secured() && !k.secure(ctx, &conn) {
		k.Config.failed(k.failure)
		return false
	}
	if !k.secured() && !k.forwards() {
		conn = k.newConn(conn, nil, true).plain()
	}
	_, _ = k.opened(conn, nil)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	return k.ask(ctx, conn)
}

func (k *checkup) resolveName(ctx context.Context) bool {
	host, _, err := net.SplitHostPort(k.endpoint.address)
	if !k.endpoint.isTCP() || k.proxy != nil || k.dialer != nil || err != nil || net.ParseIP(host) != nil {
		return true // nothing to resolve, or not here
	}
	return k.step(StepResolve, func(s *Step) error {
		var addresses []string
		err := within(ctx, connectTimeout, func(ctx context.Context) (err error) {
			addresses, err = lookupHost(ctx, host)
			return err
		})
		s.see("%s is %s", host, strings.Join(addresses, ", "))
		if err != nil {
			s.Seen = nil
		}
		return k.Config.failure(ctx, scene{cfg: k.Config, stage: StageConnect}, err)
	})
}

// lookupHost returns a name's addresses. [net.Resolver.LookupHost] would heed
// deadlines only, not the end of ctx.
func lookupHost(ctx context.Context, host string) ([]string, error) {
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	var addresses []string
	for _, a := range found {
		addresses = append(addresses, a.String())
	}
	return addresses, err
}

// open makes the connection, through a proxy if there is one.
func (k *checkup) open(ctx context.Context, conn *net.Conn) bool {
	name := StepConnect
	if k.proxy != nil {
		name = StepProxy
	}
	return k.step(name, func(s *Step) (err error) {
		if k.forwards() {
			*conn, err = k.connectProxy(ctx)
			*conn, err = k.forwarding(ctx, *conn, err)
		} else {
			*conn, err = k.dialRaw(ctx)
		}
		if err != nil {
			return err
		}
		if k.usesSSH() {
			s.see("ssh was started for %s", peerAddress(*conn)) // whether it gets there, the ping shows
			return nil
		}
		s.see("connected to %s", cmp.Or(peerAddress(*conn), k.endpoint.address))
		if k.proxy != nil {
			s.see("through %s (%s)", redactURL(k.proxy), k.proxySource)
		}
		return nil
	})
}

// secure does the handshake on an open connection.
func (k *checkup) secure(ctx context.Context, conn *net.Conn) bool {
	return k.step(StepHandshake, func(s *Step) error {
		inner, seen, err := k.shake(ctx, *conn, k.material, k.material.config())
		k.seen = seen
		if err != nil {
			describeChain(s, k.asError(err).Evidence.Server)
			return err
		}
		state := inner.ConnectionState()
		s.see("%s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
		describeChain(s, describeAll(seen.chain))
		if !k.material.verify {
			s.see("the server is not verified")
		} else {
			s.see("the server is verified for %s", k.material.serverName)
		}
		*conn = k.newTLSConn(inner, seen, true)
		return nil
	})
}

func describeChain(s *Step, chain []Certificate) {
	for i, c := range chain {
		what, names := "behind it: ", ""
		if i == 0 {
			what = "served: "
		}
		if hasNames(c.X509) {
			names = " for " + certNames(c.X509)
		}
		s.see("%s%s%s, issued by %s, valid from %s until %s", what, quote(c.Subject), names, quote(c.Issuer), stamp(c.NotBefore), stamp(c.NotAfter))
	}
}

// ask pings, which shows whether the daemon accepts our certificate.
func (k *checkup) ask(ctx context.Context, conn net.Conn) bool {
	answer := &shortAnswer{conn, maxHeader}
	var ping *http.Response
	ask := func() (err error) {
		ping, err = k.get(ctx, conn, bufio.NewReader(answer), "/_ping")
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err() // its end has closed the connection
		case err != nil && answer.left == 0:
			return fmt.Errorf("%w: %w", errNoEnd, err) // what is cut off may look malformed
		}
		return err
	}
	if k.seen == nil {
		return k.step(StepPing, func(s *Step) error { err := ask(); return k.describePing(s, ping, err) }) && k.version(ping)
	}
	start := time.Now()
	err := ask()
	took := time.Since(start)
	refused := err != nil && isClientCertKind(k.asError(err).Kind)
	ok := k.step(StepClientCert, func(s *Step) error {
		k.describeClientCert(s)
		if refused {
			return err
		}
		return nil
	})
	if !ok {
		return false
	}
	ok = k.step(StepPing, func(s *Step) error { return k.describePing(s, ping, err) })
	k.report.Steps[len(k.report.Steps)-1].Took = took
	return ok && k.version(ping)
}

func isClientCertKind(kind Kind) bool {
	switch kind {
	case ClientCertRequired, ClientCertRejected, ClientCertExpired, ClientCertNotYet:
		return true
	}
	return false
}

func (k *checkup) describeClientCert(s *Step) {
	if !k.seen.requested {
		s.see("the daemon did not ask for a client certificate")
		return
	}
	accepts := "any authority's"
	if len(k.seen.accepted) > 0 {
		accepts = "those of " + quoteSome(authorityNames(k.seen.accepted))
	}
	s.see("the daemon asked for a client certificate, and accepts %s", accepts)
	if leaf := k.material.leaf(); k.seen.sent && leaf != nil {
		s.see("sent: %s", quote(subjectOf(leaf)))
	} else {
		s.see("none was sent")
	}
}

func (k *checkup) describePing(s *Step, ping *http.Response, err error) error {
	switch {
	case errors.Is(err, errNoEnd):
		return k.noPing("its answer has no end", err)
	case err != nil:
		return err
	}
	s.see("%s", ping.Status)
	if ping.StatusCode/100 != 2 {
		return k.noPing(nameOf(ping.Status), nil)
	}
	return nil
}

func (k *checkup) noPing(why string, cause error) *Error {
	e := fail(NotHTTP, "", "what answered is no Docker daemon, or does not serve the ping: %s", why).cause(cause)
	e.Host = k.Host()
	return e.hint("check the address, and what stands before the daemon")
}

// A shortAnswer ends after so many bytes: [http.ReadResponse] has no bound.
type shortAnswer struct {
	conn net.Conn
	left int
}

var errNoEnd = fmt.Errorf("more than %d KiB for an answer to a ping", maxHeader>>10)

func (a *shortAnswer) Read(b []byte) (int, error) {
	if a.left == 0 {
		return 0, errNoEnd
	}
	n, err := a.conn.Read(b[:min(len(b), a.left)])
	a.left -= n
	return n, err
}

// version is what the answer to the ping says of the daemon.
func (k *checkup) version(ping *http.Response) bool {
	return k.step(StepVersion, func(s *Step) error {
		api := ping.Header.Get("Api-Version")
		if api == "" {
			s.Status = StepWarning
			s.see("warning: the answer does not name a version of the API; a Docker daemon does")
			return nil
		}
		s.see("API %s, %s, on %s", api, cut(ping.Header.Get("Server"), maxQuote), cut(ping.Header.Get("Ostype"), maxQuote))
		return nil
	})
}

// get makes one request on an open connection.
func (k *checkup) get(ctx context.Context, conn net.Conn, answers *bufio.Reader, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.URL(path), nil)
	if err != nil {
		return nil, err
	}
	if k.forwards() {
		err = req.WriteProxy(conn)
	} else {
		err = req.Write(conn)
	}
	if err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(answers, req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}
