package kafka_test

import (
	"reflect"
	"testing"

	"presage/internal/broker"
	"presage/internal/kafka"
)

func TestCompareTopics(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "wide", Partitions: 3})
	made := kafka.TopicSpec{Name: "made", Partitions: 2, Replication: 1, Configs: map[string]string{"retention.ms": "3600000", "cleanup.policy": "compact,delete"}}
	if err := c.EnsureTopics(within(t), []kafka.TopicSpec{made}); err != nil {
		t.Fatal(err)
	}
	other := made
	other.Partitions, other.Replication = 4, 3
	other.Configs = map[string]string{"retention.ms": "-1", "cleanup.policy": "delete"}
	swapped := made
	swapped.Configs = map[string]string{"cleanup.policy": "delete, compact"}
	tests := []struct {
		name        string
		spec        kafka.TopicSpec
		missing     bool
		differences []kafka.Difference
	}{
		{"as made", made, false, nil},
		{"a list in another order", swapped, false, nil},
		{"nothing asked for", kafka.TopicSpec{Name: "made"}, false, nil},
		{"missing", kafka.TopicSpec{Name: "none", Partitions: 1}, true, nil},
		{"more partitions than asked for", kafka.TopicSpec{Name: "wide", Partitions: 1}, false, []kafka.Difference{{"wide", "partitions", "1", "3"}}},
		{"all else", other, false, []kafka.Difference{
			{"made", "partitions", "4", "2"}, {"made", "replication", "3", "1"},
			{"made", "cleanup.policy", "delete", "compact,delete"}, {"made", "retention.ms", "-1", "3600000"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			missing, differences, err := c.CompareTopics(within(t), []kafka.TopicSpec{test.spec}, false)
			if err != nil {
				t.Fatal(err)
			}
			if (len(missing) == 1) != test.missing || !reflect.DeepEqual(differences, test.differences) {
				t.Errorf("missing %v, differences %v", missing, differences)
			}
		})
	}
	if again, _, err := c.CompareTopics(within(t), []kafka.TopicSpec{{Name: "none"}}, false); err != nil || len(again) != 1 {
		t.Errorf("looking made the topic: %v, error %v", again, err)
	}
}

func TestTopicCommand(t *testing.T) {
	spec := kafka.TopicSpec{Name: "presage.partials", Partitions: 1, Replication: 3, Configs: map[string]string{"retention.ms": "21600000", "cleanup.policy": "compact,delete"}}
	want := "kafka-topics.sh --bootstrap-server a:1,b:2 --command-config admin.properties --create --topic presage.partials --partitions 1 --replication-factor 3 --config cleanup.policy=compact,delete --config retention.ms=21600000"
	if got := spec.Command([]string{"a:1", "b:2"}, true); got != want {
		t.Errorf("command\n%s\nwant\n%s", got, want)
	}
	want = "kafka-topics.sh --bootstrap-server a:1 --create --topic x"
	if got := (kafka.TopicSpec{Name: "x"}).Command([]string{"a:1"}, false); got != want {
		t.Errorf("command\n%s\nwant\n%s", got, want)
	}
}
