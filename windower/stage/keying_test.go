package stage

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/internal/transcript"
	"presage/windower"
	"presage/windower/slice"
)

// spread says which key a span's record has, and which partition it is written to.
type spread func(r *rand.Rand, s *ingest.Span) (key []byte, partition uint32)

func hexKey(id ingest.TraceID) []byte { return hex.AppendEncode(nil, id[:]) }

func byTrace(_ *rand.Rand, s *ingest.Span) ([]byte, uint32) {
	key := hexKey(s.TraceID)
	return key, uint32(kafka.Partition(key, math.MaxInt32))
}

func atRandom(r *rand.Rand, _ *ingest.Span) ([]byte, uint32) { return nil, r.Uint32() }

// TestKeying sends calls between services through the machines of a topic's partitions,
// and looks at what is complained of.
func TestKeying(t *testing.T) {
	for name, c := range map[string]struct {
		spread     spread
		partitions uint32
		owned      uint32 // 0: all
		alone      int    // of ten calls, how many are of callers that send no spans
		together   bool   // a trace is one record
		traces     int
		want       string // part of the complaint, empty for none
	}{
		"keyed":                                        {spread: byTrace, partitions: 4, want: ""},
		"keyed, callers without spans":                 {spread: byTrace, partitions: 4, alone: 5, want: ""},
		"keyed, callers without spans, alone":          {spread: byTrace, partitions: 4, owned: 1, alone: 5, want: ""},
		"one partition, callers without spans":         {spread: atRandom, partitions: 1, alone: 5, want: ""},
		"no keys":                                      {spread: atRandom, partitions: 2, want: "spans of one trace lie in several partitions"},
		"no keys, callers without spans":               {spread: atRandom, partitions: 6, alone: 3, want: "spans of one trace lie in several partitions"},
		"no keys, two of many partitions":              {spread: atRandom, partitions: 16, owned: 2, want: "spans of one trace lie in several partitions"},
		"no keys, one partition read":                  {spread: atRandom, partitions: 4, owned: 1, want: "its records no key"},
		"no keys, too few halves to tell":              {spread: atRandom, partitions: 4, traces: 300, want: ""},
		"no keys, traces whole, callers without spans": {spread: atRandom, partitions: 4, alone: 5, together: true, want: ""},
		"by service": {spread: func(_ *rand.Rand, s *ingest.Span) ([]byte, uint32) {
			return []byte(s.Service), uint32(kafka.Partition([]byte(s.Service), math.MaxInt32))
		}, partitions: 3, want: "spans of one trace lie in several partitions"},
		"by service, one partition read": {spread: func(r *rand.Rand, s *ingest.Span) ([]byte, uint32) {
			return []byte(s.Service), r.Uint32()
		}, partitions: 3, owned: 1, want: "not the trace ids"},
		"by trace, without keys, callers without spans": {spread: func(r *rand.Rand, s *ingest.Span) ([]byte, uint32) {
			_, p := byTrace(r, s)
			return nil, p
		}, partitions: 4, alone: 5, want: ""},
		"two partitioners": {spread: func(r *rand.Rand, s *ingest.Span) ([]byte, uint32) {
			key, p := byTrace(r, s)
			if s.Kind == ingest.KindServer {
				p = uint32(mix(s.TraceID))
			}
			return key, p
		}, partitions: 4, want: "do not agree"},
		"some producers without keys": {spread: func(r *rand.Rand, s *ingest.Span) ([]byte, uint32) {
			if s.Service < "s3" {
				return atRandom(r, s)
			}
			return byTrace(r, s)
		}, partitions: 4, want: "not by all producers"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSpreadWorld(t, int(c.partitions))
			if c.owned == 0 {
				c.owned = c.partitions
			}
			if c.traces == 0 {
				c.traces = 12_000
			}
			w.run(c.traces, c.alone, c.together, func(r *rand.Rand, s *ingest.Span) ([]byte, int, bool) {
				key, p := c.spread(r, s)
				p %= c.partitions
				return key, int(p), p < c.owned
			}, int(c.owned))
			got := w.log.String()
			t.Logf("unpaired %.2f of %+v\n%s", unpairedShare(w.keying.evidence().halves), w.keying.evidence(), got)
			switch {
			case c.want == "" && got != "":
				t.Error("a false alarm")
			case !strings.Contains(got, c.want):
				t.Errorf("expected %q", c.want)
			case strings.Count(got, "\n") > 1:
				t.Error("complained more than once")
			}
		})
	}
}

// spreadWorld is a topic with the machines of its partitions.
type spreadWorld struct {
	keying   *keying
	machines []*windower.Partition
	offsets  []int64
	log      bytes.Buffer
}

