package dockertls

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A combination is what was drawn: rows in the order in which they were drawn. A
// row that is left out means the ordinary thing, so that any of them can be
// dropped to find the smallest combination that still fails.
type combination []drawn

type drawn struct{ what, value string }

func (c combination) rows() map[string]string {
	rows := map[string]string{"layers": "A B E", "server": "good"}
	for _, d := range c {
		rows[d.what] = d.value
	}
	return rows
}

func (c combination) String() string {
	var b strings.Builder
	for _, d := range c {
		fmt.Fprintf(&b, "\t%-28s %q\n", d.what, d.value)
	}
	return b.String()
}

// A draw makes a combination by chance. Most of it is as people have it, with a
// few things that are odd: otherwise nearly all would end at the first mistake.
type draw struct {
	*rand.Rand
	combination
	layers []string
}

func newCombination(seed, index uint64) combination {
	d := &draw{Rand: rand.New(rand.NewPCG(seed, index))}
	d.set("layers", d.one("E", "E", "A E", "A E", "A E", "F E", "F E", "A", "A", "A B E", "B A E", "E A", "A E B", "F A E", "F", "A B"))
	d.layers = strings.Fields(d.rows()["layers"])
	d.address()
	d.wishes()
	d.material()
	d.proxy()
	d.server()
	d.uses()
	d.changes()
	d.noise()
	return d.combination
}

// set draws a row; what was drawn before under its name does not count.
func (d *draw) set(what, value string) {
	d.combination = slices.DeleteFunc(d.combination, func(old drawn) bool { return old.what == what })
	d.combination = append(d.combination, drawn{what, value})
}

func (d *draw) one(values ...string) string { return values[d.IntN(len(values))] }

func (d *draw) in(percent int) bool { return d.IntN(100) < percent }

func (d *draw) layer() string { return d.one(d.layers...) }

// explicit is a layer that is not the environment, "" if there is none.
func (d *draw) explicit() string {
	others := slices.DeleteFunc(slices.Clone(d.layers), func(l string) bool { return l == "E" })
	if len(others) == 0 {
		return ""
	}
	return d.one(others...)
}

// say sets a setting in a layer, under the name that it has there.
func (d *draw) say(layer, setting, value string) {
	switch {
	case layer == "E" && variables()[setting] != "":
		d.set("E."+variables()[setting], value)
	case layer == "F" && flagNames()[setting] != "", layer == "A", layer == "B":
		d.set(layer+"."+setting, value)
	}
}

func (d *draw) address() {
	switch n := d.IntN(100); {
	case n < 66:
		d.say(d.layer(), "Host", d.host())
	case n < 97:
		d.storedContext()
	}
	if d.in(7) {
		d.say(d.layer(), "Host", d.host())
	}
}

func (d *draw) host() string {
	if d.in(12) {
		return d.one("unix:///run/x.sock", "ssh://box", "https://{daemon}", "http://user:{password}@{daemon}", "TCP://user:{password}@{daemon}", " tcp://{daemon} ")
	}
	return d.one("tcp://{daemon}", "tcp://{daemon}", "{daemon}", "tcp://localhost:{port}", "tcp://user:{password}@{daemon}", "tcp://{daemon}/base",
		"tcp://daemon.test:2376", "tcp://daemon.test:2376", "tcp://daemon.test:2376", "tcp://daemon.test", "daemon.test:2376")
}

func (d *draw) storedContext() {
	if d.in(70) {
		d.say(d.layer(), "Context", d.one("prod", "prod", "prod", "prod", "prod", "prod", "gone", "default"))
	} else {
		d.set("config.json", d.one("current", "current", "current", "default", "gone", "broken", "cut", "number", "folder"))
	}
	d.set("context.host", d.one("tcp://{daemon}", "tcp://{daemon}", "tcp://daemon.test:2376", "https://{daemon}", "https://daemon.test:2376", "http://{daemon}",
		"unix:///run/x.sock", "ws://{daemon}", "tcp://user:{password}@{daemon}", "HTTPS://user:{password}@{daemon}"))
	if d.in(75) {
		d.set("context.tls", d.one("ca.good cert.a key.a", "ca.good cert.a key.a", "ca.good cert.a key.a", "ca.good", "ca.good", "ca.good", "ca.other cert.b key.b", "ca.other", "cert.a key.a",
			"empty", "misplaced", "file", "garbage", "key.a", "ca.good cert.a key.b"))
	}
	if d.in(15) {
		d.set("context.skip", "true")
	}
	if d.in(6) {
		d.set("context.meta", d.one("cut", "no endpoint", "host is a number", "trailing text"))
	}
}

