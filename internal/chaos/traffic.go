package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower/slice"
)

// The traffic's shape.
const (
	stepSeconds   = 5 // written at once
	spanTopic     = "spans"
	metricTopic   = "metrics"
	spanPartition = 4
	services      = 9
	second        = int64(time.Second)
)

// traffic writes a system's telemetry, as hostile as producers make it: calls whose halves come in any order, late, twice,
// from clocks that are wrong by minutes, bursts, and rubbish. What it writes follows from its seed and the time it begins.
type traffic struct {
	random   *rand.Rand
	client   *kafka.Client
	producer *kafka.Producer
	now      int64         // event time, Unix nanoseconds
	speed    time.Duration // seconds of event time that are written in one
	mixed    bool          // spans are not keyed by trace id: services write their own to partitions of their own

	delayed []kafka.Record

	mu      sync.Mutex
	stalled map[int]bool // partitions of spans that nothing is written to
	held    []kafka.Record
}

func newTraffic(seed uint64, client *kafka.Client, begin time.Time, speed time.Duration, mixed bool) *traffic {
	return &traffic{
		random: rand.New(rand.NewPCG(seed, 0x74726166)), client: client, producer: kafka.NewProducer(client, kafka.ProducerConfig{Zstd: true}),
		now: begin.Truncate(time.Hour).UnixNano(), stalled: map[int]bool{}, speed: speed, mixed: mixed,
	}
}

// stall keeps back what goes to a partition, or lets it go.
func (t *traffic) stall(partition int, on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stalled[partition] = on
}

// run writes until stop is closed, then the end of the recording.
func (t *traffic) run(ctx context.Context, stop <-chan struct{}) error {
	tick := time.NewTicker(stepSeconds * time.Second / t.speed)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stop:
			return t.end(ctx)
		case <-tick.C:
		}
		if err := t.write(ctx, t.step()); err != nil {
			return err
		}
	}
}

// write writes what is due and what stalled partitions have let go. A write that fails is sent again by the producer until
// the cluster takes it: records may be there twice, as with other producers.
func (t *traffic) write(ctx context.Context, records []kafka.Record) error {
	t.mu.Lock()
	all := append(t.held, records...)
	t.held = nil
	records = records[:0:0]
	for _, r := range all {
		if r.Topic == spanTopic && t.stalled[r.Partition] {
			t.held = append(t.held, r)
		} else {
			records = append(records, r)
		}
	}
	t.mu.Unlock()
	if err := t.producer.Write(ctx, records); err != nil {
		return fmt.Errorf("write traffic: %w", err)
	}
	return nil
}

// step makes the records of the next few seconds.
func (t *traffic) step() (out []kafka.Record) {
	r := t.random
	for range stepSeconds {
		t.now += second
		calls := 3 + r.IntN(6)
		if r.IntN(50) == 0 {
			calls *= 20 // a burst
		}
		var halves []half
		for range calls {
			halves = append(halves, t.call()...)
		}
		out = append(out, t.records(halves)...)
		if r.IntN(10) == 0 {
			out = append(out, kafka.Record{Topic: spanTopic, Partition: r.IntN(spanPartition), Time: t.now, Value: fmt.Appendf(nil, "rubbish %d", r.Uint32())})
		}
	}
	out = append(out, kafka.Record{Topic: metricTopic, Time: t.now, Value: t.cpu()})
	for len(t.delayed) > 20 || len(t.delayed) > 0 && r.IntN(3) == 0 {
		out = append(out, t.delayed[0])
		t.delayed = t.delayed[1:]
	}
	if t.now/second%10 == 0 {
		out = append(out, t.marks(false)...)
	}
	return out
}

// half is a call as one of its services tells it.
type half struct {
	service int
	span    otlp.Span
}

