package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"presage/internal/config"
	"presage/model/catalog"
)

// settings are what a run goes by: its configuration, and what the secrets and
// certificates that it names were when it was read.
type settings struct {
	config.Config
	token string            // for HTTP
	kafka [sha256.Size]byte // digest of Kafka's password and certificates
}

// loadConfig reads and checks a configuration: the one way for run, for a reload and for
// `config check`.
func loadConfig(file string, flags map[string]string) (config.Config, error) {
	c, err := config.Load(file, os.Environ(), flags)
	if err != nil {
		return c, err
	}
	if c.Model.Network != noNetwork {
		if _, err := catalog.Find(c.Model.Network, nil); err != nil {
			return c, fmt.Errorf("model.network: %w", err)
		}
	}
	return c, nil
}

// loadSettings is loadConfig with the files that the configuration names.
func loadSettings(file string, flags map[string]string) (s settings, err error) {
	if s.Config, err = loadConfig(file, flags); err != nil {
		return s, err
	}
	if s.token, err = httpToken(s.HTTP); err != nil {
		return s, err
	}
	s.kafka, err = kafkaFiles(s.Kafka)
	return s, err
}

// samePipeline reports whether a pipeline by other settings would be the same one.
func (s settings) samePipeline(o settings) bool {
	s.HTTP, s.Log, s.token = o.HTTP, o.Log, o.token
	return reflect.DeepEqual(s, o)
}

// httpToken is empty where none is asked for.
func httpToken(h config.HTTP) (string, error) {
	if h.TokenFile == "" {
		return os.Getenv("PRESAGE_HTTP_TOKEN"), nil
	}
	data, err := os.ReadFile(h.TokenFile)
	if err != nil {
		return "", fmt.Errorf("http.token_file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", fmt.Errorf("http.token_file: %s: expected a token, found nothing", h.TokenFile)
	}
	return token, nil
}

// kafkaFiles tells whether a connection made now would show other credentials.
func kafkaFiles(k config.Kafka) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if k.SASL.Mechanism != "" {
		password, err := saslPassword(k.SASL)
		if err != nil {
			return sum, err
		}
		_, _ = fmt.Fprintf(h, "%q", password)
	}
	var bad []error
	for _, name := range []string{k.TLS.CAFile, k.TLS.CertFile, k.TLS.KeyFile} {
		if name == "" {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			bad = append(bad, fmt.Errorf("kafka.tls: %w", err))
		}
		_, _ = fmt.Fprintf(h, "%q", data)
	}
	h.Sum(sum[:0])
	return sum, errors.Join(bad...)
}

// checkSlices refuses graphs whose slices would be others than those that are there under
// the same name.
func checkSlices(running, wanted []config.Graph) error {
	var bad []error
	for _, old := range running {
		for _, g := range wanted {
			if g.Name == old.Name && fingerprint(g) != fingerprint(old) {
				bad = append(bad, fmt.Errorf("graph %s: its slices would be others than those that are there (%s): give the graph a new name, or restore what was",
					g.Name, strings.Join(sliceChanges(old, g), "; ")))
			}
		}
	}
	return errors.Join(bad...)
}

// sliceChanges names the keys that make the slices others.
func sliceChanges(old, g config.Graph) (changes []string) {
	was, is := reflect.ValueOf(old), reflect.ValueOf(g)
	for i := range was.NumField() {
		mixed := old
		reflect.ValueOf(&mixed).Elem().Field(i).Set(is.Field(i))
		if fingerprint(mixed) != fingerprint(old) {
			changes = append(changes, fmt.Sprintf("%s is %v, was %v", was.Type().Field(i).Tag.Get("yaml"), is.Field(i), was.Field(i)))
		}
	}
	return changes
}
