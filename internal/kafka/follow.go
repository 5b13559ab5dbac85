package kafka

import (
	"context"
	"fmt"
)

// ReadRange reads the records of a partition from offset from (FirstOffset is
// allowed) up to and without to, and ends. What retention has removed is skipped.
// fn's records are its own until it returns.
func (c *Client) ReadRange(ctx context.Context, topic string, partition int, from, to int64, fn func([]Record) error) error {
	r := c.Read(topic, partition, from, FetchConfig{OutOfRange: Earliest})
	r.tracked = true
	defer r.release()
	for {
		if r.Next() >= 0 && r.Next() >= to {
			return nil
		}
		records, end, err := r.Fetch(ctx)
		if err != nil {
			return err
		}
		for len(records) > 0 && records[len(records)-1].Offset >= to {
			records = records[:len(records)-1]
		}
		if len(records) > 0 {
			if err := fn(records); err != nil {
				return fmt.Errorf("topic %s partition %d from offset %d: %w", topic, partition, records[0].Offset, err)
			}
		}
		if r.Next() >= end { // to lies beyond the end
			return nil
		}
	}
}

// Follow reads a partition from offset (FirstOffset and LastOffset are allowed) until
// ctx ends, which is no error. fn also gets empty batches, after MaxWait without a
// record; end is the high-water mark, so fn knows when it has caught up.
func (c *Client) Follow(ctx context.Context, topic string, partition int, offset int64, cfg FetchConfig, fn func(records []Record, end int64) error) error {
	r := c.Read(topic, partition, offset, cfg)
	r.tracked = true
	defer r.release()
	for {
		records, end, err := r.Fetch(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(records, end); err != nil {
			return fmt.Errorf("topic %s partition %d at offset %d: %w", topic, partition, r.Next(), err)
		}
	}
}
