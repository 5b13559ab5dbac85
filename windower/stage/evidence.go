package stage

import (
	"encoding/binary"

	"presage/ingest"
	"presage/windower"
)

// evidence is what tells a topic that is not keyed by trace id from one whose spans have
// no partners.
//
// A process that reads several partitions sees it directly: spans of one trace come in
// several of them, or don't. One that reads a single partition has only the records' keys
// to go by, which accuse where they are missing or something else than the trace id.
type evidence struct {
	partitions int // of the topic
	owned      int // read by this process
	halves     windower.Halves
	keys       keyCounts
	traces     int // sampled
	again      int // of these, came in several records
	split      int // of these, in several partitions
}

const (
	accusedShare   = 0.1 // of halves unpaired: at random two partitions give a third, or half
	splitShare     = 0.1 // of traces that came in several records
	enoughAgain    = 30  // traces that came in several records
	enoughTraces   = 300 // traces whose second record would have been seen, had there been one
	enoughRecords  = 100
	unkeyedRecords = 0.5 // of records: keys accuse alone
	fewRecords     = 0.05
)

// verdict is why edges are missing, empty where that is not for keying.
func (e *evidence) verdict() string {
	switch {
	case e.partitions < 2, total(e.halves) < judgedHalves, unpairedShare(e.halves) < accusedShare:
		return ""
	case e.seen() && float64(e.split) < splitShare*float64(e.again):
		return "" // traces come whole: the partners send no spans
	case e.seen() && e.unkeyed() < fewRecords:
		return "records are keyed by trace id, but producers do not agree which partition a key belongs to"
	case e.seen():
		return "spans of one trace lie in several partitions: the topic is not keyed by trace id, or not by all producers"
	case e.whole(), e.keys.records < enoughRecords, e.unkeyed() < unkeyedRecords:
		return ""
	case 2*e.keys.absent >= e.keys.absent+e.keys.other:
		return "the topic has several partitions and its records no key: it is not keyed by trace id"
	}
	return "the topic has several partitions and the keys of its records are not the trace ids of their spans"
}

// seen: enough traces came in several records that other partitions than the first
// could have been seen.
func (e *evidence) seen() bool { return e.owned > 1 && e.again >= enoughAgain }

// whole: traces come in one record each, as far as this process would see another.
func (e *evidence) whole() bool {
	return e.owned > 1 && e.traces*e.owned >= enoughTraces*e.partitions && e.again < enoughAgain
}

// unkeyed is the share of records whose key isn't the trace id.
func (e *evidence) unkeyed() float64 {
	return float64(e.keys.absent+e.keys.other) / float64(max(e.keys.records, 1))
}

// restsOn says in words what the verdict rests on.
func (e *evidence) restsOn() string {
	if e.seen() {
		return "traces seen in several partitions by this process"
	}
	return "the keys of records alone: this process does not see enough partitions to follow traces"
}

// maxTraces bounds a sample of traces.
const maxTraces = 4096

// traceSample remembers of some traces where their spans came. Which traces it takes is
// up to their ids alone, so that it takes the same ones in all partitions, however far
// these are apart; when it is full it takes half as many.
type traceSample struct {
	mask uint64 // of the hash: traces are taken where these bits are zero
	of   map[ingest.TraceID]sighting
}

// sighting is where a trace was seen first, and what came after that.
type sighting struct {
	partition    int
	offset       int64
	again, split bool
}

func newTraceSample() traceSample { return traceSample{of: map[ingest.TraceID]sighting{}} }

func (t *traceSample) add(id ingest.TraceID, at ingest.Position) {
	if mix(id)&t.mask != 0 {
		return
	}
	s, ok := t.of[id]
	switch {
	case !ok:
		t.of[id] = sighting{partition: at.Partition, offset: at.Offset}
		if len(t.of) > maxTraces {
			t.halve()
		}
		return
	case s.partition != at.Partition:
		s.again, s.split = true, true
	case s.offset != at.Offset:
		s.again = true
	}
	t.of[id] = s
}

func (t *traceSample) halve() {
	t.mask = t.mask<<1 | 1
	for id := range t.of {
		if mix(id)&t.mask != 0 {
			delete(t.of, id)
		}
	}
}

func (t *traceSample) count() (traces, again, split int) {
	for _, s := range t.of {
		if s.again {
			again++
		}
		if s.split {
			split++
		}
	}
	return len(t.of), again, split
}

// mix spreads an id, which need not be random, over all bits.
func mix(id ingest.TraceID) uint64 {
	h := binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(id[8:])
	h = (h ^ h>>32) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>29) * 0x94d049bb133111eb
	return h ^ h>>32
}
