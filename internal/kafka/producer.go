package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

const (
	// DefaultMaxMessageBytes is what brokers take as one batch unless told otherwise (message.max.bytes).
	DefaultMaxMessageBytes = 1_048_588
	// batchHeader is more than what a batch takes beside its records.
	batchHeader = 128
	// MaxRecordBytes is the most that one record may have where brokers take the default.
	MaxRecordBytes = DefaultMaxMessageBytes - batchHeader
	// maxPartitionsAtOnce bounds the requests of one Write under way.
	maxPartitionsAtOnce = 16
)

// ProducerConfig says how records are written.
type ProducerConfig struct {
	// Zstd compresses batches. Leave it off for the embedded broker: it saves no
	// memory worth the time.
	Zstd bool
	// MaxMessageBytes is what the topics take as one batch (max.message.bytes), before compression, and so bounds
	// records; 0 means DefaultMaxMessageBytes. Topics that take less get smaller batches once they have refused one.
	MaxMessageBytes int
}

// Producer writes records with the acknowledgement of all in-sync replicas. It starts nothing that outlives a call, and
// is safe for use by many goroutines.
//
// It is idempotent: a batch whose acknowledgement is lost is sent again, and the brokers leave it out if they have it. Not so
// what another Write repeats, after an error or in another process: readers take the first by key.
type Producer struct {
	client *Client
	cfg    ProducerConfig

	mu    sync.Mutex
	most  map[string]int // bytes of a batch, of topics that have refused larger ones
	lanes []*lane        // that nobody uses
	plain bool           // the brokers give no producer ids
}

// NewProducer makes a producer.
func NewProducer(client *Client, cfg ProducerConfig) *Producer {
	if cfg.MaxMessageBytes <= 0 {
		cfg.MaxMessageBytes = DefaultMaxMessageBytes
	}
	return &Producer{client: client, cfg: cfg, most: map[string]int{}}
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
	largest := p.cfg.MaxMessageBytes - batchHeader
	for len(records) > 0 {
		n, bytes, most := 0, 0, p.batchBytes(records[0].Topic)
		for n < len(records) {
			size := recordBytes(records[n])
			if size > largest {
				p.client.stats.fail(opProduce)
				return fmt.Errorf("record with key %.60q for topic %s partition %d has %d bytes, expected at most %d: bound what goes into it, or raise topics.max_message_bytes with the topic's max.message.bytes",
					records[n].Key, records[n].Topic, records[n].Partition, size, largest)
			}
			if n > 0 && bytes+size > most {
				break
			}
			bytes += size
			n++
		}
		err := p.send(ctx, records[:n], bytes)
		if isTooLarge(err) && n > 1 {
			p.shrink(records[0].Topic, bytes/2)
			continue
		}
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// batchBytes is how much a batch for a topic may hold.
func (p *Producer) batchBytes(topic string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.most[topic]; ok {
		return n
	}
	return p.cfg.MaxMessageBytes - batchHeader
}

// shrink makes the batches for a topic smaller from now on.
func (p *Producer) shrink(topic string, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.most[topic]; ok && n <= bytes {
		return
	}
	p.most[topic] = bytes
	p.client.log.Warn("kafka topic refused a batch as too large, smaller ones are sent", "topic", topic, "bytes", bytes)
}

func isTooLarge(err error) bool {
	return errors.Is(err, kafkago.MessageSizeTooLarge) || errors.Is(err, kafkago.RecordListTooLarge)
}

func (p *Producer) send(ctx context.Context, records []*Record, bytes int) error {
	topic, partition := records[0].Topic, records[0].Partition
	p.client.stats.unacknowledged.Add(int64(bytes))
	defer p.client.stats.unacknowledged.Add(int64(-bytes))
	retry := &retrier{client: p.client, request: at(opProduce, topic, partition)}
	w, err := p.begin(ctx, records, bytes, retry)
	if err != nil {
		return err
	}
	for {
		err := w.try(ctx)
		switch {
		case err == nil:
			p.giveBack(w.lane)
			p.client.stats.recordsWritten.Add(int64(len(records)))
			p.client.stats.bytesWritten.Add(int64(bytes))
			return nil
		case isTooLarge(err):
			p.giveBack(w.lane)
			if len(records) == 1 {
				p.client.stats.fail(opProduce)
			}
			return fmt.Errorf("topic %s partition %d refused %d records of %d bytes before compression: raise its max.message.bytes, or set topics.max_message_bytes to what it is: %w",
				topic, partition, len(records), bytes, err)
		case isForgotten(err) && w.lane.producerID != noProducer:
			err = w.change(ctx, err, retry)
		default:
			err = retry.pause(ctx, err)
		}
		if err != nil {
			return err // the lane is not given back: what the brokers have of it is not known
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
