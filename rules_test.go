package dockertls

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The rules by which the docker command chooses and secures its connection, as
// a table: what is set, and what must be decided. A row's name begins with the
// number of its rule in doc.go; U and Q are its unsafe points and quirks.

// A ruleCase is one row. {T} stands for a temporary directory; the home folder
// is {T}/home, the user database's {T}/passwd-home.
type ruleCase struct {
	name  string
	env   string   // variables, separated by blanks; "HOME=" unsets the home folder
	flags []string // docker's global flags
	files string   // path=content pairs, separated by blanks
	want  string   // outcome.String()
	warn  string   // codes of the warnings, separated by blanks
}

const (
	set      = "home/.docker/ca.pem=ca.good home/.docker/cert.pem=cert.a home/.docker/key.pem=key.a"
	certs    = "certs/ca.pem=ca.foreign certs/cert.pem=cert.b certs/key.pem=key.b"
	boxPlain = "tcp://box:2375 plain"
	boxPair  = "tcp://box:2375 mutual ca=good cert=a"
	verify   = "DOCKER_HOST=tcp://box DOCKER_TLS_VERIFY=1"
	encrypt  = "DOCKER_HOST=tcp://box DOCKER_TLS=1"
)

// storedContext are the files of a context in the default configuration directory.
func storedContext(name, meta string, tls ...string) string {
	where := newContextFolder("home/.docker", name)
	files := []string{where.meta + "=text:" + meta}
	for _, f := range tls {
		files = append(files, filepath.Join(where.tls, "docker", f))
	}
	return strings.Join(files, " ")
}

func metaOf(host string) string {
	text := fmt.Sprintf(`{"Name":"prod","Metadata":{},"Endpoints":{"docker":{"Host":%q}}}`, host)
	return strings.ReplaceAll(text, " ", `\u0020`) // a blank would end the row's file
}

func plainContext(host string) string { return storedContext("prod", metaOf(host)) }

func tlsContext(host string) string {
	return storedContext("prod", metaOf(host), "ca.pem=ca.good", "cert.pem=cert.a", "key.pem=key.a")
}

func skipContext(host string) string {
	return storedContext("prod", fmt.Sprintf(`{"Endpoints":{"docker":{"Host":%q,"SkipTLSVerify":true}}}`, host))
}

func currentContext(text string) string { return "home/.docker/config.json=text:" + text }

const prodCurrent = `{"currentContext":"prod"}`

func ruleCases() []ruleCase {
	return slices.Concat(contextRules(), addressRules(), tlsRules(), fileRules(), contentRules(), storedContextRules(), socketRules(), sshRules(), deviationRules())
}

func contextRules() []ruleCase {
	return []ruleCase{
		{"1 --context first", "DOCKER_HOST=tcp://other DOCKER_CONTEXT=gone", []string{"--context", "prod"}, plainContext("tcp://box:1"), "tcp://box:1 plain", ""},
		{"1 -H hides DOCKER_CONTEXT", "DOCKER_CONTEXT=prod", []string{"-H", "tcp://box"}, "", boxPlain, "context-hidden"},
		{"1 -H empty hides DOCKER_CONTEXT", "DOCKER_CONTEXT=prod", []string{"-H", ""}, "", "local plain", "context-hidden"},
		{"1 DOCKER_HOST hides DOCKER_CONTEXT", "DOCKER_CONTEXT=prod DOCKER_HOST=tcp://box", nil, "", boxPlain, "context-hidden"},
		{"1 DOCKER_HOST hides currentContext", "DOCKER_HOST=tcp://box", nil, currentContext(prodCurrent), boxPlain, "context-hidden"},
		{"1 DOCKER_CONTEXT before currentContext", "DOCKER_CONTEXT=prod", nil, plainContext("tcp://box:1") + " " + currentContext(`{"currentContext":"gone"}`), "tcp://box:1 plain", ""},
		{"1 currentContext", "", nil, plainContext("tcp://box:1") + " " + currentContext(prodCurrent), "tcp://box:1 plain", ""},
		{"1 empty variables count as unset", "DOCKER_HOST= DOCKER_CONTEXT=", nil, plainContext("tcp://box:1") + " " + currentContext(prodCurrent), "tcp://box:1 plain", ""},
		{"2 -H with --context", "", []string{"-H", "tcp://box", "--context", "default"}, "", "error options-conflict", ""},
		{"2 -H empty with --context", "", []string{"-H", "", "--context", "prod"}, "", "error options-conflict", ""},
		{"2 -H with --context empty", "", []string{"-H", "tcp://box", "--context", ""}, "", boxPlain, ""},
		{"2 the last --context counts", "", []string{"--context", "gone", "-c", "prod"}, plainContext("tcp://box:1"), "tcp://box:1 plain", ""},
		{"3 default takes DOCKER_HOST", "DOCKER_HOST=tcp://box", []string{"--context", "default"}, "", boxPlain, ""},
		{"3 default although stored", "", []string{"--context", "default"}, storedContext("default", metaOf("tcp://box:1")), "local plain", ""},
		{"4 names are literal", "DOCKER_CONTEXT=PROD", nil, plainContext("tcp://box:1"), "error context-not-found", ""},
		{"4 unknown context", "", []string{"--context", "gone"}, "", "error context-not-found", ""},
		{"4 --context beside a malformed DOCKER_HOST", "DOCKER_HOST=tcp://box:abc", []string{"--context", "prod"}, plainContext("tcp://box:1"), "tcp://box:1 plain", ""},
		{"5 DOCKER_CONFIG moves contexts", "DOCKER_CONFIG={T}/conf DOCKER_HOST=", nil, "conf/config.json=text:{}", "local plain", ""},
		{"5 --config before DOCKER_CONFIG", "DOCKER_CONFIG={T}/conf", []string{"--config", "{T}/home/.docker"}, plainContext("tcp://box:1") + " " + currentContext(prodCurrent), "tcp://box:1 plain", ""},
		{"5 HOME empty: the user database", "HOME= DOCKER_HOST=tcp://box DOCKER_TLS_VERIFY=1", nil, "passwd-home/.docker/ca.pem=ca.good", "tcp://box:2375 verified ca=good", ""},
		{"6 config.json empty", "", nil, currentContext(""), "local plain", ""},
		{"6 any letter case, the last counts", "", nil, plainContext("tcp://box:1") + " " + currentContext(`{"currentContext":"x","CURRENTCONTEXT":"prod"}`), "tcp://box:1 plain", ""},
		{"6 text after the object", "", nil, plainContext("tcp://box:1") + " " + currentContext(prodCurrent+"junk"), "tcp://box:1 plain", ""},
		{"6 a wrong type elsewhere", "", nil, plainContext("tcp://box:1") + " " + currentContext(`{"auths":7,"currentContext":"prod"}`), "tcp://box:1 plain", ""},
		{"6 null", "", nil, currentContext(`{"currentContext":null}`), "local plain", ""},
	}
}

