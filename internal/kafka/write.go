package kafka

import (
	"bytes"
	"context"
	"errors"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// write is one batch on its way to one partition.
type write struct {
	producer *Producer
	at       place
	records  int
	lane     *lane
	batch    []byte
}

// begin encodes records, of at most size bytes, and stamps them.
func (p *Producer) begin(ctx context.Context, records []*Record, size int, retry *retrier) (*write, error) {
	compression := kafkago.Compression(0)
	if p.cfg.Zstd {
		compression = kafkago.Zstd
	}
	batch, err := encodeBatch(records, size, compression)
	if err != nil {
		return nil, err
	}
	l, err := p.lane(ctx, retry)
	if err != nil {
		return nil, err
	}
	w := &write{producer: p, at: place{records[0].Topic, records[0].Partition}, records: len(records), lane: l, batch: batch}
	w.stamp()
	return w, nil
}

func (w *write) stamp() { stamp(w.batch, w.lane.producerID, w.lane.sequence(w.at)) }

// try sends the batch once. It is no error if the brokers have it already.
func (w *write) try(ctx context.Context) error {
	res, err := w.producer.client.api.RawProduce(ctx, &kafkago.RawProduceRequest{
		Topic: w.at.topic, Partition: w.at.partition, RequiredAcks: kafkago.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(w.batch)},
	})
	if err == nil {
		err = res.Error
	}
	if err != nil && !errors.Is(err, kafkago.DuplicateSequenceNumber) {
		return err
	}
	w.lane.advance(w.at, w.records)
	return nil
}

// change goes on with another lane after the brokers have forgotten this one.
func (w *write) change(ctx context.Context, cause error, retry *retrier) error {
	if w.lane.sequence(w.at) == 0 { // a new id is not known either
		w.producer.goPlain(cause)
	} else {
		w.producer.client.log.Warn("kafka has lost what it knew of a producer id: records may be in the topic twice",
			"topic", w.at.topic, "partition", w.at.partition, "records", w.records, "error", cause)
	}
	l, err := w.producer.newLane(ctx, retry)
	if err != nil {
		return err
	}
	// kafka-go may still be sending what it was given before.
	w.lane, w.batch = l, bytes.Clone(w.batch)
	w.stamp()
	return nil
}
