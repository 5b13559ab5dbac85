package kraft

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are the PEM files of an authority made for one test, and of what it has certified.
type Certificates struct {
	Brokers TLS // for Options.TLS: one certificate for 127.0.0.1, and the demand that clients show one
	// CA is the authority; ClientCert and ClientKey are a client's, whose principal is User:CN=<name>.
	CA, ClientCert, ClientKey string
	// StrangerCert and StrangerKey are a client's certificate of another authority.
	StrangerCert, StrangerKey string
}

// authority certifies.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// MakeCertificates writes an authority's certificate, one for the brokers and one for a client of the given name into
// a folder. They are valid for a day around now.
func MakeCertificates(dir, client string, now time.Time) (*Certificates, error) {
	ours, caPEM, err := newAuthority("presage-test-authority", now)
	if err != nil {
		return nil, err
	}
	others, _, err := newAuthority("another-authority", now)
	if err != nil {
		return nil, err
	}
	brokerCert, brokerKey, err := ours.certify("brokers", now)
	if err != nil {
		return nil, err
	}
	clientCert, clientKey, err := ours.certify(client, now)
	if err != nil {
		return nil, err
	}
	strangerCert, strangerKey, err := others.certify("stranger", now)
	if err != nil {
		return nil, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	c := &Certificates{
		Brokers: TLS{KeyStore: at("brokers.pem"), TrustStore: at("ca.pem")},
		CA:      at("ca.pem"), ClientCert: at("client.pem"), ClientKey: at("client.key"),
		StrangerCert: at("stranger.pem"), StrangerKey: at("stranger.key"),
	}
	for path, content := range map[string][]byte{
		c.CA: caPEM, c.Brokers.KeyStore: bytes.Join([][]byte{brokerKey, brokerCert, caPEM}, nil),
		c.ClientCert: clientCert, c.ClientKey: clientKey, c.StrangerCert: strangerCert, c.StrangerKey: strangerKey,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, fmt.Errorf("write a test's certificate: %w", err)
		}
	}
	return c, nil
}

func newAuthority(name string, now time.Time) (*authority, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-12 * time.Hour), NotAfter: now.Add(12 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	return &authority{cert, key}, encode("CERTIFICATE", der), nil
}

// certify makes a certificate for 127.0.0.1 and for clients, and its key.
func (a *authority) certify(name string, now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore:   now.Add(-12 * time.Hour), NotAfter: now.Add(12 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the certificate of %s: %w", name, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
