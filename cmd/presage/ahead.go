package main

import (
	"context"
	"time"

	"presage/internal/kafka"
)

// ahead holds a replay back that is in the same process as its only reader, so that
// the embedded broker, which trims by size, never trims what has not been read.
type ahead struct {
	limit   int64        // bytes that may be unread
	read    func() int64 // records read so far
	records int64        // written so far, of how many bytes
	bytes   int64
}

const aheadPoll = 2 * time.Millisecond

// pace is called with what was written, by one goroutine.
func (a *ahead) pace(ctx context.Context, records []kafka.Record) error {
	a.records += int64(len(records))
	for _, r := range records {
		a.bytes += int64(len(r.Key) + len(r.Value))
	}
	mean := max(a.bytes/max(a.records, 1), 1)
	for (a.records-a.read())*mean > a.limit {
		select {
		case <-time.After(aheadPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
