package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dockertls/dockertls"
	"go.yaml.in/yaml/v3"
)

// A config is the configuration file.
type config struct {
	Listen      string        `yaml:"listen"`
	LogFormat   string        `yaml:"log_format"`
	LogLevel    slog.Level    `yaml:"log_level"`
	Interval    time.Duration `yaml:"interval"`
	MaxInterval time.Duration `yaml:"max_interval"`
	Timeout     time.Duration `yaml:"timeout"`

	// Endpoints are read one by one, so that mistakes are told with their names.
	Endpoints map[string]yaml.Node `yaml:"endpoints"`

	endpoints []endpointConfig // by name
}

// An endpointConfig is one of the endpoints.
type endpointConfig struct {
	Interval time.Duration     `yaml:"interval"`
	Options  dockertls.Options `yaml:",inline"`

	name string
}

// minInterval keeps a slip of the pen (1ms) from hammering a daemon.
const minInterval = 100 * time.Millisecond

func readConfig(path string) (*config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseConfig(path, data)
}

// parseConfig returns all mistakes that it finds, a line each.
func parseConfig(path string, data []byte) (*config, error) {
	c := &config{
		Listen: "127.0.0.1:9376", LogFormat: "text",
		Interval: 15 * time.Second, MaxInterval: 5 * time.Minute, Timeout: 15 * time.Second,
	}
	document, err := onlyDocument(data)
	if err != nil {
		return nil, shown(fmt.Errorf("%s: %w", path, err))
	}
	errs := decodeKeys(document, path, c)
	if len(c.Endpoints) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: endpoints: there are none", path))
	}
	for name, node := range c.Endpoints {
		e := endpointConfig{name: name}
		where := path + ": " + name
		errs = append(errs, decodeKeys(&node, where, &e)...)
		e.Options.Source = where // what errors of Resolve call these settings
		if e.Interval != 0 {
			errs = append(errs, checkInterval(where, "interval", e.Interval))
		}
		e.Interval = cmp.Or(e.Interval, c.Interval)
		c.endpoints = append(c.endpoints, e)
	}
	errs = append(errs, c.check(path)...)
	slices.SortFunc(c.endpoints, func(a, b endpointConfig) int { return strings.Compare(a.name, b.name) })
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for i, err := range errs {
		errs[i] = shown(err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// shown makes an error of one line that any terminal may be given: it quotes names
// and values of the file.
func shown(err error) error {
	if err == nil || !strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return err
	}
	return errors.New(strings.Trim(strconv.Quote(err.Error()), `"`))
}

// check looks at what YAML does not know.
func (c *config) check(path string) []error {
	errs := []error{
		checkInterval(path, "interval", c.Interval),
		checkInterval(path, "max_interval", c.MaxInterval),
		checkInterval(path, "timeout", c.Timeout),
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("%s: listen: %w", path, err))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		errs = append(errs, fmt.Errorf("%s: log_format: %q is neither text nor json", path, c.LogFormat))
	}
	return errs
}

func checkInterval(where, key string, d time.Duration) error {
	if d < minInterval {
		return fmt.Errorf("%s: %s: %v is less than %v", where, key, d, minInterval)
	}
	return nil
}

func (c *config) logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// onlyDocument parses a file that holds one document of YAML.
func onlyDocument(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document in it")
	}
	return document.Content[0], nil
}

// decodeKeys decodes a mapping into the struct that out points to, key by key:
// the decoder itself names the line of a mistake, but not the key.
func decodeKeys(node *yaml.Node, where string, out any) []error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("%s: line %d: these must be keys with values", where, node.Line)}
	}
	known := keysOf(reflect.TypeOf(out).Elem())
	seen := map[string]bool{}
	var errs []error
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		name := key.Value
		pair := yaml.Node{Kind: yaml.MappingNode, Content: node.Content[i : i+2]}
		var err error
		switch {
		case !slices.Contains(known, name):
			err = fmt.Errorf("line %d: there is no such key", key.Line)
		case seen[name]:
			err = fmt.Errorf("line %d: it is there twice", key.Line)
		default:
			err = pair.Decode(out)
		}
		if name == "key" && err != nil {
			err = fmt.Errorf("line %d: this must be text in PEM", key.Line) // the decoder's words quote it
		}
		seen[name] = true
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %s", where, name, inOneLine(err)))
		}
	}
	return errs
}

// keysOf lists the keys that a struct has in YAML.
func keysOf(t reflect.Type) []string {
	var keys []string
	for field := range t.Fields() {
		name, flags, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case flags == "inline":
			keys = append(keys, keysOf(field.Type)...)
		case name != "" && name != "-":
			keys = append(keys, name)
		}
	}
	return keys
}

func inOneLine(err error) string {
	if several, ok := errors.AsType[*yaml.TypeError](err); ok {
		return strings.Join(several.Errors, "; ")
	}
	return err.Error()
}
