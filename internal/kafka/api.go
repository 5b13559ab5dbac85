package kafka

import "context"

// Record is one Kafka record, read or to be written.
type Record struct {
	Topic     string
	Partition int   // read: where it was; written: where it goes
	Offset    int64 // read only
	Time      int64 // Unix nanoseconds; written: 0 means now
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Commit is a group's place in a partition: the offset of the next record to
// read, and up to 1 KiB of metadata that comes back after a restart.
type Commit struct {
	Offset   int64
	Metadata string
}

// Assignment is one partition of a generation of the group, owned until its ctx
// ends. Its methods are for one goroutine.
type Assignment interface {
	Topic() string
	Partition() int
	// Partitions is how many partitions the topic has in this generation.
	Partitions() int
	// Committed is what the group last committed; ok is false if nothing was.
	Committed() (c Commit, ok bool)
	// StartAt sets the offset of the next Fetch; FirstOffset is allowed.
	StartAt(offset int64)
	// Fetch returns the next records, at least one, or none after the
	// configured wait; end is the partition's high-water mark at that time.
	// The records are the caller's until the next Fetch.
	Fetch(ctx context.Context) (records []Record, end int64, err error)
	// Commit stores the group's place. It works for a short while after the
	// ctx of the generation has ended, and fails with ErrStale when another
	// member may own the partition.
	Commit(ctx context.Context, c Commit) error
}

// FirstOffset stands for the oldest record that the partition still holds.
const FirstOffset = -2
