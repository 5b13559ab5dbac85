package kafka

import (
	"errors"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// batch holds the records of one fetch. Its memory is used again by the next one.
type batch struct {
	records []Record
	headers []Header
	bytes   []byte
}

// read copies the records from r.next on out of what kafka-go read, and tells the
// offset to go on from. Control batches (transaction markers) have no records for
// anyone, but their offsets are passed.
func (b *batch) read(r *Reader, records kafkago.RecordReader) ([]Record, int64, error) {
	b.records, b.headers, b.bytes = b.records[:0], b.headers[:0], b.bytes[:0]
	stream, ok := records.(*protocol.RecordStream)
	if !ok {
		next, err := b.add(r, r.next, records)
		return b.records, next, err
	}
	next := r.next
	for _, part := range stream.Records {
		var err error
		switch part := part.(type) {
		case *protocol.ControlBatch:
			next, err = b.skip(r, next, part)
		case *protocol.RecordBatch:
			before := next
			if next, err = b.add(r, next, part); next == before {
				// Compaction emptied it: kafka-go does not tell its last offset.
				next = max(next, part.BaseOffset+1)
				if len(b.records) == 0 && next == r.next {
					next++
				}
			}
		default:
			next, err = b.add(r, next, part)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return b.records, next, nil
}

func (b *batch) skip(r *Reader, next int64, part *protocol.ControlBatch) (int64, error) {
	for {
		rec, err := part.ReadRecord()
		if errors.Is(err, io.EOF) {
			return max(next, part.BaseOffset+1), nil
		}
		if err != nil {
			return 0, err
		}
		release(rec)
		if rec.Offset >= next {
			next = rec.Offset + 1
			r.client.stats.control.Add(1)
		}
	}
}

func (b *batch) add(r *Reader, next int64, part kafkago.RecordReader) (int64, error) {
	for {
		rec, err := part.ReadRecord()
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return 0, err
		}
		if rec.Offset < next { // a batch may begin before the offset asked for
			release(rec)
			continue
		}
		if err := b.append(r, rec); err != nil {
			return 0, err
		}
		next = rec.Offset + 1
	}
}

func (b *batch) append(r *Reader, rec *kafkago.Record) error {
	key, err := b.copy(rec.Key)
	if err != nil {
		return err
	}
	value, err := b.copy(rec.Value)
	if err != nil {
		return err
	}
	start := len(b.headers)
	for _, h := range rec.Headers {
		b.headers = append(b.headers, Header{Key: h.Key, Value: h.Value})
	}
	out := Record{Topic: r.topic, Partition: r.partition, Offset: rec.Offset, Time: rec.Time.UnixNano(), Key: key, Value: value}
	if len(rec.Headers) > 0 {
		out.Headers = b.headers[start:len(b.headers):len(b.headers)]
	}
	b.records = append(b.records, out)
	return nil
}

// copy moves bytes out of kafka-go's pages. Where b.bytes grows, earlier records keep
// the old memory.
func (b *batch) copy(in kafkago.Bytes) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	defer in.Close()
	n, start := in.Len(), len(b.bytes)
	if cap(b.bytes)-start < n {
		b.bytes = make([]byte, 0, max(2*cap(b.bytes), n, 64<<10))
		start = 0
	}
	b.bytes = b.bytes[:start+n]
	out := b.bytes[start : start+n : start+n]
	_, err := io.ReadFull(in, out)
	return out, err
}

func release(rec *kafkago.Record) {
	if rec.Key != nil {
		_ = rec.Key.Close()
	}
	if rec.Value != nil {
		_ = rec.Value.Close()
	}
}
