package dockertls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a daemon's alert says of our certificate, by the alert's number.
func TestReasonsOfRefusal(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t, "ca", nil)
	cert, key := ca.pair("alice", newTestKey(t), nil)
	opts := Options{Host: "tcp://box:1", TLSVerify: new(true), CA: pemOf(ca.cert), Cert: cert, Key: key}
	cfg, err := Resolve(opts)
	check(t, err)
	old := newTestCA(t, "ca", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	opts.CA = pemOf(old.cert)
	opts.Cert, opts.Key = old.pair("alice", newTestKey(t), nil)
	outlived, err := Resolve(opts)
	check(t, err)
	for _, tc := range []struct {
		cfg   *Config
		alert int
		words []string
	}{
		{cfg, alertUnsupportedCert, []string{"it cannot use a certificate of this type"}},
		{cfg, alertCertRevoked, []string{"it has been revoked", "issue a new pair"}},
		{cfg, alertCertExpired, []string{"it takes it for expired", "check the clock of the daemon's machine"}},
		{cfg, alertUnknownCA, []string{"it does not know the issuer", "--tlscacert has signed"}},
		{cfg, alertAccessDenied, []string{"it is valid, but has no access"}},
		{cfg, alertDecryptError, []string{"the signature made with its key is wrong"}},
		{outlived, alertCertExpired, []string{"its authority in ca.pem expired on", "make the authority again"}},
	} {
		s := scene{cfg: tc.cfg, seen: &handshake{requested: true, sent: true, generation: tc.cfg.current()}, stage: StageHandshake}
		wantExplained(t, s.explain(remoteError(tc.alert)), ClientCertRejected, tc.words...)
	}

	s := scene{cfg: cfg, seen: &handshake{requested: true, generation: cfg.current()}, stage: StageHandshake}
	wantExplained(t, s.explain(remoteError(alertHandshakeFailure)), ClientCertRequired, "it cannot sign in any way", "RSA 2048")
	opts.CA = pemOf(ca.cert)
	opts.Cert, opts.Key = ca.below("between").pair("alice", newTestKey(t), nil)
	below, err := Resolve(opts)
	check(t, err)
	fits := scene{cfg: below, seen: &handshake{requested: true, accepted: [][]byte{ca.cert.RawSubject}, generation: below.current()}, stage: StageHandshake}
	wantExplained(t, fits.explain(remoteError(alertHandshakeFailure)), ClientCertRequired, "it cannot sign in any way")
	wantExplained(t, scene{}.certRequired(), ClientCertRequired, "set DOCKER_CERT_PATH")
	s.seen.requested = false
	wantExplained(t, s.explain(remoteError(alertNoALPN)), TLSHandshake, "another protocol than HTTP/1.1")
	s.stage = StageRequest
	wantExplained(t, s.explain(remoteError(80)), TLSHandshake, "broke off the TLS connection (alert 80)")
}

// remoteError is what crypto/tls makes of an alert.
func remoteError(alert int) error {
	return &net.OpError{Op: "remote error", Err: tls.AlertError(alert)}
}

// What crypto/x509 says of a server's certificate, where no real server of the
// tests makes it say so.
func TestReasonsOfServerCertificates(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t, "ca", nil)
	for _, tc := range []struct {
		err   error
		kind  Kind
		words []string
	}{
		{x509.UnknownAuthorityError{}, ServerUntrusted, []string{"issued by an unknown authority"}},
		{x509.UnknownAuthorityError{Cert: ca.cert}, ServerUntrusted, []string{`"CN=ca"`}},
		{x509.CertificateInvalidError{Reason: x509.Expired}, ServerCertInvalid, []string{"is not valid"}},
		{x509.CertificateInvalidError{Cert: ca.cert, Reason: x509.NotAuthorizedToSign}, ServerCertInvalid, []string{"is not an authority", "CA:TRUE"}},
		{x509.CertificateInvalidError{Cert: ca.cert, Reason: x509.NameMismatch}, ServerCertInvalid, []string{"not named as the issuer"}},
		{x509.CertificateInvalidError{Cert: ca.cert, Reason: 99}, ServerCertInvalid, []string{"breaks a rule"}},
		{x509.SystemRootsError{}, ServerUntrusted, []string{"no root certificates", "ca-certificates"}},
		{errors.New("tls: server sent certificate containing RSA key larger than 8192 bits"), ServerCertInvalid, []string{"too long"}},
		{errors.New("tls: server's certificate contains an unsupported type of public key: ed448"), ServerCertInvalid, []string{"a type that TLS cannot use"}},
		{errors.New("tls: invalid signature by the server certificate: tls: ECDSA verification failure"), ServerCertInvalid, []string{"another key than that of its certificate"}},
		{errors.New("tls: invalid signature by the server certificate: insecure"), ServerCertInvalid, []string{"too short"}},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "box", IsTimeout: true}}, DNS, []string{"did not answer in time"}},
	} {
		wantExplained(t, scene{stage: StageHandshake}.explain(tc.err), tc.kind, tc.words...)
	}
}

