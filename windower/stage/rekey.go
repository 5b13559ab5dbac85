package stage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"presage/internal/kafka"
)

// RunRekey copies the topic of spans from into the topic to, split by trace id, until ctx
// ends, which is no error. Both must exist. Any number of processes may run it for a topic:
// they share its partitions. What is in o.Graph says how far a partition may lead, when it is
// idle, and whose its dead letters are.
func RunRekey(ctx context.Context, o Options, from, to string) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	counts, err := o.Client.Partitions(ctx, o.Topics.DeadLetter, to)
	if err != nil {
		return fmt.Errorf("re-key topic %s: %w", from, err)
	}
	s := &rekeyStage{
		Options:        o,
		from:           from,
		to:             to,
		producer:       kafka.NewProducer(o.Client, kafka.ProducerConfig{Zstd: o.Zstd, MaxMessageBytes: o.MaxMessageBytes}),
		gate:           newGate(int64(o.MaxLead)*o.Graph.Width.Nanoseconds(), o.Now),
		deadPartitions: counts[0],
	}
	s.outlook = newOutlook(&s.Options, from)
	looking, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.outlook.run(looking) })
	defer watch.Wait()
	defer cancel()
	return o.Client.RunGroup(ctx, kafka.GroupConfig{
		ID:             RekeyGroup(from),
		Topics:         []string{from},
		SessionTimeout: o.SessionTimeout,
		WatchInterval:  o.WatchInterval,
		Fetch:          kafka.FetchConfig{MaxWait: fetchWait, OutOfRange: o.OnLostOffset, Patience: unreadAfter},
	}, s.run)
}

// RekeyGroup is the consumer group of those who re-key a topic.
func RekeyGroup(topic string) string { return "presage-rekey-" + topic }

// rekeyStage is what the partitions of one process share.
type rekeyStage struct {
	Options
	from, to       string
	producer       *kafka.Producer
	gate           *gate
	outlook        *outlook
	deadPartitions int
}

// run drives one partition until its ctx ends, then commits what is acknowledged.
func (s *rekeyStage) run(ctx context.Context, a kafka.Assignment) error {
	writes, end := lingering(ctx)
	defer end()
	c, err := s.restore(ctx, a)
	if err != nil {
		return err
	}
	defer s.gate.leave(c.member)
	defer s.outlook.leave(a.Partition(), c.abroad)
	defer s.Metrics.rekey.forget(s.from, a.Partition())
	defer s.Metrics.unread.DeleteLabelValues(s.Graph.Name, s.from, strconv.Itoa(a.Partition()))
	err = c.loop(ctx, writes)
	if ctx.Err() == nil && !errors.Is(err, errUnsure) {
		return err
	}
	c.drain(ctx)
	if errors.Is(err, errUnsure) {
		return err
	}
	return nil
}
