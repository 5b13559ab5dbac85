package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"presage/internal/config"
	"presage/internal/kafka"
)

// ownTopics are the topics that the pipeline itself writes.
func ownTopics(c config.Config) []kafka.TopicSpec {
	return topicsOf(roleAll, c)
}

// topicsOf are those that a process of a role writes or reads. Re-keyed topics that are to have as many partitions
// as their sources have 0.
func topicsOf(role string, c config.Config) []kafka.TopicSpec {
	var specs []kafka.TopicSpec
	t := c.Topics
	for _, own := range []struct {
		name    string
		setting config.TopicSetting
		roles   []string // that need it, beside all
	}{
		{t.Partials, t.Settings.Partials, []string{roleWindower}},
		{t.Slices, t.Settings.Slices, []string{roleWindower, roleForecaster}},
		{t.Forecasts, t.Settings.Forecasts, []string{roleForecaster}},
		{t.DeadLetter, t.Settings.DeadLetter, []string{roleWindower, roleRekey}},
	} {
		if role == roleAll || slices.Contains(own.roles, role) {
			specs = append(specs, topicSpec(own.name, own.setting, t))
		}
	}
	for i := range specs {
		if specs[i].Partitions == 0 {
			specs[i].Partitions = t.ForecastPartitions
		}
	}
	if role == roleForecaster {
		return specs
	}
	for _, r := range rekeyings(c) {
		specs = append(specs, topicSpec(r.to, t.Settings.Rekeyed, t))
	}
	return specs
}

func topicSpec(name string, s config.TopicSetting, t config.Topics) kafka.TopicSpec {
	spec := kafka.TopicSpec{Name: name, Partitions: s.Partitions, Replication: s.Replication, Configs: map[string]string{"cleanup.policy": s.CleanupPolicy}}
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
	missing, differences, err := p.client.CompareTopics(ctx, topicsOf(p.role, p.cfg), create)
	if err != nil {
		return err
	}
	for _, d := range differences {
		if err := p.differs(d); err != nil {
			return err
		}
	}
	if err := p.sizeRekeyed(ctx, missing); err != nil {
		return err
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

// sizeRekeyed gives re-keyed topics as many partitions as their sources have, where nothing else is configured. Those that exist stay as
// they are, whatever becomes of the sources.
func (p *pipeline) sizeRekeyed(ctx context.Context, missing []kafka.TopicSpec) error {
	for i := range missing {
		for _, r := range rekeyings(p.cfg) {
			if missing[i].Name != r.to || missing[i].Partitions > 0 {
				continue
			}
			counts, err := p.client.Partitions(ctx, r.from)
			if err != nil {
				return fmt.Errorf("graph %s: topic %s is to have as many partitions as %s: %w", r.graph.Name, r.to, r.from, err)
			}
			missing[i].Partitions = counts[0]
		}
	}
	return nil
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

// topicScript are the commands that make all own topics of a configuration, without asking the brokers.
func topicScript(c config.Config) (lines []string) {
	for _, s := range ownTopics(c) {
		for _, r := range rekeyings(c) {
			if s.Name == r.to && s.Partitions == 0 {
				lines = append(lines, fmt.Sprintf("# add --partitions with as many as %s has", r.from))
			}
		}
		lines = append(lines, topicCommands(c.Kafka, []kafka.TopicSpec{s})...)
	}
	return lines
}

// topicCommands are commands of Kafka's own tools that make topics.
func topicCommands(k config.Kafka, specs []kafka.TopicSpec) []string {
	lines := make([]string, len(specs))
	for i, s := range specs {
		lines[i] = s.Command(k.Brokers, k.TLS.On() || k.SASL.Mechanism != "")
	}
	return lines
}
