package dockertlstest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dockertls/dockertls/dockertlstest"
)

// A daemon that demands a client certificate, and a client that has one.
func Example() {
	ca := dockertlstest.NewCA()
	daemon := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	defer daemon.Close()

	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{ca.ClientPair("alice").Certificate()},
	}}}
	response, err := client.Get("https://" + daemon.Addr() + "/_ping")
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)

	fmt.Printf("%s from API %s\n", body, response.Header.Get("Api-Version"))
	for _, request := range daemon.Requests() {
		fmt.Println(request.ClientName(), "sent", request.Method, request.Path)
	}
	// Output:
	// OK from API 1.51
	// alice sent GET /_ping
}

// The files that DOCKER_CERT_PATH leads to.
func ExampleWriteCerts() {
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ca := dockertlstest.NewCA()
	if err := dockertlstest.WriteCerts(dir, ca, ca.ClientPair("alice")); err != nil {
		log.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.pem"))
	for _, file := range files {
		fmt.Println(filepath.Base(file))
	}
	// Output:
	// ca.pem
	// cert.pem
	// key.pem
}

// A daemon whose certificate has expired.
func ExampleNewUnstartedDaemon() {
	ca := dockertlstest.NewCA()
	daemon := dockertlstest.NewUnstartedDaemon(dockertlstest.TLS, ca)
	daemon.Server = ca.Issue(dockertlstest.CertSpec{
		Server:   true,
		Names:    []string{"127.0.0.1"},
		NotAfter: time.Now().Add(-24 * time.Hour),
	})
	daemon.Start()
	defer daemon.Close()

	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	_, err := tls.Dial("tcp", daemon.Addr(), &tls.Config{RootCAs: roots})
	fmt.Println("dial failed:", err != nil)
	fmt.Println("requests:", len(daemon.Requests()))
	// Output:
	// dial failed: true
	// requests: 0
}

// Two authorities of the same name: only the key tells them apart.
func ExampleNewCAFrom() {
	spec := dockertlstest.CertSpec{CommonName: "docker CA"}
	before, after := dockertlstest.NewCAFrom(spec), dockertlstest.NewCAFrom(spec)

	roots := x509.NewCertPool()
	roots.AddCert(before.Certificate())
	_, err := after.ServerPair("node1").Leaf().Verify(x509.VerifyOptions{Roots: roots})
	fmt.Println("verified:", err == nil)
	// Output:
	// verified: false
}

// A daemon started with --tls --tlsverify=false does not look at clients.
func ExampleDaemon_Host() {
	daemon := dockertlstest.NewDaemon(dockertlstest.TLS, dockertlstest.NewCA())
	defer daemon.Close()

	fmt.Println(daemon.Host() == "tcp://"+daemon.Addr())
	// Output:
	// true
}
