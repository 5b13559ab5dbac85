package stage

import (
	"context"
	"fmt"

	"presage/internal/kafka"
)

// RunPartitions reads a graph's telemetry topics until ctx ends, which is no error,
// and writes partials. Any number of processes may run it for one graph.
func RunPartitions(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	counts, err := o.Client.Partitions(ctx, o.Topics.Partials, o.Topics.DeadLetter)
	if err != nil {
		return fmt.Errorf("graph %s: %w", o.Graph.Name, err)
	}
	s := &partitionStage{
		Options:        o,
		producer:       kafka.NewProducer(o.Client, kafka.ProducerConfig{Zstd: o.Zstd, MaxMessageBytes: o.MaxMessageBytes}),
		gate:           newGate(int64(o.MaxLead)*o.Graph.Width.Nanoseconds(), o.Now),
		partial:        kafka.Partition([]byte(o.Graph.Name), counts[0]),
		deadPartitions: counts[1],
		keyings:        map[string]*keying{},
	}
	for _, topic := range o.Graph.SpanTopics {
		if o.Graph.Rekeyed {
			break // they are keyed, though not by their records' keys
		}
		s.keyings[topic] = newKeying(&o, topic)
	}
	return o.Client.RunGroup(ctx, kafka.GroupConfig{
		ID:             PartitionGroup(o.Graph.Name),
		Topics:         o.Graph.topics(),
		SessionTimeout: o.SessionTimeout,
		WatchInterval:  o.WatchInterval,
		Fetch:          kafka.FetchConfig{MaxWait: fetchWait, OutOfRange: o.OnLostOffset, Patience: unreadAfter},
	}, s.run)
}

// partitionStage is what the partitions of one process share.
type partitionStage struct {
	Options
	producer       *kafka.Producer
	gate           *gate
	partial        int                // the partition of the partials topic that is the graph's
	deadPartitions int                // of the dead-letter topic
	keyings        map[string]*keying // by topic of spans
}

// run drives one partition until its ctx ends, then commits what is acknowledged.
func (s *partitionStage) run(ctx context.Context, a kafka.Assignment) error {
	writes, end := lingering(ctx)
	defer end()
	w, err := s.restore(writes, a)
	if err != nil {
		return err
	}
	defer s.gate.leave(w.member)
	if w.keying != nil {
		w.keying.join(a.Partition(), a.Partitions())
		defer w.keying.leave(a.Partition())
	}
	defer s.Metrics.forget(s.Graph.Name, a.Topic(), a.Partition())
	err = w.loop(ctx)
	if err != nil && ctx.Err() == nil {
		end()
		_ = w.publisher.close()
		return err
	}
	return w.drain(ctx, writes)
}