// call is a call as its two services tell it. What is lost on the way or late is left out.
func (t *traffic) call() (out []half) {
	r := t.random
	var trace [16]byte
	for i := range trace {
		trace[i] = byte(r.Uint32())
	}
	from, to := r.IntN(services), r.IntN(services)
	start := t.now - r.Int64N(second)
	if r.IntN(200) == 0 {
		start += (r.Int64N(10) - 5) * 60 * second // a wrong clock
	}
	length := r.Int64N(second)
	client := otlp.Span{TraceID: trace, SpanID: [8]byte{1}, Name: "call", Kind: 3, Start: start, End: start + length, Error: r.IntN(9) == 0}
	server := otlp.Span{TraceID: trace, SpanID: [8]byte{2}, ParentID: [8]byte{1}, Name: "serve", Kind: 2, Start: start + length/10, End: start + length - length/10}
	halves := []half{{from, client}, {to, server}}
	if r.IntN(2) == 0 {
		slices.Reverse(halves)
	}
	for _, h := range halves {
		switch r.IntN(40) {
		case 0: // lost on the way
		case 1: // twice
			out = append(out, h, h)
		case 2: // late, perhaps too late
			t.delayed = append(t.delayed, t.record(h))
		default:
			out = append(out, h)
		}
	}
	return out
}

// records are the halves of a second as they are sent: each by itself to the partition of its trace, or those of a service
// together to the service's.
func (t *traffic) records(halves []half) (out []kafka.Record) {
	if !t.mixed {
		for _, h := range halves {
			out = append(out, t.record(h))
		}
		return out
	}
	for service := range services {
		var own []otlp.Span
		for _, h := range halves {
			if h.service == service {
				own = append(own, h.span)
			}
		}
		if len(own) > 0 {
			out = append(out, kafka.Record{Topic: spanTopic, Partition: service % spanPartition, Time: t.now, Value: message(service, own...)})
		}
	}
	return out
}

// record is a half by itself.
func (t *traffic) record(h half) kafka.Record {
	partition := int(h.span.TraceID[0]) % spanPartition
	if t.mixed {
		partition = h.service % spanPartition
	}
	return kafka.Record{Topic: spanTopic, Partition: partition, Time: t.now, Key: fmt.Appendf(nil, "%x", h.span.TraceID), Value: message(h.service, h.span)}
}

func message(service int, spans ...otlp.Span) []byte {
	return otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{otlp.String("service.name", fmt.Sprintf("service-%d", service)), otlp.String("k8s.pod.uid", fmt.Sprintf("pod-%d", service))},
		Spans:    spans,
	}})
}

func (t *traffic) cpu() []byte {
	var out []otlp.ResourceMetrics
	for s := range services {
		out = append(out, otlp.ResourceMetrics{
			Resource: []otlp.KeyValue{otlp.String("k8s.pod.uid", fmt.Sprintf("pod-%d", s)), otlp.String("k8s.container.name", "main")},
			Metrics:  []otlp.Metric{{Name: "container.cpu.usage", Unit: "{cpu}", Type: otlp.Gauge, Points: []otlp.Point{{Time: t.now, Value: t.random.Float64()}}}},
		})
	}
	return otlp.AppendMetrics(nil, out)
}

// marks are watermarks of all partitions.
func (t *traffic) marks(final bool) (out []kafka.Record) {
	for _, s := range sources(spanTopic) {
		m := kafka.Record{Topic: s.Topic, Partition: s.Partition, Time: t.now, Headers: []kafka.Header{{Key: ingest.HeaderWatermark, Value: fmt.Append(nil, t.now)}}}
		if final {
			m.Headers = append(m.Headers, kafka.Header{Key: ingest.HeaderFinal, Value: []byte("1")})
		}
		out = append(out, m)
	}
	return out
}

// end writes what is still held back, and that nothing comes any more.
func (t *traffic) end(ctx context.Context) error {
	t.mu.Lock()
	clear(t.stalled)
	t.mu.Unlock()
	last := append(t.delayed, t.marks(true)...)
	t.delayed = nil
	return t.write(ctx, last)
}

// sources are the partitions of a topic of spans, and of that of metrics.
func sources(spans string) (out []slice.Source) {
	for p := range spanPartition {
		out = append(out, slice.Source{Topic: spans, Partition: p})
	}
	return append(out, slice.Source{Topic: metricTopic})
}