func addressRules() []ruleCase {
	row := func(host, want string, warn ...string) ruleCase {
		return ruleCase{"9 " + host, "DOCKER_HOST=" + host, nil, "", want, strings.Join(warn, " ")}
	}
	rows := []ruleCase{
		{"7 nothing", "", nil, "", "local plain", ""},
		{"7 nothing, with TLS", "DOCKER_TLS_VERIFY=1", nil, set, "tcp://localhost:2376 mutual ca=good cert=a", ""},
		{"7 white space is trimmed", "", []string{"-H", "\t tcp://box\n"}, "", boxPlain, ""},
		{"9 port 2375 with TLS too", verify, nil, set, boxPair, ""},
		{"10 zone", "", []string{"-H", "tcp://[::1%eth0]:1"}, "", "error host-invalid", ""},
		{"27 SNI without final dot", "DOCKER_HOST=tcp://box.:1 DOCKER_TLS_VERIFY=1", nil, set, "tcp://box.:1 mutual ca=good cert=a name=box", ""},
	}
	return append(rows,
		row("tcp://box:1", "tcp://box:1 plain"), row("tcp://", "tcp://localhost:2375 plain"), row("tcp://:1", "tcp://localhost:1 plain"),
		row("tcp://box:", boxPlain), row("box", boxPlain), row("box:1", "tcp://box:1 plain"), row(":1", "tcp://localhost:1 plain"), row(":", "tcp://localhost:2375 plain"),
		row("2375", "tcp://2375:2375 plain"), row("default", "tcp://default:2375 plain"), row("BOX:1", "tcp://BOX:1 plain"),
		row("tcp://[::1]:1", "tcp://[::1]:1 plain"), row("tcp://[::1]:", "tcp://[::1]:2375 plain"), row("::1", "tcp://[::1]:2375 plain"),
		row("tcp://box:1/p/", "tcp://box:1/p plain"), row("tcp://box/a/../b//c", "tcp://box:2375/b/c plain"), row("box:1//p", "tcp://box:1/p plain"), row("tcp://box:1/a%20b", "tcp://box:1/a%20b plain"),
		row("tcp://box?q=1", boxPlain, "address-parts"), row("tcp://u:p@box#f", boxPlain, "address-parts address-parts"),
		row("tcp://[::1]", "error host-invalid"), row("[::1]", "error host-invalid"), row("tcp://[127.0.0.1]:1", "error host-invalid"), row("tcp://[::1:1", "error host-invalid"),
		row("::1:2375", "error host-invalid"), row("fe80::a", "error host-invalid"), row("tcp://a:b:1", "error host-invalid"),
		row("tcp://box:abc", "error host-invalid"), row("tcp://box:+1", "error host-invalid"), row("tcp://box:0", "error host-invalid"), row("tcp://box:65536", "error host-invalid"),
		row("tcp://b%41x", "error host-invalid"), row("tcp://box/%zz", "error host-invalid"), row("tcp://a,tcp://b", "error host-invalid"), row("'tcp://box'", "error host-invalid"),
		row("http://box", "error host-invalid"), row("https://box", "error host-invalid"), row("TCP://box", "error host-invalid"), row("://box", "error host-invalid"), row("ws://box", "error host-invalid"),
		row("fd://", "error host-unsupported"),
	)
}

