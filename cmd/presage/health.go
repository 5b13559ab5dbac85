package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"presage/internal/config"
)

// healthTimeout is how long a process that lives may take to say so.
const healthTimeout = 3 * time.Second

func newHealth() *cobra.Command {
	var file, address string
	var ready bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running process whether it lives, or is ready",
		Long: "health asks /healthz, or /readyz with --ready, at the HTTP address of the configuration. It exits 0 where the\n" +
			"answer is yes and 1 otherwise: for health checks in images that hold no shell.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := map[string]string{}
			if cmd.Flags().Changed("http") {
				given["http"] = address
			}
			c, err := config.LoadClient(file, os.Environ(), given)
			if err != nil {
				return err
			}
			url, err := healthURL(c.HTTP.Address, ready)
			if err != nil {
				return err
			}
			transport := &http.Transport{DisableKeepAlives: true} // no proxy stands between a process and its health check
			if file := c.HTTP.TLS.CertFile; file != "" {
				url = "https" + strings.TrimPrefix(url, "http")
				if transport.TLSClientConfig, err = onlyCertificate(file); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), healthTimeout)
			defer cancel()
			said, err := ask(ctx, url, transport)
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file of the process that is asked")
	cmd.Flags().StringVar(&address, "http", "", "its HTTP address (default: the configuration's)")
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it does its work, not only whether it lives")
	return cmd
}

// healthURL is where a process that listens on address is asked. One that listens on
// all interfaces is asked on loopback.
func healthURL(address string, ready bool) (string, error) {
	if address == "" {
		return "", misusef("http is empty: such a process cannot be asked; expected host:port in the configuration or in --http")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", misusef("http: expected host:port, found %q", address)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	path := "/healthz"
	if ready {
		path = "/readyz"
	}
	return "http://" + net.JoinHostPort(host, port) + path, nil
}

// ask gives the answer's text; any status but 200 is an error.
func ask(ctx context.Context, url string, transport *http.Transport) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("health: %w", err)
	}
	client := &http.Client{Transport: transport}
	res, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("health: %w; expected presage run or demo to listen there", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return "", fmt.Errorf("health: %s: %w", url, err)
	}
	said := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("health: %s says %s: %s", url, res.Status, said)
	}
	return said, nil
}

// onlyCertificate trusts whoever shows the certificate in a PEM file, under any name: the process is asked on loopback, for which its
// certificate is not made.
func onlyCertificate(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("http.tls.cert_file: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("http.tls.cert_file: %s: expected PEM certificates, found none", file)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the next check is stricter
		VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
			if len(shown) == 0 || !bytes.Equal(shown[0], block.Bytes) {
				return fmt.Errorf("it does not show the certificate of %s", file)
			}
			return nil
		},
	}, nil
}
