package stage

import (
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"presage/ingest"
	"presage/windower"
)

const (
	// tallyHalves is how many halves of a partition the share of unpaired ones is of.
	tallyHalves = 10_000
	// judgedHalves is how many halves of a topic are needed for a judgement.
	judgedHalves = 2_000
	// warnEvery is how often a topic that is not keyed is complained of.
	warnEvery = 10 * time.Minute
	// sampleFor is how long a sample of traces and keys is added to; then a new one
	// begins, so that what was mended is believed.
	sampleFor = 10 * time.Minute
)

// keying watches whether the spans of one topic are keyed by trace id, in all partitions
// that this process reads. Where they are not, the halves of a call lie in different
// partitions and never meet: edges are missing. Many unpaired halves alone don't say so,
// as callers without instrumentation leave them too; see evidence.
type keying struct {
	graph, topic string
	metrics      *Metrics

	mu         sync.Mutex
	now        func() time.Time
	complaints *complaints
	partitions int            // of the topic
	tallies    map[int]*tally // by partition
	began      time.Time      // of the sample below
	keys       keyCounts
	traces     traceSample
}

func newKeying(o *Options, topic string) *keying {
	k := &keying{
		graph: o.Graph.Name, topic: topic, metrics: o.Metrics, now: o.Now,
		complaints: newComplaints(o.Log.With("graph", o.Graph.Name, "topic", topic), o.Now),
		tallies:    map[int]*tally{},
	}
	k.complaints.every = warnEvery
	k.renew()
	return k
}

// renew begins a new sample.
func (k *keying) renew() {
	k.began, k.keys, k.traces = k.now(), keyCounts{}, newTraceSample()
}

// join says that this process reads a partition.
func (k *keying) join(partition, partitions int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.partitions != partitions { // traces move to other partitions when a topic grows
		k.partitions = partitions
		k.renew()
	}
	k.tallies[partition] = &tally{}
}

func (k *keying) leave(partition int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.tallies, partition)
}

// record takes the key and the spans of a record that is read for the first time.
func (k *keying) record(at ingest.Position, key []byte, spans []ingest.Span) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.partitions < 2 || len(spans) == 0 {
		return
	}
	if k.now().Sub(k.began) >= sampleFor {
		k.renew()
	}
	k.keys.add(key, spans)
	for i := range spans {
		if i == 0 || spans[i].TraceID != spans[i-1].TraceID {
			k.traces.add(spans[i].TraceID, at)
		}
	}
}

// closed takes what became of the halves of a partition's slices, and complains where
// the topic is not keyed.
func (k *keying) closed(partition int, h windower.Halves) {
	if h == (windower.Halves{}) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.tallies[partition]
	if t == nil {
		return
	}
	t.add(h)
	k.metrics.halves(k.graph, k.topic, partition, h, unpairedShare(t.sum))
	e := k.evidence()
	if cause := e.verdict(); cause != "" {
		k.complaints.warn("not_keyed", "edges are missing: "+cause,
			"partitions", e.partitions, "unpaired_share", round(unpairedShare(e.halves)),
			"calls_cut_if_spread_at_random", round(1-1/float64(e.partitions)),
			"records", e.keys.records, "without_key", e.keys.absent, "key_is_not_the_trace_id", e.keys.other,
			"traces_in_several_records", e.again, "of_these_in_several_partitions", e.split,
			"rests_on", e.restsOn(), "what_to_do", keyingAdvice)
	}
}

// keyingAdvice is what mends a topic that is not keyed.
const keyingAdvice = "let producers key spans by trace id: partition_traces_by_id: true in the OpenTelemetry Collector's Kafka exporter with encoding otlp_proto " +
	"(its Jaeger encodings always are), and the same partitioner in all producers; where producers can't: graphs[].rekey: true with a new name for the graph, " +
	"and presage rekey (or run with the role all) copies the spans into a topic that is keyed"

func round(share float64) string { return fmt.Sprintf("%.2f", share) }

// evidence gathers what a verdict rests on.
func (k *keying) evidence() evidence {
	e := evidence{partitions: k.partitions, owned: len(k.tallies), keys: k.keys}
	for _, t := range k.tallies {
		e.halves.Paired += t.sum.Paired
		e.halves.Virtual += t.sum.Virtual
		e.halves.Unpaired += t.sum.Unpaired
	}
	e.traces, e.again, e.split = k.traces.count()
	return e
}

// tally holds what became of about the last tallyHalves halves of a partition.
type tally struct {
	sum  windower.Halves
	last []windower.Halves // a step of the machine each, the oldest first
}

func (t *tally) add(h windower.Halves) {
	t.last = append(t.last, h)
	t.sum = plus(t.sum, h, 1)
	for total(t.sum)-total(t.last[0]) >= tallyHalves {
		t.sum = plus(t.sum, t.last[0], -1)
		t.last = t.last[1:]
	}
}

func plus(a, b windower.Halves, sign int) windower.Halves {
	return windower.Halves{Paired: a.Paired + sign*b.Paired, Virtual: a.Virtual + sign*b.Virtual, Unpaired: a.Unpaired + sign*b.Unpaired}
}

func total(h windower.Halves) int { return h.Paired + h.Virtual + h.Unpaired }

// unpairedShare is of the halves that somebody could have come for: one that names its
// peer may be a call to something that sends no spans.
func unpairedShare(h windower.Halves) float64 {
	return float64(h.Unpaired) / float64(max(h.Paired+h.Unpaired, 1))
}

// keyCounts says what the keys of records were.
type keyCounts struct{ records, absent, other int }

func (c *keyCounts) add(key []byte, spans []ingest.Span) {
	c.records++
	switch {
	case len(key) == 0:
		c.absent++
	case !keyOf(key, spans):
		c.other++
	}
}

// keyOf reports whether a key is the trace id of all spans: as bytes, or in hexadecimal
// digits as the Collector writes it, without leading zeros as Jaeger does.
func keyOf(key []byte, spans []ingest.Span) bool {
	id := spans[0].TraceID
	for i := range spans {
		if spans[i].TraceID != id {
			return false
		}
	}
	if len(key) == len(id) && ingest.TraceID(key) == id {
		return true
	}
	var padded [2 * len(id)]byte
	if len(key) > len(padded) {
		return false
	}
	for i := range padded {
		padded[i] = '0'
	}
	copy(padded[len(padded)-len(key):], key)
	var decoded ingest.TraceID
	_, err := hex.Decode(decoded[:], padded[:])
	return err == nil && decoded == id
}
