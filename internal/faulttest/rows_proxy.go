package faulttest

import (
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/proxytest"
)

// proxyFaults: a proxy is in the way, and it is the one that fails.
func proxyFaults() []Fault {
	return slices.Concat(connectFaults(), forwardFaults(), httpsProxyFaults(), socksFaults(), absentFaults())
}

// proxyFault has the words of all of them.
func proxyFault(name string, start func(testing.TB, uint16) *Peer, words ...string) Fault {
	return Fault{Name: name, Start: start, Kind: dockertls.ProxyFailed, Words: append(words, "proxy")}
}

// startProxied leads through a proxy to a daemon that need not exist. The URL
// of the proxy is made of its address.
func startProxied(scheme string, s starter, edits ...edit) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		setup := newSetup(tlsMax, edits...)
		proxy := s(t, setup.server)
		peer := setup.peer(t, proxy)
		peer.Options.Host = "tcp://daemon.example.test:2376"
		peer.Options.Proxy = chooseProxy(scheme, proxy.addr)
		return peer
	}
}

func chooseProxy(scheme, addr string) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return &url.URL{Scheme: scheme, Host: addr}, nil }
}

// refusal is an answer to a request, whatever it was.
func refusal(status string) func(net.Conn) {
	return func(conn net.Conn) {
		readHeaderOf(conn)
		io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		readSome(conn) // some of a body may be left, which would make a reset of the end
	}
}

// connectFaults: we ask for a tunnel, and get none.
func connectFaults() []Fault {
	return []Fault{
		proxyFault("scripted proxy: 407", startProxied("http", scripted(refusal("407 Proxy Authentication Required"))), "407"),
		proxyFault("scripted proxy: 502", startProxied("http", scripted(refusal("502 Bad Gateway"))), "502"),
		proxyFault("scripted proxy: 503", startProxied("http", scripted(refusal("503 Service Unavailable"))), "503"),
		proxyFault("scripted proxy: 504", startProxied("http", scripted(refusal("504 Gateway Timeout"))), "504"),
		proxyFault("haproxy as a proxy: 403", startProxied("http", haproxyDenying), "403"),
		proxyFault("nginx as a proxy: no CONNECT", startProxied("http", nginxPlain), "400"),
		proxyFault("nginx as a proxy: it speaks TLS", startProxied("http", nginxTLS), "400"),
		proxyFault("openssl as a proxy: it speaks TLS", startProxied("http", opensslServer)),
		proxyFault("sshd as a proxy", startProxied("http", sshd)),
		proxyFault("scripted proxy: garbage", startProxied("http", scripted(answering("\x00\x01garbage\r\n\r\n")))),
		proxyFault("scripted proxy: hangs up on CONNECT", startProxied("http", scripted(readHeaderOf))),
		proxyFault("scripted proxy: resets on CONNECT", startProxied("http", scripted(then(readHeaderOf, reset)))),
		slow(proxyFault("scripted proxy: says nothing to CONNECT", startProxied("http", scripted(hang)))),
	}
}

func slow(f Fault) Fault {
	f.Slow = true
	return f
}

func haproxyDenying(t testing.TB, _ server) endpoint {
	t.Helper()
	return haproxy(t, "mode http\n  bind %s\n  http-request deny deny_status 403\n")
}

// forwardFaults: in the clear, net/http sends the request itself to the proxy.
func forwardFaults() []Fault {
	return []Fault{
		proxyFault("scripted forwarding proxy: 407", startProxied("http", scripted(refusal("407 Proxy Authentication Required")), inTheClear), "407"),
		proxyFault("scripted forwarding proxy: 502", startProxied("http", scripted(refusal("502 Bad Gateway")), inTheClear), "502"),
		proxyFault("haproxy as a forwarding proxy: 403", startProxied("http", haproxyDenying, inTheClear), "403"),
		proxyFault("haproxy as a forwarding proxy: 503", startProxied("http", haproxyWithoutServer, inTheClear), "503"),
		proxyFault("scripted forwarding proxy: hangs up", startProxied("http", scripted(readHeaderOf), inTheClear)),
		proxyFault("scripted forwarding proxy: garbage", startProxied("http", scripted(answering("\x00\x01garbage\r\n\r\n")), inTheClear)),
	}
}

// haproxyWithoutServer has no server to pass a request on to.
func haproxyWithoutServer(t testing.TB, _ server) endpoint {
	t.Helper()
	return haproxy(t, "mode http\n  bind %s\n")
}

