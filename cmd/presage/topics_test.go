package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/config"
	"presage/internal/kafka"
)

// topicsPipeline is a pipeline of which only the topics are looked at.
func topicsPipeline(t *testing.T, role string, change func(*config.Topics), topics ...kafka.TopicSpec) (p *pipeline, addr string, log *strings.Builder) {
	t.Helper()
	b, client := brokerOf(t, broker.Options{})
	if len(topics) > 0 {
		if err := client.EnsureTopics(t.Context(), topics); err != nil {
			t.Fatal(err)
		}
	}
	cfg := config.Default()
	cfg.Kafka.Brokers = []string{b.Addr()}
	change(&cfg.Topics)
	log = &strings.Builder{}
	return testPipeline(t, cfg, role, client, slog.New(slog.NewTextHandler(log, nil))), b.Addr(), log
}

// With topics.create false all that is missing is told at once, as commands, and only what the role needs.
func TestMissingTopicsAreListed(t *testing.T) {
	tests := []struct {
		role string
		want []string
	}{
		{roleAll, []string{
			"--create --topic presage.partials --partitions 1 --replication-factor 3 --config cleanup.policy=delete --config min.insync.replicas=2 --config retention.ms=7200000",
			"--create --topic presage.slices --partitions 1 --replication-factor 3 --config cleanup.policy=delete --config retention.ms=-1",
			"--create --topic presage.forecasts --partitions 8 --replication-factor 3 --config cleanup.policy=compact,delete",
			"--create --topic presage.deadletter --partitions 1 --replication-factor 1 --config cleanup.policy=delete",
		}},
		{roleWindower, []string{"--topic presage.partials ", "--topic presage.slices ", "--topic presage.deadletter "}},
		{roleForecaster, []string{"--topic presage.slices ", "--topic presage.forecasts "}},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			p, addr, _ := topicsPipeline(t, test.role, func(c *config.Topics) {
				c.Create, c.Replication, c.ForecastPartitions = false, 3, 8
				c.Settings.Partials.Retention, c.Settings.Partials.MinInsyncReplicas = config.Retention(2*time.Hour), 2
				c.Settings.Forecasts.CleanupPolicy = "compact,delete"
				c.Settings.DeadLetter.Replication = 1
			})
			err := p.ensureTopics(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")[1:]
			if len(lines) != len(test.want) {
				t.Fatalf("error %v", err)
			}
			for i, want := range test.want {
				if !strings.Contains(lines[i], want) || !strings.HasPrefix(lines[i], "  kafka-topics.sh --bootstrap-server "+addr+" ") {
					t.Errorf("line %q does not say %q", lines[i], want)
				}
			}
			if missing, _, err := p.client.CompareTopics(t.Context(), topicsOf(test.role, p.cfg), false); err != nil || len(missing) != len(lines) {
				t.Errorf("%d topics are missing afterwards, error %v", len(missing), err)
			}
		})
	}
}

func TestTopicsAreMadeAsConfigured(t *testing.T) {
	p, _, log := topicsPipeline(t, roleAll, func(c *config.Topics) {
		c.MaxMessageBytes, c.ForecastPartitions = 300_000, 2
		c.Settings.Slices.Retention, c.Settings.Forecasts.CleanupPolicy = config.Retention(90*24*time.Hour), "compact,delete"
	})
	for range 2 { // the second time they are there, as wanted
		if err := p.ensureTopics(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if missing, differences, err := p.client.CompareTopics(t.Context(), ownTopics(p.cfg), false); err != nil || len(missing)+len(differences) > 0 {
		t.Errorf("missing %v, differences %v, error %v", missing, differences, err)
	}
	if strings.Contains(log.String(), "not as configured") {
		t.Errorf("log:\n%s", log)
	}
}

// Topics that are there are compared, told of with both values, and never changed.
func TestOtherTopicsStayAsTheyAre(t *testing.T) {
	there := kafka.TopicSpec{Name: "presage.slices", Partitions: 3, Configs: map[string]string{"retention.ms": "1000"}}
	p, _, log := topicsPipeline(t, roleAll, func(*config.Topics) {}, there)
	if err := p.ensureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"topic=presage.slices setting=partitions configured=1 found=3", "topic=presage.slices setting=retention.ms configured=-1 found=1000",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if _, differences, err := p.client.CompareTopics(t.Context(), []kafka.TopicSpec{there}, false); err != nil || len(differences) > 0 {
		t.Errorf("the topic was changed: %v, error %v", differences, err)
	}
}

func TestTooFewPartitions(t *testing.T) {
	p, addr, _ := topicsPipeline(t, roleForecaster, func(*config.Topics) {}, kafka.TopicSpec{Name: "presage.forecasts", Partitions: 2})
	err := p.ensureTopics(t.Context())
	want := "topic presage.forecasts has 2 partitions, expected 4: give it more (kafka-topics.sh --bootstrap-server " + addr + " --alter --topic presage.forecasts --partitions 4)"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
	if missing, _, err := p.client.CompareTopics(t.Context(), ownTopics(p.cfg), false); err != nil || len(missing) != 3 {
		t.Errorf("topics were made all the same: %v missing, error %v", missing, err)
	}
}

// The command needs no broker.
func TestConfigTopics(t *testing.T) {
	file := write(t, t.TempDir()+"/presage.yaml", "kafka: {brokers: ['nowhere:1'], sasl: {mechanism: plain, username: ada}}\ngraphs: [{name: a, spans: [s]}]\n")
	cmd, output, _ := program(t, "config", "topics", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, output)
	}
	const line = "kafka-topics.sh --bootstrap-server nowhere:1 --command-config admin.properties --create --topic presage.partials --partitions 1 --replication-factor 1 --config cleanup.policy=delete --config retention.ms=21600000\n"
	if got := output.String(); !strings.HasPrefix(got, line) || strings.Count(got, "\n") != 4 {
		t.Errorf("printed\n%s", got)
	}
}
