package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"presage/internal/kafka"
	"presage/internal/kraft"
	"presage/internal/transcript"
)

// secured is Apache Kafka with TLS, client certificates, SASL and ACLs.
type secured struct {
	*kraft.Cluster
	certificates *kraft.Certificates
}

func startSecured(t *testing.T) *secured {
	t.Helper()
	certificates, err := kraft.MakeCertificates(t.TempDir(), "presage", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]string{}
	for _, name := range []string{"ada", "bob", "carol"} {
		users[name] = name + "-secret"
	}
	return &secured{certificates: certificates, Cluster: kraft.ForTest(t, kraft.Options{
		TLS: &certificates.Brokers, Users: users, Superusers: []string{"ada", "carol"},
		// Connections with this mechanism are cut by the broker, so that clients have to come again.
		Properties: map[string]string{"listener.name.clients.scram-sha-512.connections.max.reauth.ms": "3000"},
	})}
}

func (s *secured) config(t *testing.T, mechanism, user, password string) kafka.Config {
	return kafka.Config{
		Brokers: s.Addrs(), MetadataTTL: 500 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		TLS:  &kafka.TLS{CAFile: s.certificates.CA, CertFile: s.certificates.ClientCert, KeyFile: s.certificates.ClientKey},
		SASL: &kafka.SASL{Mechanism: mechanism, Username: user, Password: password},
	}
}

func (s *secured) dial(t *testing.T, mechanism, user string) *kafka.Client {
	t.Helper()
	c, err := kafka.Dial(within(t), s.config(t, mechanism, user, user+"-secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestSecuredBroker goes through TLS, SASL and ACLs of Apache Kafka.
func TestSecuredBroker(t *testing.T) {
	s := startSecured(t)
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) { s.produceAndConsume(t, mechanism) })
	}
	t.Run("refused", s.refused)
	t.Run("rights", s.rights)
	t.Run("producer id", s.producerID)
	t.Run("right taken away", s.rightTakenAway)
	t.Run("password taken away", s.passwordTakenAway)
}

func (s *secured) produceAndConsume(t *testing.T, mechanism string) {
	c := s.dial(t, mechanism, "ada")
	topic := "t-" + mechanism
	if err := c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: topic, Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	fill(t, c, topic, 0, 0, 10)
	ctx, done := context.WithCancel(within(t))
	err := c.RunGroup(ctx, kafka.GroupConfig{ID: "g-" + mechanism, Topics: []string{topic}}, func(ctx context.Context, a kafka.Assignment) error {
		for n := int64(0); n < 10; {
			records, _, err := a.Fetch(ctx)
			if err != nil {
				return err
			}
			n += int64(len(records))
		}
		defer done()
		return a.Commit(ctx, kafka.Commit{Offset: 10})
	})
	if err != nil {
		t.Fatal(err)
	}
	if commits, err := c.Committed(within(t), "g-"+mechanism, topic); err != nil || commits[0].Offset != 10 {
		t.Errorf("committed %v, error %v", commits, err)
	}
}

