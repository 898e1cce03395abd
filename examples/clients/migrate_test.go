package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	docker "github.com/fsouza/go-dockerclient"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/docstest"
)

// docs/migrating.md quotes these functions.

func mobyBefore() (*client.Client, error) {
	return client.New(client.FromEnv)
}

func mobyAfter() (*client.Client, error) {
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	if err != nil {
		return nil, err
	}
	return client.New(client.WithHost(cfg.Host()), client.WithHTTPClient(cfg.HTTPClient()), client.WithAPIVersionFromEnv())
}

func dockerClientBefore() (*docker.Client, error) {
	return docker.NewClientFromEnv()
}

func dockerClientAfter() (*docker.Client, error) {
	cfg, err := dockertls.Resolve(dockertls.FromEnv())
	if err != nil {
		return nil, err
	}
	endpoint := cfg.URL("") // this client takes tcp:// for plain HTTP, and knows no ssh://
	if strings.HasPrefix(cfg.Host(), "unix://") || strings.HasPrefix(cfg.Host(), "npipe://") {
		endpoint = cfg.Host()
	}
	cli, err := docker.NewClient(endpoint)
	if err != nil {
		return nil, err
	}
	cli.HTTPClient, cli.TLSConfig = cfg.HTTPClient(), cfg.TLSConfig()
	return cli, nil
}

// Each cell of the page's table is tried in a process of its own: environments,
// proxies and the system's roots are read once per process.
const migrateVar = "DOCKERTLS_TEST_MIGRATE"

func migrateMain() {
	var err error
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch word, rest, _ := strings.Cut(os.Getenv(migrateVar), " "); word {
	case "":
		return
	case "ssh":
		err = dialStdio(rest)
	case "moby", "ours":
		newClient := mobyBefore
		if word == "ours" {
			newClient = mobyAfter
		}
		var cli *client.Client
		if cli, err = newClient(); err == nil {
			_, err = cli.Ping(ctx, client.PingOptions{})
		}
	case "docker", "ours-docker":
		newClient := dockerClientBefore
		if word == "ours-docker" {
			newClient = dockerClientAfter
		}
		var cli *docker.Client
		if cli, err = newClient(); err == nil {
			err = cli.PingWithContext(ctx)
		}
	}
	var ours *dockertls.Error
	switch {
	case errors.As(err, &ours):
		fmt.Print("`", ours.Kind, "`")
	case err != nil:
		fmt.Print("error")
	}
	os.Exit(0)
}

// dialStdio is what ssh runs on the other side.
func dialStdio(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	go io.Copy(conn, os.Stdin)
	_, err = io.Copy(os.Stdout, conn)
	return err
}

// A migration is a row of the table. In env and files CERTS stands for a folder,
// HOST for a daemon's address.
type migration struct {
	name    string
	env     []string
	certs   []string // in CERTS
	home    []string // in ~/.docker
	context bool     // one is stored, and is the current one
	system  bool     // the daemon's issuer is one of the system's roots, and not in ca.pem
	ssh     bool
	proxy   bool
	want    [3]string // FromEnv, NewClientFromEnv, ours with either client
}

func allFiles() []string { return []string{"ca.pem", "cert.pem", "key.pem"} }

