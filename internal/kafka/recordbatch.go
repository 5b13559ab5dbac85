package kafka

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Where a record batch (magic 2), and the length before it, have what a producer stamps it with.
const (
	checksumAt  = 4 + 17
	checkedFrom = 4 + 21 // to the end
	producerAt  = 4 + 43
	epochAt     = 4 + 51
	sequenceAt  = 4 + 53
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeBatch writes records, of at most size bytes, as one batch of no producer yet,
// after its length.
func encodeBatch(records []*Record, size int, compression kafkago.Compression) ([]byte, error) {
	var out bytes.Buffer
	if compression == 0 {
		out.Grow(size + batchHeader)
	}
	set := protocol.RecordSet{Version: 2, Attributes: protocol.Attributes(compression), Records: &source{records: records}}
	if _, err := set.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// stamp says whose batch it is, and which place it has among what that producer wrote to the partition.
func stamp(batch []byte, id producerID, sequence int32) {
	binary.BigEndian.PutUint64(batch[producerAt:], uint64(id.id))
	binary.BigEndian.PutUint16(batch[epochAt:], uint16(id.epoch))
	binary.BigEndian.PutUint32(batch[sequenceAt:], uint32(sequence))
	binary.BigEndian.PutUint32(batch[checksumAt:], crc32.Checksum(batch[checkedFrom:], castagnoli))
}

// source feeds records to kafka-go's encoder, which reads each one before it asks for
// the next: one kafka-go record serves them all.
type source struct {
	records []*Record
	at      int
	record  kafkago.Record
	headers []kafkago.Header
	key     content
	value   content
}

func (s *source) ReadRecord() (*kafkago.Record, error) {
	if s.at == len(s.records) {
		return nil, io.EOF
	}
	r := s.records[s.at]
	s.at++
	s.headers = s.headers[:0]
	for _, h := range r.Headers {
		s.headers = append(s.headers, kafkago.Header{Key: h.Key, Value: h.Value})
	}
	s.record = kafkago.Record{Key: s.key.set(r.Key), Value: s.value.set(r.Value), Headers: s.headers}
	if r.Time != 0 {
		s.record.Time = time.Unix(0, r.Time)
	}
	return &s.record, nil
}

// content is a byte slice as kafka-go wants it.
type content struct{ left []byte }

func (c *content) set(b []byte) kafkago.Bytes {
	if b == nil {
		return nil
	}
	c.left = b
	return c
}

func (c *content) Len() int     { return len(c.left) }
func (c *content) Close() error { return nil }

func (c *content) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *content) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c.left)
	c.left = c.left[n:]
	return int64(n), err
}
