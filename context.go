package dockertls

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// currentContext reads which context config.json chooses (rules 1, 5 and 6).
// The value is empty if it chooses none. Errors: [ContextInvalid],
// [FileUnreadable]; docker goes on to the default daemon then (U5).
func (r *resolution) currentContext() (choice, *Error) {
	dir := r.configDir()
	if dir.path == "" {
		return choice{}, nil
	}
	path := filepath.Join(dir.path, "config.json")
	data, err := readSmallFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return choice{}, nil
	}
	if err != nil {
		return choice{}, fail(FileUnreadable, dir.source, "%s: %s, so the current context is unknown", path, reason(err)).cause(err).
			hint(hintConfigFile)
	}
	name, err := parseCurrentContext(data)
	if err != nil {
		return choice{}, fail(ContextInvalid, dir.source, "%s: %v, so the current context is unknown", path, err).cause(err).
			hint(hintConfigFile)
	}
	return choice{value: name, source: "currentContext in " + path}, nil
}

// parseCurrentContext reads config.json, of which only one field counts here.
// Names of fields have no case, the last of equal ones counts, and text after
// the object is ignored.
func parseCurrentContext(data []byte) (string, error) {
	var config struct {
		CurrentContext json.RawMessage `json:"currentContext"`
	}
	err := json.NewDecoder(bytes.NewReader(data)).Decode(&config)
	if errors.Is(err, io.EOF) {
		return "", nil
	}
	var name string
	if err == nil && config.CurrentContext != nil {
		err = json.Unmarshal(config.CurrentContext, &name)
	}
	if err != nil {
		return "", fmt.Errorf("it cannot be parsed: %w", jsonError{err})
	}
	return name, nil
}

// A jsonError says where, but not with the Go types of the decoder.
type jsonError struct{ err error }

func (e jsonError) Unwrap() error { return e.err }

func (e jsonError) Error() string {
	var wrong *json.UnmarshalTypeError
	if errors.As(e.err, &wrong) {
		if wrong.Field != "" {
			return fmt.Sprintf("a %s at %s", wrong.Value, wrong.Field)
		}
		return "a " + wrong.Value + " where another type belongs"
	}
	return e.err.Error()
}

// A contextMeta is what meta.json says of the docker endpoint.
type contextMeta struct {
	Host          string
	SkipTLSVerify bool
}

// parseContextMeta reads meta.json strictly (rule 23).
func parseContextMeta(data []byte) (contextMeta, error) {
	var file struct {
		Name      string
		Metadata  map[string]any
		Endpoints map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return contextMeta{}, jsonError{err}
	}
	for _, raw := range file.Endpoints {
		if err := json.Unmarshal(raw, new(map[string]json.RawMessage)); err != nil {
			return contextMeta{}, jsonError{err}
		}
	}
	raw := file.Endpoints["docker"]
	if raw == nil || string(raw) == "null" {
		return contextMeta{}, errors.New("it has no docker endpoint")
	}
	if text, ok := file.Metadata["Description"]; ok {
		if _, ok := text.(string); !ok {
			return contextMeta{}, errors.New("its description is not a string")
		}
	}
	var meta contextMeta
	if err := json.Unmarshal(raw, &meta); err != nil {
		return contextMeta{}, jsonError{err}
	}
	return meta, nil
}

// A contextFolder is where one stored context lies.
type contextFolder struct {
	meta string // the file
	tls  string // the folder of its TLS data, all endpoints
}

func newContextFolder(configDir, name string) contextFolder {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	root := filepath.Join(configDir, "contexts")
	return contextFolder{filepath.Join(root, "meta", id, "meta.json"), filepath.Join(root, "tls", id)}
}

