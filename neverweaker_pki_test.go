package dockertls

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

const weakPassword = "hunter2-Zq8vLw"

// A weakPKI is minted once: all contents that rows name, and the servers.
type weakPKI struct {
	contents map[string][]byte
	servers  map[string]*tls.Certificate // by kind
	clients  *x509.CertPool
	signer   crypto.Signer
	secrets  map[string][]byte // by what they are: texts that nobody may see
	configs  sync.Map          // of servers, so that sessions can be resumed
}

func newWeakPKI(t *testing.T) *weakPKI {
	p := &weakPKI{contents: map[string][]byte{"garbage": []byte("garbage"), "nothing": {}, "text": []byte("# a comment\n")},
		servers: map[string]*tls.Certificate{}, clients: x509.NewCertPool(), secrets: map[string][]byte{}}
	cas := map[string]*testCA{"good": newTestCA(t, "docker CA", lasting), "other": newTestCA(t, "other CA", lasting), "twin": newTestCA(t, "docker CA", lasting)}
	for name, ca := range cas {
		p.contents["ca."+name] = pemOf(ca.cert)
		p.clients.AddCert(ca.cert)
	}
	for kind, facts := range serverKinds() {
		p.addServer(t, kind, facts, cas[facts.issuer])
	}
	for name, ca := range map[string]*testCA{"a": cas["good"], "b": cas["other"], "old": cas["good"]} {
		p.addClient(t, ca, name)
	}
	spoilt, _ := pem.Decode(p.contents["key.a"])
	spoilt.Bytes[0]++ // the rest is the key as it was
	p.contents["key.spoilt"] = pem.EncodeToMemory(spoilt)
	p.contents["key.encrypted"] = pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte(rand.Text() + rand.Text() + rand.Text() + rand.Text())})
	p.secrets["an encrypted key"] = bytes.Split(p.contents["key.encrypted"], []byte("\n"))[1]
	p.secrets["a password"] = []byte(weakPassword)
	p.secrets["a password, as proxies get it"] = []byte(base64.StdEncoding.EncodeToString([]byte("user:" + weakPassword)))
	return p
}

// lasting makes a certificate valid for longer than the longest run.
func lasting(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
}

// addServer mints what the oracle believes of a kind.
func (p *weakPKI) addServer(t *testing.T, kind string, facts serverKind, issuer *testCA) {
	key := newTestKey(t)
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "server " + kind}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range facts.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	lasting(template)
	switch kind {
	case "expired":
		// Its authority was valid at the time, too: it is by the time alone that it is refused.
		template.NotBefore, template.NotAfter = time.Now().Add(-50*time.Minute), time.Now().Add(-10*time.Minute)
	case "early":
		template.NotBefore, template.NotAfter = time.Now().Add(20*time.Hour), time.Now().Add(22*time.Hour)
	case "purpose":
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	var parent *x509.Certificate
	if issuer == nil {
		issuer = &testCA{t: t, key: key}
	} else {
		parent = issuer.cert
	}
	leaf := issuer.sign(template, parent, key)
	if parent == nil {
		p.contents["ca."+kind] = pemOf(leaf)
	}
	p.servers[kind] = &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// addClient mints a client's pair. "old" is in the form of SEC 1, and its
// certificate is that of a key of its own.
func (p *weakPKI) addClient(t *testing.T, ca *testCA, name string) {
	key := newTestKey(t).(*ecdsa.PrivateKey)
	p.contents["cert."+name], p.contents["key."+name] = ca.pair("client "+name, key, lasting)
	if name == "a" {
		p.signer = signerOnly{key}
	}
	if name == "old" {
		der, err := x509.MarshalECPrivateKey(key)
		check(t, err)
		p.contents["key.old"] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	}
	p.keepSecret(t, "the key "+name, p.contents["key."+name], key)
}

// signerOnly is a key of which nothing but the method Sign is to be seen.
type signerOnly struct{ crypto.Signer }

// keepSecret lists the forms in which a key could come to light: lines of its PEM
// text, its number in all notations, and what print verbs and encoders make of
// bytes.
func (p *weakPKI) keepSecret(t *testing.T, what string, text []byte, key *ecdsa.PrivateKey) {
	number, err := key.Bytes()
	check(t, err)
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines[1 : len(lines)-2] {
		p.secrets[fmt.Sprintf("%s, line %d", what, i+1)] = line
		p.secrets[fmt.Sprintf("%s, bytes of line %d", what, i+1)] = []byte(strings.Trim(fmt.Sprint(line), "[]"))
		p.secrets[fmt.Sprintf("%s, hex of line %d", what, i+1)] = []byte(hex.EncodeToString(line))
	}
	encoded, err := json.Marshal(text)
	check(t, err)
	middle := number[4:28]
	forms := map[string]string{
		"hex": hex.EncodeToString(middle), "HEX": strings.ToUpper(hex.EncodeToString(middle)), "as it is": string(middle), "escaped": strings.Trim(fmt.Sprintf("%+q", middle), `"`),
		"bytes": strings.Trim(fmt.Sprint(middle), "[]"), "Go": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", middle), "[]byte{"), "}"),
		"decimal": new(big.Int).SetBytes(number).String(), "JSON": string(encoded[60:140]), "base64": base64.RawStdEncoding.EncodeToString(number)[:40],
	}
	for form, secret := range forms {
		p.secrets[what+", "+form] = []byte(secret)
	}
}

// content is what a row such as "ca.good+key.a" or "key.a|cut" names.
func (p *weakPKI) content(expr string) []byte {
	if text, ok := strings.CutPrefix(expr, "text:"); ok {
		return []byte(text)
	}
	out := []byte{} // nil would mean that nothing is set
	for piece := range strings.SplitSeq(expr, "+") {
		name, cut, _ := strings.Cut(piece, "|")
		data, ok := p.contents[name]
		if !ok {
			panic("no content " + name)
		}
		if cut != "" {
			data = data[:len(data)/2]
		}
		out = append(out, data...)
	}
	return out
}

// serverConfig is how a server of a kind speaks TLS.
func (p *weakPKI) serverConfig(kind string, mutual, old bool) *tls.Config {
	key := fmt.Sprint(kind, mutual, old)
	if known, ok := p.configs.Load(key); ok {
		return known.(*tls.Config)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{*p.servers[kind]}}
	if mutual {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, p.clients
	}
	if old {
		cfg.MaxVersion = tls.VersionTLS12
	}
	known, _ := p.configs.LoadOrStore(key, cfg)
	return known.(*tls.Config)
}
