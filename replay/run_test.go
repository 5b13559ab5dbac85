package replay

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"presage/ingest/otlp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a Producer that keeps what is written.
type memory struct {
	mu     sync.Mutex
	topics map[string][][]Record
	stop   func(written int) error // asked before each write
	total  int
}

func newMemory(partitions int, topics ...string) *memory {
	m := &memory{topics: make(map[string][][]Record)}
	for _, t := range topics {
		m.topics[t] = make([][]Record, partitions)
	}
	return m
}

func (m *memory) Write(_ context.Context, records []Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stop != nil {
		if err := m.stop(m.total); err != nil {
			return err
		}
	}
	for _, r := range records {
		r.Key, r.Value = slices.Clone(r.Key), slices.Clone(r.Value)
		m.topics[r.Topic][r.Partition] = append(m.topics[r.Topic][r.Partition], r)
		m.total++
	}
	return nil
}

func (m *memory) Ranges(_ context.Context, topic string) ([]Range, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	partitions, ok := m.topics[topic]
	if !ok {
		return nil, fmt.Errorf("no topic %s", topic)
	}
	ranges := make([]Range, len(partitions))
	for i, p := range partitions {
		ranges[i] = Range{0, int64(len(p))}
	}
	return ranges, nil
}

// lines are the topics' records without their wall times.
func (m *memory) lines() []string {
	var lines []string
	for _, topic := range []string{"spans", "metrics"} {
		for p, records := range m.topics[topic] {
			for _, r := range records {
				lines = append(lines, fmt.Sprintf("%s/%d %s %x %v", topic, p, r.Key, r.Value, r.Headers))
			}
		}
	}
	return lines
}

// list is a Source over items.
type list struct {
	items []Item
	at    int
}

func (l *list) Next(ctx context.Context) (Item, error) {
	if err := ctx.Err(); err != nil {
		return Item{}, context.Cause(ctx)
	}
	if l.at == len(l.items) {
		return Item{}, io.EOF
	}
	it := l.items[l.at]
	l.at++
	if it.Span != nil {
		s := *it.Span
		it.Span = &s
	} else {
		m := *it.Metrics
		m.Metrics = slices.Clone(m.Metrics)
		for i := range m.Metrics {
			m.Metrics[i].Points = slices.Clone(m.Metrics[i].Points)
		}
		it.Metrics = &m
	}
	return it, nil
}

func (l *list) Stats() Stats {
	return Stats{Rows: int64(l.at), Done: float64(l.at) / float64(len(l.items)), Skipped: map[string]int64{"odd": 1}}
}
func (l *list) Close() error { return nil }

func listOf(items []Item) Opener {
	return func(context.Context) (Source, error) { return &list{items: items}, nil }
}

var base = time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC).UnixNano()

// recording has a span every 100 ms, traces of five spans and two services, and
// metrics every 5 s.
func recording(spans int) []Item {
	resources := [][]otlp.KeyValue{{otlp.String("service.name", "a")}, {otlp.String("service.name", "b")}}
	var items []Item
	for i := range spans {
		at := base + int64(i)*int64(100*time.Millisecond)
		s := &Span{Resource: resources[i%2]}
		s.TraceID = [16]byte{15: byte(i / 5), 14: byte(i / 5 >> 8), 0: 1}
		s.SpanID = [8]byte{7: byte(i % 5), 0: 1}
		s.Name, s.Kind, s.Start, s.End = "op", 2, at-int64(time.Millisecond), at
		items = append(items, Item{At: at, Span: s})
		if i%50 == 0 {
			items = append(items, Item{At: at, Metrics: &otlp.ResourceMetrics{
				Resource: resources[0],
				Metrics:  []otlp.Metric{{Name: "container.cpu.utilization", Unit: "1", Points: []otlp.Point{{Time: at, Value: 0.5}}}},
			}})
		}
	}
	return items
}

func options() Options { return Options{SpansTopic: "spans", MetricsTopic: "metrics"} }

func decode(t *testing.T, r Record) ptrace.Traces {
	t.Helper()
	req := ptraceotlp.NewExportRequest()
	if err := req.UnmarshalProto(r.Value); err != nil {
		t.Fatal(err)
	}
	return req.Traces()
}

