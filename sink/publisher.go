package sink

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"presage/internal/kafka"
	"presage/model"
)

// Log is what the publisher needs of Kafka; ClientLog has it.
type Log interface {
	Write(ctx context.Context, records []kafka.Record) error
	Ends(ctx context.Context, topic string) ([]kafka.Range, error)
	ReadRange(ctx context.Context, topic string, partition int, from, to int64, fn func([]kafka.Record) error) error
}

// ClientLog joins a client's reading and a producer's writing.
type ClientLog struct {
	*kafka.Client
	*kafka.Producer
}

// Publisher writes a graph's forecasts to the forecast topic, each once as far as
// it can know. It is for one goroutine.
type Publisher struct {
	log        Log
	topic      string
	graph      string
	partitions int
	newest     map[series]int64 // slice start of the newest record that the topic holds
}

type series struct{ service, target string }

// tailRecords is how many records of a partition are read first; four times as many
// follow until they reach back far enough.
const tailRecords = 4096

// tailMargin is by how much the writing of one slice's records may be spread over
// time: what lies behind a record that is older still is of earlier slices.
const tailMargin = time.Hour

// NewPublisher makes a publisher; Newest or Recover must come before Publish.
func NewPublisher(log Log, topic, graph string) *Publisher {
	return &Publisher{log: log, topic: topic, graph: graph}
}

// Newest finds the newest slice that the topic holds a forecast of: its start and
// width in nanoseconds, or ok false. All forecasts of earlier slices are there too: a forecaster
// begins a slice when the one before is acknowledged.
func (p *Publisher) Newest(ctx context.Context) (start, width int64, ok bool, err error) {
	t, err := p.tail(ctx, func(t *tail, partition int) bool { return t.partitions[partition].found })
	return t.newest, t.width, t.found(), err
}

// Recover reads the tail of the topic: all of this graph's records whose slice
// starts after the given Unix nanoseconds. It returns the newest slice start that it
// found, or ok false, and the number of records that are not forecasts.
func (p *Publisher) Recover(ctx context.Context, after int64) (newest int64, ok bool, bad int64, err error) {
	t, err := p.tail(ctx, func(t *tail, partition int) bool {
		// A late record of a process that had lost the graph may be older than those before it, so the first one tells.
		part := t.partitions[partition]
		return part.found && part.first <= after
	})
	return t.newest, t.found(), t.bad, err
}

// Publish writes those of one slice's forecasts that the topic does not hold yet, and
// returns when all are acknowledged. A series' records are in one partition in the order of
// their slices, so what is older than the newest one is there. madeAt is in Unix nanoseconds.
// The result is the number of records written by target.
func (p *Publisher) Publish(ctx context.Context, forecasts []model.Forecast, madeAt int64) (written map[string]int, err error) {
	if p.newest == nil {
		return nil, fmt.Errorf("BUG: forecasts published before the tail of %s was read", p.topic)
	}
	records := make([]kafka.Record, 0, len(forecasts))
	fresh := make([]int, 0, len(forecasts))
	for i := range forecasts {
		f := &forecasts[i]
		if at, ok := p.newest[series{f.Service, f.Target}]; ok && at >= f.SliceStart {
			continue
		}
		key := Key(f.Graph, f.Service)
		records = append(records, kafka.Record{Topic: p.topic, Partition: p.partition(key), Key: key, Value: Encode(*f, madeAt)})
		fresh = append(fresh, i)
	}
	if err := p.log.Write(ctx, records); err != nil {
		return nil, fmt.Errorf("publish forecasts to %s: %w", p.topic, err)
	}
	written = map[string]int{}
	for _, i := range fresh {
		p.newest[series{forecasts[i].Service, forecasts[i].Target}] = forecasts[i].SliceStart
		written[forecasts[i].Target]++
	}
	p.forget(forecasts)
	return written, nil
}

// forget drops series that have no forecast any more, once they are many: what is
// older than the slice just published matters no more.
func (p *Publisher) forget(forecasts []model.Forecast) {
	if len(forecasts) == 0 || len(p.newest) <= 2*len(forecasts)+1000 {
		return
	}
	for s, at := range p.newest {
		if at < forecasts[0].SliceStart {
			delete(p.newest, s)
		}
	}
}

// partition is FNV-1a of the key modulo the partitions, so that a service's
// records are in order.
func (p *Publisher) partition(key []byte) int {
	h := fnv.New32a()
	h.Write(key)
	return int(h.Sum32() % uint32(p.partitions))
}
