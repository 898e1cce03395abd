package dockertls

import (
	"cmp"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A building makes what the rows say: files, an environment, layers of options.
type building struct {
	rows map[string]string
	*desk
	wire   *wire
	pki    *weakPKI
	change atomic.Bool // what comes after the change counts
}

// place fills in what differs from run to run.
func (b *building) place(s string) string {
	_, port, _ := strings.Cut(b.wire.address("daemon"), ":")
	return strings.NewReplacer("{T}", b.desk.dir, "{daemon}", b.wire.address("daemon"), "{port}", port, "{proxy}", b.wire.address("proxy"),
		"{other}", b.wire.address("other"), "{password}", weakPassword).Replace(s)
}

// files are those to be there, by path, each with the name of its content: "folder"
// is one, and "text:" goes before a text.
func (b *building) files() map[string]string {
	files := map[string]string{}
	configDirs := []string{"home/.docker"}
	for what, value := range b.rows {
		if path, ok := strings.CutPrefix(what, "file {T}/"); ok {
			files[path] = value
		}
		if value == "{T}/config" {
			configDirs = []string{"home/.docker", "config"}
		}
	}
	for _, dir := range configDirs {
		if choice := b.rows["config.json"]; choice != "" {
			files[dir+"/config.json"] = configFile(choice)
		}
		if host := b.rows["context.host"]; host != "" {
			sum := sha256.Sum256([]byte("prod"))
			id := hex.EncodeToString(sum[:])
			files[dir+"/contexts/meta/"+id+"/meta.json"] = "text:" + b.meta(host)
			b.contextTLS(files, dir+"/contexts/tls/"+id)
		}
	}
	return files
}

func configFile(choice string) string {
	switch choice {
	case "folder":
		return choice
	case "current":
		choice = "prod"
	case "broken":
		return "text:{x"
	case "cut":
		return `text:{"currentContext":"prod"`
	case "number":
		return `text:{"currentContext":7}`
	}
	return fmt.Sprintf(`text:{"currentContext":%q}`, choice)
}

// meta is a meta.json, mostly a whole one.
func (b *building) meta(host string) string {
	text := fmt.Sprintf(`{"Name":"prod","Metadata":{},"Endpoints":{"docker":{"Host":%q,"SkipTLSVerify":%v}}}`, b.place(host), b.rows["context.skip"] != "")
	switch b.rows["context.meta"] {
	case "cut":
		return text[:len(text)-2]
	case "no endpoint":
		return `{"Name":"prod","Endpoints":{}}`
	case "host is a number":
		return `{"Name":"prod","Endpoints":{"docker":{"Host":7}}}`
	case "trailing text":
		return text + "x"
	}
	return text
}

func (b *building) contextTLS(files map[string]string, dir string) {
	switch material := b.rows["context.tls"]; material {
	case "":
	case "empty":
		files[dir+"/docker"] = "folder"
	case "misplaced":
		files[dir+"/ca.pem"] = "ca.good"
	case "file":
		files[dir+"/docker"] = "ca.good"
	case "garbage":
		files[dir+"/docker/ca.pem"] = material
	default:
		for content := range strings.FieldsSeq(material) {
			name, _, _ := strings.Cut(content, ".")
			files[dir+"/docker/"+name+".pem"] = content
		}
	}
}

// lay writes the files.
func (b *building) lay() error { return b.desk.arrange(b.files(), b.pki) }

// rotate puts another CA in the place of each one that there is.
func (b *building) rotate() error {
	content := b.rows["then.ca"]
	if content == "" {
		return nil
	}
	files := b.files()
	for path, old := range files {
		if filepath.Base(path) == "ca.pem" && old != "folder" {
			files[path] = content
		}
	}
	return b.desk.arrange(files, b.pki)
}

// A desk is a folder of files that one combination after the other needs. What many of
// them have in common stays: files are what takes most of the time.
type desk struct {
	dir   string
	there map[string]string
}

func (d *desk) arrange(want map[string]string, pki *weakPKI) error {
	for path, content := range d.there {
		fresh := want[path]
		if fresh == "" || fresh != content && (fresh == "folder" || content == "folder") {
			if err := d.remove(path); err != nil {
				return err
			}
		}
	}
	for path, content := range want {
		if d.there[path] == content {
			continue
		}
		full := filepath.Join(d.dir, path)
		err := os.MkdirAll(filepath.Dir(full), 0o700)
		if content == "folder" {
			err = cmp.Or(err, os.MkdirAll(full, 0o700))
		} else {
			err = cmp.Or(err, os.WriteFile(full, pki.content(content), 0o600))
		}
		if err != nil {
			return err
		}
		d.there[path] = content
	}
	return nil
}

// remove removes a file. Of a context's TLS data the folder goes too: it has a meaning
// of its own.
func (d *desk) remove(path string) error {
	if before, _, ok := strings.Cut(path, "/contexts/tls/"); ok {
		path = before + "/contexts/tls"
	}
	maps.DeleteFunc(d.there, func(other, _ string) bool { return other == path || strings.HasPrefix(other, path+"/") })
	return os.RemoveAll(filepath.Join(d.dir, path))
}

// environ are the variables. Without HOME the user database has the same folder.
func (b *building) environ() []string {
	var environ []string
	if _, unset := b.rows["E.HOME"]; !unset {
		environ = append(environ, "HOME="+b.home())
	}
	for what, value := range b.rows {
		if name, ok := strings.CutPrefix(what, "E."); ok && name != "HOME" {
			environ = append(environ, name+"="+b.place(value))
		}
	}
	return environ
}

func (b *building) home() string { return filepath.Join(b.desk.dir, "home") }

// child is the environment of a child process that gets these variables too.
func (b *building) child(vars []string) Options {
	environ := slices.DeleteFunc(b.environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.ContainsFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	})
	return fromEnv(append(environ, vars...), b.home)
}

