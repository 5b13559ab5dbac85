package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

const (
	// MaxBatchBytes bounds the records of one request, before compression.
	MaxBatchBytes = 1 << 20
	// MaxRecordBytes is the most that one record may have: what brokers take by
	// default (message.max.bytes 1 048 588), less the batch's own header.
	MaxRecordBytes = 1_048_588 - 128
	// maxPartitionsAtOnce bounds the requests of one Write under way.
	maxPartitionsAtOnce = 16
)

// ProducerConfig says how records are written.
type ProducerConfig struct {
	// Zstd compresses batches. Leave it off for the embedded broker: it saves no
	// memory worth the time.
	Zstd bool
}

// Producer writes records with the acknowledgement of all in-sync replicas. It keeps
// no state and starts nothing that outlives a call.
//
// kafka-go can't produce idempotently: a write whose answer is lost is sent again and
// may be there twice. Readers take the first by key.
type Producer struct {
	client *Client
	cfg    ProducerConfig
}

// NewProducer makes a producer.
func NewProducer(client *Client, cfg ProducerConfig) *Producer {
	return &Producer{client: client, cfg: cfg}
}

// Write writes the records to the topics and partitions that they name, and returns
// when all are acknowledged. Records of one partition keep their order; Writes at the
// same time are in no order. What may pass is retried until ctx ends. After an error
// some may have been written, and their bytes must not be used for anything else.
func (p *Producer) Write(ctx context.Context, records []Record) error {
	if len(records) == 0 {
		return nil
	}
	parts := split(records)
	if len(parts) == 1 {
		return p.writePartition(ctx, parts[0])
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxPartitionsAtOnce)
	for _, part := range parts {
		group.Go(func() error { return p.writePartition(ctx, part) })
	}
	return group.Wait()
}

// split groups records by topic and partition, in the order of first appearance.
func split(records []Record) [][]*Record {
	type place struct {
		topic     string
		partition int
	}
	index := map[place]int{}
	var out [][]*Record
	for i := range records {
		r := &records[i]
		at := place{r.Topic, r.Partition}
		j, ok := index[at]
		if !ok {
			j = len(out)
			index[at] = j
			out = append(out, nil)
		}
		out[j] = append(out[j], r)
	}
	return out
}

func (p *Producer) writePartition(ctx context.Context, records []*Record) error {
	for len(records) > 0 {
		n, bytes := 0, 0
		for n < len(records) {
			size := recordBytes(records[n])
			if size > MaxRecordBytes {
				return fmt.Errorf("record with key %.60q for topic %s partition %d has %d bytes, brokers take at most %d: bound what goes into it",
					records[n].Key, records[n].Topic, records[n].Partition, size, MaxRecordBytes)
			}
			if n > 0 && bytes+size > MaxBatchBytes {
				break
			}
			bytes += size
			n++
		}
		if err := p.send(ctx, records[:n], bytes); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

func (p *Producer) send(ctx context.Context, records []*Record, bytes int) error {
	topic, partition := records[0].Topic, records[0].Partition
	retry := retrier{client: p.client, operation: "produce", where: fmt.Sprintf("%s/%d", topic, partition)}
	req := &kafkago.ProduceRequest{Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll}
	if p.cfg.Zstd {
		req.Compression = kafkago.Zstd
	}
	for {
		req.Records = &source{records: records}
		res, err := p.client.api.Produce(ctx, req)
		if err == nil {
			err = res.Error
		}
		if err == nil {
			p.client.stats.recordsWritten.Add(int64(len(records)))
			p.client.stats.bytesWritten.Add(int64(bytes))
			return nil
		}
		if errors.Is(err, kafkago.MessageSizeTooLarge) {
			return fmt.Errorf("topic %s partition %d refused a batch of %d bytes: raise its max.message.bytes: %w", topic, partition, bytes, err)
		}
		if err := retry.pause(ctx, err); err != nil {
			return err
		}
	}
}

// recordBytes is an upper bound of what a record takes in a batch.
func recordBytes(r *Record) int {
	n := len(r.Key) + len(r.Value) + 40
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 10
	}
	return n
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