func (d *draw) wishes() {
	if d.in(72) {
		d.say(d.layer(), "TLSVerify", "true")
	} else if d.in(50) {
		d.say(d.layer(), "TLS", "true")
	}
	for range 2 {
		if d.in(15) {
			d.say(d.layer(), d.one("TLS", "TLSVerify"), d.one("true", "false"))
		}
	}
	if layer := d.explicit(); layer != "" && layer != "F" && d.in(8) {
		d.set(layer+".ServerName", d.one("daemon.test", "127.0.0.1", "127.0.0.2", "elsewhere.test"))
	}
}

// contents of a CA that people have, and those they should not have.
func (d *draw) ca() string {
	if d.in(9) {
		return d.one("garbage", "nothing", "ca.good|cut", "key.a", "cert.a", "folder", "key.encrypted")
	}
	return d.one("ca.good", "ca.good", "ca.good", "ca.good", "ca.good", "ca.other", "ca.twin", "ca.good+ca.other", "ca.self", "ca.good+key.a", "text+ca.good")
}

func (d *draw) pair() (cert, key string) {
	if d.in(9) {
		pairs := [][2]string{{"cert.a", "key.b"}, {"key.a", "cert.a"}, {"cert.a", "key.encrypted"}, {"cert.a", "key.a|cut"}, {"cert.a", "key.spoilt"}, {"cert.a", "key.spoilt"}, {"garbage", "key.a"},
			{"cert.a", "garbage"}, {"cert.a", ""}, {"", "key.a"}, {"cert.a", "key.old"}, {"cert.a", "folder"}, {"cert.a+key.a", "cert.a+key.a"}}
		p := pairs[d.IntN(len(pairs))]
		return p[0], p[1]
	}
	name := d.one("a", "a", "b", "")
	if name == "" {
		return "", ""
	}
	return "cert." + name, "key." + name
}

func (d *draw) material() {
	layer := d.explicit()
	inCode := layer != "" && layer != "F"
	switch n := d.IntN(10); {
	case n < 2 && inCode:
		d.inMemory(layer)
	case n < 4 && inCode:
		d.set(layer+".Material", d.supply())
	case n < 5 && layer != "":
		d.named(layer)
	case n < 8:
		d.folder("{T}/certs")
		d.say(d.one(d.layers...), "CertPath", "{T}/certs")
	case n < 9:
		d.folder("{T}/config")
		d.say(d.one(d.layers...), "ConfigDir", "{T}/config")
	default:
		d.folder("{T}/home/.docker")
	}
	if d.in(25) {
		d.folder(d.one("{T}/home/.docker", "{T}/certs", "{T}/config"))
	}
}

func (d *draw) folder(dir string) {
	if d.in(97) {
		d.set("file "+dir+"/ca.pem", d.ca())
	}
	cert, key := d.pair()
	if cert != "" {
		d.set("file "+dir+"/cert.pem", cert)
	}
	if key != "" {
		d.set("file "+dir+"/key.pem", key)
	}
}

func (d *draw) named(layer string) {
	d.folder("{T}/named")
	d.set(layer+".CAFile", d.one("{T}/named/ca.pem", "{T}/named/ca.pem", "{T}/named/ca.pem", map[bool]string{true: "(empty)", false: "system"}[layer == "F"]))
	if d.in(50) {
		d.set(layer+".CertFile", "{T}/named/cert.pem")
		d.set(layer+".KeyFile", "{T}/named/key.pem")
	}
}

func (d *draw) inMemory(layer string) {
	d.set(layer+".CA", strings.ReplaceAll(d.ca(), "folder", "garbage"))
	cert, key := d.pair()
	if cert != "" {
		d.set(layer+".Cert", strings.ReplaceAll(cert, "folder", "garbage"))
	}
	if key != "" && d.in(25) {
		d.set(layer+".Signer", "key.a")
	} else if key != "" {
		d.set(layer+".Key", strings.ReplaceAll(key, "folder", "garbage"))
	}
}