// Plain HTTP was sent to a daemon that speaks TLS: the hint names what was meant
// to switch it on.
func TestReasonsOfPlainHTTP(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, tc := range []struct{ variable, words string }{
		{"X=1", "TLS is not switched on"},
		{"DOCKER_TLSVERIFY=1", "there is a variable DOCKER_TLSVERIFY"},
		{"DOCKER_CERT_PATH=/certs", "DOCKER_CERT_PATH is set, but TLS is not switched on"},
	} {
		cfg, err := Resolve(fromEnv([]string{"DOCKER_HOST=tcp://box:1", tc.variable}, func() string { return home }))
		check(t, err)
		wantExplained(t, scene{cfg: cfg}.tlsRequired("it speaks TLS"), TLSRequired, tc.words)
	}
	wantExplained(t, scene{}.tlsRequired("it speaks TLS"), TLSRequired, "DOCKER_TLS_VERIFY=1")
}

func TestReasonsOfSSHNotStarting(t *testing.T) {
	t.Parallel()
	cfg, err := Resolve(Options{Host: "ssh://box"})
	check(t, err)
	s := scene{cfg: cfg}
	wantExplained(t, s.explainStart(&exec.Error{Name: "ssh", Err: exec.ErrDot}), SSHMissing, "in the working directory", "absolute")
	wantExplained(t, s.explainStart(&fs.PathError{Op: "fork/exec", Path: "/bin/ssh", Err: fs.ErrPermission}), SSHMissing, "may not run the ssh program")
	wantExplained(t, s.explainStart(&fs.PathError{Op: "fork/exec", Path: "/bin/ssh", Err: errors.New("exec format error")}), SSHFailed, "cannot be started: exec format error")
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]string{
		"SSH-2.0-x": "SSH", "+OK ready": "POP3", "* OK IMAP4rev1": "IMAP", "RFB 003.008\n": "VNC", "220 x": "mail", "-ERR x": "Redis",
	} {
		if got := recognise([]byte(first)); !strings.Contains(got, want) {
			t.Errorf("%q is taken for %q", first, got)
		}
	}
	if got := recognise([]byte("hello")); got != "" {
		t.Errorf("hello is taken for %q", got)
	}
}

func TestHintGroup(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		socket Socket
		want   string
	}{
		{Socket{}, ""},
		{Socket{Mode: "srw-rw----", Owner: "root", Group: "docker"}, "add this user to the group docker"},
		{Socket{Mode: "Srw-rw----", Owner: "root", Group: "root"}, "run as root, or start the daemon with --group"},
		{Socket{Mode: "Srw-rw----", Owner: "0", Group: "0"}, "run as root"},
		{Socket{Mode: "Srw-------", Owner: "root", Group: "docker"}, ""}, // the group may not
	} {
		if got := tc.socket.hintGroup(); !strings.HasPrefix(got, tc.want) || got != "" && tc.want == "" {
			t.Errorf("%v: got %q, want %q", tc.socket, got, tc.want)
		}
	}
}

// What lies in place of a socket.
func TestLookAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for path, want := range map[string]string{
		dir: typeDirectory, file: typeFile, filepath.Join(dir, "none"): typeMissing, os.DevNull: typeOther,
		"@abstract": "", `\\.\pipe\x`: "", "//./pipe/x": "", dir + "\x00": "",
	} {
		if filepath.Separator == '\\' && path == os.DevNull {
			continue // no file there
		}
		if got := lookAt(path).Type; got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{1: "1 byte", 2: "2 bytes", openingSize: "512 bytes or more"} {
		if got := plural(n, "byte"); got != want {
			t.Errorf("got %s", got)
		}
	}
}

// A nil *Error in a log or report does not end the program.
func TestNilError(t *testing.T) {
	t.Parallel()
	var e *Error
	if got := e.LogValue().String(); got != "<nil>" {
		t.Errorf("got %s", got)
	}
	if text, err := json.Marshal(struct{ E *Error }{}); err != nil || string(text) != `{"E":null}` {
		t.Errorf("got %s, %v", text, err)
	}
	if text, err := e.MarshalJSON(); err != nil || string(text) != "null" {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestOneLineOfBytes(t *testing.T) {
	t.Parallel()
	if got := oneLine("a\xffb\nc\u202e"); strings.ContainsAny(got, "\n\u202e") || !strings.Contains(got, `\xff`) {
		t.Errorf("got %s", got)
	}
}

func TestEventsWithErrorsAreLogged(t *testing.T) {
	t.Parallel()
	event := Event{Type: EventReloadFailed, Host: "tcp://box:1", Err: fail(CAInvalid, "x", "nothing in it")}
	if got := event.LogValue().String(); !strings.Contains(got, "nothing in it") {
		t.Errorf("got %s", got)
	}
	seen := Evidence{Waited: time.Second}.attrs()
	if len(seen) != 1 || !seen[0].Equal(slog.Duration("waited", time.Second)) {
		t.Errorf("got %v", seen)
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"/a/b.pem": "/a/b.pem", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := shellQuote(text); got != want {
			t.Errorf("%q: got %s", text, got)
		}
	}
}
