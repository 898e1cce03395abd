package dockertls

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Error is what this library reports: what is wrong, which setting it came
// from, and what to do next. Match it with [errors.Is] and a [Kind], or take
// it out of a chain with [errors.As].
type Error struct {
	Kind   Kind
	Host   string // the endpoint, without user and password (the user of an ssh address stays); empty while none was decided
	Source string // the setting at fault: "DOCKER_HOST", "--tlscacert", "Options.CertPath", `context "prod"`
	Detail string // what is wrong, in one line
	Hint   string // what to try; may be empty, is never part of Error()
	Err    error  // the cause; may be nil. Look for types with errors.As: the package comment says why

	// Evidence is what was seen, for programs that act on it.
	Evidence Evidence
}

// Error returns one line. The hint and the cause are not part of it.
func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	detail := cmp.Or(e.Detail, string(e.Kind))
	if where := cmp.Or(e.Host, e.Source); where != "" {
		return oneLine(where) + ": " + detail
	}
	return detail
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	switch {
	case e == nil:
		return nil
	case e.Err == nil:
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Format prints the one line for %v and %s. For %+v a second line holds the hint.
func (e *Error) Format(s fmt.State, verb rune) {
	switch {
	case verb == 'q':
		fmt.Fprintf(s, "%q", e.Error())
	default:
		io.WriteString(s, e.Error())
	}
	if verb == 'v' && s.Flag('+') && e != nil && e.Hint != "" {
		io.WriteString(s, "\nhint: "+e.Hint)
	}
}

// LogValue makes slog print the parts under their own names, and of the evidence
// what tells most.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.StringValue("<nil>")
	}
	attrs := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("message", e.Error())}
	for _, a := range []slog.Attr{slog.String("host", e.Host), slog.String("source", e.Source), slog.String("hint", e.Hint)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if seen := e.Evidence.attrs(); len(seen) > 0 {
		attrs = append(attrs, slog.Attr{Key: "evidence", Value: slog.GroupValue(seen...)})
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON is for logs and reports; there is no way back. It writes kind,
// host, source, message (what Error returns), hint and evidence. The cause is
// left out: its text is not ours, and it has no other form.
func (e *Error) MarshalJSON() ([]byte, error) {
	if e == nil {
		return []byte("null"), nil
	}
	return json.Marshal(struct {
		Kind     Kind     `json:"kind"`
		Host     string   `json:"host,omitempty"`
		Source   string   `json:"source,omitempty"`
		Message  string   `json:"message"`
		Hint     string   `json:"hint,omitempty"`
		Evidence Evidence `json:"evidence,omitzero"`
	}{e.Kind, e.Host, e.Source, e.Error(), e.Hint, e.Evidence})
}

// fail is an [*Error] about a setting.
func fail(kind Kind, source, format string, args ...any) *Error {
	return &Error{Kind: kind, Source: source, Detail: oneLine(fmt.Sprintf(format, args...))}
}

// oneLine escapes what is not meant to be seen: control and format characters,
// and bytes that are no text. Much of what messages quote comes from elsewhere,
// and must not write over a terminal, turn a line round, or forge one of a log.
func oneLine(s string) string {
	if fit(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// fit tells texts that can stay as they are.
func fit(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// quote is how names and texts from elsewhere stand in messages.
func quote(s string) string { return strconv.Quote(s) }

func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = oneLine(fmt.Sprintf(format, args...))
	return e
}

func (e *Error) cause(err error) *Error {
	e.Err = err
	return e
}
