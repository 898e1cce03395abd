package dockerdtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestStart(t *testing.T) {
	Require(t)
	dir := t.TempDir()
	DocsCerts(t, dir, "localhost", "127.0.0.1")
	ca, withCert := clientConfigs(t, dir)
	for _, flavour := range Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			plain := Start(t, flavour, Options{})
			ping(t, "http://"+plain.Addr, nil)

			encrypted := Start(t, flavour, daemonOptions(TLS, dir))
			ping(t, "https://"+encrypted.Addr, ca)

			mutual := Start(t, flavour, daemonOptions(TLSVerify, dir))
			ping(t, "https://"+mutual.Addr, withCert)
			wantAlert(t, mutual.Addr, ca)
		})
	}
}

// A daemon that finds its port in use ends; Start then takes another port.
func TestTakenPort(t *testing.T) {
	for _, flavour := range Flavours() {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			d := Start(t, flavour, Options{})
			_, err := start(t.Context(), d.cmd.Path, d.Addr, Options{})
			if !errors.Is(err, errPortTaken) {
				t.Errorf("got %v, want %v", err, errPortTaken)
			}
		})
	}
}

func daemonOptions(mode Mode, dir string) Options {
	return Options{
		Mode:     mode,
		CAFile:   filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "server-cert.pem"),
		KeyFile:  filepath.Join(dir, "server-key.pem"),
	}
}

// clientConfigs returns two configurations that verify the server, the second with a certificate.
func clientConfigs(t *testing.T, dir string) (ca, withCert *tls.Config) {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots}, &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}}
}

func ping(t *testing.T, url string, config *tls.Config) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	resp, err := client.Get(url + "/_ping")
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: got %s", url, resp.Status)
	}
}

// wantAlert: the server refuses us, after the handshake in TLS 1.3.
func wantAlert(t *testing.T, addr string, config *tls.Config) {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, config)
	if err == nil {
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	if op := new(net.OpError); !errors.As(err, &op) || op.Op != "remote error" {
		t.Errorf("got %v, want an alert", err)
	}
}