func (s *secured) refused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*kafka.Config)
		want   []string // any of these
	}{
		{"unknown authority", func(c *kafka.Config) { c.TLS.CAFile = "" }, []string{"set kafka.tls.ca_file"}},
		// TLS 1.3 tells of a certificate that is refused after the handshake, if the broker has not closed before.
		{"no certificate", func(c *kafka.Config) { c.TLS.CertFile, c.TLS.KeyFile = "", "" }, []string{"client certificate"}},
		{"a stranger's certificate", func(c *kafka.Config) {
			c.TLS.CertFile, c.TLS.KeyFile = s.certificates.StrangerCert, s.certificates.StrangerKey
		}, []string{"client certificate"}},
		{"wrong password", func(c *kafka.Config) { c.SASL.Password = "wrong" }, []string{`refused user "ada"`}},
		{"wrong scram-256 password", func(c *kafka.Config) { c.SASL = &kafka.SASL{"scram-sha-256", "ada", "wrong"} }, []string{`refused user "ada"`}},
		{"wrong scram-512 password", func(c *kafka.Config) { c.SASL = &kafka.SASL{"scram-sha-512", "ada", "wrong"} }, []string{`refused user "ada"`}},
		{"unknown user", func(c *kafka.Config) { c.SASL = &kafka.SASL{"scram-sha-512", "mallory", "x"} }, []string{`refused user "mallory"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := s.config(t, "plain", "ada", "ada-secret")
			test.change(&cfg)
			c, err := kafka.Dial(within(t), cfg)
			if err == nil {
				c.Close()
				t.Fatal("no error")
			}
			t.Log(err)
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q", want)
				}
			}
		})
	}
}

// The rights that a test gives on a topic or a group.
func onTopic(op kafkago.ACLOperationType, name string) kraft.Right {
	return kraft.Right{Operation: op, Resource: kafkago.ResourceTypeTopic, Name: name}
}

// Who lacks a right is told which, on what, and how to grant it, whatever the request is.
func (s *secured) rights(t *testing.T) {
	ada, bob := s.dial(t, "plain", "ada"), s.dial(t, "scram-sha-256", "bob")
	for _, topic := range []string{"hidden", "seen", "read"} {
		if err := ada.EnsureTopics(within(t), []kafka.TopicSpec{{Name: topic, Partitions: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	const describe, read = kafkago.ACLOperationTypeDescribe, kafkago.ACLOperationTypeRead
	if err := s.Grant(within(t), "User:bob", onTopic(describe, "seen"), onTopic(describe, "named"), onTopic(read, "read")); err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context, kafka.Assignment) error { return nil }
	tests := []struct {
		name      string
		do        func() error
		right, on string
	}{
		{"create", func() error { return bob.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "new", Partitions: 1}}) }, "Describe or Create", "topic new"},
		{"create what may be seen", func() error { return bob.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "named", Partitions: 1}}) }, "Create", "topic named"},
		{"look at", func() error { _, err := bob.Partitions(within(t), "seen", "hidden"); return err }, "Describe", "topic hidden"},
		{"read", func() error { _, _, err := bob.Read("seen", 0, 0, kafka.FetchConfig{}).Fetch(within(t)); return err }, "Read", "topic seen"},
		{"read hidden", func() error { _, _, err := bob.Read("hidden", 0, 0, kafka.FetchConfig{}).Fetch(within(t)); return err }, "Read", "topic hidden"},
		{"write", func() error {
			return kafka.NewProducer(bob, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{{Topic: "seen", Value: []byte("x")}})
		}, "Write", "topic seen"},
		{"write hidden", func() error {
			return kafka.NewProducer(bob, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{{Topic: "hidden", Value: []byte("x")}})
		}, "Write", "topic hidden"},
		{"join", func() error {
			return bob.RunGroup(within(t), kafka.GroupConfig{ID: "g", Topics: []string{"read"}}, nothing)
		}, "Read", "group g"},
		{"commits", func() error { _, err := bob.Committed(within(t), "g", "read"); return err }, "Read", "group g"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.do()
			t.Log(err)
			for _, want := range []string{
				fmt.Sprintf("User:bob has no right %s on %s", test.right, test.on),
				fmt.Sprintf("--add --allow-principal User:bob --operation %s --%s", strings.ReplaceAll(test.right, " or ", " --operation "), test.on),
			} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q", want)
				}
			}
		})
	}
}

// The right to write to a topic is enough for a producer id; without it records are refused for what is missing.
func (s *secured) producerID(t *testing.T) {
	ada := s.dial(t, "plain", "ada")
	if err := ada.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "written", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	log := &transcript.Transcript{}
	cfg := s.config(t, "plain", "bob", "bob-secret")
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	bob, err := kafka.Dial(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	write := func() error {
		return kafka.NewProducer(bob, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{{Topic: "written", Value: []byte("x")}})
	}
	const without = "kafka does not tell writes apart"
	if err := write(); err == nil || !strings.Contains(log.String(), without) {
		t.Errorf("without the right: error %v, log %s", err, log)
	}
	if err := s.Grant(within(t), "User:bob", onTopic(kafkago.ACLOperationTypeWrite, "written")); err != nil {
		t.Fatal(err)
	}
	if err := write(); err != nil || strings.Count(log.String(), without) != 1 {
		t.Errorf("with the right: error %v, log %s", err, log)
	}
}

func (s *secured) rightTakenAway(t *testing.T) {
	ada, bob := s.dial(t, "plain", "ada"), s.dial(t, "plain", "bob")
	if err := ada.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "lent", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Grant(within(t), "User:bob", onTopic(kafkago.ACLOperationTypeRead, "lent")); err != nil {
		t.Fatal(err)
	}
	fill(t, ada, "lent", 0, 0, 1)
	began := false
	err := bob.Follow(within(t), "lent", 0, kafka.FirstOffset, kafka.FetchConfig{}, func(records []kafka.Record, _ int64) error {
		if len(records) == 0 || began {
			return nil
		}
		began = true
		return s.Revoke(within(t), "User:bob", kafkago.ResourceTypeTopic, "lent")
	})
	if err == nil || !strings.Contains(err.Error(), "User:bob has no right Read on topic lent") {
		t.Errorf("error %v", err)
	}
}

// Whoever is refused after having been let in says so and ends: readers, writers and members of a group. The broker cuts
// connections after three seconds, which must disturb nobody before.
func (s *secured) passwordTakenAway(t *testing.T) {
	c := s.dial(t, "scram-sha-512", "carol")
	if err := c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "kept", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 3)
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	go func() {
		for {
			if err := p.Write(t.Context(), []kafka.Record{{Topic: "kept", Value: []byte("x")}}); err != nil {
				ended <- fmt.Errorf("writer: %w", err)
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	read := make(chan int64, 1<<16)
	go func() {
		err := c.Follow(t.Context(), "kept", 0, kafka.FirstOffset, kafka.FetchConfig{}, func(_ []kafka.Record, end int64) error {
			read <- end
			return nil
		})
		ended <- fmt.Errorf("reader: %w", err)
	}()
	cfg := kafka.GroupConfig{ID: "kept", Topics: []string{"kept"}, SessionTimeout: 3 * time.Second}
	go func() {
		err := c.RunGroup(t.Context(), cfg, func(ctx context.Context, _ kafka.Assignment) error {
			<-ctx.Done()
			return ctx.Err()
		})
		ended <- fmt.Errorf("member: %w", err)
	}()
	// Twice as long as a connection lives, all goes on.
	deadline := time.After(7 * time.Second)
	for waiting := true; waiting; {
		select {
		case err := <-ended:
			t.Fatalf("ended before: %v", err)
		case <-read:
		case <-deadline:
			waiting = false
		}
	}
	if err := s.Forget(within(t), "carol"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		select {
		case err := <-ended:
			t.Log(err)
			if !strings.Contains(err.Error(), `refused user "carol"`) {
				t.Errorf("error %v", err)
			}
		case <-within(t).Done():
			t.Fatalf("somebody does not end: %+v", c.Stats())
		}
	}
}
