package ingest

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"presage/ingest/otlp"
)

var here = Position{Topic: "otlp_spans", Partition: 3, Offset: 99}

func decodeSpans(t *testing.T, spans ...otlp.Span) []Span {
	t.Helper()
	for i := range spans {
		spans[i].TraceID[0], spans[i].SpanID[0] = 1, byte(i+1)
	}
	value := otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{otlp.String("service.name", "cart")}, Spans: spans,
	}})
	b, err := NewDecoder(Options{}).Decode(Spans, here, 5, nil, value)
	if err != nil {
		t.Fatal(err)
	}
	return b.Spans
}

func TestDecodeSpan(t *testing.T) {
	value := otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{
			otlp.String("service.name", "cart"), otlp.String("k8s.deployment.name", "cart-v1"),
			otlp.String("service.instance.id", "shop.cart-1.main"), otlp.String("container.id", "c0ffee"),
			otlp.String("k8s.namespace.name", "shop"), otlp.String("k8s.container.name", "main"),
			otlp.String("k8s.pod.name", "cart-1"), otlp.String("k8s.pod.uid", "u1"),
		},
		Spans: []otlp.Span{
			{TraceID: [16]byte{7}, SpanID: [8]byte{8}, ParentID: [8]byte{9}, Kind: 2, Error: true, Start: 10, End: 20, TraceState: "ot=th:8"},
			{TraceID: [16]byte{7}}, {SpanID: [8]byte{8}},
		},
	}})
	// The Collector's own bytes have their fields in the other order.
	var u ptrace.ProtoUnmarshaler
	traces, err := u.UnmarshalTraces(value)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := new(ptrace.ProtoMarshaler).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	want := Span{
		TraceID: TraceID{7}, SpanID: SpanID{8}, ParentID: SpanID{9}, Kind: KindServer, Error: true, Service: "cart",
		Keys:  []string{"pod:u1/main", "pod:u1", "podname:shop/cart-1", "container:c0ffee", "instance:shop.cart-1.main", "deployment:shop/cart-v1"},
		Start: 10, End: 20, Adjusted: 2 * FullCount,
	}
	d := NewDecoder(Options{})
	for _, in := range [][]byte{value, theirs} {
		b, err := d.Decode(Spans, here, 5, []Header{{"traceparent", nil}}, in)
		if err != nil {
			t.Fatal(err)
		}
		if b.Position != here || b.Time != 5 || b.Watermark != 0 || b.Final {
			t.Errorf("batch %+v", b)
		}
		if len(b.Spans) != 1 || !reflect.DeepEqual(b.Spans[0], want) {
			t.Errorf("got %+v\nwant %+v", b.Spans, want)
		}
		if b.Lost[LossSpanID] != 2 {
			t.Errorf("%d spans without id, 2 expected", b.Lost[LossSpanID])
		}
	}
}

func TestWatermarkRecords(t *testing.T) {
	d := NewDecoder(Options{})
	mark := func(v string) Header { return Header{HeaderWatermark, []byte(v)} }
	b, err := d.Decode(Spans, here, 5, []Header{mark("1700000000000000000")}, nil)
	if err != nil || b.Watermark != 1_700_000_000_000_000_000 || b.Final || len(b.Spans) != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	b, err = d.Decode(Metrics, here, 5, []Header{{HeaderFinal, []byte("1")}, mark("5")}, nil)
	if err != nil || b.Watermark != 5 || !b.Final {
		t.Errorf("%+v, %v", b, err)
	}
	for _, headers := range [][]Header{
		{mark("")}, {mark("-5")}, {mark("tomorrow")}, {mark("99999999999999999999")},
		{{HeaderFinal, []byte("1")}}, {mark("5"), {HeaderFinal, []byte("yes")}},
	} {
		if _, err := d.Decode(Spans, here, 5, headers, nil); Reason(err) != ReasonWatermark {
			t.Errorf("%v: %v", headers, err)
		}
	}
	if _, err := d.Decode(Spans, here, 5, []Header{mark("5")}, []byte{1}); Reason(err) != ReasonWatermark {
		t.Errorf("a value beside the watermark: %v", err)
	}
}

func TestDeadLetters(t *testing.T) {
	d := NewDecoder(Options{Limits: otlp.Limits{Bytes: 100}})
	for _, c := range []struct {
		value []byte
		want  string
	}{
		{nil, ReasonEmpty},
		{[]byte("not protobuf"), ReasonProtobuf},
		{make([]byte, 101), ReasonTooLarge},
	} {
		for _, signal := range []Signal{Spans, Metrics} {
			b, err := d.Decode(signal, here, 5, nil, c.value)
			if b != nil || Reason(err) != c.want || !strings.Contains(err.Error(), "otlp_spans/3 at offset 99") {
				t.Errorf("%.20q as %v: %v", c.value, signal, err)
			}
		}
	}
	if Reason(errors.New("x")) != ReasonOther {
		t.Error("reason of a foreign error")
	}
}

// TestNames: what is interned outlives the buffer, is valid and is bounded.
func TestNames(t *testing.T) {
	n := newNames(2000, 8)
	b := []byte("cart")
	s := n.get(alias(b))
	b[0] = 'X'
	if s != "cart" || n.get("cart") != "cart" {
		t.Errorf("got %q", s)
	}
	for in, want := range map[string]string{
		"": "", "12345678": "12345678", "123456789": "12345678", "1234567é": "1234567", "a\xffb": "a\uFFFDb", "\xff\xff\xff\xff\xff\xff\xff\xff\xff": "\uFFFD",
	} {
		if got := n.get(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if n.cut != 3 {
		t.Errorf("%d names cut, 3 expected", n.cut)
	}
	for i := range 1000 {
		n.get(string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	if n.bytes > 2000 || len(n.table) > 2000/entryBytes {
		t.Errorf("the table holds %d names of %d bytes", len(n.table), n.bytes)
	}
}

// TestTablesChangeNothing: a decoder whose tables overflow all the time decodes the
// same.
func TestTablesChangeNothing(t *testing.T) {
	small, large := NewDecoder(Options{InternBytes: 1}), NewDecoder(Options{})
	for i := range 50 {
		name := strings.Repeat("s", i)
		value := otlp.AppendTraces(nil, []otlp.ResourceSpans{{
			Resource: []otlp.KeyValue{otlp.String("service.name", name), otlp.String("k8s.pod.uid", name)},
			Spans: []otlp.Span{{
				TraceID: [16]byte{1}, SpanID: [8]byte{1}, Kind: 3, Attributes: []otlp.KeyValue{otlp.String("peer.service", name+"x")},
			}},
		}})
		a, errA := small.Decode(Spans, here, 1, nil, value)
		b, errB := large.Decode(Spans, here, 1, nil, value)
		if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%v %v\n%+v\n%+v", errA, errB, a, b)
		}
	}
}
