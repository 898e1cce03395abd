package dockertls

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A using is one run of a combination: what is made of it, used, and said.
type using struct {
	*building
	opts    []Options
	cfg     *Config
	clients map[string]*http.Client
	written string // a folder for EnvironIn
	saying  sync.Mutex
	said    bytes.Buffer
}

// useLimit bounds one use. Nothing here takes so long.
const useLimit = 8 * time.Second

// run does what the rows say, and returns what arrived. An error is one of the
// test's own.
func (u *using) run(ctx context.Context, shared *Resolver) error {
	if err := u.lay(); err != nil {
		return err
	}
	opts, err := u.layers(Options{Dialer: u.dialer(), Logger: slog.New(slog.NewJSONHandler(u, &slog.HandlerOptions{Level: slog.LevelDebug})), OnEvent: u.event})
	if err != nil {
		return err
	}
	u.opts = opts
	resolver := new(Resolver)
	if u.rows["resolver"] != "" {
		resolver = shared
	}
	u.cfg, err = resolver.Resolve(opts...)
	u.sayOptions()
	if err != nil {
		u.sayError(err)
		return nil
	}
	u.sayConfig(u.cfg)
	defer u.closeIdle()
	u.useAll(ctx)
	if !u.changes() {
		return nil
	}
	if err := u.makeChange(ctx); err != nil {
		return err
	}
	u.useAll(ctx)
	u.sayConfig(u.cfg)
	return nil
}

// changes tells whether there is a second part.
func (u *using) changes() bool {
	return u.rows["then.server"] != "" || u.rows["then.ca"] != "" || u.rows["then.Material"] != ""
}

func (u *using) makeChange(ctx context.Context) error {
	u.wire.note(func() { u.wire.phase = 1 })
	u.change.Store(true)
	if err := u.rotate(); err != nil {
		return err
	}
	if u.rows["settle"] == "" {
		return nil
	}
	time.Sleep(settleTime + 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(ctx, useLimit)
	defer cancel()
	u.sayError(u.cfg.Reload(ctx))
	return nil
}

func (u *using) closeIdle() {
	for _, c := range u.clients {
		c.CloseIdleConnections()
	}
}

// dialer leads every address to the wire, so that names need not be looked up. It
// is left out if the rows say so and the address is the wire's own.
func (u *using) dialer() func(context.Context, string, string) (net.Conn, error) {
	address := ask(u.combination()).address
	if u.rows["direct"] != "" && (strings.Contains(address, "{daemon}") || strings.Contains(address, "{port}")) && u.rows["E.NO_PROXY"] == "" {
		u.wire.note(func() { u.wire.direct = true })
		return nil
	}
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		switch {
		case address == u.wire.address("proxy"):
		case strings.HasPrefix(address, "http:"): // a proxy's address that is not what it seems
			return nil, errors.New("nobody is there")
		case address == u.wire.address("other"), strings.HasPrefix(address, "other.test"):
			address = u.wire.address("other")
		default:
			address = u.wire.address("daemon")
		}
		return u.wire.dial(ctx, address)
	}
}

func (b *building) combination() combination {
	var c combination
	for what, value := range b.rows {
		c = append(c, drawn{what, value})
	}
	return c
}

func (u *using) useAll(ctx context.Context) {
	for _, row := range []string{"use.1", "use.2"} {
		if how := u.rows[row]; how != "" {
			u.use(ctx, how)
		}
	}
}

// use does one of the things that a Config is for.
func (u *using) use(ctx context.Context, how string) {
	ctx, cancel := context.WithTimeout(ctx, useLimit)
	defer cancel()
	var err error
	switch how {
	case "client", "transport", "moby":
		err = u.get(ctx, u.client(how), u.url(how))
	case "dial":
		var conn net.Conn
		if conn, err = u.cfg.Dial(ctx); err == nil {
			err = u.speak(ctx, conn)
		}
	case "tlsconfig":
		err = u.bare(ctx, u.cfg.TLSConfig())
	case "hijack":
		err = u.bare(ctx, u.cfg.Transport().TLSClientConfig)
	case "partial":
		err = u.bare(ctx, partOf(u.cfg.TLSConfig()))
	case "check":
		u.check(ctx)
	case "environ":
		err = u.child(ctx, u.cfg.Environ)
	case "environin":
		err = u.child(ctx, func() ([]string, error) { return u.cfg.EnvironIn(u.written) })
	}
	u.sayError(err)
	if err != nil {
		u.sayError(u.cfg.Diagnose(err))
		u.sayError(Diagnose(err))
	}
}