func (d *draw) supply() string {
	return d.one("ca.good cert.a key.a", "ca.good cert.a key.a", "ca.good", "ca.good", "ca.other cert.b key.b", "ca.other", "ca.good+ca.other",
		"ca.good cert.a key.b", "cert.a key.a", "error", "panic", "none", "garbage", "ca.good cert.a key.spoilt", "ca.good cert.a signer.a")
}

func (d *draw) proxy() {
	if !d.in(42) {
		return
	}
	value := d.one("http://user:{password}@{proxy}", "http://user:{password}@{proxy}", "http://{proxy}", "https://user:{password}@{proxy}", "socks5://user:{password}@{proxy}", "socks5://{proxy}",
		"socks5h://user:{password}@{proxy}", "user:{password}@{proxy}", "http://user:{password}@{proxy} x", "ftp://user:{password}@{proxy}")
	if layer := d.explicit(); layer != "" && layer != "F" && d.in(30) {
		d.set(layer+".Proxy", value)
	} else {
		d.set("E."+d.one("HTTPS_PROXY", "HTTPS_PROXY", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY"), value)
	}
	if d.in(10) {
		d.set("E.NO_PROXY", d.one("daemon.test", ".test", "*", "other.test"))
	}
	if d.in(3) {
		d.set("E.REQUEST_METHOD", "GET")
	}
	if d.in(40) {
		d.set("proxy.does", d.one("plain", "plain", "refuse", "hangup", "redirect", "garbage"))
	}
	if d.in(30) {
		d.set("proxy.shows", d.one("other", "wrongname", "expired", "self"))
	}
}

func (d *draw) server() {
	if d.in(55) {
		d.set("server", d.one("plain", "plain", "plain", "other", "other", "wrongname", "expired", "early", "twin", "self", "purpose", "garbage", "hangup"))
	}
	for _, odd := range []string{"mutual", "tls12", "close"} {
		if d.in(15) {
			d.set("server."+odd, "true")
		}
	}
	if d.in(15) {
		d.set("server.redirects", d.one("http", "http", "other", "other plain", "with a user"))
	}
}

func (d *draw) uses() {
	for i := range 1 + d.IntN(2) {
		d.set(fmt.Sprintf("use.%d", i+1), d.one("client", "client", "client", "transport", "dial", "dial", "tlsconfig", "hijack", "partial", "moby", "check", "environ", "environin"))
	}
	if d.in(6) {
		d.set("url", d.one("http", "other", "other plain"))
	}
	if d.in(35) {
		d.set("direct", "true")
	}
}

// changes are what happens between the first requests and the last.
func (d *draw) changes() {
	if d.in(30) {
		d.set("interval", "1ns")
	}
	if !d.in(35) {
		return
	}
	if d.in(60) {
		d.set("server", "good") // a change tells most where all went well before it
	}
	supplied := strings.Contains(d.String(), ".Material")
	switch n := d.IntN(10); {
	case n < 4:
		d.set("then.server", d.one("plain", "plain", "other", "twin", "good", "self", "hangup", "wrongname"))
	case n < 8 && supplied:
		d.set("then.Material", d.one("ca.other", "ca.good", "ca.other cert.b key.b", "ca.twin cert.a key.a", "error", "panic", "none", "garbage", "ca.good cert.a key.b", "key.a cert.a ca.good"))
	default:
		d.set("then.ca", d.one("ca.other", "ca.other", "ca.twin", "ca.good+ca.other", "ca.good", "garbage", "nothing"))
	}
	if d.in(15) {
		d.set("then.server", d.one("good", "other", "plain"))
	}
	if d.in(40) {
		d.set("settle", "true")
	}
}

// noise is what should make no difference.
func (d *draw) noise() {
	if d.in(25) {
		d.set("resolver", "shared")
	}
	if d.in(10) {
		d.set("resumption", "off")
	}
	if d.in(10) {
		d.set("E.HOME", "")
	}
	if d.in(4) {
		d.set("E.DOCKER_TLSVERIFY", "1")
	}
	if d.in(5) {
		d.say(d.layer(), "ConfigDir", d.one("{T}/nothing", "{T}/config"))
	}
	if d.in(5) {
		d.set("config.json", d.one("current", "broken", "number"))
	}
}
