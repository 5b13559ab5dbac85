package kafka

import (
	"context"
	"errors"
	"math"

	kafkago "github.com/segmentio/kafka-go"
)

// lane is a producer id, for one batch at a time: brokers leave out a batch of it that they have already, and know it by
// its sequence. So many batches under way, so many lanes; they are used again.
type lane struct {
	producerID
	next map[place]int32 // sequence of the next record
}

// sequence is that of the next record to a partition.
func (l *lane) sequence(at place) int32 {
	if l.producerID == noProducer {
		return -1
	}
	return l.next[at]
}

// advance notes that n records were written.
func (l *lane) advance(at place, n int) {
	if l.producerID != noProducer {
		l.next[at] = following(l.next[at], n)
	}
}

// following is the sequence n records on; after the highest comes zero.
func following(sequence int32, n int) int32 {
	return int32((int64(sequence) + int64(n)) & math.MaxInt32)
}

// lane gives one that nobody uses, a new one if there is none.
func (p *Producer) lane(ctx context.Context, retry *retrier) (*lane, error) {
	p.mu.Lock()
	if n := len(p.lanes); n > 0 {
		l := p.lanes[n-1]
		p.lanes = p.lanes[:n-1]
		p.mu.Unlock()
		return l, nil
	}
	p.mu.Unlock()
	return p.newLane(ctx, retry)
}

func (p *Producer) newLane(ctx context.Context, retry *retrier) (*lane, error) {
	for !p.isPlain() {
		id, err := p.client.newProducerID(ctx)
		switch {
		case err == nil:
			return &lane{producerID: id, next: map[place]int32{}}, nil
		case errors.Is(err, kafkago.UnsupportedVersion), errors.Is(err, kafkago.ClusterAuthorizationFailed):
			p.goPlain(err)
			continue
		}
		if err := retry.pause(ctx, err); err != nil {
			return nil, err
		}
	}
	return &lane{producerID: noProducer}, nil
}

func (p *Producer) isPlain() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.plain
}

// giveBack returns a lane of which it is known what the brokers have.
func (p *Producer) giveBack(l *lane) {
	if l.producerID == noProducer {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes = append(p.lanes, l)
}

// goPlain writes without ids from now on, as the brokers give none.
func (p *Producer) goPlain(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.plain {
		p.plain = true
		p.client.log.Warn("kafka does not tell writes apart by producer ids: one whose acknowledgement is lost may be in a topic twice; "+
			"before Kafka 3.0 ids need the right IdempotentWrite on the cluster", "error", err)
	}
}

// isForgotten tells whether the brokers have lost what they knew of a producer id: from here on they can't tell what they
// have already.
func isForgotten(err error) bool {
	return errors.Is(err, kafkago.OutOfOrderSequenceNumber) || errors.Is(err, kafkago.UnknownProducerId) ||
		errors.Is(err, kafkago.InvalidProducerEpoch) || errors.Is(err, kafkago.InvalidProducerIDMapping)
}
