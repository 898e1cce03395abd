package dockertls

import "cmp"

const (
	maxText  = 16 << 10 // bytes of a text that are looked at
	maxGap   = 1000     // bytes that {} in a pattern may stand for
	maxTries = 32       // places where a pattern is tried
)

// explainText finds out from an error's text alone what kind of failure it
// tells of: an error that crossed an RPC, a log or another process has lost
// its types, and other languages' clients never had ours. The answer claims
// no more than the text does. It is nil when the text is unknown, or allows
// more than one cause.
//
// Host, Source and Err of the answer are empty. The text may hold anything:
// only a bounded part of it is read, and what is quoted is short, escaped and
// without passwords.
func explainText(text string) *Error {
	return explainWith(text, answerRows(), logRows(), clientRows())
}

// explainWith is given the tables so that a test can see which row answers.
func explainWith(text string, answerRows, logRows, clientRows []textRow) *Error {
	s := listen(text)
	if e := firstRow(answerRows, s.without(otherServers)); e != nil {
		return e
	}
	own, logs := s.splitDaemonLog()
	if e := firstRow(logRows, logs); e != nil {
		return e
	}
	if own.hasAny(buildOutput) {
		return nil
	}
	return firstRow(clientRows, own.without(otherServers).before(daemonWork))
}

// A textRow says which texts tell of a kind.
type textRow struct {
	kind  Kind
	seen  string   // where such texts come from
	texts []string // patterns (see find); one is enough
	fill  fill
}

// A fill completes an [*Error] from the words that {} stood for, or returns
// false because the text does not tell this kind after all.
type fill func(s said, e *Error, words []string) bool

// firstRow answers with the first row that fits. That is why the order of the
// rows matters: when one failure leads to another, texts hold both ("the peer
// closed the connection: certificate required"), and the specific one is the
// cause.
func firstRow(rows []textRow, s said) *Error {
	for _, row := range rows {
		for _, pattern := range row.texts {
			e := &Error{Kind: row.kind}
			if s.find(pattern, func(words []string) bool { return row.fill(s, e, words) }) {
				e.Detail, e.Hint = oneLine(e.Detail), oneLine(e.Hint)
				e.Evidence.Stage = cmp.Or(e.Evidence.Stage, stageOf(e.Kind))
				return e
			}
		}
	}
	return nil
}

// stageOf is empty where a kind can show at several stages: under TLS 1.3 even
// a refused certificate.
func stageOf(kind Kind) Stage {
	switch kind {
	case DNS, ConnectionRefused, Unreachable, SocketMissing, SocketPermission:
		return StageConnect
	case ProxyFailed:
		return StageProxy
	case TLSNotOffered, NotTLS, TLSVersion, TLSHandshake, ServerNameUnrecognized,
		ServerUntrusted, ServerNameMismatch, ServerCertExpired, ServerCertNotYet, ServerCertInvalid:
		return StageHandshake
	}
	return ""
}
