package dockertls

import (
	"fmt"
	"io"
	"strings"
)

// WriteText writes the step for people: a line with its outcome, and below it
// what was seen. With ascii there are no other characters than ASCII's in what
// it adds.
func (s Step) WriteText(w io.Writer, ascii bool) error {
	marks := map[StepStatus]string{StepOK: "✓", StepWarning: "!", StepFailed: "✗"}
	if ascii {
		marks = map[StepStatus]string{StepOK: "ok  ", StepWarning: "warn", StepFailed: "FAIL"}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-18s %8.1f ms\n", marks[s.Status], s.Name, s.Took.Seconds()*1000)
	for _, line := range s.Seen {
		fmt.Fprintf(&b, "    %s\n", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteConclusion writes what the report comes to: the failure with its hint,
// and what would help, as far as that was checked.
func (r *Report) WriteConclusion(w io.Writer) error {
	var b strings.Builder
	switch err := r.Error(); {
	case r.Healthy:
		fmt.Fprintf(&b, "healthy: %s (%s)\n", oneLine(r.Host), r.Mode)
	case err != nil:
		fmt.Fprintf(&b, "%+v\n", err)
	}
	for _, remedy := range r.Remedies {
		fmt.Fprintf(&b, "checked: %s\n", remedy.Advice)
		for _, env := range remedy.Env {
			name, value, _ := strings.Cut(env, "=")
			if value == "" {
				fmt.Fprintf(&b, "    unset %s\n", name)
			} else {
				fmt.Fprintf(&b, "    export %s=%s\n", name, shellQuote(value))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteText writes the whole report for people.
func (r *Report) WriteText(w io.Writer, ascii bool) error {
	for _, s := range r.Steps {
		if err := s.WriteText(w, ascii); err != nil {
			return err
		}
	}
	return r.WriteConclusion(w)
}

// shellQuote writes a value so that a shell reads it back.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/:._,@%+=-", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
