package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The bounds of a connection. A scraper may keep one open between scrapes.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	headerBytes   = 16 << 10 // the standard library adds 4 KiB
	// connections are open at once at most: scrapers, probes and a few people.
	connections = 256
	// closeTimeout is how long requests under way may take when the server ends.
	closeTimeout = 2 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	Address  string
	Access   *Access // nil: everybody, in plain text
	Gatherer prometheus.Gatherer
	Ready    func() bool // whether the process does its work
	// Log gets what is wrong with connections, at the level debug: anyone can make
	// them fail. nil means nothing is logged.
	Log *slog.Logger
}

// Server is an HTTP server that listens already. Run serves, and closes it.
type Server struct {
	listener net.Listener
	http     *http.Server
	access   atomic.Pointer[Access]
}

// Listen binds the address, so that a port in use shows before anything else starts.
func Listen(c Config) (*Server, error) {
	listener, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP on %s: %w; choose another address (http)", c.Address, err)
	}
	return newServer(c, listener), nil
}

func newServer(c Config, listener net.Listener) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{listener: listener}
	s.SetAccess(c.Access)
	s.http = &http.Server{
		Handler:           newHandler(c, s.allow),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ConnState:         newCrowd(connections).changed,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	return s
}

// SetAccess changes who may ask: the token from the next request on, certificates
// from the next connection on.
func (s *Server) SetAccess(a *Access) {
	if a == nil {
		a = &Access{}
	}
	s.access.Store(a)
	if s.http != nil {
		// Connections that wait for their next request were made under other rules.
		s.http.SetKeepAlivesEnabled(false)
		s.http.SetKeepAlivesEnabled(true)
	}
}

// Access is what SetAccess set last.
func (s *Server) Access() *Access { return s.access.Load() }

// Addr is the address that the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is how the server is asked from where it listens.
func (s *Server) URL() string {
	if s.access.Load().certificates != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// Exposed reports whether other machines reach the server and nothing says who may ask.
func (s *Server) Exposed() bool {
	a := s.access.Load()
	if a.guarded || a.certificates != nil && a.certificates.files.ClientCAFile != "" {
		return false
	}
	address, ok := s.listener.Addr().(*net.TCPAddr)
	return !ok || !address.IP.IsLoopback()
}

// Close closes a server that was never run.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx ends, which is no error.
func (s *Server) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if s.http.Shutdown(limit) != nil {
			_ = s.http.Close()
		}
	})
	err := s.http.Serve(encrypting{s.listener, s})
	if stop() {
		return fmt.Errorf("serve HTTP on %s: %w", s.Addr(), err)
	}
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
