package replay

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	batchBytes   = 1 << 20
	batchRecords = 2000
	// stopGrace is how long a write under way may take when the replay is stopped.
	stopGrace = 3 * time.Second
)

// batch is a piece of work for the writer. Values lie in one arena, which may
// move while it grows: records get theirs when the batch is handed over.
type batch struct {
	records []Record
	topics  []*topic
	ends    []int // values end here in the arena
	arena   []byte
	keys    []byte // likewise, 32 bytes each
	keyed   []bool
}

func (b *batch) reset() {
	b.records, b.topics, b.ends, b.keyed = b.records[:0], b.topics[:0], b.ends[:0], b.keyed[:0]
	b.arena, b.keys = b.arena[:0], b.keys[:0]
}

func (b *batch) full() bool { return len(b.arena) >= batchBytes || len(b.records) >= batchRecords }

// add adds the record whose value ends where the arena does.
func (b *batch) add(t *topic, partition int, now int64, key []byte, headers []Header) {
	b.records = append(b.records, Record{Topic: t.name, Partition: partition, Time: now, Headers: headers})
	b.topics = append(b.topics, t)
	b.ends = append(b.ends, len(b.arena))
	b.keyed = append(b.keyed, key != nil)
	b.keys = append(b.keys, key...)
}

func (b *batch) seal() {
	start, key := 0, 0
	for i := range b.records {
		r := &b.records[i]
		if r.Headers == nil {
			r.Value = b.arena[start:b.ends[i]:b.ends[i]]
		}
		start = b.ends[i]
		if b.keyed[i] {
			r.Key = b.keys[key : key+keyLength : key+keyLength]
			key += keyLength
		}
	}
}

// keyLength is that of a trace id in hexadecimal digits.
const keyLength = 32

// writer writes batches in their order while the next ones are made. It owns one
// goroutine, which ends with close.
type writer struct {
	producer Producer
	in       chan *batch // bound: one batch waits while one is written
	free     chan *batch
	done     chan struct{}
	failed   chan struct{} // closed with err
	err      error
	records  atomic.Int64
	bytes    atomic.Int64
}

func startWriter(ctx context.Context, p Producer) *writer {
	w := &writer{producer: p, in: make(chan *batch, 1), free: make(chan *batch, 3), done: make(chan struct{}), failed: make(chan struct{})}
	for range cap(w.free) {
		w.free <- &batch{}
	}
	go w.run(ctx)
	return w
}

// run outlives the end of ctx by the grace that a write under way needs: a write
// cut off in the middle may have reached the topic, and then the state were wrong.
func (w *writer) run(ctx context.Context) {
	defer close(w.done)
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(stopGrace, stop)
		context.AfterFunc(writing, func() { timer.Stop() })
	})()
	for b := range w.in {
		if w.err != nil {
			continue
		}
		b.seal()
		if err := w.producer.Write(writing, b.records); err != nil {
			w.err = err
			close(w.failed)
			continue
		}
		for i, t := range b.topics {
			t.written[b.records[i].Partition]++
		}
		w.records.Add(int64(len(b.records)))
		w.bytes.Add(int64(len(b.arena)))
		b.reset()
		w.free <- b
	}
}

// next gives an empty batch, waiting until one has been written.
func (w *writer) next(ctx context.Context) (*batch, error) {
	select {
	case b := <-w.free:
		return b, nil
	case <-w.failed:
		return nil, w.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// put hands a batch over.
func (w *writer) put(ctx context.Context, b *batch) error {
	select {
	case w.in <- b:
		return nil
	case <-w.failed:
		return w.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// failure is the error of a write, nil if there was none so far.
func (w *writer) failure() error {
	select {
	case <-w.failed:
		return w.err
	default:
		return nil
	}
}

// close waits for what was handed over and returns the error of a write.
func (w *writer) close() error {
	close(w.in)
	<-w.done
	return w.err
}
