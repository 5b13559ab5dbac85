package web

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for loopback.
type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, _, _ = a.issue(t, name, true)
	return a
}

// issue makes a certificate, by itself or, where there is one, by the authority.
func (a *authority) issue(t *testing.T, name string, ca bool) (cert *x509.Certificate, key *ecdsa.PrivateKey, certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return cert, key, certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// client trusts the authority and shows a certificate of by, where it is given.
func (a *authority) client(t *testing.T, by *authority) *http.Client {
	t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AddCert(a.cert)
	if by != nil {
		_, _, certPEM, keyPEM := by.issue(t, "client", false)
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		// Not Certificates: those of authorities that the server does not name are not shown.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: c}}
}

// write puts files in place.
func write(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	files := TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), ClientCAFile: filepath.Join(dir, "ca.pem")}
	_, _, cert, key := ours.issue(t, "server", false)
	write(t, map[string][]byte{
		files.CertFile: cert, files.KeyFile: key,
		files.ClientCAFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw}),
	})
	open := serve(t, testConfig(access(t, "", TLS{CertFile: files.CertFile, KeyFile: files.KeyFile})))
	mutual := serve(t, testConfig(access(t, "token", files)))
	tests := []struct {
		name        string
		server      *Server
		client      *http.Client
		path, token string
		code        int
	}{
		{"TLS", open, ours.client(t, nil), "/metrics", "", 200},
		{"a client certificate that nobody asked for", open, ours.client(t, other), "/metrics", "", 200},
		{"health needs no client certificate", mutual, ours.client(t, nil), "/healthz", "", 200},
		{"metrics need one", mutual, ours.client(t, nil), "/metrics", "token", 403},
		{"and the token", mutual, ours.client(t, ours), "/metrics", "", 401},
		{"both", mutual, ours.client(t, ours), "/metrics", "token", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code, _ := get(t, tt.client, tt.server.URL()+tt.path, tt.token); code != tt.code {
				t.Errorf("%d, want %d", code, tt.code)
			}
		})
	}
	if !strings.HasPrefix(mutual.URL(), "https://") {
		t.Errorf("URL %s", mutual.URL())
	}
	for name, client := range map[string]*http.Client{"stranger's certificate": ours.client(t, other), "unknown authority": other.client(t, nil)} {
		if res, err := client.Get(mutual.URL() + "/healthz"); err == nil {
			_ = res.Body.Close()
			t.Errorf("%s: no error", name)
		}
	}
	if code, body := get(t, plain, "http://"+mutual.Addr()+"/metrics", "token"); code != 400 || strings.Contains(body, "presage_") {
		t.Errorf("plain text to TLS: %d %q", code, body)
	}
	mutual.SetAccess(nil)
	if code, _ := get(t, plain, "http://"+mutual.Addr()+"/metrics", ""); code != 200 {
		t.Errorf("plain text after TLS was turned off: %d", code)
	}
}

// A renewed certificate is shown without a restart; one that cannot be used, or of which
// the key has not been written yet, leaves the one before.
func TestCertificatesFollowTheirFiles(t *testing.T) {
	dir := t.TempDir()
	ours := newAuthority(t, "ours")
	files := TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	_, _, cert, key := ours.issue(t, "first", false)
	write(t, map[string][]byte{files.CertFile: cert, files.KeyFile: key})
	var logged bytes.Buffer
	now := time.Unix(1000, 0)
	c, err := openCertificates(files, slog.New(slog.NewTextHandler(&logged, nil)), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		leaf, err := x509.ParseCertificate(c.current().Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Subject.CommonName
	}
	stamp := time.Unix(2000, 0)
	change := func(name string, content []byte) {
		write(t, map[string][]byte{name: content})
		stamp = stamp.Add(time.Second)
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	_, _, cert2, key2 := ours.issue(t, "second", false)
	change(files.CertFile, cert2)
	if got := shown(); got != "first" {
		t.Errorf("looked at again at once: %s", got)
	}
	now = now.Add(2 * lookInterval)
	for range 3 {
		if got := shown(); got != "first" {
			t.Errorf("half written: %s", got)
		}
		now = now.Add(2 * lookInterval)
	}
	if n := strings.Count(logged.String(), "not used"); n != 1 {
		t.Errorf("told %d times:\n%s", n, logged.String())
	}
	change(files.KeyFile, key2)
	now = now.Add(2 * lookInterval)
	if got := shown(); got != "second" {
		t.Errorf("whole: %s", got)
	}
	if err := os.Remove(files.KeyFile); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * lookInterval)
	if got := shown(); got != "second" {
		t.Errorf("after the key went: %s", got)
	}
	if strings.Contains(logged.String(), string(key2[40:80])) {
		t.Error("a key was logged")
	}
}

func TestCertificatesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	ours := newAuthority(t, "ours")
	_, _, cert, key := ours.issue(t, "server", false)
	_, _, _, foreign := ours.issue(t, "another", false)
	name := func(s string) string { return filepath.Join(dir, s) }
	write(t, map[string][]byte{name("cert"): cert, name("key"): key, name("foreign"): foreign, name("text"): []byte("no PEM")})
	for _, tt := range []struct {
		files TLS
		want  string
	}{
		{TLS{CertFile: name("none"), KeyFile: name("key")}, "none"},
		{TLS{CertFile: name("cert"), KeyFile: name("foreign")}, "does not match"},
		{TLS{CertFile: name("text"), KeyFile: name("key")}, "PEM"},
		{TLS{CertFile: name("cert"), KeyFile: name("key"), ClientCAFile: name("text")}, "expected PEM"},
		{TLS{CertFile: name("cert"), KeyFile: name("key"), ClientCAFile: name("none")}, "client_ca_file"},
	} {
		_, err := NewAccess("", tt.files, slog.New(slog.DiscardHandler), time.Now)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want it to name %q", tt.files, err, tt.want)
		}
	}
}
