package dockertls_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"strings"
	"testing"

	"github.com/dockertls/dockertls/internal/programtest"
)

// Types of TLS 1.3: of records, and of messages of the handshake.
const (
	recordAlert           = 21
	recordHandshake       = 22
	recordApplicationData = 23
	messageSessionTicket  = 4
	messageKeyUpdate      = 24
)

// A recordWriter goes on where a server of TLS 1.3 stops after its handshake,
// and writes records that crypto/tls never would.
type recordWriter struct {
	conn     net.Conn
	newHash  func() hash.Hash
	keySize  int
	secret   []byte
	aead     cipher.AEAD
	iv       []byte
	sequence uint64
}

// serveRecords does the handshake of a server without session tickets.
func serveRecords(conn net.Conn, pair tls.Certificate) (*recordWriter, *tls.Conn, error) {
	var keyLog bytes.Buffer
	server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13,
		SessionTicketsDisabled: true, KeyLogWriter: &keyLog})
	if err := server.Handshake(); err != nil {
		return nil, nil, err
	}
	w := &recordWriter{conn: conn, newHash: sha256.New, keySize: 16}
	switch server.ConnectionState().CipherSuite {
	case tls.TLS_AES_128_GCM_SHA256:
	case tls.TLS_AES_256_GCM_SHA384:
		w.newHash, w.keySize = sha512.New384, 32
	default:
		return nil, nil, errNoAES
	}
	for line := range strings.Lines(keyLog.String()) {
		if fields := strings.Fields(line); fields[0] == "SERVER_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(fields[2])
			return w, server, errors.Join(err, w.use(secret))
		}
	}
	return nil, nil, errors.New("no secret in the key log")
}

// errNoAES is for machines on which Go prefers ChaCha20, which its library lacks.
var errNoAES = errors.New("no AES in hardware: run this test where there is")

// needAES skips a test on such a machine.
func needAES(t *testing.T, pair tls.Certificate) {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake()
	if _, _, err := serveRecords(server, pair); errors.Is(err, errNoAES) {
		programtest.Missing(t, err)
	}
}

// use takes keys from a secret (RFC 8446, 7.3).
func (w *recordWriter) use(secret []byte) error {
	key, keyErr := w.expand(secret, "key", w.keySize)
	iv, ivErr := w.expand(secret, "iv", 12)
	block, err := aes.NewCipher(key)
	if err := errors.Join(keyErr, ivErr, err); err != nil {
		return err
	}
	w.secret, w.iv, w.sequence = secret, iv, 0
	w.aead, err = cipher.NewGCM(block)
	return err
}

func (w *recordWriter) expand(secret []byte, label string, size int) ([]byte, error) {
	info := fmt.Sprintf("\x00%c%ctls13 %s\x00", size, len("tls13 ")+len(label), label)
	return hkdf.Expand(w.newHash, secret, info, size)
}

// seal makes a record of one type.
func (w *recordWriter) seal(kind byte, content []byte) []byte {
	inner := append(bytes.Clone(content), kind)
	header := []byte{recordApplicationData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+w.aead.Overhead()))
	nonce := bytes.Clone(w.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, w.sequence) {
		nonce[4+i] ^= b
	}
	w.sequence++
	return w.aead.Seal(header, nonce, inner, header)
}

func (w *recordWriter) write(kind byte, content []byte) error {
	_, err := w.conn.Write(w.seal(kind, content))
	return err
}

// message writes a message of the handshake, in as many records as it takes.
func (w *recordWriter) message(kind byte, body []byte) error {
	data := append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	for len(data) > 0 {
		n := min(len(data), 16<<10)
		if err := w.write(recordHandshake, data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// ticket writes a session ticket of a size.
func (w *recordWriter) ticket(size int) error {
	body := binary.BigEndian.AppendUint32(nil, 7200) // lifetime
	body = binary.BigEndian.AppendUint32(body, 1)    // age_add
	body = append(body, 1, byte(w.sequence))         // nonce
	body = binary.BigEndian.AppendUint16(body, uint16(size))
	body = append(body, bytes.Repeat([]byte("t"), size)...)
	return w.message(messageSessionTicket, append(body, 0, 0)) // no extensions
}

// keyUpdate goes over to new keys, and may ask the other side to do so.
func (w *recordWriter) keyUpdate(request byte) error {
	if err := w.message(messageKeyUpdate, []byte{request}); err != nil {
		return err
	}
	next, err := w.expand(w.secret, "traffic upd", w.newHash().Size())
	if err != nil {
		return err
	}
	return w.use(next)
}