func tlsRules() []ruleCase {
	row := func(name, env, flags, want string, warn ...string) ruleCase {
		return ruleCase{"14 " + name, "DOCKER_HOST=tcp://box " + env, strings.Fields(flags), set, want, strings.Join(warn, " ")}
	}
	const open = "tcp://box:2375 encrypted ca=good cert=a"
	open2 := []string{"unverified", "unverified-identity"}
	return []ruleCase{
		row("nothing", "", "", boxPlain),
		row("verify", "DOCKER_TLS_VERIFY=1", "", boxPair),
		row("any text means yes", "DOCKER_TLS_VERIFY=0", "", boxPair, "false-means-true"),
		row("a blank means yes", "DOCKER_TLS_VERIFY=\u00a0", "", boxPair, "false-means-true"),
		row("empty means no", "DOCKER_TLS_VERIFY=", "", boxPlain),
		row("DOCKER_TLS", "DOCKER_TLS=1", "", open, open2...),
		row("DOCKER_TLS=no", "DOCKER_TLS=no", "", open, append([]string{"false-means-true"}, open2...)...),
		row("--tls", "", "--tls", open, open2...),
		row("--tlsverify", "", "--tlsverify", boxPair),
		row("--tlsverify=false is TLS", "", "--tlsverify=false", open, open2...),
		row("--tlsverify=false beats the variable", "DOCKER_TLS_VERIFY=1", "--tlsverify=false", open, open2...),
		row("--tls=false beats DOCKER_TLS", "DOCKER_TLS=1", "--tls=false", boxPlain),
		row("--tls=false never beats DOCKER_TLS_VERIFY", "DOCKER_TLS_VERIFY=1", "--tls=false", boxPair),
		row("--tls=false --tlsverify=false", "DOCKER_TLS_VERIFY=1", "--tls=false --tlsverify=false", open, open2...),
		row("--tls does not weaken", "DOCKER_TLS_VERIFY=1", "--tls", boxPair),
		row("the last of repeated flags", "", "--tlsverify=false --tlsverify", boxPair),
		{"15 DOCKER_CERT_PATH alone", "DOCKER_HOST=tcp://box:2376 DOCKER_CERT_PATH={T}/certs", nil, certs, "tcp://box:2376 plain", "no-effect"},
		{"15 file flags alone", "DOCKER_HOST=tcp://box", []string{"--tlscacert", "{T}/gone"}, "", boxPlain, "no-effect"},
		{"15 a misspelt variable", "DOCKER_HOST=tcp://box DOCKER_TLSVERIFY=1", nil, set, boxPlain, "misspelt"},
		{"15 a misspelt variable", "DOCKER_HOST=tcp://box DOCKER__VERIFY=1", nil, set, boxPlain, "misspelt"},
	}
}

func fileRules() []ruleCase {
	return []ruleCase{
		{"16 DOCKER_CERT_PATH", verify + " DOCKER_CERT_PATH={T}/certs", nil, certs + " " + set, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"16 all defaults from one folder", verify + " DOCKER_CERT_PATH={T}/certs", nil, "certs/ca.pem=ca.good " + set, "tcp://box:2375 verified ca=good", ""},
		{"16 DOCKER_CONFIG", verify + " DOCKER_CONFIG={T}/certs", nil, certs + " " + set, "tcp://box:2375 mutual ca=foreign cert=b", ""},
		{"16 each flag alone", verify, []string{"--tlscacert", "{T}/certs/ca.pem"}, certs + " " + set, "tcp://box:2375 mutual ca=foreign cert=a", ""},
		{"16 empty flag: no certificate", verify, []string{"--tlscert="}, set, "tcp://box:2375 verified ca=good", "half-pair"},
		{"16 empty flags: no pair", verify, []string{"--tlscert=", "--tlskey="}, set, "tcp://box:2375 verified ca=good", ""},
		{"16 the last of repeated flags", verify, []string{"--tlscacert", "x", "--tlscacert", "{T}/certs/ca.pem"}, certs + " " + set, "tcp://box:2375 mutual ca=foreign cert=a", ""},
		{"16 Q2 --config does not move it", verify, []string{"--config", "{T}/certs"}, certs + " " + set, boxPair, "config-dir-certs"},
		{"17 ca.pem must exist", verify, nil, "home/.docker/cert.pem=cert.a", "error ca-missing", ""},
		{"17 ca.pem must exist, not verifying", encrypt, nil, "", "error ca-missing", ""},
		{"17 a default pair may be missing", verify, nil, "home/.docker/ca.pem=ca.good", "tcp://box:2375 verified ca=good", ""},
		{"17 dangling links count as missing", verify, nil, "home/.docker/ca.pem=ca.good home/.docker/cert.pem=link:gone home/.docker/key.pem=link:gone", "tcp://box:2375 verified ca=good", ""},
		{"17 a dangling ca.pem", verify, nil, "home/.docker/ca.pem=link:gone", "error ca-missing", ""},
		{"17 a named certificate must exist", verify, []string{"--tlscert", "{T}/gone"}, set, "error client-cert-missing", ""},
		{"17 a named key must exist", verify, []string{"--tlskey", "{T}/gone"}, set, "error client-key-missing", ""},
		{"17 a named CA must exist", encrypt, []string{"--tlscacert", "{T}/gone"}, set, "error ca-missing", ""},
		{"17 named like the default", verify, []string{"--tlscert", "{T}/home/.docker/cert.pem"}, "home/.docker/ca.pem=ca.good", "error client-cert-missing", ""},
		{"17 ca.pem is a directory", encrypt, nil, "home/.docker/ca.pem=dir", "error file-unreadable", ""},
		{"17 cert.pem is a directory", verify, nil, "home/.docker/ca.pem=ca.good home/.docker/cert.pem=dir", "error file-unreadable", ""},
		{"17 DOCKER_CERT_PATH is a file", verify + " DOCKER_CERT_PATH={T}/afile", nil, "afile=text:x", "error file-unreadable", ""},
		{"19 only --tlscacert= selects the system's roots", verify, []string{"--tlscacert="}, set, "tcp://box:2375 mutual ca=system cert=a", ""},
		{"19 a file named system", verify, []string{"--tlscacert", "system"}, "system=ca.foreign " + set, "error ca-missing", ""},
		{"20 Q3 half a pair", verify, nil, "home/.docker/ca.pem=ca.good home/.docker/cert.pem=text:garbage", "tcp://box:2375 verified ca=good", "half-pair"},
		{"20 Q3 half a pair", verify, nil, "home/.docker/ca.pem=ca.good home/.docker/key.pem=key.a", "tcp://box:2375 verified ca=good", "half-pair"},
		{"22 the address comes first", "DOCKER_HOST=tcp://box:abc DOCKER_TLS_VERIFY=1", nil, "", "error host-invalid", ""},
		{"22 reading before contents", verify, nil, "home/.docker/ca.pem=text:x home/.docker/cert.pem=dir", "error file-unreadable", ""},
		{"22 CA before pair", verify, nil, "home/.docker/ca.pem=text:x home/.docker/cert.pem=text:x home/.docker/key.pem=text:x", "error ca-invalid", ""},
	}
}

