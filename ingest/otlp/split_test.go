package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"presage/internal/hostile"
)

// failer is a test, or a check of rapid.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// located is a span as it was read, with its resource.
type located struct {
	resource []KeyValue
	span     Span
}

// spansOf lists the spans of a message in a text that has all their fields.
func spansOf(t failer, message []byte) (out []string) {
	t.Helper()
	all, err := readTraces(message)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		for _, s := range r.Spans {
			out = append(out, fmt.Sprintf("%+v", located{r.Resource, s}))
		}
	}
	return out
}

// split splits a message and holds the parts against it: together they hold its spans,
// each part only those of its own partition, in their order, and none is too large.
func split(t failer, s *TraceSplitter, message []byte, partitions, most int) []Part {
	t.Helper()
	parts, err := s.Split(message, partitions, most, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	index := map[int]int{}
	for _, p := range parts {
		if p.Index != index[p.Partition] {
			t.Fatalf("part %d of partition %d comes as number %d", p.Index, p.Partition, index[p.Partition])
		}
		index[p.Partition]++
		if len(p.Value) > most {
			t.Fatalf("a part of %d bytes, at most %d are allowed", len(p.Value), most)
		}
		spans := spansOf(t, p.Value)
		if len(spans) != p.Spans || p.Spans == 0 {
			t.Fatalf("%d spans in a part that says %d", len(spans), p.Spans)
		}
		ids := map[string]bool{}
		for _, raw := range rawSpans(t, p.Value) {
			if at := TracePartition(raw.trace, partitions); at != p.Partition {
				t.Fatalf("a span of partition %d in a part of %d", at, p.Partition)
			}
			ids[string(raw.trace)] = true
		}
		if one := len(ids) == 1 && ids[string(p.Trace)] && len(p.Trace) == 16; one != (p.Trace != nil) {
			t.Fatalf("the part's trace is %x, it holds %d", p.Trace, len(ids))
		}
		got = append(got, spans...)
	}
	want := spansOf(t, message)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%d spans came out, %d went in", len(got), len(want))
	}
	return parts
}

// rawSpans gives the spans of a message as a splitter sees them.
func rawSpans(t failer, message []byte) []rawSpan {
	t.Helper()
	s := NewTraceSplitter(Limits{})
	if _, err := s.Split(message, 1, 1<<30, nil); err != nil {
		t.Fatal(err)
	}
	return s.spans
}

func TestSplit(t *testing.T) {
	traces := sampleTraces()
	traces = append(traces, bigTraces(40)...)
	message := AppendTraces(nil, traces)
	s := NewTraceSplitter(Limits{})
	for _, partitions := range []int{1, 2, 3, 12} {
		parts := split(t, s, message, partitions, 1<<20)
		if len(parts) > partitions {
			t.Errorf("%d parts for %d partitions", len(parts), partitions)
		}
		s.Reset()
		if small := split(t, s, message, partitions, 2000); len(small) < 10 {
			t.Errorf("%d parts of at most 2000 bytes", len(small))
		}
	}
	one := AppendTraces(nil, bigTraces(1))
	if parts := split(t, s, one, 1, 1<<20); !bytes.Equal(parts[0].Value, one) {
		t.Errorf("a message of one span became\n%x\nfrom\n%x", parts[0].Value, one)
	}
}

// TestSplitKeepsWhatItDoesNotKnow: scopes, schemas, events and flags come through as bytes,
// in the Collector's own order of fields.
func TestSplitKeepsWhatItDoesNotKnow(t *testing.T) {
	traces := ptrace.NewTraces()
	for r := range 2 {
		resource := traces.ResourceSpans().AppendEmpty()
		resource.SetSchemaUrl("https://example.org/resource")
		resource.Resource().Attributes().PutStr("service.name", fmt.Sprint("s", r))
		for c := range 2 {
			scope := resource.ScopeSpans().AppendEmpty()
			scope.SetSchemaUrl("https://example.org/scope")
			scope.Scope().SetName(fmt.Sprint("scope", c))
			for i := range 20 {
				span := scope.Spans().AppendEmpty()
				span.SetTraceID([16]byte{1, byte(i)})
				span.SetSpanID([8]byte{byte(r), byte(c), byte(i), 1})
				span.SetFlags(257)
				span.Status().SetMessage(strings.Repeat("m", i*20))
				span.Events().AppendEmpty().SetName("retry")
				span.Attributes().PutEmptyMap("map").PutInt("n", int64(i))
			}
		}
	}
	message, err := new(ptrace.ProtoMarshaler).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	list := func(message []byte) (out []string) {
		all, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(message)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all.ResourceSpans().All() {
			for _, c := range r.ScopeSpans().All() {
				for _, s := range c.Spans().All() {
					out = append(out, fmt.Sprint(r.SchemaUrl(), r.Resource().Attributes().AsRaw(), c.SchemaUrl(), c.Scope().Name(),
						s.TraceID(), s.SpanID(), s.Flags(), s.Status().Message(), s.Events().At(0).Name(), s.Attributes().AsRaw()))
				}
			}
		}
		return out
	}
	for _, most := range []int{1 << 20, 3000} {
		var got []string
		for _, p := range split(t, NewTraceSplitter(Limits{}), message, 3, most) {
			got = append(got, list(p.Value)...)
		}
		want := list(message)
		slices.Sort(got)
		slices.Sort(want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("at most %d bytes: %d spans, want %d, or they differ", most, len(got), len(want))
		}
	}
}

