package otlp

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReadRefuses(t *testing.T) {
	spans := func(n int) []byte { return AppendTraces(nil, []ResourceSpans{{Spans: make([]Span, n)}}) }
	many := make([]KeyValue, 9)
	attributes := AppendTraces(nil, []ResourceSpans{{Spans: []Span{{Attributes: many}}}})
	links := AppendTraces(nil, []ResourceSpans{{Spans: []Span{{Links: make([]Link, 9)}}}})
	whole := AppendTraces(nil, sampleTraces())
	limits := Limits{Bytes: 1 << 12, Items: 8, Attributes: 8}
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"too long", make([]byte, 1<<12+1), ErrLimit},
		{"too many spans", spans(9), ErrLimit},
		{"too many attributes", attributes, ErrLimit},
		{"too many links", links, ErrLimit},
		{"cut off", whole[:len(whole)-3], ErrMalformed},
		{"text", []byte("{\"resourceSpans\":[]}"), ErrMalformed},
		{"length past the end", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, ErrMalformed},
		{"group", []byte{0x0b}, ErrMalformed},
		{"resource spans as a number", []byte{0x08, 1}, ErrMalformed},
		{"as many spans as are allowed", spans(8), nil},
		{"nothing", nil, nil},
	} {
		err := NewTraceReader(limits).Read(c.in, traceCollector{&collector{}})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	buckets := AppendMetrics(nil, []ResourceMetrics{{Metrics: []Metric{{Type: HistogramType, Points: []Point{{Buckets: make([]uint64, 9)}}}}}})
	err := NewMetricsReader(Limits{Buckets: 8}).Read(buckets, metricsCollector{&collector{}})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("too many buckets: %v", err)
	}
	points := AppendMetrics(nil, []ResourceMetrics{{Metrics: []Metric{{Points: make([]Point, 9)}}}})
	err = NewMetricsReader(limits).Read(points, metricsCollector{&collector{}})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("too many points: %v", err)
	}
}

// TestVisitorStops checks that an error of the visitor ends reading.
func TestVisitorStops(t *testing.T) {
	stop := errors.New("enough")
	err := NewTraceReader(Limits{}).Read(AppendTraces(nil, sampleTraces()), stopper{stop})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

type stopper struct{ err error }

func (s stopper) Resource([]byte) error { return nil }
func (s stopper) Span(*Span) error      { return s.err }

// TestOddIdentifiers: an identifier of a wrong length is no identifier.
func TestOddIdentifiers(t *testing.T) {
	span := []byte{0x0a, 2, 1, 2, 0x12, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x30, 99}
	message := append([]byte{0x0a, byte(len(span) + 4), 0x12, byte(len(span) + 2), 0x12, byte(len(span))}, span...)
	got, err := readTraces(message)
	if err != nil {
		t.Fatal(err)
	}
	s := got[0].Spans[0]
	if s.TraceID != [16]byte{} || s.SpanID != [8]byte{1, 2, 3, 4, 5, 6, 7, 8} || s.Kind != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	b := AppendTraces(nil, bigTraces(100))
	r := NewTraceReader(Limits{})
	v := &counter{}
	if n := testing.AllocsPerRun(20, func() {
		if err := r.Read(b, v); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a message", n)
	}
	if v.spans == 0 || v.attributes != v.spans*10 {
		t.Errorf("%+v", v)
	}
}

type counter struct{ resources, spans, attributes int }

func (c *counter) Resource([]byte) error { c.resources++; return nil }
func (c *counter) Span(s *Span) error {
	c.spans++
	c.attributes += len(s.Attributes)
	return nil
}

// TestRoundTrip writes and reads random messages, with lengths on both sides of
// where a length needs another byte.
func TestRoundTrip(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat("x", rapid.SampledFrom([]int{0, 1, 100, 126, 127, 128, 130, 16380, 16390}).Draw(t, "len"))
	})
	attribute := rapid.Custom(func(t *rapid.T) KeyValue {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return KeyValue{"b", Value{Kind: KindBool, Bool: rapid.Bool().Draw(t, "bool")}}
		case 1:
			return Int("i", rapid.Int64().Draw(t, "int"))
		case 2:
			return KeyValue{"d", Value{Kind: KindDouble, Double: rapid.Float64().Draw(t, "double")}}
		}
		return String(text.Draw(t, "key"), text.Draw(t, "text"))
	})
	rapid.Check(t, func(t *rapid.T) {
		var want []ResourceSpans
		for range rapid.IntRange(0, 3).Draw(t, "resources") {
			r := ResourceSpans{Resource: rapid.SliceOfN(attribute, 1, 3).Draw(t, "resource")}
			for range rapid.IntRange(0, 3).Draw(t, "spans") {
				r.Spans = append(r.Spans, Span{
					SpanID: [8]byte{rapid.Byte().Draw(t, "id")}, Name: text.Draw(t, "name"), Kind: rapid.Uint8Range(0, 5).Draw(t, "kind"),
					Start: rapid.Int64Min(0).Draw(t, "start"), Error: rapid.Bool().Draw(t, "error"),
					Attributes: rapid.SliceOfN(attribute, 1, 3).Draw(t, "attributes"),
				})
			}
			want = append(want, r)
		}
		got, err := readTraces(AppendTraces(nil, want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
		}
	})
}