// httpsProxyFaults: the proxy itself speaks TLS, and its certificate is not one
// to trust.
func httpsProxyFaults() []Fault {
	return []Fault{
		proxyFault("https proxy: an unknown authority", startHTTPSProxy(trust(foreign)), foreignCA),
		proxyFault("https proxy: an expired certificate", startHTTPSProxy(serve(expired)), day(past)),
		proxyFault("https proxy: another name", startHTTPSProxy(serve(named("other.example.test", "other.example.test"))), "other.example.test", "127.0.0.1"),
		proxyFault("https proxy: a certificate for clients only", startHTTPSProxy(serve(forClients))),
		proxyFault("nginx as an https proxy: no TLS", startProxied("https", nginxPlain)),
		proxyFault("scripted https proxy: hangs up", startProxied("https", scripted(readSome))),
		slow(proxyFault("scripted https proxy: says nothing", startProxied("https", scripted(hang)))),
	}
}

// startHTTPSProxy starts a proxy with the certificate that is the server's
// otherwise.
func startHTTPSProxy(e edit) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		daemon := goTLS(t, newSetup(tlsMax).server)
		setup := newSetup(tlsMax, e)
		proxy := proxytest.Start(t, proxytest.Options{Scheme: "https", Target: daemon.addr, Server: setup.server.pair})
		peer := setup.peer(t, endpoint{addr: daemon.addr})
		peer.Options.Proxy = proxy.Choose
		return peer
	}
}

// SOCKS 5 replies (RFC 1928, 6).
const (
	socksGeneralFailure  = 1
	socksNotAllowed      = 2
	socksHostUnreachable = 4
	socksRefused         = 5
)

func socksFaults() []Fault {
	fault := func(name string, code byte, words ...string) Fault {
		return proxyFault("scripted SOCKS proxy: "+name, startProxied("socks5", scripted(socksReply(code))), words...)
	}
	return []Fault{
		fault("general failure", socksGeneralFailure),
		fault("not allowed", socksNotAllowed, "not allowed"),
		fault("host unreachable", socksHostUnreachable, "unreachable"),
		fault("connection refused", socksRefused, "refused"),
		proxyFault("SOCKS proxy: wrong password", startSOCKS(url.UserPassword("user", "wrong"))),
		proxyFault("SOCKS proxy: no password", startSOCKS(nil)),
		proxyFault("SOCKS proxy: not allowed, in the clear",
			startProxied("socks5", scripted(socksReply(socksNotAllowed)), inTheClear), "not allowed"),
		proxyFault("nginx as a SOCKS proxy", startProxied("socks5", nginxPlain)),
		proxyFault("scripted SOCKS proxy: hangs up", startProxied("socks5", scripted(readSome))),
		slow(proxyFault("scripted SOCKS proxy: says nothing", startProxied("socks5", scripted(hang)))),
	}
}

// socksReply needs no password, and answers every request with a code.
func socksReply(code byte) func(net.Conn) {
	return func(conn net.Conn) {
		readSome(conn)
		conn.Write([]byte{5, 0})
		readSome(conn)
		conn.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
	}
}

// startSOCKS leads through a proxy that knows one user, as another.
func startSOCKS(user *url.Userinfo) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		peer := start(goTLS)(t, tlsMax)
		addr := strings.TrimPrefix(peer.Options.Host, "tcp://")
		proxy := proxytest.Start(t, proxytest.Options{Scheme: "socks5", Target: addr, User: url.UserPassword("user", "right")})
		peer.Options.Proxy = func(*url.URL) (*url.URL, error) {
			return &url.URL{Scheme: "socks5", Host: proxy.URL.Host, User: user}, nil
		}
		peer.Connections = nil
		return peer
	}
}

// absentFaults: there is no proxy.
func absentFaults() []Fault {
	return []Fault{
		proxyFault("no HTTP proxy listens", startProxied("http", nobodyListens)),
		proxyFault("no HTTP proxy listens, in the clear", startProxied("http", nobodyListens, inTheClear)),
		proxyFault("no https proxy listens", startProxied("https", nobodyListens)),
		proxyFault("no SOCKS proxy listens", startProxied("socks5", nobodyListens)),
		proxyFault("name server: no such proxy", startUnknownProxy(), "proxy.example.test"),
	}
}

func startUnknownProxy() func(testing.TB, uint16) *Peer {
	return func(t testing.TB, tlsMax uint16) *Peer {
		t.Helper()
		peer := startUnresolved(dnsmessage.RCodeNameError, false)(t, tlsMax)
		peer.Options.Proxy = chooseProxy("http", "proxy.example.test.:3128")
		return peer
	}
}
