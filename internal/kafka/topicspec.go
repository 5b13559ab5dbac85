package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	kafkago "github.com/segmentio/kafka-go"
)

// TopicSpec is a topic that the pipeline needs.
type TopicSpec struct {
	Name        string
	Partitions  int               // 0: the brokers' default
	Replication int               // 0: the brokers' default
	Configs     map[string]string // retention.ms and so on
}

// Command is the topic as a command of Kafka's own tools, for who makes topics by hand. secured says that the tool needs
// credentials.
func (s TopicSpec) Command(brokers []string, secured bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics.sh --bootstrap-server %s", strings.Join(brokers, ","))
	if secured {
		b.WriteString(" --command-config admin.properties")
	}
	fmt.Fprintf(&b, " --create --topic %s", quoted(s.Name))
	if s.Partitions > 0 {
		fmt.Fprintf(&b, " --partitions %d", s.Partitions)
	}
	if s.Replication > 0 {
		fmt.Fprintf(&b, " --replication-factor %d", s.Replication)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Configs)) {
		fmt.Fprintf(&b, " --config %s", quoted(k+"="+s.Configs[k]))
	}
	return b.String()
}

func (s TopicSpec) request() kafkago.TopicConfig {
	t := kafkago.TopicConfig{Topic: s.Name, NumPartitions: s.Partitions, ReplicationFactor: s.Replication}
	if s.Partitions <= 0 {
		t.NumPartitions = -1
	}
	if s.Replication <= 0 {
		t.ReplicationFactor = -1
	}
	for _, k := range slices.Sorted(maps.Keys(s.Configs)) {
		t.ConfigEntries = append(t.ConfigEntries, kafkago.ConfigEntry{ConfigName: k, ConfigValue: s.Configs[k]})
	}
	return t
}
