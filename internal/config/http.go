package config

import (
	"net"

	"go.yaml.in/yaml/v3"
)

// HTTP says where the process can be asked, and by whom. In a file it may be the
// address alone. The token comes from TokenFile, or from the variable
// PRESAGE_HTTP_TOKEN; there is no key for it in the file.
type HTTP struct {
	Address   string  `yaml:"address"` // empty: nothing listens
	TokenFile string  `yaml:"token_file"`
	TLS       HTTPTLS `yaml:"tls"`
}

// HTTPTLS is on where a certificate is named.
type HTTPTLS struct {
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	ClientCAFile string `yaml:"client_ca_file"`
}

// httpAlias is HTTP without its UnmarshalYAML, which would call itself.
type httpAlias HTTP

// UnmarshalYAML reads an address or a mapping; a mapping without an address keeps
// the default one.
func (h *HTTP) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&h.Address)
	}
	alias := httpAlias(Default().HTTP)
	if err := strictly(node, &alias); err != nil {
		return err
	}
	*h = HTTP(alias)
	return nil
}

// MarshalYAML writes the address alone where nothing else is set.
func (h HTTP) MarshalYAML() (any, error) {
	if h == (HTTP{Address: h.Address}) {
		return h.Address, nil
	}
	return httpAlias(h), nil
}

func (c *Config) checkHTTP(report func(string, ...any)) {
	h := &c.HTTP
	if h.Address != "" {
		if _, _, err := net.SplitHostPort(h.Address); err != nil {
			report("http: expected an address as host:port or nothing, found %q", h.Address)
		}
	}
	if (h.TLS.CertFile == "") != (h.TLS.KeyFile == "") {
		report("http.tls: cert_file and key_file go together")
	}
	if h.TLS.ClientCAFile != "" && h.TLS.CertFile == "" {
		report("http.tls: client_ca_file needs cert_file and key_file")
	}
}
