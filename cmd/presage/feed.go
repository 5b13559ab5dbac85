package main

import (
	"context"

	"presage/internal/kafka"
	"presage/replay"
)

// feed is a replay.Producer over Kafka. pace, where set, is told what was written
// and may hold the replay back.
type feed struct {
	client   *kafka.Client
	producer *kafka.Producer
	pace     func(ctx context.Context, records []kafka.Record) error
}

// Write writes with the acknowledgement of all in-sync replicas.
func (f *feed) Write(ctx context.Context, records []replay.Record) error {
	out := make([]kafka.Record, len(records))
	for i, r := range records {
		out[i] = kafka.Record{Topic: r.Topic, Partition: r.Partition, Time: r.Time, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			out[i].Headers = append(out[i].Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	if err := f.producer.Write(ctx, out); err != nil {
		return err
	}
	if f.pace == nil {
		return nil
	}
	return f.pace(ctx, out)
}

// Ranges tells what each partition of a topic holds.
func (f *feed) Ranges(ctx context.Context, topic string) ([]replay.Range, error) {
	ends, err := f.client.Ends(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make([]replay.Range, len(ends))
	for i, e := range ends {
		out[i] = replay.Range{First: e.First, End: e.End}
	}
	return out, nil
}
