package dockertlstest_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

// deploy is what a test is about: it talks to the daemon that opts lead to.
func deploy(opts dockertls.Options) error {
	cfg, err := dockertls.Resolve(opts)
	if err != nil {
		return err
	}
	client := cfg.HTTPClient()
	defer client.CloseIdleConnections()
	resp, err := client.Post(cfg.URL("/images/load"), "application/x-tar", strings.NewReader("an image"))
	if err != nil {
		return cfg.Diagnose(err)
	}
	return resp.Body.Close()
}

// A client certificate has expired. In a test the first two lines are one:
//
//	daemon := dockertlstest.Start(t, dockertlstest.ClientCertExpired)
func Example() {
	daemon := dockertlstest.New(dockertlstest.ClientCertExpired)
	defer daemon.Close()
	err := deploy(daemon.Options())
	fmt.Println(errors.Is(err, dockertls.ClientCertExpired))
	// Output:
	// true
}

// One test for many faults.
func ExampleFaults() {
	for _, fault := range dockertlstest.Faults() {
		if !strings.HasPrefix(string(fault), "server-cert-") {
			continue
		}
		daemon := dockertlstest.New(fault)
		err := deploy(daemon.Options())
		daemon.Close()
		fmt.Printf("%-26s %-26s %t\n", fault, fault.Kind(), errors.Is(err, fault.Kind()))
	}
	// Output:
	// server-cert-expired        server-cert-expired        true
	// server-cert-not-yet-valid  server-cert-not-yet-valid  true
	// server-cert-self-signed    server-untrusted           true
	// server-cert-for-clients    server-cert-invalid        true
}

// A daemon that works, and a client that knows nothing of package dockertls.
func ExampleNew() {
	daemon := dockertlstest.New()
	defer daemon.Close()

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: daemon.TLSClientConfig()}}
	defer client.CloseIdleConnections()
	response, err := client.Get(daemon.URL("/_ping"))
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
	// client sent GET /_ping
}

// A daemon that stops answering: the caller's deadline is what ends that.
func ExampleHangs() {
	daemon := dockertlstest.New(dockertlstest.Hangs(dockertlstest.AfterRequest))
	defer daemon.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, daemon.URL("/info"), nil)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: daemon.TLSClientConfig()}}
	_, err := client.Do(request)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// true
}

// A part of the API that the test needs.
func ExampleHandle() {
	daemon := dockertlstest.New(dockertlstest.Plain,
		dockertlstest.Handle("GET /containers/json", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `[{"Id":"abc"}]`)
		}))
	defer daemon.Close()

	for _, path := range []string{"/v1.41/containers/json", "/v1.41/_ping"} {
		response, err := http.Get(daemon.URL(path))
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Printf("%s\n", body)
	}
	// Output:
	// [{"Id":"abc"}]
	// OK
}

// A container that says good-bye.
func ExampleStream() {
	daemon := dockertlstest.New(dockertlstest.Stream(func(conn net.Conn, r *http.Request) {
		fmt.Fprintf(conn, "bye from %s\n", r.PathValue("id"))
	}))
	defer daemon.Close()

	cfg, err := dockertls.Resolve(daemon.Options())
	if err != nil {
		log.Fatal(err)
	}
	conn, err := cfg.Dial(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /containers/abc/attach?stream=1 HTTP/1.1\r\nHost: docker\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	_, stream, _ := strings.Cut(string(answer), "\r\n\r\n")
	fmt.Print(stream)
	// Output:
	// bye from abc
}

// What the daemon knows of a client that it has turned away.
func ExampleDaemon_ConnectionLog() {
	daemon := dockertlstest.New(dockertlstest.ClientCertExpired)
	deploy(daemon.Options())
	daemon.Close() // waits for what its connections still do

	for _, c := range daemon.ConnectionLog() {
		var invalid x509.CertificateInvalidError
		expired := errors.As(c.HandshakeErr, &invalid) && invalid.Reason == x509.Expired
		fmt.Printf("%s: secured %t, expired %t, %d requests\n", c.ClientName(), c.Secured, expired, c.Requests)
	}
	// Output:
	// client: secured false, expired true, 0 requests
}

// A child process.
func ExampleDaemon_Env() {
	daemon := dockertlstest.New(dockertlstest.Plain)
	defer daemon.Close()

	for _, variable := range daemon.Env() {
		fmt.Println(strings.ReplaceAll(variable, daemon.Addr(), "127.0.0.1:PORT"))
	}
	// Output:
	// DOCKER_HOST=tcp://127.0.0.1:PORT
	// DOCKER_TLS_VERIFY=
	// DOCKER_CERT_PATH=
	// DOCKER_TLS=
	// DOCKER_CONTEXT=
}

// The options of package dockertls for a program that reads files.
func ExampleDaemon_CertPath() {
	daemon := dockertlstest.New()
	defer daemon.Close()

	verify := true
	opts := dockertls.Options{Host: daemon.Host(), TLSVerify: &verify, CertPath: daemon.CertPath()}
	fmt.Println(deploy(opts))
	// Output:
	// <nil>
}

// Two daemons under names, as docker context ls shows them.
func ExampleWriteContext() {
	dir, err := os.MkdirTemp("", "docker")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	production, laboratory := dockertlstest.New(), dockertlstest.New(dockertlstest.ServerCertExpired)
	defer production.Close()
	defer laboratory.Close()

	for name, daemon := range map[string]*dockertlstest.Daemon{"prod": production, "lab": laboratory} {
		if err := dockertlstest.WriteContext(dir, daemon.Context(name)); err != nil {
			log.Fatal(err)
		}
	}
	for _, name := range []string{"prod", "lab"} {
		err := deploy(dockertls.Options{Context: name, ConfigDir: dir})
		fmt.Println(name, errors.Is(err, dockertls.ServerCertExpired))
	}
	// Output:
	// prod false
	// lab true
}

// What lies in ~/.docker of somebody who uses the daemon.
func ExampleDaemon_WriteConfig() {
	dir, err := os.MkdirTemp("", "docker")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	daemon := dockertlstest.New()
	defer daemon.Close()

	if err := daemon.WriteConfig(dir); err != nil {
		log.Fatal(err)
	}
	fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, _ error) error {
		if !entry.IsDir() {
			parts := strings.Split(path, "/")
			if len(parts) > 1 {
				parts[2] = "<id>"
			}
			fmt.Println(strings.Join(parts, "/"))
		}
		return nil
	})
	// Output:
	// ca.pem
	// cert.pem
	// config.json
	// contexts/meta/<id>/meta.json
	// contexts/tls/<id>/docker/ca.pem
	// contexts/tls/<id>/docker/cert.pem
	// contexts/tls/<id>/docker/key.pem
	// key.pem
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

// A daemon whose certificate is for a name of the test's choice.
func ExampleConfigure() {
	ca := dockertlstest.NewCA()
	daemon := dockertlstest.New(dockertlstest.TLS, dockertlstest.UseCA(ca),
		dockertlstest.Configure(func(d *dockertlstest.Daemon) { d.Server = ca.ServerPair("docker.test") }))
	defer daemon.Close()

	opts := daemon.Options()
	fmt.Println(errors.Is(deploy(opts), dockertls.ServerNameMismatch))
	opts.ServerName = "docker.test"
	fmt.Println(deploy(opts))
	// Output:
	// true
	// <nil>
}

// Two authorities of the same name: only the key tells them apart.
func ExampleCA_Twin() {
	before := dockertlstest.NewCA()
	after := before.Twin()

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
