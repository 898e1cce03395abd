package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/dockertls/dockertls"
)

// newestAPI is the newest version of the API this program speaks.
const newestAPI = "1.51"

// An api is the smallest client of Docker's API.
type api struct {
	cfg     *dockertls.Config
	client  *http.Client
	version string // negotiated at the first request
}

func newAPI(cfg *dockertls.Config) *api {
	t := cfg.Transport()
	t.ResponseHeaderTimeout = answerTimeout
	return &api{cfg: cfg, client: &http.Client{Transport: t}}
}

func (a *api) close() { a.client.CloseIdleConnections() }

// do sends a request with a versioned path. Answers other than success are errors.
func (a *api) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	if a.version == "" {
		if err := a.negotiate(ctx); err != nil {
			return nil, err
		}
	}
	resp, err := a.send(ctx, method, "/v"+a.version+path, body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, apiError(resp)
	}
	return resp, nil
}

// negotiate pings, and takes the older of both sides' newest versions.
func (a *api) negotiate(ctx context.Context) error {
	resp, err := a.send(ctx, http.MethodHead, "/_ping", nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	a.version = resp.Header.Get("Api-Version")
	if a.version == "" || older(newestAPI, a.version) {
		a.version = newestAPI
	}
	return nil
}

func (a *api) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.cfg.URL(path), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	return a.client.Do(req)
}

// older compares versions such as 1.9 and 1.44.
func older(a, b string) bool {
	number := func(v string) int {
		major, minor, _ := strings.Cut(v, ".")
		x, _ := strconv.Atoi(major)
		y, _ := strconv.Atoi(minor)
		return x*1000 + y
	}
	return number(a) < number(b)
}

// apiError is the message of an answer that is no success.
func apiError(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var answer struct{ Message string }
	if json.Unmarshal(text, &answer) == nil && answer.Message != "" {
		return fmt.Errorf("the daemon answered %s: %q", resp.Status, answer.Message)
	}
	return fmt.Errorf("the daemon answered %s", resp.Status)
}
