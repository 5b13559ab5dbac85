package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"presage/internal/config"
	"presage/internal/kafka"
)

// ownTopics are the topics that the pipeline itself writes.
func ownTopics(t config.Topics) []kafka.TopicSpec {
	return topicsOf(roleAll, t)
}

// topicsOf are those that a process of a role writes or reads.
func topicsOf(role string, t config.Topics) []kafka.TopicSpec {
	var specs []kafka.TopicSpec
	for _, own := range []struct {
		name    string
		setting config.TopicSetting
		role    string // that alone needs it; empty: both
	}{
		{t.Partials, t.Settings.Partials, roleWindower},
		{t.Slices, t.Settings.Slices, ""},
		{t.Forecasts, t.Settings.Forecasts, roleForecaster},
		{t.DeadLetter, t.Settings.DeadLetter, roleWindower},
	} {
		if role == roleAll || own.role == "" || own.role == role {
			specs = append(specs, topicSpec(own.name, own.setting, t))
		}
	}
	return specs
}

func topicSpec(name string, s config.TopicSetting, t config.Topics) kafka.TopicSpec {
	spec := kafka.TopicSpec{Name: name, Partitions: s.Partitions, Replication: s.Replication, Configs: map[string]string{"cleanup.policy": s.CleanupPolicy}}
	if spec.Partitions == 0 {
		spec.Partitions = t.ForecastPartitions
	}
	if spec.Replication == 0 {
		spec.Replication = t.Replication
	}
	switch s.Retention {
	case 0:
	case config.Forever:
		spec.Configs["retention.ms"] = "-1"
	default:
		spec.Configs["retention.ms"] = strconv.FormatInt(time.Duration(s.Retention).Milliseconds(), 10)
	}
	if s.MinInsyncReplicas > 0 {
		spec.Configs["min.insync.replicas"] = strconv.Itoa(s.MinInsyncReplicas)
	}
	if t.MaxMessageBytes > 0 {
		spec.Configs["max.message.bytes"] = strconv.Itoa(t.MaxMessageBytes)
	}
	return spec
}

// ensureTopics makes those of Presage's own topics that are missing, or says how to make them. What exists is compared
// with what is configured, and left as it is.
func (p *pipeline) ensureTopics(ctx context.Context) error {
	create := p.cfg.Topics.Create
	missing, differences, err := p.client.CompareTopics(ctx, topicsOf(p.role, p.cfg.Topics), create)
	if err != nil {
		return err
	}
	for _, d := range differences {
		if err := p.differs(d); err != nil {
			return err
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case create:
		return p.client.EnsureTopics(ctx, missing)
	}
	return fmt.Errorf("topics.create is false, and %d of Presage's own topics do not exist, or this user may not see them; make them:\n  %s",
		len(missing), strings.Join(topicCommands(p.cfg.Kafka, missing), "\n  "))
}

// differs warns of a setting that is not as configured. Too few partitions are an error: where records go depends on how many there
// are, so that is settled before anything is written.
func (p *pipeline) differs(d kafka.Difference) error {
	if d.Setting == kafka.SettingPartitions {
		wanted, _ := strconv.Atoi(d.Wanted)
		if found, _ := strconv.Atoi(d.Found); found < wanted {
			return fmt.Errorf("topic %s has %d partitions, expected %d: give it more (kafka-topics.sh --bootstrap-server %s --alter --topic %s --partitions %d), or configure %d (topics.settings)",
				d.Topic, found, wanted, strings.Join(p.cfg.Kafka.Brokers, ","), d.Topic, wanted, found)
		}
	}
	p.log.Warn("a topic is not as configured; it stays as it is", "topic", d.Topic, "setting", d.Setting, "configured", d.Wanted, "found", d.Found)
	return nil
}

// topicCommands are commands of Kafka's own tools that make topics.
func topicCommands(k config.Kafka, specs []kafka.TopicSpec) []string {
	lines := make([]string, len(specs))
	for i, s := range specs {
		lines[i] = s.Command(k.Brokers, k.TLS.On() || k.SASL.Mechanism != "")
	}
	return lines
}