func TestSplitAnyTraces(t *testing.T) {
	s := NewTraceSplitter(Limits{})
	rapid.Check(t, func(r *rapid.T) {
		var traces []ResourceSpans
		for range rapid.IntRange(0, 4).Draw(r, "resources") {
			rs := ResourceSpans{}
			for range rapid.IntRange(0, 2).Draw(r, "attributes") {
				rs.Resource = append(rs.Resource, String("k", rapid.StringN(0, 20, 200).Draw(r, "value")))
			}
			for range rapid.IntRange(0, 20).Draw(r, "spans") {
				rs.Spans = append(rs.Spans, Span{
					TraceID: [16]byte{byte(rapid.IntRange(0, 6).Draw(r, "trace"))}, SpanID: [8]byte{rapid.Byte().Draw(r, "id")},
					Name: rapid.StringN(0, 50, 300).Draw(r, "name"),
				})
			}
			traces = append(traces, rs)
		}
		message := AppendTraces(nil, traces)
		if rapid.Bool().Draw(r, "reset") {
			s.Reset()
		}
		split(r, s, message, rapid.IntRange(1, 5).Draw(r, "partitions"), rapid.SampledFrom([]int{1000, 1500, 1 << 20}).Draw(r, "most"))
	})
}

// TestSplitTwoMessages: parts stay as they are until the memory is given back.
func TestSplitTwoMessages(t *testing.T) {
	s := NewTraceSplitter(Limits{})
	first := AppendTraces(nil, bigTraces(300))
	parts, err := s.Split(first, 4, 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept [][]byte
	for _, p := range parts {
		kept = append(kept, bytes.Clone(p.Value))
	}
	n := len(parts)
	if parts, err = s.Split(AppendTraces(nil, sampleTraces()), 4, 1<<20, parts); err != nil || len(parts) <= n {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	for i := range kept {
		if !bytes.Equal(parts[i].Value, kept[i]) {
			t.Errorf("part %d was changed by the next message", i)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	if _, err := NewTraceSplitter(Limits{}).Split(AppendTraces(nil, bigTraces(3)), 2, 200, nil); !errors.Is(err, ErrLimit) {
		t.Errorf("a span larger than a record: %v", err)
	}
	span := func(content ...string) string { return part(1, part(2, part(2, content...))) }
	for name, c := range map[string]struct {
		message string
		want    error
	}{
		"resource spans of 1 GB":       {claim(1), ErrMalformed},
		"resource of 1 GB":             {part(1, claim(1)), ErrMalformed},
		"scope of 1 GB":                {part(1, part(2, claim(1))), ErrMalformed},
		"schema of 1 GB":               {part(1, claim(3)), ErrMalformed},
		"span of 1 GB":                 {part(1, part(2, claim(2))), ErrMalformed},
		"identifier of 1 GB":           {span(claim(1)), ErrMalformed},
		"a resource that is a number":  {part(1, "\x08\x01", part(2, part(2))), nil},
		"an identifier that is one":    {span("\x08\x01"), ErrMalformed},
		"a million spans":              {part(1, part(2, strings.Repeat(part(2), million))), ErrLimit},
		"a million scopes":             {part(1, strings.Repeat(part(2), million)), nil},
		"a million resources":          {strings.Repeat(part(1), million), nil},
		"a million identifiers":        {span(strings.Repeat(part(1, "x"), million)), nil},
		"a resource again and again":   {part(1, strings.Repeat(part(1), million), part(2, part(2))), nil},
		"a large head and many spans ": {part(1, part(1, part(1, strings.Repeat("x", 1<<20))), part(2, strings.Repeat(part(2), 1000))), nil},
	} {
		t.Run(name, func(t *testing.T) {
			message := []byte(c.message)
			var err error
			hostile.Spends(t, 96<<20, func() { _, err = NewTraceSplitter(Limits{}).Split(message, 12, 32<<20, nil) })
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestTracePartitionStays: where a trace lies outlives programs.
func TestTracePartitionStays(t *testing.T) {
	var got []int
	for i := range 8 {
		got = append(got, TracePartition([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, byte(i)}, 12))
	}
	if want := []int{0, 7, 2, 9, 4, 11, 6, 1}; !slices.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
	if h := TracePartition([]byte("foobar"), 1<<62); h != 0x85944171f73967e8%(1<<62) {
		t.Errorf("FNV-1a of foobar is %#x", h)
	}
}

// FuzzSplit: no bytes make the splitter panic, and what the reader reads of a message is
// what it reads of the parts.
func FuzzSplit(f *testing.F) {
	f.Add(AppendTraces(nil, sampleTraces()), 3, 400)
	f.Add(AppendTraces(nil, bigTraces(3)), 2, 1<<20)
	f.Add([]byte{0x0a, 0x04, 0x12, 0x02, 0x12, 0x00}, 1, 100)
	f.Fuzz(func(t *testing.T, message []byte, partitions, most int) {
		partitions, most = 1+int(uint(partitions)%16), int(uint(most)%(1<<20))
		s := NewTraceSplitter(Limits{})
		parts, err := s.Split(message, partitions, most, nil)
		if _, bad := readTraces(message); bad != nil {
			return // the stage asks the reader first
		}
		if errors.Is(err, ErrLimit) {
			return
		}
		if err != nil {
			t.Fatalf("it can be read, and not split: %v", err)
		}
		if again := split(t, NewTraceSplitter(Limits{}), message, partitions, most); !reflect.DeepEqual(again, parts) {
			t.Fatal("it is split otherwise the second time")
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	message := AppendTraces(nil, bigTraces(1000))
	s := NewTraceSplitter(Limits{})
	var parts []Part
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		var err error
		if parts, err = s.Split(message, 12, 1<<20, parts[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