// spanEnds are the ends of all spans in a topic, by trace.
func spanEnds(t *testing.T, m *memory) map[string][]int64 {
	t.Helper()
	ends := make(map[string][]int64)
	for _, records := range m.topics["spans"] {
		for _, r := range records {
			if len(r.Headers) > 0 {
				continue
			}
			td := decode(t, r)
			for i := range td.ResourceSpans().Len() {
				spans := td.ResourceSpans().At(i).ScopeSpans().At(0).Spans()
				for j := range spans.Len() {
					id := spans.At(j).TraceID()
					ends[hex.EncodeToString(id[:])] = append(ends[hex.EncodeToString(id[:])], int64(spans.At(j).EndTimestamp()))
				}
			}
		}
	}
	return ends
}

func TestRunWritesAsTheCollectorDoes(t *testing.T) {
	m := newMemory(3, "spans", "metrics")
	report, err := Run(context.Background(), options(), listOf(recording(250)), m)
	if err != nil {
		t.Fatal(err)
	}
	if report.Spans != 250 || report.Metrics != 5 || report.Skipped["odd"] != 1 || report.Rows != 255 {
		t.Errorf("report %+v", report)
	}
	traces := 0
	for p, records := range m.topics["spans"] {
		var marks []string
		for _, r := range records {
			if len(r.Headers) > 0 {
				marks = append(marks, string(r.Headers[0].Value))
				if len(r.Value) > 0 || r.Key != nil {
					t.Errorf("watermark with content: %+v", r)
				}
				continue
			}
			traces++
			td := decode(t, r)
			if n := td.SpanCount(); n != 5 {
				t.Errorf("%d spans in a record, want the trace's 5", n)
			}
			if n := td.ResourceSpans().Len(); n != 2 {
				t.Errorf("%d resources in a record, want 2", n)
			}
			id := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceID()
			if string(r.Key) != hex.EncodeToString(id[:]) {
				t.Errorf("key %s for trace %x", r.Key, id)
			}
			if want := PartitionOf(r.Key, 3); p != want {
				t.Errorf("key %s in partition %d, want %d", r.Key, p, want)
			}
		}
		last := fmt.Sprint(base + int64(24900*time.Millisecond))
		if want := []string{fmt.Sprint(base + 10e9), fmt.Sprint(base + 20e9), last}; !slices.Equal(marks, want) {
			t.Errorf("partition %d has watermarks %v, want %v", p, marks, want)
		}
		if h := records[len(records)-1].Headers; len(h) != 2 || h[1].Key != HeaderFinal || string(h[1].Value) != "1" {
			t.Errorf("partition %d ends with headers %v, want the final watermark", p, h)
		}
	}
	if traces != 50 {
		t.Errorf("%d records with spans, want one for each of 50 traces", traces)
	}
	points := 0
	for _, records := range m.topics["metrics"] {
		for _, r := range records {
			if len(r.Headers) > 0 {
				continue
			}
			req := pmetricotlp.NewExportRequest()
			if err := req.UnmarshalProto(r.Value); err != nil || r.Key != nil {
				t.Fatalf("key %q: %v", r.Key, err)
			}
			points += req.Metrics().DataPointCount()
		}
	}
	if points != 5 {
		t.Errorf("%d points, want 5", points)
	}
}

func TestRunSplitsTracesThatLast(t *testing.T) {
	m := newMemory(1, "spans")
	opts := Options{SpansTopic: "spans"}
	var items []Item
	for i := range 6 {
		s := &Span{}
		s.TraceID, s.SpanID = [16]byte{1}, [8]byte{byte(i + 1)}
		s.End = base + int64(i)*int64(500*time.Millisecond)
		items = append(items, Item{At: s.End, Span: s})
	}
	if _, err := Run(context.Background(), opts, listOf(items), m); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, r := range m.topics["spans"][0][:3] {
		sizes = append(sizes, decode(t, r).SpanCount())
	}
	if !slices.Equal(sizes, []int{2, 2, 2}) {
		t.Errorf("records of %v spans, want 2, 2, 2: a record takes what ends within a second", sizes)
	}
}

// Records stay well below the megabyte that brokers take.
func TestRunBoundsRecords(t *testing.T) {
	m := newMemory(1, "spans")
	var items []Item
	for i := range 5000 {
		s := &Span{}
		s.TraceID, s.SpanID = [16]byte{1}, [8]byte{7: byte(i), 6: byte(i >> 8), 0: 1}
		s.End = base
		if i < 2500 {
			s.Attributes = []otlp.KeyValue{otlp.String("text", strings.Repeat("x", 2000))}
		}
		items = append(items, Item{At: s.End, Span: s})
	}
	if _, err := Run(context.Background(), Options{SpansTopic: "spans"}, listOf(items), m); err != nil {
		t.Fatal(err)
	}
	spans := 0
	for _, r := range m.topics["spans"][0] {
		if len(r.Value) > 600<<10 {
			t.Errorf("a record of %d bytes", len(r.Value))
		}
		if len(r.Headers) == 0 {
			spans += decode(t, r).SpanCount()
		}
	}
	if spans != 5000 {
		t.Errorf("%d spans, want 5000", spans)
	}
}