func contentRules() []ruleCase {
	row := func(name, ca, cert, key, want string, warn ...string) ruleCase {
		files := "home/.docker/ca.pem=" + ca + " home/.docker/cert.pem=" + cert + " home/.docker/key.pem=" + key
		return ruleCase{"18 " + name, verify, nil, files, want, strings.Join(warn, " ")}
	}
	rows := []ruleCase{
		row("other blocks are ignored", "key.a+ca.good+text:x", "cert.a", "key.a", boxPair),
		row("two authorities", "ca.good+ca.foreign", "cert.a", "key.a", "tcp://box:2375 mutual ca=good,foreign cert=a"),
		row("one that parses is enough", "bad+ca.good", "cert.a", "key.a", boxPair),
		row("none that parses", "bad", "cert.a", "key.a", "error ca-invalid"),
		row("empty CA", "text:", "cert.a", "key.a", "error ca-invalid"),
		row("chopped CA", "ca.good|chop", "cert.a", "key.a", "error ca-invalid"),
		row("byte order mark", "ca.good|bom", "cert.a", "key.a", "error ca-invalid"),
		row("CR LF", "ca.good|crlf", "cert.a|crlf", "key.a|crlf", boxPair),
		row("bundle as both", "ca.good", "cert.a+key.a", "cert.a+key.a", boxPair),
		row("chain", "ca.good", "cert.chain", "key.chain", "tcp://box:2375 mutual ca=good cert=chain+1"),
		row("swapped", "ca.good", "key.a", "cert.a", "error client-key-invalid"),
		row("other key", "ca.good", "cert.a", "key.b", "error key-pair-mismatch"),
		row("first certificate counts", "ca.good", "cert.b+cert.a", "key.a", "error key-pair-mismatch"),
		row("garbage certificate", "ca.good", "text:x", "key.a", "error client-cert-invalid"),
		row("bad certificate", "ca.good", "bad", "key.a", "error client-cert-invalid"),
		row("empty key", "ca.good", "cert.a", "text:", "error client-key-invalid"),
		row("encrypted PKCS #8", "ca.good", "cert.a", "encrypted.pkcs8", "error client-key-encrypted"),
		row("encrypted the old way", "ca.good", "cert.a", "encrypted.old", "error client-key-encrypted"),
		row("RSA", "ca.good", "cert.rsa", "key.rsa", "tcp://box:2375 mutual ca=good cert=rsa"),
		row("Ed25519", "ca.good", "cert.ed", "key.ed", "tcp://box:2375 mutual ca=good cert=ed"),
		row("expiry is not checked", "ca.good", "cert.old", "key.old", "tcp://box:2375 mutual ca=good cert=old", "cert-expired"),
		row("validity is not checked", "ca.good", "cert.early", "key.early", "tcp://box:2375 mutual ca=good cert=early", "cert-not-yet-valid"),
		row("usage is not checked", "ca.good", "cert.server", "key.server", "tcp://box:2375 mutual ca=good cert=server", "cert-usage"),
	}
	unverified := ruleCase{"18 contents count when not verifying", encrypt, nil, "home/.docker/ca.pem=text:x", "error ca-invalid", ""}
	return append(rows, unverified)
}

