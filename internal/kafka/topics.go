package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	kafkago "github.com/segmentio/kafka-go"
)

// TopicSpec is a topic that the pipeline needs.
type TopicSpec struct {
	Name        string
	Partitions  int               // 0: the brokers' default
	Replication int               // 0: the brokers' default
	Configs     map[string]string // retention.ms and so on
}

// EnsureTopics creates those of the topics that do not exist. Existing ones are left
// as they are, whatever their partitions and configuration.
func (c *Client) EnsureTopics(ctx context.Context, specs []TopicSpec) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	missing, err := c.missing(ctx, specs)
	if err != nil || len(missing) == 0 {
		return err
	}
	req := &kafkago.CreateTopicsRequest{}
	for _, s := range missing {
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
		req.Topics = append(req.Topics, t)
	}
	res, err := c.api.CreateTopics(ctx, req)
	if err != nil {
		return c.explain(ctx, "create topics", err)
	}
	for _, s := range missing {
		if err := res.Errors[s.Name]; err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
			return c.explain(ctx, "create topic "+s.Name, err)
		}
	}
	return nil
}

func (c *Client) missing(ctx context.Context, specs []TopicSpec) ([]TopicSpec, error) {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	res, err := c.metadata(ctx, names...)
	if err != nil {
		return nil, err
	}
	var missing []TopicSpec
	for i, t := range res.Topics {
		switch {
		case errors.Is(t.Error, kafkago.UnknownTopicOrPartition):
			missing = append(missing, specs[i])
		case t.Error != nil && judge(t.Error) == fatal:
			return nil, c.explain(ctx, "look at topic "+t.Name, t.Error)
		}
	}
	return missing, nil
}

// Partitions tells how many partitions each topic has, in the topics' order. A topic
// that does not exist is an error (ErrUnknownTopic); asking does not create it.
func (c *Client) Partitions(ctx context.Context, topics ...string) ([]int, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	res, err := c.metadata(ctx, topics...)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(topics))
	for i, t := range res.Topics {
		if errors.Is(t.Error, kafkago.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("topic %s at %s: %w; check its name, or create it", t.Name, c.brokers(), ErrUnknownTopic)
		}
		if t.Error != nil {
			return nil, c.explain(ctx, "look at topic "+t.Name, t.Error)
		}
		out[i] = len(t.Partitions)
	}
	return out, nil
}

// Range are the offsets that a partition holds: First up to and without End.
type Range struct{ First, End int64 }

// Ends tells the range of every partition of a topic.
func (c *Client) Ends(ctx context.Context, topic string) ([]Range, error) {
	counts, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	partitions := make([]int, counts[0])
	for i := range partitions {
		partitions[i] = i
	}
	return c.ranges(ctx, topic, partitions...)
}

// ranges asks for the offsets of some partitions, in their order.
func (c *Client) ranges(ctx context.Context, topic string, partitions ...int) ([]Range, error) {
	var requests []kafkago.OffsetRequest
	for _, p := range partitions {
		requests = append(requests, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
	retry := retrier{client: c, operation: "offsets", where: topic}
	for {
		out, err := c.tryRanges(ctx, topic, requests, partitions)
		if err == nil {
			return out, nil
		}
		if err := retry.pause(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (c *Client) tryRanges(ctx context.Context, topic string, requests []kafkago.OffsetRequest, partitions []int) ([]Range, error) {
	res, err := c.api.ListOffsets(ctx, &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{topic: requests},
	})
	if err != nil {
		return nil, err
	}
	out := make([]Range, len(partitions))
	found := 0
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
		if i := slices.Index(partitions, p.Partition); i >= 0 {
			out[i] = Range{First: p.FirstOffset, End: p.LastOffset}
			found++
		}
	}
	if found != len(partitions) {
		return nil, fmt.Errorf("the broker told the offsets of %d of %d partitions: %w", found, len(partitions), kafkago.LeaderNotAvailable)
	}
	return out, nil
}
