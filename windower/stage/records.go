package stage

import (
	"fmt"
	"strconv"

	"presage/internal/kafka"
	"presage/windower/slice"
)

// chunkBytes is how large chunks may be before compression. With what brokers take by default it is slice.MaxChunk.
func (o *Options) chunkBytes() int { return min(slice.MaxChunk, o.MaxMessageBytes/2) }

// partialRecords are a partial's chunks as records for a partition of the partials topic.
func (o *Options) partialRecords(p *slice.Partial, partition int) []kafka.Record {
	key := fmt.Appendf(nil, "%s/%s/%d/%d/", p.Graph, p.Source.Topic, p.Source.Partition, p.Index)
	return chunkRecords(o.Topics.Partials, partition, key, slice.EncodePartial(p, o.chunkBytes()))
}

// snapshotRecords are a snapshot's chunks as records for a partition of the slices topic.
func (o *Options) snapshotRecords(s *slice.Snapshot, partition int) ([]kafka.Record, error) {
	chunks, err := slice.EncodeSnapshot(s, o.chunkBytes())
	if err != nil {
		return nil, err
	}
	return chunkRecords(o.Topics.Slices, partition, fmt.Appendf(nil, "%s/%d/%d/", s.Graph, s.Index, s.Revision), chunks), nil
}

// chunkRecords gives each chunk the key with its number behind.
func chunkRecords(topic string, partition int, key []byte, chunks [][]byte) []kafka.Record {
	records := make([]kafka.Record, len(chunks))
	for i, c := range chunks {
		records[i] = kafka.Record{Topic: topic, Partition: partition, Key: strconv.AppendInt(key[:len(key):len(key)], int64(i), 10), Value: c}
	}
	return records
}
