package faulttest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/internal/programtest"
)

// routeFaults: the way to the host is closed. Each connection is made in a
// network of its own, which has that one route.
func routeFaults() []Fault {
	var faults []Fault
	for _, row := range []struct{ name, route string }{
		{"no route", ""},
		{"a route that says unreachable", "unreachable"},
		{"a route that says prohibited", "prohibit"},
		{"a route into a black hole", "blackhole"},
	} {
		faults = append(faults, Fault{
			Name:  "network: " + row.name,
			Start: startUnreachable(row.route),
			Kind:  dockertls.Unreachable,
		})
	}
	return faults
}

// startUnreachable leads to an address that no host has (RFC 5737).
func startUnreachable(route string) func(testing.TB, uint16) *Peer {
	return func(t testing.TB, _ uint16) *Peer {
		t.Helper()
		if err := elsewhere(func() error { return nil }); err != nil {
			programtest.Missing(t, fmt.Errorf("%w: run this test where root may make a network", err))
		}
		ip := programtest.Find(t, "ip", "iproute2")
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dialElsewhere(ctx, ip, route, network, addr)
		}
		return &Peer{Options: dockertls.Options{Host: "tcp://192.0.2.1:2375", Dialer: dial}}
	}
}

// dialElsewhere dials from a new network.
func dialElsewhere(ctx context.Context, ip, route, network, addr string) (conn net.Conn, err error) {
	err = elsewhere(func() error {
		if err := addRoute(ip, route); err != nil {
			return err
		}
		conn, err = new(net.Dialer).DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// elsewhere calls f on a thread in a new network. The thread ends with its
// goroutine, because it is never unlocked.
func elsewhere(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			// Not %w: it must not pass for the failure that is wanted.
			done <- fmt.Errorf("unshare: %v", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// addRoute acts on the network of the thread, which processes inherit.
func addRoute(ip, route string) error {
	if route == "" {
		return nil
	}
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"route", "add", route, "192.0.2.0/24"}} {
		if out, err := exec.Command(ip, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %q: %v: %s", args, err, out)
		}
	}
	return nil
}
