package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	kafkago "github.com/segmentio/kafka-go"
)

// EnsureTopics creates those of the topics that do not exist. Existing ones are left
// as they are, whatever their partitions and configuration.
func (c *Client) EnsureTopics(ctx context.Context, specs []TopicSpec) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	topics, err := c.look(ctx, about(opEnsure), specs)
	if err != nil {
		return err
	}
	create := about(opCreate)
	req := &kafkago.CreateTopicsRequest{}
	for i, t := range topics {
		if t == nil {
			req.Topics = append(req.Topics, specs[i].request())
			create.topics = append(create.topics, specs[i].Name)
		}
	}
	if len(req.Topics) == 0 {
		return nil
	}
	res, err := c.api.CreateTopics(ctx, req)
	if err != nil {
		return c.explain(ctx, create, err)
	}
	for _, name := range create.topics {
		if err := res.Errors[name]; err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
			return c.explain(ctx, about(opCreate, name), err)
		}
	}
	return nil
}

// look asks for topics, in their order; what does not exist is nil. A topic that may not be seen is an error, whether it
// exists or not: the brokers don't say.
func (c *Client) look(ctx context.Context, why request, specs []TopicSpec) ([]*kafkago.Topic, error) {
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	res, err := c.metadata(ctx, names...)
	if err != nil {
		return nil, err
	}
	out := make([]*kafkago.Topic, len(specs))
	var denied error
	for i := range res.Topics {
		t := &res.Topics[i]
		switch {
		case errors.Is(t.Error, kafkago.UnknownTopicOrPartition):
		case t.Error != nil && judge(t.Error) == fatal:
			denied = t.Error
			why.topics = append(why.topics, t.Name)
		default:
			out[i] = t
		}
	}
	if denied != nil {
		return nil, c.explain(ctx, why, denied)
	}
	return out, nil
}

// Partitions tells how many partitions each topic has, in the topics' order. A topic
// that does not exist is an error (ErrUnknownTopic); asking does not create it. Brokers
// that are away are asked until ctx ends.
func (c *Client) Partitions(ctx context.Context, topics ...string) ([]int, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	retry := retrier{client: c, request: about(opMetadata, topics...)}
	for {
		out, err := c.partitionsOnce(ctx, topics)
		if err == nil || errors.Is(err, ErrUnknownTopic) {
			return out, err
		}
		if err := retry.pause(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (c *Client) partitionsOnce(ctx context.Context, topics []string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	res, err := c.askTopics(ctx, topics...)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(topics))
	for i, t := range res.Topics {
		switch {
		case errors.Is(t.Error, kafkago.UnknownTopicOrPartition):
			return nil, fmt.Errorf("%w (Kafka at %s): %s", ErrUnknownTopic, c.brokers(), c.notThere(about(opMetadata, t.Name)))
		case t.Error != nil && judge(t.Error) == fatal:
			return nil, &explained{text: c.explain(ctx, about(opMetadata, t.Name), t.Error).Error(), cause: t.Error, final: true}
		case t.Error != nil:
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
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
	retry := retrier{client: c, request: about(opOffsets, topic)}
	for {
		out, err := c.rangesOnce(ctx, topic, partitions...)
		if err == nil {
			return out, nil
		}
		if err := retry.pause(ctx, err); err != nil {
			return nil, err
		}
	}
}

// rangesOnce asks once.
func (c *Client) rangesOnce(ctx context.Context, topic string, partitions ...int) ([]Range, error) {
	var requests []kafkago.OffsetRequest
	for _, p := range partitions {
		requests = append(requests, kafkago.FirstOffsetOf(p), kafkago.LastOffsetOf(p))
	}
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