// layerOf builds the options of one layer.
func (b *building) layerOf(name string) (Options, error) {
	switch name {
	case "E":
		return fromEnv(b.environ(), b.home), nil
	case "F":
		return b.flags()
	}
	var o Options
	for what, value := range b.rows {
		if setting, ok := strings.CutPrefix(what, name+"."); ok {
			b.option(&o, setting, value)
		}
	}
	return o, nil
}

// flagNames are docker's names for settings: there is none for the certificate folder.
func flagNames() map[string]string {
	return map[string]string{"Host": "host", "Context": "context", "TLS": "tls", "TLSVerify": "tlsverify",
		"CAFile": "tlscacert", "CertFile": "tlscert", "KeyFile": "tlskey", "ConfigDir": "config"}
}

func (b *building) flags() (Options, error) {
	var o Options
	fs := flag.NewFlagSet("docker", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	o.AddFlags(fs)
	var args []string
	for setting, name := range flagNames() {
		if value, ok := b.rows["F."+setting]; ok {
			args = append(args, "-"+name+"="+b.place(strings.TrimSuffix(value, "(empty)")))
		}
	}
	return o, fs.Parse(args)
}

// option sets one field.
func (b *building) option(o *Options, setting, value string) {
	text := map[string]*string{"Host": &o.Host, "Context": &o.Context, "CAFile": &o.CAFile, "CertFile": &o.CertFile, "KeyFile": &o.KeyFile,
		"CertPath": &o.CertPath, "ConfigDir": &o.ConfigDir, "ServerName": &o.ServerName}
	truth := map[string]**bool{"TLS": &o.TLS, "TLSVerify": &o.TLSVerify}
	if field, ok := text[setting]; ok {
		*field = b.place(value)
		return
	}
	if field, ok := truth[setting]; ok {
		*field = new(value == "true")
		return
	}
	switch setting {
	case "CA":
		o.CA = b.pki.content(value)
	case "Cert":
		o.Cert = b.pki.content(value)
	case "Key":
		o.Key = b.pki.content(value)
	case "Signer":
		o.Signer = b.pki.signer
	case "Proxy":
		address, err := url.Parse(b.place(value))
		o.Proxy = func(*url.URL) (*url.URL, error) { return address, nil }
		if err != nil {
			o.Proxy = func(*url.URL) (*url.URL, error) { return nil, errors.New("no address") }
		}
	case "Material":
		o.Material = func(context.Context) (Material, error) { return b.supply(value) }
	}
}

// supply is Options.Material. It changes with the rest.
func (b *building) supply(material string) (Material, error) {
	if b.change.Load() {
		material = cmp.Or(b.rows["then.Material"], material)
	}
	var m Material
	switch material {
	case "error":
		return m, errors.New("sealed")
	case "panic":
		panic("sealed")
	case "none":
		return m, nil
	case "garbage":
		return Material{CA: PEM("garbage")}, nil
	}
	for content := range strings.FieldsSeq(material) {
		switch name, _, _ := strings.Cut(content, "."); {
		case name == "ca":
			m.CA = b.pki.content(content)
		case content == "key.a" && strings.HasPrefix(material, "key.a"): // in each other's place
			m.Cert = b.pki.content(content)
		case content == "cert.a" && strings.HasPrefix(material, "key.a"):
			m.Key = b.pki.content(content)
		case name == "cert":
			m.Cert = b.pki.content(content)
		case name == "key":
			m.Key = b.pki.content(content)
		case name == "signer":
			m.Signer = crypto.Signer(b.pki.signer)
		}
	}
	return m, nil
}

// layers are all of the options, with what every one of them needs here in front.
func (b *building) layers(common Options) ([]Options, error) {
	common.DisableResumption = b.rows["resumption"] != ""
	if b.rows["interval"] != "" {
		common.ReloadInterval = time.Nanosecond
	}
	layers := []Options{common}
	for name := range strings.FieldsSeq(b.rows["layers"]) {
		o, err := b.layerOf(name)
		if err != nil {
			return nil, err
		}
		layers = append(layers, o)
	}
	return layers, nil
}
