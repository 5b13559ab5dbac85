package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/kafka"
)

func TestDialErrorsSayWhatToDo(t *testing.T) {
	plain, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	secured, err := broker.Start(broker.Options{Users: map[string]string{"ada": "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secured.Close)
	certificate, caFile := selfSigned(t)
	encrypted, err := broker.Start(broker.Options{TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(encrypted.Close)

	tests := []struct {
		name string
		cfg  kafka.Config
		want string // in the error; empty: it works
	}{
		{"plain", kafka.Config{Brokers: []string{plain.Addr()}}, ""},
		{"no brokers", kafka.Config{}, "no Kafka broker is configured"},
		{"no port", kafka.Config{Brokers: []string{"localhost"}}, "expected host:port"},
		{"nobody there", kafka.Config{Brokers: []string{closedPort(t)}}, "nothing listens there"},
		{"nobody answers", kafka.Config{Brokers: []string{silentPort(t)}, DialTimeout: 300 * time.Millisecond}, "no answer within 300ms"},
		{"second broker answers", kafka.Config{Brokers: []string{closedPort(t), plain.Addr()}}, ""},
		{"no credentials", kafka.Config{Brokers: []string{secured.Addr()}, DialTimeout: time.Second}, "SASL"},
		{"plain credentials", kafka.Config{Brokers: []string{secured.Addr()}, SASL: &kafka.SASL{"plain", "ada", "secret"}}, ""},
		{"scram credentials", kafka.Config{Brokers: []string{secured.Addr()}, SASL: &kafka.SASL{"SCRAM-SHA-256", "ada", "secret"}}, ""},
		{"scram-512 credentials", kafka.Config{Brokers: []string{secured.Addr()}, SASL: &kafka.SASL{"SCRAM-SHA-512", "ada", "secret"}}, ""},
		{"wrong password", kafka.Config{Brokers: []string{secured.Addr()}, SASL: &kafka.SASL{"plain", "ada", "wrong"}}, `refuse user "ada"`},
		{"wrong scram password", kafka.Config{Brokers: []string{secured.Addr()}, SASL: &kafka.SASL{"scram-sha-256", "ada", "wrong"}}, `refuse user "ada"`},
		{"unknown mechanism", kafka.Config{Brokers: []string{secured.Addr()}, SASL: &kafka.SASL{"kerberos", "ada", "x"}}, "expected plain, scram-sha-256"},
		{"TLS", kafka.Config{Brokers: []string{encrypted.Addr()}, TLS: &kafka.TLS{CAFile: caFile}}, ""},
		{"unknown authority", kafka.Config{Brokers: []string{encrypted.Addr()}, TLS: &kafka.TLS{}}, "set kafka.tls.ca_file"},
		{"wrong name", kafka.Config{Brokers: []string{encrypted.Addr()}, TLS: &kafka.TLS{CAFile: caFile, ServerName: "elsewhere"}}, "set kafka.tls.server_name"},
		{"TLS to a plain listener", kafka.Config{Brokers: []string{plain.Addr()}, TLS: &kafka.TLS{CAFile: caFile}, DialTimeout: time.Second}, "TLS"},
		{"plain to a TLS listener", kafka.Config{Brokers: []string{encrypted.Addr()}, DialTimeout: time.Second}, "TLS"},
		{"no authority file", kafka.Config{Brokers: []string{plain.Addr()}, TLS: &kafka.TLS{CAFile: "nowhere.pem"}}, "nowhere.pem"},
		{"half a certificate", kafka.Config{Brokers: []string{plain.Addr()}, TLS: &kafka.TLS{CertFile: "x"}}, "one is missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := kafka.Dial(within(t), test.cfg)
			if err == nil {
				c.Close()
			}
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want != "" && err == nil:
				t.Fatal("no error")
			case test.want != "" && !strings.Contains(err.Error(), test.want):
				t.Fatalf("error %q does not say %q", err, test.want)
			}
			if err != nil {
				t.Log(err)
			}
		})
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := kafka.Dial(ctx, kafka.Config{Brokers: []string{silentPort(t)}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestRightsAreTold(t *testing.T) {
	b, err := broker.Start(broker.Options{
		Users: map[string]string{"ada": "x"}, ReadOnlyUsers: map[string]string{"bob": "x"}, Topics: []broker.Topic{{Name: "spans"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	c, err := kafka.Dial(within(t), kafka.Config{Brokers: []string{b.Addr()}, SASL: &kafka.SASL{"plain", "bob", "x"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	says := func(doing string, err error, right, on string) {
		t.Helper()
		for _, want := range []string{
			"User:bob has no right " + right + " on " + on,
			"kafka-acls.sh --bootstrap-server " + b.Addr() + " --command-config admin.properties --add --allow-principal User:bob --operation " + right + " --" + on,
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v does not say %q", doing, err, want)
			}
		}
	}
	err = c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "new", Partitions: 1}})
	says("create", err, "Create", "topic new")
	_, _, err = c.Read("spans", 0, 0, kafka.FetchConfig{}).Fetch(within(t))
	says("fetch", err, "Read", "topic spans")
	err = kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{{Topic: "spans"}})
	says("write", err, "Write", "topic spans")
	err = c.RunGroup(within(t), kafka.GroupConfig{ID: "g", Topics: []string{"spans"}}, func(context.Context, kafka.Assignment) error { return nil })
	says("group", err, "Read", "group g")
	if f := c.Stats().Failures; f["fetch"] != 1 || f["produce"] != 1 || f["join"] != 1 {
		t.Errorf("failures counted: %v", f)
	}
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silentPort accepts and says nothing.
func silentPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, path
}

func TestPasswordIsNotPrinted(t *testing.T) {
	cfg := kafka.Config{SASL: &kafka.SASL{Mechanism: "plain", Username: "ada", Password: "hush-hush"}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("configuration", "config", cfg, "sasl", cfg.SASL)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", cfg.SASL, cfg.SASL, cfg.SASL, cfg.SASL), fmt.Sprintf("%v %+v %#v", *cfg.SASL, *cfg.SASL, *cfg.SASL), log.String()} {
		if strings.Contains(text, "hush-hush") || !strings.Contains(text, "ada") {
			t.Errorf("printed as %s", text)
		}
	}
}

// A client made in place of another goes on with its counts, and both may count.
func TestCountsGoOn(t *testing.T) {
	b, err := broker.Start(broker.Options{Topics: []broker.Topic{{Name: "t"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	cfg := kafka.Config{Brokers: []string{b.Addr()}}
	for i := range 3 {
		c, err := kafka.Dial(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(t.Context(), []kafka.Record{{Topic: "t", Value: []byte("v"), Time: 1}}); err != nil {
			t.Fatal(err)
		}
		if n := c.Stats().RecordsWritten; n != int64(i+1) {
			t.Errorf("client %d has counted %d", i, n)
		}
		cfg.Counting = c
	}
}