func TestRunRefusesTopicsThatHoldRecords(t *testing.T) {
	m := newMemory(1, "spans", "metrics")
	m.topics["spans"][0] = []Record{{Topic: "spans"}}
	_, err := Run(context.Background(), options(), listOf(recording(5)), m)
	if err == nil || !strings.Contains(err.Error(), "topic spans holds 1 records already") {
		t.Errorf("got %v, want a refusal", err)
	}
	opts := options()
	opts.Append = true
	if _, err := Run(context.Background(), opts, listOf(recording(5)), m); err != nil {
		t.Error(err)
	}
}

func TestRunCutsToRangeAndLimit(t *testing.T) {
	from, err := ParseMoment("5s")
	if err != nil {
		t.Fatal(err)
	}
	to, err := ParseMoment("2020-01-06T00:00:08Z")
	if err != nil {
		t.Fatal(err)
	}
	opts := options()
	opts.From, opts.To = from, to
	report, err := Run(context.Background(), opts, listOf(recording(250)), newMemory(2, "spans", "metrics"))
	if err != nil || report.Spans != 30 || report.Skipped[beforeFrom] != 51 {
		t.Errorf("%d spans, skipped %v: %v; want 30 spans", report.Spans, report.Skipped, err)
	}
	opts.Limit = 7
	report, err = Run(context.Background(), opts, listOf(recording(250)), newMemory(2, "spans", "metrics"))
	if err != nil || report.Spans != 7 {
		t.Errorf("%d spans, %v; want 7", report.Spans, err)
	}
	if _, err := ParseMoment("yesterday"); err == nil {
		t.Error("yesterday is no moment")
	}
}

// However and whenever a replay is stopped, what the topics hold after it was
// resumed is what an undisturbed one writes.
func TestResumeLosesAndDoublesNothing(t *testing.T) {
	items := recording(400)
	whole := newMemory(3, "spans", "metrics")
	if _, err := Run(context.Background(), options(), listOf(items), whole); err != nil {
		t.Fatal(err)
	}
	want := whole.lines()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		file := filepath.Join(dir, "state.json")
		_ = os.Remove(file)
		m := newMemory(3, "spans", "metrics")
		opts := options()
		opts.StateFile, opts.Identity = file, "test"
		for range rapid.IntRange(1, 3).Draw(t, "stops") {
			ctx, cancel := context.WithCancel(context.Background())
			stopAt := rapid.IntRange(0, len(items)).Draw(t, "at item")
			killed := rapid.Bool().Draw(t, "killed")
			var early []byte
			open := func(context.Context) (Source, error) {
				early, _ = os.ReadFile(file)
				return &stopping{list{items: items}, stopAt, cancel}, nil
			}
			_, err := Run(ctx, opts, open, m)
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if err == nil {
				break
			}
			if killed { // the state of the start is all that a kill leaves
				if err := os.WriteFile(file, early, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			opts.Resume = true
		}
		opts.Resume = true
		if _, err := Run(context.Background(), opts, listOf(items), m); err != nil {
			t.Fatal(err)
		}
		if got := m.lines(); !slices.Equal(got, want) {
			t.Fatalf("%d records, want %d", len(got), len(want))
		}
		report, err := Run(context.Background(), opts, listOf(items), m)
		if err != nil || report.Records != 0 {
			t.Fatalf("resuming a replay that had ended wrote %d records: %v", report.Records, err)
		}
	})
}

type stopping struct {
	list
	at     int
	cancel context.CancelFunc
}

func (s *stopping) Next(ctx context.Context) (Item, error) {
	if s.list.at == s.at {
		s.cancel()
	}
	return s.list.Next(ctx)
}

func TestResumeRefusesWhatItCannotContinue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	opts := options()
	opts.StateFile, opts.Identity, opts.Resume = file, "one", true
	m := newMemory(2, "spans", "metrics")
	if _, err := Run(context.Background(), opts, listOf(recording(9)), m); err == nil || !strings.Contains(err.Error(), "nothing to resume") {
		t.Errorf("got %v, want: nothing to resume", err)
	}
	opts.Resume = false
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	items := recording(90)
	stop := func(context.Context) (Source, error) { return &stopping{list{items: items}, 40, cancel}, nil }
	if _, err := Run(ctx, opts, stop, m); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	opts.Resume, opts.Identity = true, "two"
	if _, err := Run(context.Background(), opts, listOf(items), m); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Errorf("got %v, want: another recording", err)
	}
	opts.Identity = "one"
	if _, err := Run(context.Background(), opts, listOf(items), newMemory(3, "spans", "metrics")); err == nil || !strings.Contains(err.Error(), "3 partitions now") {
		t.Errorf("got %v, want: other partitions", err)
	}
}