// decideContext follows rules 23 to 26 for a stored context.
func (r *resolution) decideContext(name choice, w wish) (decision, *Error) {
	source := "context " + quote(name.value)
	d := decision{context: name.value, source: source}
	dir := r.configDir()
	if dir.path == "" {
		return d, fail(ContextNotFound, name.source, "no configuration directory to look for the context %q in", name.value).
			hint("set ConfigDir, or add FromEnv() as a layer")
	}
	r.record("config", dir.path, dir.source, dir.overrode)
	where := newContextFolder(dir.path, name.value)
	meta, err := readContextMeta(where.meta, name, dir)
	if err != nil {
		return d, err
	}
	d.endpoint = localEndpoint()
	if meta.Host != "" {
		if d.endpoint, err = parseContextHost(meta.Host, false); err != nil {
			err.Source = source
			return d, err
		}
	}
	if !d.endpoint.isTCP() {
		r.record("host", d.endpoint.String(), source, r.first(fieldHost).all())
		return d, nil
	}
	if d.tls, err = r.readContextTLS(where, source, &d.material); err != nil {
		return d, err
	}
	d.tls = d.tls || meta.SkipTLSVerify
	d.verify = !meta.SkipTLSVerify
	if d.endpoint.https && !d.tls && d.endpoint.noPort {
		err := invalidHost(meta.Host, "an https address without TLS files and without port: docker would connect to port 80, in the clear")
		err.Source = source
		return d, err.hint("give the address a port")
	}
	d.tls = d.tls || d.endpoint.https
	d.verify = d.verify && d.tls
	if d.tls {
		if d.endpoint, err = parseContextHost(meta.Host, true); err != nil {
			err.Source = source
			return d, err
		}
	}
	r.record("host", d.endpoint.String(), source, r.first(fieldHost).all())
	if err := checkNotWeaker(d, w); err != nil {
		return d, err
	}
	return d, r.checkUnused(d, "name the address with Host and set TLSVerify, or give the context its TLS files: "+hintContextTLS)
}

// all lists a choice that lost as a whole.
func (c choice) all() []Overridden {
	if !c.set() {
		return nil
	}
	return append([]Overridden{{c.source, c.value}}, c.overrode...)
}

// checkNotWeaker refuses a context that asks for less than the settings do.
// Docker follows the context, in the clear if it says so (U3, U4).
func checkNotWeaker(d decision, w wish) *Error {
	switch {
	case w.tls && !d.tls:
		return fail(OptionsConflict, w.source+" and "+d.source, "the one asks for TLS, the other is plain TCP (%s)", d.endpoint).
			hint("unset %s, or give the context its TLS files: %s", w.source, hintContextTLS)
	case w.verify && !d.verify:
		return fail(OptionsConflict, w.source+" and "+d.source, "the one asks to verify the server, the other says SkipTLSVerify (%s)", d.endpoint).
			hint("unset %s, or update the context without skip-tls-verify", w.source)
	}
	return nil
}

func readContextMeta(path string, name choice, dir folder) (contextMeta, *Error) {
	data, err := readSmallFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return contextMeta{}, fail(ContextNotFound, name.source, "there is no context %q in %s", name.value, filepath.Join(dir.path, "contexts")).
			cause(err).hint("%s", hintContext(dir.path, name.value))
	}
	if err != nil {
		return contextMeta{}, fail(FileUnreadable, name.source, "%s: %s", path, reason(err)).cause(err)
	}
	meta, err := parseContextMeta(data)
	if err != nil {
		return meta, fail(ContextInvalid, name.source, "context %q: %s: %v", name.value, path, err).cause(err)
	}
	return meta, nil
}

// hintContext names the contexts there are, the one that was probably meant first.
func hintContext(configDir, wanted string) string {
	var names []string
	for _, path := range globIn(filepath.Join(configDir, "contexts", "meta"), "*/meta.json") {
		var file struct{ Name string }
		data, err := readSmallFile(path)
		if err != nil || json.Unmarshal(data, &file) != nil || file.Name == "" {
			continue
		}
		if strings.EqualFold(strings.TrimSpace(wanted), file.Name) {
			return fmt.Sprintf("did you mean %q? Names are taken literally", file.Name)
		}
		names = append(names, quote(file.Name))
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "no context is stored there: docker context ls shows what docker sees"
	}
	return "there are " + strings.Join(names, ", ")
}

