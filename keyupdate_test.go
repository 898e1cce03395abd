package dockertls_test

import (
	"bytes"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
	"github.com/dockertls/dockertls/internal/programtest"
)

// A counter counts a byte that text does not have.
type counter struct{ seen atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.seen.Add(int64(bytes.Count(b, []byte{2})))
	return len(b), nil
}

// A server that asks for new keys again and again gets them, and all that is
// written meanwhile, in the right order.
func TestKeyUpdates(t *testing.T) {
	t.Parallel()
	openssl := programtest.Find(t, "openssl", "openssl")
	ca, dir, addr := dockertlstest.NewCA(), t.TempDir(), programtest.FreeAddr(t)
	pair := ca.ServerPair()
	writeFile(t, filepath.Join(dir, "cert.pem"), pair.CertPEM)
	writeFile(t, filepath.Join(dir, "key.pem"), pair.KeyPEM)
	cmd := exec.Command(openssl, "s_server", "-accept", addr, "-tls1_3", "-naccept", "1",
		"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"))
	var received counter
	cmd.Stdout = &received
	commands, err := cmd.StdinPipe()
	check(t, err)
	exited, err := programtest.Start(cmd)
	check(t, err)
	defer func() { cmd.Process.Kill(); <-exited }()

	cfg := resolve(t, dockertls.Options{Host: "tcp://" + addr, TLSVerify: new(true), CA: ca.PEM()})
	conn := dialPatiently(t, cfg)
	defer conn.Close()
	go io.Copy(io.Discard, conn) // key updates are read here, and answered: without text between, not many
	stop := make(chan struct{})
	defer close(stop)
	var updates atomic.Int64
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			if _, err := io.WriteString(commands, "text\nK\n"); err != nil {
				return
			}
			updates.Add(1)
		}
	}()
	sent := int64(0)
	for start, i := time.Now(), 0; time.Since(start) < 3*time.Second; i++ {
		n, err := conn.Write(bytes.Repeat([]byte{2}, []int{100, 40 << 10, 16 << 10, 200 << 10}[i%4]))
		check(t, err)
		sent += int64(n)
	}
	for start := time.Now(); received.seen.Load() < sent && time.Since(start) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
	}
	t.Logf("%d bytes, %d updates", sent, updates.Load())
	if got := received.seen.Load(); got != sent || updates.Load() < 10 {
		t.Errorf("%d of %d bytes arrived, with %d updates", got, sent, updates.Load())
	}
}

// dialPatiently connects to a server that is about to start.
func dialPatiently(t *testing.T, cfg *dockertls.Config) net.Conn {
	t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		conn, err := cfg.Dial(t.Context())
		if err == nil {
			return conn
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal(err)
		}
	}
}