func storedContextRules() []ruleCase {
	meta := func(text, want string) ruleCase {
		return ruleCase{"23 " + text, "DOCKER_CONTEXT=prod", nil, storedContext("prod", text), want, ""}
	}
	host := func(host, want string, warn ...string) ruleCase {
		return ruleCase{"26 " + host, "DOCKER_CONTEXT=prod", nil, plainContext(host), want, strings.Join(warn, " ")}
	}
	const endpoint = `"Endpoints":{"docker":{"Host":"tcp://box:1"}}`
	prod := "DOCKER_CONTEXT=prod"
	return []ruleCase{
		meta("{"+endpoint+"}", "tcp://box:1 plain"),
		meta(`{"endpoints":{"docker":{"HOST":"tcp://box:1"}}}`, "tcp://box:1 plain"),
		meta(`{"Endpoints":{"docker":{}}}`, "local plain"),
		meta("{"+endpoint+"}x", "error context-invalid"), meta("null", "error context-invalid"), meta("[]", "error context-invalid"), meta("", "error context-invalid"),
		meta(`{"Endpoints":{"Docker":{"Host":"tcp://box:1"}}}`, "error context-invalid"),
		meta(`{"Endpoints":{"docker":null}}`, "error context-invalid"),
		meta(`{"Endpoints":{"docker":"tcp://box:1"}}`, "error context-invalid"),
		meta(`{"Endpoints":{"docker":{"Host":7}}}`, "error context-invalid"),
		meta(`{"Endpoints":{"docker":{"SkipTLSVerify":"true"}}}`, "error context-invalid"),
		meta(`{"Endpoints":{"docker":{},"kubernetes":7}}`, "error context-invalid"),
		meta("{"+endpoint+`,"Metadata":"x"}`, "error context-invalid"),
		meta("{"+endpoint+`,"Metadata":{"Description":7}}`, "error context-invalid"),
		{"24 flags and variables have no effect", prod + " DOCKER_CERT_PATH={T}/gone DOCKER_TLS_VERIFY=1", []string{"--tlscacert", "{T}/gone"}, tlsContext("tcp://box:1"), "tcp://box:1 mutual ca=good cert=a", "no-effect no-effect"},
		{"24 --tls=false has none either", prod, []string{"--tls=false"}, tlsContext("tcp://box:1"), "tcp://box:1 mutual ca=good cert=a", ""},
		{"25 all files", prod, nil, tlsContext("tcp://box:1"), "tcp://box:1 mutual ca=good cert=a", ""},
		{"25 no ca.pem: the system's roots", prod, nil, storedContext("prod", metaOf("tcp://box:1"), "cert.pem=cert.a", "key.pem=key.a"), "tcp://box:1 mutual ca=system cert=a", ""},
		{"25 an empty folder: the system's roots", prod, nil, storedContext("prod", metaOf("tcp://box:1"), "sub=dir"), "tcp://box:1 verified ca=system", "unknown-context-file"},
		{"25 SkipTLSVerify", prod, nil, skipContext("tcp://box:1"), "tcp://box:1 encrypted ca=system", "unverified"},
		{"25 contents count", prod, nil, storedContext("prod", metaOf("tcp://box:1"), "ca.pem=text:x"), "error ca-invalid", ""},
		{"25 half a pair", prod, nil, storedContext("prod", metaOf("tcp://box:1"), "ca.pem=ca.good", "key.pem=key.a"), "tcp://box:1 verified ca=good", "half-pair"},
		host("tcp://box", "tcp://box:80 plain", "default-port"),
		{"26 Q4 a missing port with TLS", prod, nil, tlsContext("tcp://box"), "tcp://box:443 mutual ca=good cert=a", "default-port"},
		host("tcp://box:1/p", "tcp://box:1/p plain"), host("tcp://[::1]:1", "tcp://[::1]:1 plain"), host("tcp://[::1]", "tcp://[::1]:80 plain", "default-port"),
		host("http://box:1", "tcp://box:1 plain"), host(" tcp://box:1", "error host-invalid"), host("tcp://box:1 ", "error host-invalid"), host("box:1", "error host-invalid"),
		host("tcp://", "error host-invalid"), host("unix://", "error host-invalid"), host("tcp://:", "error host-invalid"), host("tcp://::1", "error host-invalid"), host("tcp:///p", "error host-invalid"),
		host("fd://3", "error host-unsupported"),
		host("ssh://me@box:22/x", "ssh://me@box:22/x plain"), host("ssh://box ", "error host-invalid"), host("ssh://", "error host-invalid"), host("ssh://me:pw@box", "error host-invalid"),
		{"26 ssh: TLS data is ignored", prod + " DOCKER_TLS_VERIFY=1", nil, storedContext("prod", metaOf("ssh://box"), "ca.pem=text:x"), "ssh://box plain", "no-effect"},
	}
}