// readContextTLS reads the TLS data of a context (rule 25). Data in the wrong
// place is an error: docker would go on without it (U2).
func (r *resolution) readContextTLS(where contextFolder, source string, m *material) (bool, *Error) {
	folder := filepath.Join(where.tls, "docker")
	entries, err := where.settled()
	switch {
	case errors.Is(err, errChanging):
		return false, fail(ContextInvalid, source, "%s: %v", folder, err).hint("try again when nobody updates the context")
	case errors.Is(err, fs.ErrNotExist):
		return false, checkMisplaced(where.tls, folder, source)
	case err != nil:
		return false, fail(ContextInvalid, source, "%s: %s", folder, reason(err)).cause(err).
			hint("it must be a folder with ca.pem, cert.pem and key.pem, readable for this user")
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		var ro role
		var p *part
		switch e.Name() {
		case roleCA().file:
			ro, p = roleCA(), &m.ca
		case roleCert().file:
			ro, p = roleCert(), &m.cert
		case roleKey().file:
			ro, p = roleKey(), &m.key
		default:
			r.warn(WarnUnknownFile, source, "%s is not one of its files and is ignored", path)
			continue
		}
		read, err := r.readFile(ro, path, source)
		if err != nil {
			return true, err
		}
		*p = read
		r.record(ro.setting, path, source, nil)
	}
	if !m.ca.found {
		r.record(roleCA().setting, wordSystem, source, nil)
	}
	return true, nil
}

var errChanging = errors.New("it is being changed all the time")

// settled lists the TLS data of the docker endpoint. To make a context, docker
// writes meta.json first; to update one it takes the folder away and writes a new
// one, file by file. Who looks meanwhile must not go on in the clear, with the
// system's roots, or without the client certificate.
func (f contextFolder) settled() ([]fs.DirEntry, error) {
	for start := time.Now(); ; {
		entries, err := os.ReadDir(filepath.Join(f.tls, "docker"))
		whole := hasFile(entries, roleCA()) && hasFile(entries, roleCert()) && hasFile(entries, roleKey())
		wait := settleTime - f.unchanged()
		switch {
		case whole, wait <= 0:
			return entries, err
		case time.Since(start) > settleLimit:
			return nil, errChanging
		}
		time.Sleep(wait)
	}
}

// hasFile does not count files: docker writes each under another name first.
func hasFile(entries []fs.DirEntry, ro role) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ro.file })
}

// settleLimit is how long Resolve waits for a context.
const settleLimit = time.Second

// unchanged is for how long meta.json is as it is, and nothing has come or gone in
// the folders.
func (f contextFolder) unchanged() time.Duration {
	least := settleTime
	for _, path := range [...]string{f.meta, filepath.Dir(f.tls), f.tls, filepath.Join(f.tls, "docker")} {
		if info, err := os.Stat(path); err == nil {
			least = min(least, time.Since(info.ModTime()).Abs())
		}
	}
	return least
}

// checkMisplaced looks for TLS data where docker overlooks it.
func checkMisplaced(tlsFolder, folder, source string) *Error {
	if _, err := os.Lstat(folder); err == nil { // a dangling link
		return fail(ContextInvalid, source, "%s leads nowhere", folder)
	}
	entries, err := os.ReadDir(tlsFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(ContextInvalid, source, "%s: %s", tlsFolder, reason(err)).cause(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case roleCA().file, roleCert().file, roleKey().file:
			return fail(ContextInvalid, source, "%s lies one folder too high", filepath.Join(tlsFolder, e.Name())).
				hint("move it to %s", folder)
		}
	}
	return nil
}

// globIn finds paths in a folder, whose own path may have any characters in it.
func globIn(dir, pattern string) []string {
	found, _ := fs.Glob(os.DirFS(dir), pattern)
	for i, name := range found {
		found[i] = filepath.Join(dir, filepath.FromSlash(name))
	}
	return found
}

// readSmallFile is os.ReadFile with a bound.
func readSmallFile(path string) ([]byte, error) {
	data, state, err := readState(path)
	if err == nil && len(data) == 0 && state.info.Mode()&fs.ModeNamedPipe != 0 {
		return nil, errNoWriter // it is not as good as an empty file
	}
	return data, err
}

var errNoWriter = errors.New("a pipe that nobody writes to")
