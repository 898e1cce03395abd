package dockertls_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dockertls/dockertls"
	"github.com/dockertls/dockertls/dockertlstest"
)

const alertRecord = 21

// FuzzTLSRecord: a server answers a ClientHello with a record of any type, version
// and content, and with anything behind it. There is always an [*dockertls.Error]
// in a moment, of a kind that such an answer can be; a fatal alert is taken for the
// one that it is, and never for a certificate's that nobody sent.
func FuzzTLSRecord(f *testing.F) {
	for _, alert := range []byte{0, 10, 20, 40, 42, 45, 46, 48, 49, 70, 80, 90, 112, 116, 120, 255} {
		f.Add(byte(alertRecord), uint16(0x0303), []byte{2, alert}, []byte(nil))
		f.Add(byte(alertRecord), uint16(0x0301), []byte{1, alert}, []byte("\x15\x03\x01\x00\x02\x02\x2a"))
	}
	f.Add(byte(22), uint16(0x0303), []byte("\x02\x00\x00\x02\x03\x03"), []byte(nil))
	f.Add(byte(20), uint16(0x0303), []byte{1}, []byte{22, 3, 3, 0xff, 0xff})
	f.Add(byte(23), uint16(0x0300), []byte{}, []byte("x"))
	f.Add(byte('H'), uint16('T'<<8|'T'), []byte("P/1.1 400 Bad Request\r\n\r\n"), []byte(nil))
	secured := dockertls.Options{Host: "tcp://daemon.test", TLSVerify: new(true), CA: dockertlstest.NewCA().PEM()}
	f.Fuzz(func(t *testing.T, kind byte, version uint16, payload, rest []byte) {
		record := binary.BigEndian.AppendUint16([]byte{kind}, version)
		record = binary.BigEndian.AppendUint16(record, uint16(len(payload)))
		opts := secured
		opts.Dialer = hostileServer{stage: "tls", data: slices.Concat(record, payload, rest)}.dial
		start := time.Now()
		_, err := resolve(t, opts).Dial(t.Context())
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		var e *dockertls.Error
		if !errors.As(err, &e) {
			t.Fatalf("not explained: %v", err)
		}
		dockertls.CheckMessage(t, err)
		switch e.Kind {
		case dockertls.ServerUntrusted, dockertls.ServerNameMismatch, dockertls.ServerCertExpired, dockertls.ServerCertNotYet,
			dockertls.ClientCertExpired, dockertls.ClientCertNotYet, dockertls.ClientCertRejected, dockertls.TLSRequired, dockertls.ProxyFailed:
			t.Errorf("a kind that no such answer can be: %+v", e)
		}
		fatal := kind == alertRecord && version < 0x1000 && len(payload) == 2 && payload[0] == 2
		if fatal && payload[1] != 0 && (e.Evidence.AlertCode != int(payload[1]) || e.Evidence.Alert == "") {
			t.Errorf("alert %d is taken for %d: %+v", payload[1], e.Evidence.AlertCode, e)
		}
		if !fatal && kind == alertRecord && version < 0x1000 && len(rest) == 0 && e.Evidence.AlertCode != 0 {
			t.Errorf("an alert %d out of nothing: %+v", e.Evidence.AlertCode, e)
		}
	})
}

// FuzzCheck: a daemon answers the ping with any bytes, in the clear or in TLS. The
// report is healthy exactly if net/http reads a whole answer of HTTP/1 that is a success;
// it takes a moment, ends with the step that failed, or with a look around after that,
// and can be shown: as text and as JSON.
func FuzzCheck(f *testing.F) {
	for _, answer := range []string{
		"", "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nServer: Docker/28\r\nOstype: linux\r\nContent-Length: 2\r\n\r\nOK", "HTTP/1.1 200 OK\r\nApi-Version: \x1b[2J\r\nServer: " + strings.Repeat("x", 5000) + "\r\n\r\n",
		"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 299 \x1b]0;x\x07\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nOK", "HTTP/1.1 302 Found\r\nLocation: http://me:hunter2@x\r\n\r\n", "\x15\x03\x01\x00\x02\x02\x0a", "SSH-2.0-x\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		f.Add([]byte(answer), false)
		f.Add([]byte(answer), true)
	}
	ca := dockertlstest.NewCA()
	pair := ca.ServerPair("daemon.test").Certificate()
	stages := hostileStages(ca)
	f.Fuzz(func(t *testing.T, answer []byte, secured bool) {
		stage := map[bool]string{false: "plain", true: "request"}[secured]
		opts := stages[stage]
		opts.Dialer = hostileServer{stage, answer, pair}.dial
		start := time.Now()
		report := resolve(t, opts).Check(t.Context())
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if want := isSuccess(answer); report.Healthy != want {
			t.Errorf("healthy: %t, want %t: %v", report.Healthy, want, report.Error())
		}
		checkReport(t, report)
	})
}

// isSuccess tells whether bytes are a whole answer of HTTP/1 that is a success.
func isSuccess(answer []byte) bool {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil || resp.StatusCode/100 != 2 || resp.ProtoMajor != 1 {
		return false
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil
}

// checkReport checks that a report can be shown, and does not contradict itself.
func checkReport(t *testing.T, r *dockertls.Report) {
	t.Helper()
	failed := 0
	for i, s := range r.Steps {
		dockertls.CheckShown(t, nil, s.Seen...)
		if (s.Status == dockertls.StepFailed) != (s.Error != nil) {
			t.Errorf("the step %s is %s, with the error %v", s.Name, s.Status, s.Error)
		}
		if s.Error != nil {
			failed++
			dockertls.CheckMessage(t, s.Error)
		} else if failed > 0 && s.Name != dockertls.StepLookAround {
			t.Errorf("the step %s after one that failed", r.Steps[i].Name)
		}
	}
	if r.Healthy != (failed == 0) || r.Healthy != (r.Error() == nil) {
		t.Errorf("healthy: %t, steps that failed: %d, %v", r.Healthy, failed, r.Error())
	}
	for _, remedy := range r.Remedies {
		dockertls.CheckShown(t, nil, append(remedy.Env, remedy.Advice)...)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	var text strings.Builder
	if err := r.WriteText(&text, true); err != nil {
		t.Error(err)
	}
	dockertls.CheckShown(t, nil, strings.Split(text.String(), "\n")...)
}
