package dockertls_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

func ExampleResolve() {
	// A daemon that wants a client certificate, and the files for it.
	ca := dockertlstest.NewCA()
	daemon := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	defer daemon.Close()
	certs, _ := os.MkdirTemp("", "certs")
	defer os.RemoveAll(certs)
	if err := dockertlstest.WriteCerts(certs, ca, ca.ClientPair("client")); err != nil {
		log.Fatal(err)
	}

	cfg, err := dockertls.Resolve(dockertls.Options{
		Host:      daemon.Host(),
		TLSVerify: new(true),
		CertPath:  certs,
	})
	if err != nil {
		log.Fatalf("%+v", err)
	}
	resp, err := cfg.HTTPClient().Get(cfg.URL("/_ping"))
	if err != nil {
		log.Fatalf("%+v", cfg.Diagnose(err))
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(cfg.Mode(), string(body))
	// Output: mutual OK
}

// Explicit settings come first; what they leave open comes from the next layer.
func ExampleResolve_layers() {
	flags := dockertls.Options{Host: "tcp://build.example:2376"}
	file := dockertls.Options{Host: "tcp://other.example", TLS: new(false), Source: "agent.yaml"}
	cfg, err := dockertls.Resolve(flags, file)
	if err != nil {
		log.Fatalf("%+v", err)
	}
	for _, s := range cfg.Settings() {
		fmt.Println(s)
	}
	// Output:
	// tls = false (agent.yaml: tls)
	// host = tcp://build.example:2376 (Options.Host), overrides agent.yaml: host=tcp://other.example
}

func ExampleError() {
	dir, _ := os.MkdirTemp("", "certs")
	defer os.RemoveAll(dir)
	_ = os.WriteFile(filepath.Join(dir, "ca.crt"), dockertlstest.NewCA().PEM(), 0o600)

	_, err := dockertls.Resolve(dockertls.Options{Host: "tcp://build.example:2376", TLSVerify: new(true), CertPath: dir})
	fmt.Println(errors.Is(err, dockertls.CAMissing))
	fmt.Println(strings.ReplaceAll(fmt.Sprintf("%+v", err), dir+string(filepath.Separator), ""))
	// Output:
	// true
	// Options.CertPath: ca.pem: no such file
	// hint: ca.crt lies beside it: if that is it, rename it, or name it with --tlscacert
}

func ExampleConfig_Diagnose() {
	ca := dockertlstest.NewCA()
	daemon := dockertlstest.NewDaemon(dockertlstest.MutualTLS, ca)
	defer daemon.Close()
	cfg, err := dockertls.Resolve(dockertls.Options{Host: daemon.Host(), TLSVerify: new(true), CA: ca.PEM()})
	if err != nil {
		log.Fatalf("%+v", err)
	}
	_, err = cfg.HTTPClient().Get(cfg.URL("/_ping"))
	err = cfg.Diagnose(err)
	fmt.Println(errors.Is(err, dockertls.ClientCertRequired))
	fmt.Println(strings.ReplaceAll(err.Error(), daemon.Addr(), "ADDRESS"))
	// Output:
	// true
	// tcp://ADDRESS: the daemon requires a client certificate, and none was sent
}

// Dial is for the calls that take over the connection: exec and attach.
func ExampleConfig_Dial() {
	ca := dockertlstest.NewCA()
	daemon := dockertlstest.NewDaemon(dockertlstest.TLS, ca)
	defer daemon.Close()
	cfg, err := dockertls.Resolve(dockertls.Options{Host: daemon.Host(), TLSVerify: new(true), CA: ca.PEM()})
	if err != nil {
		log.Fatalf("%+v", err)
	}
	conn, err := cfg.Dial(context.Background())
	if err != nil {
		log.Fatalf("%+v", err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello", daemon.Addr())
	conn.(interface{ CloseWrite() error }).CloseWrite()
	answer, _ := io.ReadAll(conn)
	fmt.Println(strings.HasSuffix(string(answer), "\r\n\r\nhello"))
	// Output: true
}

// A child process gets address and TLS as one unit.
func ExampleConfig_Environ() {
	cfg, err := dockertls.Resolve(dockertls.Options{Host: "build.example"})
	if err != nil {
		log.Fatalf("%+v", err)
	}
	environ, err := cfg.Environ()
	if err != nil {
		log.Fatalf("%+v", err)
	}
	fmt.Println(strings.Join(environ, "\n"))
	// Output:
	// DOCKER_HOST=tcp://build.example:2375
	// DOCKER_CONTEXT=
	// DOCKER_TLS=
	// DOCKER_TLS_VERIFY=
	// DOCKER_CERT_PATH=
}

// Material in memory, written to a folder for a child process.
func ExampleConfig_EnvironIn() {
	ca := dockertlstest.NewCA()
	pair := ca.ClientPair("client")
	cfg, err := dockertls.Resolve(dockertls.Options{
		Host: "tcp://build.example:2376", TLSVerify: new(true),
		CA: ca.PEM(), Cert: pair.CertPEM, Key: pair.KeyPEM,
	})
	if err != nil {
		log.Fatalf("%+v", err)
	}
	dir, _ := os.MkdirTemp("", "certs")
	defer os.RemoveAll(dir) // there is a private key in it
	environ, err := cfg.EnvironIn(dir)
	if err != nil {
		log.Fatalf("%+v", err)
	}
	fmt.Println(strings.ReplaceAll(strings.Join(environ, "\n"), dir, "DIR"))
	// Output:
	// DOCKER_HOST=tcp://build.example:2376
	// DOCKER_CONTEXT=
	// DOCKER_TLS=
	// DOCKER_TLS_VERIFY=1
	// DOCKER_CERT_PATH=DIR
}
