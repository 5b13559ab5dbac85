package sink

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"strings"

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

// tailRecords is how many records of a partition Recover reads first; it reads four
// times as many until it has reached back far enough.
const tailRecords = 4096

// NewPublisher makes a publisher; Recover must come before Publish.
func NewPublisher(log Log, topic, graph string) *Publisher {
	return &Publisher{log: log, topic: topic, graph: graph}
}

// Recover reads the tail of the topic: all of this graph's records whose slice
// starts after the given Unix nanoseconds (math.MinInt64 for all of the topic). It returns the newest slice start that it
// found, or ok false, and the number of records that are not forecasts.
func (p *Publisher) Recover(ctx context.Context, after int64) (newest int64, ok bool, bad int64, err error) {
	ranges, err := p.log.Ends(ctx, p.topic)
	if err != nil {
		return 0, false, 0, fmt.Errorf("read the tail of %s: %w", p.topic, err)
	}
	p.partitions = len(ranges)
	p.newest = map[series]int64{}
	newest = math.MinInt64
	for partition, r := range ranges {
		for n := int64(tailRecords); ; n *= 4 {
			from := max(r.First, r.End-n)
			if after == math.MinInt64 {
				from = r.First
			}
			reached := from == r.First
			var broken int64
			err := p.log.ReadRange(ctx, p.topic, partition, from, r.End, func(records []kafka.Record) error {
				for i := range records {
					start, ours, fine := p.note(&records[i])
					if !fine {
						broken++
					}
					if ours {
						reached = reached || start <= after
						newest = max(newest, start)
					}
				}
				return nil
			})
			if err != nil {
				return 0, false, 0, fmt.Errorf("read the tail of %s: %w", p.topic, err)
			}
			if reached {
				bad += broken
				break
			}
		}
	}
	return newest, newest > math.MinInt64, bad, nil
}

// note remembers a record that the topic holds.
func (p *Publisher) note(r *kafka.Record) (start int64, ours, fine bool) {
	if !strings.HasPrefix(string(r.Key), p.graph+"/") {
		return 0, false, true
	}
	f, err := Decode(r.Value)
	if err != nil {
		return 0, false, false
	}
	if f.Graph != p.graph {
		return 0, false, true
	}
	s := series{f.Service, f.Target}
	if at, ok := p.newest[s]; !ok || f.SliceStart > at {
		p.newest[s] = f.SliceStart
	}
	return f.SliceStart, true, true
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
