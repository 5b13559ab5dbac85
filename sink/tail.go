package sink

import (
	"context"
	"fmt"
	"math"
	"strings"

	"presage/internal/kafka"
)

// tail is what was read of the end of the forecast topic.
type tail struct {
	newest, width int64 // of the newest slice with a record of the graph
	written       int64 // when its newest record was written, Unix nanoseconds
	bad           int64 // records that are no forecasts
	partitions    []partitionTail
}

// partitionTail is the part of one partition.
type partitionTail struct {
	from     int64 // offset that it was read from
	open     bool  // more is to be read
	found    bool  // a record of the graph
	first    int64 // slice start of the graph's first record
	earliest int64 // when the first record was written, Unix nanoseconds
}

func (t *tail) found() bool { return t.newest > math.MinInt64 }

// tail reads the partitions from their ends back until enough says of each that it
// has been read far enough, or there is no more, or what comes is too old to be of the newest slice: a small
// graph need not have a record in every partition.
func (p *Publisher) tail(ctx context.Context, enough func(t *tail, partition int) bool) (*tail, error) {
	ranges, err := p.log.Ends(ctx, p.topic)
	t := &tail{newest: math.MinInt64, partitions: make([]partitionTail, len(ranges))}
	p.partitions, p.newest = len(ranges), map[series]int64{}
	for i, r := range ranges {
		t.partitions[i] = partitionTail{from: r.End, open: true, earliest: math.MaxInt64}
	}
	for n, more := int64(tailRecords), len(ranges) > 0; err == nil && more; n *= 4 {
		for i, r := range ranges {
			if part := &t.partitions[i]; part.open && err == nil {
				err = p.readBack(ctx, t, i, max(r.First, r.End-n))
			}
		}
		more = false
		for i, r := range ranges {
			part := &t.partitions[i]
			old := t.found() && part.earliest < t.written-tailMargin.Nanoseconds()
			part.open = part.open && part.from > r.First && !old && !enough(t, i)
			more = more || part.open
		}
	}
	if err != nil {
		return t, fmt.Errorf("read the tail of %s: %w", p.topic, err)
	}
	return t, nil
}

// readBack reads a partition from an offset to where it has been read from.
func (p *Publisher) readBack(ctx context.Context, t *tail, partition int, from int64) error {
	part := &t.partitions[partition]
	to, begun, found := part.from, false, false
	part.from = from
	return p.log.ReadRange(ctx, p.topic, partition, from, to, func(records []kafka.Record) error {
		if !begun && len(records) > 0 {
			begun, part.earliest = true, records[0].Time
		}
		for i := range records {
			if start, ours := p.note(t, &records[i]); ours && !found {
				found, part.found, part.first = true, true, start
			}
		}
		return nil
	})
}

// note remembers a record that the topic holds. It tells the slice's start, where the record is of the graph.
func (p *Publisher) note(t *tail, r *kafka.Record) (start int64, ours bool) {
	if !strings.HasPrefix(string(r.Key), p.graph+"/") {
		return 0, false
	}
	f, err := Decode(r.Value)
	if err != nil {
		t.bad++
		return 0, false
	}
	if f.Graph != p.graph {
		return 0, false
	}
	if f.SliceStart > t.newest {
		t.newest, t.width, t.written = f.SliceStart, f.SliceWidth, r.Time
	}
	s := series{f.Service, f.Target}
	if at, ok := p.newest[s]; !ok || f.SliceStart > at {
		p.newest[s] = f.SliceStart
	}
	return f.SliceStart, true
}