func migrations() []migration {
	const host, verify, path = "DOCKER_HOST=HOST", "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=CERTS"
	return []migration{
		{name: "`DOCKER_HOST` alone", env: []string{host}, home: allFiles(), want: [3]string{"plain", "plain", "plain"}},
		{name: "`DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`", env: []string{host, verify, path}, certs: allFiles(),
			want: [3]string{"mutual", "mutual", "mutual"}},
		{name: "the same, `DOCKER_TLS_VERIFY=0`", env: []string{host, "DOCKER_TLS_VERIFY=0", path}, certs: allFiles(),
			want: [3]string{"mutual", "mutual", "mutual"}},
		{name: "`DOCKER_TLS_VERIFY`, files in `~/.docker`", env: []string{host, verify}, home: allFiles(),
			want: [3]string{"plain", "mutual", "mutual"}},
		{name: "`DOCKER_CERT_PATH` alone", env: []string{host, path}, certs: allFiles(), want: [3]string{"not verified", "plain", "plain"}},
		{name: "`DOCKER_TLS`, files in `~/.docker`", env: []string{host, "DOCKER_TLS=1"}, home: allFiles(),
			want: [3]string{"plain", "plain", "not verified"}},
		{name: "`DOCKER_TLS_VERIFY`, only `ca.pem` in the folder", env: []string{host, verify, path}, certs: []string{"ca.pem"},
			want: [3]string{"error", "verified", "verified"}},
		{name: "`DOCKER_TLS_VERIFY`, no `ca.pem` in the folder", env: []string{host, verify, path}, certs: []string{"cert.pem", "key.pem"},
			want: [3]string{"error", "not verified", "`ca-missing`"}},
		{name: "an issuer of the system's, not in `ca.pem`", env: []string{host, verify, path}, certs: allFiles(), system: true,
			want: [3]string{"verified", "error", "`server-untrusted`"}},
		{name: "`DOCKER_CONTEXT`", env: []string{"DOCKER_CONTEXT=prod"}, context: true, want: [3]string{"error", "error", "mutual"}},
		{name: "the current context", context: true, want: [3]string{"error", "error", "mutual"}},
		{name: "`DOCKER_HOST=ssh://...`", env: []string{"DOCKER_HOST=ssh://box"}, ssh: true, want: [3]string{"error", "error", "plain"}},
		{name: "`HTTPS_PROXY`, with TLS", env: []string{"DOCKER_HOST=tcp://box.test:2376", verify, path}, certs: allFiles(), proxy: true,
			want: [3]string{"mutual", "mutual", "mutual"}},
	}
}

func (m migration) row() string {
	return "| " + strings.Join(append([]string{m.name}, m.want[:]...), " | ") + " |"
}

// What is said of FromEnv and NewClientFromEnv is what they do.
func TestMigrating(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system's roots and ssh are replaced as on Linux: run this there")
	}
	t.Parallel()
	for _, m := range migrations() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			got := [3]string{m.outcome(t, "moby"), m.outcome(t, "docker"), m.outcome(t, "ours")}
			if diff := cmp.Diff(m.want, got); diff != "" {
				t.Error(diff)
			}
			if other := m.outcome(t, "ours-docker"); other != got[2] {
				t.Errorf("%s with moby's client, %s with go-dockerclient", got[2], other)
			}
		})
	}
}

// outcome tries one client on daemons, each of which only some modes reach.
func (m migration) outcome(t *testing.T, who string) string {
	t.Helper()
	ca, other := dockertlstest.NewCA(), dockertlstest.NewCA()
	result := ""
	for _, d := range []struct {
		means string
		mode  dockertlstest.Mode
		ca    *dockertlstest.CA
		skip  bool
	}{
		{"plain", dockertlstest.Plain, nil, m.proxy},
		{"not verified", dockertlstest.TLS, other, m.system},
		{"verified", dockertlstest.TLS, other, !m.system},
		{"mutual", dockertlstest.MutualTLS, ca, m.system},
		{"verified", dockertlstest.TLS, ca, m.system},
	} {
		if d.skip {
			continue
		}
		daemon := dockertlstest.NewUnstartedDaemon(d.mode, d.ca)
		if d.ca != nil {
			daemon.Server = d.ca.ServerPair("127.0.0.1", "box.test")
		}
		daemon.Start()
		failure := m.try(t, who, daemon, ca, other)
		daemon.Close()
		if failure == "" {
			return d.means
		}
		result = failure
	}
	return result
}

