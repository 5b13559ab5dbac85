package stage

import (
	"context"
	"sync"

	"presage/internal/kafka"
	"presage/windower"
)

const (
	maxQueued = 64      // partials that wait to be sent
	maxBatch  = 4 << 20 // bytes sent in one call
)

// publisher writes a partition's partials in their order, in the background, so that
// the machine need not wait for every acknowledgement. Its queue is bounded: add
// blocks when it is full.
type publisher struct {
	producer *kafka.Producer
	queue    chan publication
	done     chan struct{} // run has ended

	mu      sync.Mutex
	pending []int64 // indices of the slices not acknowledged, oldest first
	err     error
}

// publication is one partial as records.
type publication struct {
	index   int64 // windower.AllAcknowledged for a watermark alone
	records []kafka.Record
	acked   func()
}

// newPublisher starts a publisher that ends with ctx, or after close.
func newPublisher(ctx context.Context, producer *kafka.Producer) *publisher {
	p := &publisher{producer: producer, queue: make(chan publication, maxQueued), done: make(chan struct{})}
	go p.run(ctx)
	return p
}

// add queues a partial. It fails where the publisher has failed, or ctx ends first; the
// partial then counts as not acknowledged.
func (p *publisher) add(ctx context.Context, pub publication) error {
	if pub.index != windower.AllAcknowledged {
		p.mu.Lock()
		p.pending = append(p.pending, pub.index)
		p.mu.Unlock()
	}
	select {
	case p.queue <- pub:
		return nil
	default:
	}
	select {
	case p.queue <- pub:
		return nil
	case <-p.done:
		return p.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends the publisher once everything queued is acknowledged, or its ctx has
// ended. Nothing may be added any more.
func (p *publisher) close() error {
	close(p.queue)
	<-p.done
	return p.failure()
}

// unacknowledged is the lowest slice that waits for its acknowledgement.
func (p *publisher) unacknowledged() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 {
		return windower.AllAcknowledged
	}
	return p.pending[0]
}

// failure is why the publisher has ended, nil while it has not.
func (p *publisher) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *publisher) run(ctx context.Context) {
	defer close(p.done)
	for {
		batch, ok := p.next(ctx)
		if !ok {
			return
		}
		var records []kafka.Record
		for _, pub := range batch {
			records = append(records, pub.records...)
		}
		if err := p.producer.Write(ctx, records); err != nil {
			p.fail(err)
			return
		}
		p.acknowledge(batch)
	}
}

// next waits for a publication and takes with it what else is queued.
func (p *publisher) next(ctx context.Context) ([]publication, bool) {
	var batch []publication
	select {
	case pub, ok := <-p.queue:
		if !ok {
			return nil, false
		}
		batch = append(batch, pub)
	case <-ctx.Done():
		p.fail(context.Cause(ctx))
		return nil, false
	}
	for size := batch[0].bytes(); size < maxBatch; {
		select {
		case pub, ok := <-p.queue:
			if !ok {
				return batch, true // the next call finds the queue closed
			}
			size += pub.bytes()
			batch = append(batch, pub)
		default:
			return batch, true
		}
	}
	return batch, true
}

func (pub *publication) bytes() (n int) {
	for i := range pub.records {
		n += len(pub.records[i].Value)
	}
	return n
}

func (p *publisher) acknowledge(batch []publication) {
	p.mu.Lock()
	for _, pub := range batch {
		if pub.index != windower.AllAcknowledged {
			p.pending = p.pending[1:]
		}
	}
	p.mu.Unlock()
	for _, pub := range batch {
		pub.acked()
	}
}

func (p *publisher) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}
