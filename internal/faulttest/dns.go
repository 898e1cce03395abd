package faulttest

import (
	"context"
	"net"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/dockertls/dockertls"
)

// dnsName is what the name server is asked for. It ends with a dot, so that
// the machine's search list does not count.
const dnsName = "daemon.example.test."

// startUnresolved leads to a name that a name server has another answer for.
// Mute is one that never answers.
func startUnresolved(code dnsmessage.RCode, mute bool) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, _ uint16) *Peer {
		t.Helper()
		addr := nameServer(t, code, mute)
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", addr)
		}}
		return &Peer{Options: dockertls.Options{Host: "tcp://" + dnsName + ":2375", Dialer: (&net.Dialer{Resolver: resolver}).DialContext}}
	}
}

// nameServer answers every question with one code.
func nameServer(t testing.TB, code dnsmessage.RCode, mute bool) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		question := make([]byte, 4<<10)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			if !mute {
				conn.WriteTo(dnsAnswer(question[:n], code), from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		running.Wait()
	})
	return conn.LocalAddr().String()
}

// dnsAnswer repeats the question, and has nothing to say but the code.
func dnsAnswer(question []byte, code dnsmessage.RCode) []byte {
	var message dnsmessage.Message
	if err := message.Unpack(question); err != nil {
		return nil
	}
	message.Response, message.RecursionAvailable, message.RCode = true, true, code
	message.Additionals = nil
	answer, err := message.Pack()
	check(err)
	return answer
}