func socketRules() []ruleCase {
	if runtime.GOOS == "windows" {
		return nil
	}
	row := func(host, want string) ruleCase {
		return ruleCase{"12 " + host, "DOCKER_HOST=" + host, nil, "", want, ""}
	}
	return []ruleCase{
		row("unix://", "unix:///var/run/docker.sock plain"), row("unix:///run/x?y#z%20", "unix:///run/x?y#z%20 plain"), row("unix://rel.sock", "unix://rel.sock plain"),
		row("unix://@x", "unix://@x plain"), row("UNIX:///x", "error host-invalid"), row("unix:///"+strings.Repeat("x", 108), "error host-invalid"),
		row("unix:///"+strings.Repeat("x", 102), "unix:///"+strings.Repeat("x", 102)+" plain"),
		{"21 no TLS on sockets", "DOCKER_HOST=unix:///x DOCKER_TLS_VERIFY=1", nil, set, "unix:///x plain", "no-effect"},
		{"21 contents do not count", "DOCKER_HOST=unix:///x DOCKER_TLS_VERIFY=1", nil, "home/.docker/ca.pem=text:x", "unix:///x plain", "no-effect"},
		{"21 files must exist", "DOCKER_HOST=unix:///x DOCKER_TLS_VERIFY=1", nil, "", "error ca-missing", ""},
		{"22 files before the length of the path", "DOCKER_HOST=unix:///" + strings.Repeat("x", 108) + " DOCKER_TLS_VERIFY=1", nil, "", "error ca-missing", ""},
		{"26 unix: TLS data is ignored", "DOCKER_CONTEXT=prod DOCKER_TLS_VERIFY=1", nil, storedContext("prod", metaOf("unix:///x"), "ca.pem=text:x"), "unix:///x plain", "no-effect"},
		row("npipe:////./pipe/docker_engine", "error host-unsupported"),
	}
}

func sshRules() []ruleCase {
	row := func(host, want string) ruleCase {
		return ruleCase{"30 " + host, "DOCKER_HOST=" + host, nil, "", want, ""}
	}
	over := "DOCKER_HOST=ssh://box DOCKER_TLS_VERIFY=1"
	return []ruleCase{
		row("ssh://box", "ssh://box plain"), row("ssh://me@box:2222", "ssh://me@box:2222 plain"), row("ssh://box/", "ssh://box plain"), row("ssh://box//", "ssh://box plain"),
		row("ssh://box/run/docker.sock", "ssh://box/run/docker.sock plain"), row("ssh://box/a%20b", "ssh://box/a%20b plain"), row("ssh://[::1]:22", "ssh://[::1]:22 plain"),
		row("ssh://@box", "ssh://box plain"), row("ssh://box;id", "ssh://box;id plain"), row("ssh://box?", "ssh://box plain"), row("ssh://box:", "ssh://box plain"),
		row("ssh://me:pw@box", "error host-invalid"), row("ssh://:@box", "error host-invalid"), row("ssh://", "error host-invalid"), row("ssh://:22", "error host-invalid"), row("ssh:///path", "error host-invalid"),
		row("ssh://box?q=1", "error host-invalid"), row("ssh://box#x", "error host-invalid"), row("ssh://box:abc", "error host-invalid"), row("ssh://box:22:23", "error host-invalid"), row("ssh://::1", "error host-invalid"), row("ssh://[::1", "error host-invalid"),
		row("ssh://b%41x", "error host-invalid"), row("ssh://box/%zz", "error host-invalid"), row("ssh://box/%00", "error host-invalid"), row("SSH://box", "error host-invalid"), row("ssh:/box", "error host-invalid"), row("'ssh://box'", "error host-invalid"),
		{"7 white space is trimmed", "", []string{"-H", "ssh://box "}, "", "ssh://box plain", ""},
		{"30 a blank in the path", "", []string{"-H", "ssh://box/a b"}, "", "ssh://box/a%20b plain", ""},
		{"30 a blank in the host", "", []string{"-H", "ssh://b x"}, "", "error host-invalid", ""},
		{"21 no TLS over ssh", over, nil, set, "ssh://box plain", "no-effect"},
		{"21 contents do not count", over, nil, "home/.docker/ca.pem=text:x", "ssh://box plain", "no-effect"},
		{"21 files must exist", over, nil, "", "error ca-missing", ""},
		{"21 no proxy over ssh", "DOCKER_HOST=ssh://box HTTP_PROXY=http://proxy:1 REQUEST_METHOD=GET", nil, "", "ssh://box plain", ""},
		{"U3 ssh is not weaker", "DOCKER_CONTEXT=prod DOCKER_TLS_VERIFY=1", nil, plainContext("ssh://box"), "ssh://box plain", "no-effect"},
		// Ours: what ssh refuses, or could take for an option.
		row("ssh://-box", "error host-invalid"), row("ssh://-oProxyCommand=x@box", "error host-invalid"), row("ssh://box:0", "error host-invalid"), row("ssh://box:65536", "error host-invalid"),
	}
}

