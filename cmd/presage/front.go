package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presage/internal/config"
	"presage/internal/web"
)

// front is the HTTP side of a run. It outlives pipelines. It is used by one goroutine.
type front struct {
	gatherer prometheus.Gatherer
	ready    func() bool
	log      *slog.Logger
	failed   chan error // what a server ended with by itself

	address string
	server  *web.Server // nil: nothing listens
	stop    func()      // ends the server and waits for it
}

func newFront(gatherer prometheus.Gatherer, ready func() bool, log *slog.Logger) *front {
	return &front{gatherer: gatherer, ready: ready, log: log, failed: make(chan error, 1)}
}

// apply listens as configured. After an error everything is as before.
func (f *front) apply(ctx context.Context, c config.HTTP, token string) error {
	files := web.TLS{CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ClientCAFile: c.TLS.ClientCAFile}
	access, err := web.NewAccess(token, files, f.log, time.Now)
	if err != nil {
		return err
	}
	switch {
	case c.Address == "":
		f.close()
		return nil
	case f.server != nil && c.Address == f.address:
		f.server.SetAccess(access)
	default:
		server, err := f.listen(ctx, c.Address, access)
		if err != nil {
			return err
		}
		f.serve(ctx, c.Address, server)
		f.log.Info("listening", "metrics", server.URL()+"/metrics")
	}
	if f.server.Exposed() {
		f.log.Warn("everybody who reaches this address can read the metrics: set a token (http.token_file or PRESAGE_HTTP_TOKEN), or listen on loopback", "address", f.server.Addr())
	}
	return nil
}

// listen binds an address. Where the running server holds the same port on another
// address, it has to give way first.
func (f *front) listen(ctx context.Context, address string, access *web.Access) (*web.Server, error) {
	c := web.Config{Address: address, Access: access, Gatherer: f.gatherer, Ready: f.ready, Log: f.log}
	server, err := web.Listen(c)
	if err == nil || f.server == nil || port(address) != port(f.server.Addr()) {
		return server, err
	}
	before, held := f.server, f.address
	f.close()
	if server, err = web.Listen(c); err == nil {
		return server, nil
	}
	// Back to where it was, with the access that was.
	c.Address, c.Access = before.Addr(), before.Access()
	old, errBack := web.Listen(c)
	if errBack != nil {
		return nil, fmt.Errorf("%w; and nothing listens on %s any more: %w", err, held, errBack)
	}
	f.serve(ctx, held, old)
	return nil, err
}

// serve runs a server in place of the one there was.
func (f *front) serve(ctx context.Context, address string, s *web.Server) {
	f.close()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			select {
			case f.failed <- err:
			default: // one reason is enough to end
			}
		}
	}()
	f.address, f.server = address, s
	f.stop = func() { cancel(); <-done }
}

// close ends the server, if there is one.
func (f *front) close() {
	if f.server == nil {
		return
	}
	f.stop()
	f.server, f.address = nil, ""
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
