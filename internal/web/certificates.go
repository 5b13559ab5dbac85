package web

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// TLS names PEM files. With ClientCAFile, all but /healthz and /readyz is for clients
// that show a certificate of one of its authorities.
type TLS struct {
	CertFile     string
	KeyFile      string
	ClientCAFile string
}

// lookInterval is how often files are looked at for a change, at most: only where
// connections come.
const lookInterval = time.Second

// certificates are what TLS's files hold. They follow the files, so that a renewal
// needs no restart.
type certificates struct {
	files TLS
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	looked  time.Time
	read    stamp // of the files in use
	refused stamp // of the files that could not be used, and were told of
	config  *tls.Config
}

// A stamp tells whether files have changed.
type stamp [3]struct {
	modified int64
	size     int64
}

func openCertificates(files TLS, log *slog.Logger, now func() time.Time) (*certificates, error) {
	c := &certificates{files: files, log: log, now: now, looked: now(), read: files.stamp()}
	var err error
	c.config, err = files.load()
	return c, err
}

// current gives the configuration for a connection.
func (c *certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < lookInterval {
		return c.config
	}
	c.looked = now
	found := c.files.stamp() // before reading: what changes meanwhile is read again
	if found == c.read {
		return c.config
	}
	config, err := c.files.load()
	if err != nil {
		// A renewal may have written one file and not yet the other: the next look tells.
		if found != c.refused {
			c.log.Warn("changed certificates are not used, those before stay", "error", err)
		}
		c.refused = found
		return c.config
	}
	c.log.Info("certificates read again", "file", c.files.CertFile)
	c.read, c.config = found, config
	return config
}

// stamp gives zeros for a file that is not there.
func (t TLS) stamp() (s stamp) {
	for i, name := range []string{t.CertFile, t.KeyFile, t.ClientCAFile} {
		if info, err := os.Stat(name); err == nil {
			s[i].modified, s[i].size = info.ModTime().UnixNano(), info.Size()
		}
	}
	return s
}

func (t TLS) load() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the HTTP certificate %s and key %s (http.tls): %w", t.CertFile, t.KeyFile, err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{cert}}
	if t.ClientCAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("read the authority of HTTP clients (http.tls.client_ca_file): %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("authority of HTTP clients %s: expected PEM certificates, found none", t.ClientCAFile)
	}
	// Probes show no certificate; the handler asks for one where it is needed.
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return c, nil
}