// deviationRules are where docker is not followed: see doc.go.
func deviationRules() []ruleCase {
	prod := "DOCKER_CONTEXT=prod"
	where := newContextFolder("home/.docker", "prod")
	return []ruleCase{
		{"U1 TLS stays on", verify, []string{"--tlscacert="}, "", "tcp://box:2375 verified ca=system", ""},
		{"U1 all three empty", verify, []string{"--tlscacert=", "--tlscert=", "--tlskey="}, set, "tcp://box:2375 verified ca=system", ""},
		{"U2 https means TLS", prod, nil, plainContext("https://box:1"), "tcp://box:1 verified ca=system", ""},
		{"U2 https with files", prod, nil, tlsContext("https://box:1"), "tcp://box:1 mutual ca=good cert=a", ""},
		{"U2 https without port", prod, nil, plainContext("https://box"), "error host-invalid", ""},
		{"U2 files one folder too high", prod, nil, plainContext("tcp://box:1") + " " + filepath.Join(where.tls, "ca.pem") + "=ca.good", "error context-invalid", ""},
		{"U2 a file in place of the folder", prod, nil, plainContext("tcp://box:1") + " " + filepath.Join(where.tls, "docker") + "=ca.good", "error context-invalid", ""},
		{"U2 a dangling link in place of the folder", prod, nil, plainContext("tcp://box:1") + " " + filepath.Join(where.tls, "docker") + "=link:gone", "error context-invalid", ""},
		{"U2 ca.pem is a directory", prod, nil, storedContext("prod", metaOf("tcp://box:1"), "ca.pem=dir"), "error file-unreadable", ""},
		{"U2 ca.pem is a dangling link", prod, nil, storedContext("prod", metaOf("tcp://box:1"), "ca.pem=link:gone"), "error ca-missing", ""},
		{"U3 DOCKER_TLS_VERIFY against plain", prod + " DOCKER_TLS_VERIFY=1", nil, plainContext("tcp://box:1") + " " + set, "error options-conflict", ""},
		{"U3 DOCKER_TLS against plain", prod + " DOCKER_TLS=1", nil, plainContext("tcp://box:1"), "error options-conflict", ""},
		{"U3 --tlsverify=false against plain", prod, []string{"--tlsverify=false"}, plainContext("tcp://box:1"), "error options-conflict", ""},
		{"U3 a socket is not weaker", prod + " DOCKER_TLS_VERIFY=1", nil, plainContext("unix:///x"), "unix:///x plain", "no-effect"},
		{"U4 SkipTLSVerify against --tlsverify", prod, []string{"--tlsverify"}, skipContext("tcp://box:1"), "error options-conflict", ""},
		{"U4 not against --tls", prod, []string{"--tls"}, skipContext("tcp://box:1"), "tcp://box:1 encrypted ca=system", "unverified"},
		{"U5 config.json is no JSON", "", nil, currentContext("{x"), "error context-invalid", ""},
		{"U5 config.json is cut short", "", nil, currentContext(`{"currentContext":"prod"`), "error context-invalid", ""},
		{"U5 config.json is a directory", "", nil, "home/.docker/config.json=dir", "error file-unreadable", ""},
		{"U5 currentContext is a number", "", nil, currentContext(`{"currentContext":7}`), "error context-invalid", ""},
		{"U5 not needed", "DOCKER_HOST=tcp://box", nil, currentContext("{x"), boxPlain, "config-file"},
		{"U5 not needed", "DOCKER_CONTEXT=default", nil, currentContext("{x"), "local plain", ""},
		{"U6 no value is guessed", "DOCKER_HOST=tcp://box DOCKER_TLS_VERIFY=1", []string{"--tlsverify=nonsense"}, set, "usage", ""},
		{"Q6 a bare path", "DOCKER_HOST=/var/run/docker.sock", nil, "", "error host-invalid", ""},
		{"Q6 a doubled scheme", "DOCKER_HOST=tcp://tcp://box", nil, "", "error host-invalid", ""},
		{"Q6 a doubled scheme", "DOCKER_HOST=unix://unix:///x", nil, "", "error host-invalid", ""},
		{"Q6 a scheme cut short", "DOCKER_HOST=tcp:/box:1", nil, "", "error host-invalid", ""},
		{"Q6 a scheme cut short", "DOCKER_HOST=unix:/x", nil, "", "error host-invalid", ""},
		{"Q7 an unknown scheme in a context", prod, nil, plainContext("garbage://box:1"), "error host-invalid", ""},
		{"Q7 https with a path", prod, nil, tlsContext("https://box:1/p"), "error host-invalid", ""},
		{"Q9 blank DOCKER_HOST", prod + " DOCKER_HOST=\u00a0", nil, "", "local plain", "context-hidden"},
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	pki := newRulePKI(t)
	for _, tc := range ruleCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if runtime.GOOS == "windows" && strings.HasPrefix(tc.name, "17 DOCKER_CERT_PATH is a file") {
				t.Skip("on Windows files below a file just do not exist: run this on another system")
			}
			pki.lay(t, dir, tc.files)
			got, warn := tc.resolve(dir, pki)
			if want := wantOn(tc.want); got != want {
				t.Errorf("decided %q, want %q\nenv %s flags %q files %s", got, want, tc.env, tc.flags, tc.files)
			}
			if diff := cmp.Diff(strings.Fields(tc.warn), warn); diff != "" && len(tc.warn)+len(warn) > 0 {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// wantOn fills in the system's own socket or pipe.
func wantOn(want string) string {
	return strings.Replace(want, "local ", localEndpoint().String()+" ", 1)
}

func (tc ruleCase) resolve(dir string, pki *rulePKI) (string, []string) {
	place := func(s string) string { return strings.ReplaceAll(s, "{T}", dir) }
	home := "HOME"
	if runtime.GOOS == "windows" {
		home = "USERPROFILE"
	}
	environ := strings.Split(place(tc.env), " ")
	if !strings.Contains(tc.env, "HOME=") {
		environ = append(environ, home+"="+filepath.Join(dir, "home"))
	}
	var opts Options
	fs := flag.NewFlagSet("docker", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	opts.AddFlags(fs)
	flags := slices.Clone(tc.flags)
	for i := range flags {
		flags[i] = place(flags[i])
	}
	if fs.Parse(flags) != nil {
		return "usage", nil
	}
	env := fromEnv(environ, func() string { return filepath.Join(dir, "passwd-home") })
	cfg, err := Resolve(opts, env)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Source == "" || e.Detail == "" {
			return fmt.Sprintf("an error that does not name its setting: %#v", err), nil
		}
		return "error " + string(e.Kind), nil
	}
	var warn []string
	for _, w := range cfg.Warnings() {
		warn = append(warn, string(w.Code))
	}
	return pki.describe(cfg), warn
}

// A rulePKI holds the contents that rows name.
type rulePKI struct {
	contents map[string][]byte
	roots    map[string]*x509.Certificate
}

func newRulePKI(t testing.TB) *rulePKI {
	good, foreign := newTestCA(t, "good", nil), newTestCA(t, "foreign", nil)
	p := &rulePKI{
		contents: map[string][]byte{
			"ca.good": pemOf(good.cert), "ca.foreign": pemOf(foreign.cert),
			"bad":             pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")}),
			"encrypted.pkcs8": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("junk")}),
			"encrypted.old": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("junk"),
				Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}}),
		},
		roots: map[string]*x509.Certificate{"good": good.cert, "foreign": foreign.cert},
	}
	add := func(ca *testCA, name string, key crypto.Signer, edit issuing) {
		p.contents["cert."+name], p.contents["key."+name] = ca.pair(name, key, edit)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	add(good, "a", newTestKey(t), nil)
	add(good, "b", newTestKey(t), nil)
	add(good.below("between"), "chain", newTestKey(t), nil)
	add(good, "rsa", rsaKey, nil)
	add(good, "ed", edKey, nil)
	add(good, "old", newTestKey(t), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})
	add(good, "early", newTestKey(t), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	})
	add(good, "server", newTestKey(t), func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	return p
}

