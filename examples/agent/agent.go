package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dockertls/dockertls"
)

// shutdownLimit is what requests and checks have to end in.
const shutdownLimit = 5 * time.Second

// An agent watches its endpoints, and says how they are.
type agent struct {
	endpoints []*endpoint
	log       *slog.Logger
}

func newAgent(c *config, log *slog.Logger) *agent {
	a := &agent{log: log}
	resolver := new(dockertls.Resolver)
	for _, e := range c.endpoints {
		a.endpoints = append(a.endpoints, &endpoint{
			name: e.name, opts: e.Options, resolver: resolver, log: log.With("endpoint", e.name),
			pace: pace{e.Interval, c.MaxInterval}, timeout: c.Timeout,
		})
	}
	return a
}

// run watches and serves until ctx ends, and returns when everything that it has
// started has ended, or the limit is over.
func (a *agent) run(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var watchers sync.WaitGroup
	for _, e := range a.endpoints {
		watchers.Go(func() { e.watch(ctx) })
	}
	server := a.server()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	a.log.Info("started", "listen", listener.Addr().String(), "endpoints", len(a.endpoints))

	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	stop()
	limit, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	err = errors.Join(err, shutdown(limit, server), wait(limit, &watchers))
	a.log.Info("stopped")
	return err
}

func (a *agent) server() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", a.serveMetrics)
	mux.HandleFunc("GET /healthz", a.serveHealth)
	return &http.Server{
		Handler: mux, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
		ReadTimeout: shutdownLimit, WriteTimeout: 2 * shutdownLimit, IdleTimeout: time.Minute,
	}
}

// shutdown lets requests finish, and ends those that do not in time.
func shutdown(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	return err
}

func wait(ctx context.Context, watchers *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		watchers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("a check did not end in time")
	}
}

func (a *agent) snapshots() []snapshot {
	var all []snapshot
	for _, e := range a.endpoints {
		all = append(all, e.snapshot())
	}
	return all
}