// client is one that keeps its connections until the end.
func (u *using) client(how string) *http.Client {
	if known := u.clients[how]; known != nil {
		return known
	}
	client := u.cfg.HTTPClient()
	switch how {
	case "transport":
		client = &http.Client{Transport: u.cfg.Transport()}
	case "moby": // what WithHost does to a transport that it finds
		t := client.Transport.(*http.Transport)
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			return u.wire.dial(ctx, u.wire.address("daemon"))
		}
	}
	u.clients[how] = client
	return client
}

func (u *using) url(how string) string {
	other := u.wire.address("other")
	own := u.cfg.URL(u.wire.path())
	if how == "moby" { // it makes its own
		return own
	}
	switch u.rows["url"] {
	case "http":
		return strings.Replace(own, "https://", "http://", 1)
	case "other":
		return "https://" + other + u.wire.path()
	case "other plain":
		return "http://" + other + u.wire.path()
	default:
		return own
	}
}

func (u *using) get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// speak makes a request on a raw stream.
func (u *using) speak(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, "GET "+u.wire.path()+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// bare is a client that knows nothing of us but a TLS configuration, nil for none.
func (u *using) bare(ctx context.Context, cfg *tls.Config) error {
	conn, err := u.wire.dial(ctx, u.wire.address("daemon"))
	if err != nil {
		return err
	}
	if cfg == nil {
		return u.speak(ctx, conn)
	}
	return u.speak(ctx, tls.Client(conn, cfg))
}

// partOf is what go-dockerclient's hijack takes of a configuration without a server
// name: no callbacks.
func partOf(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return nil
	}
	return &tls.Config{Certificates: cfg.Certificates, RootCAs: cfg.RootCAs, ServerName: cfg.ServerName, InsecureSkipVerify: cfg.InsecureSkipVerify}
}

func (u *using) check(ctx context.Context) {
	report := u.cfg.Check(ctx, func(s Step) { u.say(s) })
	u.sayError(report.Error())
	u.say(report)
	u.saying.Lock()
	defer u.saying.Unlock()
	_ = report.WriteText(&u.said, true)
}

// child is another process that gets our variables.
func (u *using) child(ctx context.Context, environ func() ([]string, error)) error {
	vars, err := environ()
	if err != nil {
		return err
	}
	u.say(vars)
	opts := u.building.child(vars)
	cfg, err := Resolve(Options{Dialer: u.dialer()}, opts)
	if err != nil {
		return err
	}
	u.sayConfig(cfg)
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	return u.get(ctx, client, cfg.URL(u.wire.path()))
}

// Write is for the logger.
func (u *using) Write(b []byte) (int, error) {
	u.saying.Lock()
	defer u.saying.Unlock()
	return u.said.Write(b)
}

func (u *using) event(e Event) {
	u.say(e)
	if e.Err != nil {
		u.sayError(e.Err)
	}
}

// say keeps what print verbs and JSON make of values.
func (u *using) say(values ...any) {
	u.saying.Lock()
	defer u.saying.Unlock()
	for _, v := range values {
		fmt.Fprintf(&u.said, "%v\n%+v\n%#v\n", v, v, v)
		text, _ := json.Marshal(v)
		u.said.Write(text)
	}
}

func (u *using) sayOptions() {
	for _, o := range u.opts {
		o.Dialer, o.Logger, o.OnEvent = nil, nil, nil
		u.say(o, &o, []Options{o}, o.CA, o.Cert, o.Key)
		if o.Material != nil {
			u.say(func() (m Material) {
				defer func() { _ = recover() }()
				m, _ = o.Material(context.Background())
				return m
			}())
		}
		slog.New(slog.NewTextHandler(u, nil)).Info("options", "options", o, "ca", o.CA, "key", o.Key)
	}
}

func (u *using) sayConfig(cfg *Config) {
	u.say(cfg.Settings(), cfg.Warnings(), cfg.Expiries(), cfg.Stats(), cfg.Host(), cfg.URL("/x"), cfg.String(), fmt.Sprintf("%+v", cfg))
	slog.New(slog.NewTextHandler(u, nil)).Info("config", "config", cfg)
}

// sayError keeps what an error and all behind it say.
func (u *using) sayError(err error) {
	if err == nil {
		return
	}
	u.say(err)
	u.saying.Lock()
	fmt.Fprintln(&u.said, err.Error())
	if e, ok := err.(*Error); ok {
		fmt.Fprintf(&u.said, "%+v\n%s\n", e.Evidence, e.Hint)
	}
	u.saying.Unlock()
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		u.sayError(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, behind := range e.Unwrap() {
			u.sayError(behind)
		}
	}
}