func newSpreadWorld(t *testing.T, partitions int) *spreadWorld {
	w := &spreadWorld{offsets: make([]int64, partitions)}
	m, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	w.keying = newKeying(&Options{
		Graph: testGraph(), Metrics: m, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Now: func() time.Time { return time.Unix(0, epoch) },
	}, "spans")
	for i := range partitions {
		p, err := windower.NewPartition(windower.PartitionConfig{
			Graph: "shop", Width: 10 * sec, Lateness: 5 * sec, TombstoneTTL: 5 * sec,
			Source: slice.Source{Topic: "spans", Partition: i}, Partitions: partitions,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.machines = append(w.machines, p)
	}
	return w
}

// run sends traces of two or three calls, a hundred a second.
func (w *spreadWorld) run(traces, alone int, together bool, where func(*rand.Rand, *ingest.Span) ([]byte, int, bool), owned int) {
	r := rand.New(rand.NewPCG(1, 2))
	for p := range owned {
		w.keying.join(p, len(w.machines))
	}
	for i := range traces {
		now := epoch + int64(i)*sec/100
		spans := callsOf(r, i, now, alone)
		if together {
			w.write(where, r, now, spans)
			continue
		}
		for j := range spans {
			w.write(where, r, now, spans[j:j+1])
		}
	}
}

func (w *spreadWorld) write(where func(*rand.Rand, *ingest.Span) ([]byte, int, bool), r *rand.Rand, now int64, spans []ingest.Span) {
	key, p, owned := where(r, &spans[0])
	if !owned {
		return
	}
	at := ingest.Position{Topic: "spans", Partition: p, Offset: w.offsets[p]}
	w.offsets[p]++
	w.keying.record(at, key, spans)
	out := w.machines[p].Apply(&ingest.Batch{Position: at, Time: now, Spans: spans})
	w.keying.closed(p, out.Halves)
}

// callsOf makes the two spans of each call of a trace; of alone calls in ten the caller
// sends none.
func callsOf(r *rand.Rand, i int, now int64, alone int) (spans []ingest.Span) {
	trace := ingest.TraceID{1, byte(i >> 16), byte(i >> 8), byte(i)}
	for call := range 2 + r.IntN(2) {
		id := ingest.SpanID{1, byte(call)}
		if r.IntN(10) >= alone {
			spans = append(spans, ingest.Span{TraceID: trace, SpanID: id, Kind: ingest.KindClient, Service: fmt.Sprint("s", call), Start: now - 1000, End: now})
		}
		spans = append(spans, ingest.Span{TraceID: trace, SpanID: ingest.SpanID{2, byte(call)}, ParentID: id, Kind: ingest.KindServer, Service: fmt.Sprint("s", call+1), Start: now - 900, End: now - 100})
	}
	return spans
}

func TestKeyOf(t *testing.T) {
	id := ingest.TraceID{0, 0, 0, 0, 0, 0, 0, 0, 0xab, 2, 3, 4, 5, 6, 7, 8}
	one := []ingest.Span{{TraceID: id}, {TraceID: id}}
	for key, want := range map[string]bool{
		string(id[:]):                       true,
		string(hexKey(id)):                  true,
		strings.ToUpper(string(hexKey(id))): true,
		"ab02030405060708":                  true,
		"ab02030405060709":                  false,
		"cart":                              false,
		"":                                  false,
		string(hexKey(id)) + "0":            false,
	} {
		if got := keyOf([]byte(key), one); got != want {
			t.Errorf("key %q: %v", key, got)
		}
	}
	if keyOf(hexKey(id), []ingest.Span{{TraceID: id}, {TraceID: ingest.TraceID{1}}}) {
		t.Error("the key of one trace stands for two")
	}
}

// TestTraceSampleIsBounded: and it is the same one whatever the order.
func TestTraceSampleIsBounded(t *testing.T) {
	s := newTraceSample()
	for i := range 300_000 {
		s.add(ingest.TraceID{byte(i), byte(i >> 8), byte(i >> 16)}, ingest.Position{Partition: i % 2, Offset: int64(i)})
	}
	traces, again, split := s.count()
	if traces > maxTraces || traces < maxTraces/4 || again+split > 0 {
		t.Errorf("%d traces, %d again, %d split", traces, again, split)
	}
	for i := range 300_000 { // in the other partition
		s.add(ingest.TraceID{byte(i), byte(i >> 8), byte(i >> 16)}, ingest.Position{Partition: 1 - i%2, Offset: int64(i)})
	}
	if n, again, split := s.count(); n != traces || again != n || split != n {
		t.Errorf("%d traces, %d again, %d split", n, again, split)
	}
}

// TestUnkeyedTopicIsToldOf runs the stage on a topic over which spans are spread at random.
func TestUnkeyedTopicIsToldOf(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	r := rand.New(rand.NewPCG(9, 9))
	var log []kafka.Record
	for i := range 1500 {
		now := epoch + int64(i)*sec/100
		for _, s := range callsOf(r, i, now, 0) {
			log = append(log, kafka.Record{Topic: "spans", Partition: r.IntN(2), Time: now, Value: otlp.AppendTraces(nil, []otlp.ResourceSpans{{
				Resource: []otlp.KeyValue{otlp.String("service.name", s.Service)},
				Spans:    []otlp.Span{{TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentID, Kind: uint8(s.Kind), Start: s.Start, End: s.End}},
			}})})
		}
	}
	for _, s := range sources {
		log = append(log, mark(s, epoch+15*sec, true))
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), log); err != nil {
		t.Fatal(err)
	}
	g := testGraph()
	g.MetricTopics = nil
	o := options(t, c, g)
	o.SessionTimeout = 10 * time.Second // a rebalance would count some halves again
	var told transcript.Transcript
	o.Log = slog.New(slog.NewTextHandler(&told, nil))
	ended, over := context.WithCancel(within(t))
	o.OnEnd = func(context.Context) error { over(); return nil }
	stop := pipeline(t, o)
	<-ended.Done()
	if n := testutil.CollectAndCount(o.Metrics.unpaired); n != 2 {
		t.Errorf("%d shares of unpaired halves, expected one a partition", n)
	}
	stop()
	if n := strings.Count(told.String(), "reason=not_keyed"); n != 1 {
		t.Errorf("told %d times: %s", n, told.String())
	}
	var halves float64
	for _, p := range []string{"0", "1"} {
		for _, outcome := range []string{"paired", "virtual", "unpaired"} {
			halves += testutil.ToFloat64(o.Metrics.halfOutcomes.WithLabelValues("shop", "spans", p, outcome))
		}
	}
	if want := float64(len(log) - len(sources)); halves != want {
		t.Errorf("%v halves counted, %v are in the log", halves, want)
	}
}