func TestRunTellsTheWriteErrorAndStops(t *testing.T) {
	m := newMemory(2, "spans", "metrics")
	broken := errors.New("broker gone")
	m.stop = func(int) error { return broken }
	_, err := Run(context.Background(), options(), listOf(recording(50_000)), m)
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the write error", err)
	}
}

func TestLoopShiftsTurnsAndRenamesTraces(t *testing.T) {
	m := newMemory(2, "spans", "metrics")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opts := options()
	opts.Loop = true
	opts.Limit = 300
	report, err := Run(ctx, opts, listOf(recording(100)), m)
	if err != nil {
		t.Fatal(err)
	}
	ends := spanEnds(t, m)
	if report.Spans != 300 || len(ends) != 60 {
		t.Errorf("%d spans in %d traces, want 300 in 60", report.Spans, len(ends))
	}
	var all []int64
	for _, e := range ends {
		all = append(all, e...)
	}
	slices.Sort(all)
	length := int64(10 * time.Second) // 9.9 s, in whole seconds
	for i, at := range all {
		if want := base + int64(i/100)*length + int64(i%100)*int64(100*time.Millisecond); at != want {
			t.Fatalf("span %d ends at %d, want %d", i, at, want)
		}
	}
	for _, records := range m.topics["spans"] {
		for _, r := range records {
			if len(r.Headers) > 1 {
				t.Error("a loop wrote a final watermark")
			}
		}
	}
}

func TestPacing(t *testing.T) {
	cases := []struct {
		speed  float64
		rebase bool
		want   time.Duration // of 250 spans, 24.9 s
	}{
		{speed: 1, want: 24900 * time.Millisecond},
		{speed: 10, want: 2490 * time.Millisecond},
		{speed: 0, want: 0},
		{speed: 1, rebase: true, want: 24900 * time.Millisecond},
		{speed: 0, rebase: true, want: 0},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.speed, c.rebase), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * 365 * 24 * time.Hour) // the bubble's clock starts in 2000
				m := newMemory(2, "spans", "metrics")
				opts := options()
				opts.Speed, opts.Rebase = c.speed, c.rebase
				began := time.Now()
				told := 0
				opts.Progress = func(Progress) { told++ }
				report, err := Run(t.Context(), opts, listOf(recording(250)), m)
				if err != nil {
					t.Fatal(err)
				}
				if got := time.Since(began); got != c.want {
					t.Errorf("took %s, want %s", got, c.want)
				}
				if c.speed == 1 && told < 20 {
					t.Errorf("progress told %d times in 25 s", told)
				}
				switch {
				case c.rebase && c.speed == 1 && !report.First.Equal(began):
					t.Errorf("the first item is at %s, want now: %s", report.First, began)
				case c.rebase && c.speed == 0 && !report.Last.Equal(began):
					t.Errorf("the last item is at %s, want now: %s", report.Last, began)
				}
				for _, ends := range spanEnds(t, m) {
					for _, e := range ends {
						if e > time.Now().UnixNano() {
							t.Fatal("event time ahead of the wall clock")
						}
					}
				}
			})
		})
	}
}

// At full speed a recording that reaches into the future goes on at the pace of
// the wall clock; one that starts there is refused.
func TestEventTimeNeverRunsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Unix(0, base)) + 20*time.Second)
		began := time.Now()
		m := newMemory(2, "spans", "metrics")
		if _, err := Run(t.Context(), options(), listOf(recording(250)), m); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(began), 4900*time.Millisecond; got != want {
			t.Errorf("took %s, want %s", got, want)
		}
		for _, records := range m.topics["spans"] {
			for _, r := range records {
				if len(r.Headers) > 0 {
					continue
				}
				spans := decode(t, r).ResourceSpans().At(0).ScopeSpans().At(0).Spans()
				if int64(spans.At(0).EndTimestamp()) > r.Time {
					t.Error("a span ends after its record's time")
				}
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := Run(t.Context(), options(), listOf(recording(250)), newMemory(2, "spans", "metrics"))
		if err == nil || !strings.Contains(err.Error(), "ahead of the clock") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func TestPartitionOfIsKafkas(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}