// lay writes the files of a row.
func (p *rulePKI) lay(t testing.TB, dir, files string) {
	t.Helper()
	for _, f := range strings.Fields(files) {
		name, content, _ := strings.Cut(f, "=")
		path := filepath.Join(dir, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		target, isLink := strings.CutPrefix(content, "link:")
		switch {
		case content == "dir":
			check(t, os.MkdirAll(path, 0o755))
		case isLink:
			check(t, os.Symlink(filepath.Join(dir, target), path))
		default:
			check(t, os.WriteFile(path, p.content(t, content), 0o600))
		}
	}
}

func (p *rulePKI) content(t testing.TB, expr string) []byte {
	var out []byte
	for piece := range strings.SplitSeq(expr, "+") {
		if text, ok := strings.CutPrefix(piece, "text:"); ok {
			out = append(out, text...)
			continue
		}
		name, filter, _ := strings.Cut(piece, "|")
		data, ok := p.contents[name]
		if !ok {
			t.Fatalf("no content %q", name)
		}
		switch filter {
		case "bom":
			data = append([]byte("\xef\xbb\xbf"), data...)
		case "crlf":
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		case "chop":
			data = data[:len(data)/2]
		}
		out = append(out, data...)
	}
	return out
}

// describe puts a decision in one line.
func (p *rulePKI) describe(cfg *Config) string {
	s := cfg.Host() + " " + cfg.Mode().String()
	tls := cfg.TLSConfig()
	if tls == nil {
		return s
	}
	if tls.InsecureSkipVerify != (cfg.Mode() == Encrypted) {
		return s + ": InsecureSkipVerify does not fit the mode"
	}
	ca := "system"
	if tls.RootCAs != nil {
		ca = strings.Join(p.trusted(tls.RootCAs), ",")
	}
	s += " ca=" + ca
	if len(tls.Certificates) > 0 {
		leaf := tls.Certificates[0].Leaf
		s += " cert=" + leaf.Subject.CommonName
		if n := len(tls.Certificates[0].Certificate) - 1; n > 0 {
			s += fmt.Sprintf("+%d", n)
		}
	}
	if u, err := url.Parse(cfg.Host()); err != nil || u.Hostname() != tls.ServerName {
		s += " name=" + tls.ServerName
	}
	return s
}

// trusted names the authorities of a pool.
func (p *rulePKI) trusted(pool *x509.CertPool) []string {
	var names []string
	for _, name := range []string{"good", "foreign"} {
		if _, err := p.roots[name].Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
			names = append(names, name)
		}
	}
	return names
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
