package replay

import (
	"context"
	"encoding/binary"
)

// Header names of watermark records, which have no value.
const (
	HeaderWatermark = "presage-watermark-ns" // event time reached, decimal
	HeaderFinal     = "presage-final"        // 1: nothing comes after this record
)

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// Record is a record to be written.
type Record struct {
	Topic     string
	Partition int
	Time      int64 // Unix nanoseconds, wall clock
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Range are the offsets that a partition holds: First up to and without End.
type Range struct{ First, End int64 }

// Producer is where the records go.
type Producer interface {
	// Write returns when all records are acknowledged, in their order within each
	// partition. It keeps nothing of them afterwards.
	Write(ctx context.Context, records []Record) error
	// Ranges tells what each partition of a topic holds.
	Ranges(ctx context.Context, topic string) ([]Range, error)
}

// PartitionOf is the partition of a key among n, as Java's default partitioner
// chooses it.
func PartitionOf(key []byte, n int) int {
	return int(murmur2(key)&0x7fffffff) % n
}

// murmur2 is Kafka's variant of MurmurHash2 with the seed 0x9747b28c.
func murmur2(data []byte) uint32 {
	const m, seed = 0x5bd1e995, 0x9747b28c
	h := uint32(seed) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
