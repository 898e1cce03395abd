package dockertls

import (
	"bytes"
	"fmt"
	"strings"
)

// judge says what must not be, "" if all is well. It knows what was asked for, what
// arrived, and what was said.
func judge(v verdict, conns []*heard, said []byte, secrets map[string][]byte) string {
	for _, h := range conns {
		if wrong := v.judge(h); wrong != "" {
			return fmt.Sprintf("%s: %s", h.ear, wrong)
		}
	}
	for what, secret := range secrets {
		if i := bytes.Index(said, secret); i >= 0 {
			return fmt.Sprintf("%s is told: %q", what, said[max(0, i-200):min(len(said), i+len(secret)+40)])
		}
	}
	return ""
}

func (v verdict) judge(h *heard) string {
	switch {
	case h.ear == "other" && len(h.raw) > 0:
		return "another host was reached: " + quoteHead(h.raw)
	case v.asking == askedRefusal && len(h.raw) > 0:
		return "something was sent, where nothing may be: " + quoteHead(h.raw)
	case v.asking == askedPlain, v.asking == askedSocket, v.asking == askedRefusal:
		return ""
	}
	if wrong := v.judgeBytes(h); wrong != "" {
		return wrong
	}
	for _, s := range h.sightings {
		name := v.name
		if s.toProxy {
			name = "127.0.0.1"
		}
		if !v.accepts(s.kind, name, s.phase) {
			return fmt.Sprintf("a server that must not be trusted (%s) got %s", s.kind, quoteHead(s.text))
		}
	}
	return ""
}

// judgeBytes: TLS, or what a proxy needs to be told and then TLS.
func (v verdict) judgeBytes(h *heard) string {
	if h.ear != "proxy" {
		return wantTLS(h.raw)
	}
	preface := h.raw
	if h.tunnelled {
		preface = h.raw[:h.plain]
		if wrong := wantTLS(h.tunnel); wrong != "" {
			return "through the tunnel: " + wrong
		}
	}
	switch {
	case len(preface) == 0:
		return ""
	case preface[0] == 22: // a proxy that is spoken to in TLS
		preface = nil
		for _, s := range h.sightings {
			if s.toProxy {
				preface = append(preface, s.text...)
			}
		}
		if wrong := wantTLS(h.raw); wrong != "" || len(preface) == 0 {
			return wrong
		}
		preface, _, _ = bytes.Cut(preface, []byte("\r\n\r\n"))
		return wantConnect(append(preface, "\r\n\r\n"...))
	case preface[0] == 5:
		if len(preface) > 600 || bytes.Contains(preface, []byte("HTTP/")) {
			return "this is more than SOCKS needs: " + quoteHead(preface)
		}
		return ""
	}
	return wantConnect(preface)
}

// wantTLS allows for connections that end before anything was sent.
func wantTLS(b []byte) string {
	hello := []byte{0x16, 0x03}
	if n := min(len(b), len(hello)); !bytes.Equal(b[:n], hello[:n]) {
		return "this is no ClientHello: " + quoteHead(b)
	}
	return ""
}

// wantConnect wants the request for a tunnel, and nothing of another request.
func wantConnect(b []byte) string {
	head, rest, whole := strings.Cut(string(b), "\r\n\r\n")
	switch {
	case !strings.HasPrefix(head, "CONNECT ") || strings.Contains(head, "_ping"):
		return "this is no request for a tunnel: " + quoteHead(b)
	case whole && rest != "":
		return "more than the request for a tunnel was sent: " + quoteHead([]byte(rest))
	}
	return ""
}