// try runs a client in an environment of its own, and returns how it fails.
func (m migration) try(t *testing.T, who string, daemon *dockertlstest.Daemon, ca, system *dockertlstest.CA) string {
	t.Helper()
	home := t.TempDir()
	certs, config := filepath.Join(home, "certs"), filepath.Join(home, ".docker")
	pair := ca.ClientPair("client")
	writeSome(t, certs, ca, pair, m.certs)
	writeSome(t, config, ca, pair, m.home)
	if m.context {
		c := dockertlstest.Context{Name: "prod", Host: daemon.Host(), CA: ca, Client: pair, Current: len(m.env) == 0}
		if err := dockertlstest.WriteContext(config, c); err != nil {
			t.Fatal(err)
		}
	}
	// The race detector would wait for a second when a process ends.
	env := []string{"HOME=" + home, migrateVar + "=" + who, "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}
	if m.system {
		writeTo(t, filepath.Join(home, "roots.pem"), system.PEM(), 0o600)
		env = append(env, "SSL_CERT_FILE="+filepath.Join(home, "roots.pem"))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if m.ssh {
		script := fmt.Sprintf("#!/bin/sh\n%s='ssh %s' exec %s\n", migrateVar, daemon.Addr(), self)
		writeTo(t, filepath.Join(home, "ssh"), []byte(script), 0o700)
		env = append(env, "PATH="+home)
	}
	if m.proxy {
		env = append(env, "HTTPS_PROXY="+connectProxy(t, daemon.Addr()))
	}
	for _, kv := range m.env {
		env = append(env, strings.NewReplacer("CERTS", certs, "=HOST", "="+daemon.Host()).Replace(kv))
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// writeSome writes some of the three files.
func writeSome(t *testing.T, dir string, ca *dockertlstest.CA, pair *dockertlstest.Pair, names []string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{"ca.pem": ca.PEM(), "cert.pem": pair.CertPEM, "key.pem": pair.KeyPEM}
	for _, name := range names {
		writeTo(t, filepath.Join(dir, name), contents[name], 0o600)
	}
}

func writeTo(t *testing.T, path string, data []byte, perm os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, perm); err != nil {
		t.Fatal(err)
	}
}

// connectProxy is a proxy behind which every name is one daemon.
func connectProxy(t *testing.T, daemon string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go tunnel(conn, daemon)
		}
	}()
	return "http://" + l.Addr().String()
}

func tunnel(conn net.Conn, daemon string) {
	defer conn.Close()
	head := make([]byte, 4<<10) // a CONNECT comes alone: its sender waits
	n, err := conn.Read(head)
	if err != nil || !bytes.HasPrefix(head[:n], []byte("CONNECT box.test:2376 ")) {
		return
	}
	there, err := net.Dial("tcp", daemon)
	if err != nil {
		return
	}
	defer there.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(there, conn)
	_, _ = io.Copy(conn, there)
}

func TestMigratingAPIVersion(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("DOCKER_HOST", "tcp://box:2375")
	t.Setenv("DOCKER_API_VERSION", "1.45")
	for _, newClient := range []func() (*client.Client, error){mobyBefore, mobyAfter} {
		if cli, err := newClient(); err != nil || cli.ClientVersion() != "1.45" {
			t.Errorf("version %s, %v", cli.ClientVersion(), err)
		}
	}
}

// The page repeats the rows, and its code is that of this file.
func TestMigratingPage(t *testing.T) {
	t.Parallel()
	const path = "../../docs/migrating.md"
	page := readText(t, path)
	parsed, err := docstest.Parse(path, page)
	if err != nil {
		t.Fatal(err)
	}
	parsed.CheckLinks(t)
	parsed.CheckCode(t, "migrate_test.go")
	var want, got []string
	for _, m := range migrations() {
		want = append(want, m.row())
	}
	_, table, _ := strings.Cut(page, "|---|---|---|---|\n")
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		got = append(got, strings.TrimSpace(line))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// wantCode: every line of Go on a page is a line of a file here.
func wantCode(t *testing.T, page, file string) {
	t.Helper()
	var source []string
	for line := range strings.Lines(readText(t, file)) {
		source = append(source, strings.TrimSpace(line))
	}
	for _, block := range strings.Split(page, "```go\n")[1:] {
		code, _, _ := strings.Cut(block, "```")
		for line := range strings.Lines(code) {
			if !slices.Contains(source, strings.TrimSpace(line)) {
				t.Errorf("the page has %q, which is not in %s", line, file)
			}
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}
