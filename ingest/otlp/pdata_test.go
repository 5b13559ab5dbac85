package otlp

import (
	"reflect"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// TestTracesThroughPdata sends our bytes through the Collector's own codec, which
// writes its fields in descending order, and reads them back.
func TestTracesThroughPdata(t *testing.T) {
	want := sampleTraces()
	ours := AppendTraces(nil, want)
	got, err := readTraces(ours)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("our own bytes: %v\n got %+v\nwant %+v", err, got, want)
	}
	var u ptrace.ProtoUnmarshaler
	theirs, err := u.UnmarshalTraces(ours)
	if err != nil {
		t.Fatal(err)
	}
	span := theirs.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	if span.TraceID() != pcommon.TraceID(want[0].Spans[0].TraceID) || span.Kind() != ptrace.SpanKindServer ||
		span.Status().Code() != ptrace.StatusCodeError || span.TraceState().AsRaw() != "ot=th:8" ||
		int64(span.EndTimestamp()) != want[0].Spans[0].End || span.Links().Len() != 1 {
		t.Errorf("pdata reads our span as %v %v %v", span.TraceID(), span.Kind(), span.Status().Code())
	}
	if v, ok := span.Attributes().Get("neg"); !ok || v.Int() != -1 {
		t.Errorf("pdata reads the attribute neg as %v", v.AsRaw())
	}
	var m ptrace.ProtoMarshaler
	back, err := m.MarshalTraces(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(back, ours) {
		t.Error("pdata now writes in our order: the test no longer shows that the reader depends on none")
	}
	got, err = readTraces(back)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("pdata's bytes: %v\n got %+v\nwant %+v", err, got, want)
	}
}

func TestMetricsThroughPdata(t *testing.T) {
	want := sampleMetrics()
	ours := AppendMetrics(nil, want)
	got, err := readMetrics(ours)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("our own bytes: %v\n got %+v\nwant %+v", err, got, want)
	}
	var u pmetric.ProtoUnmarshaler
	theirs, err := u.UnmarshalMetrics(ours)
	if err != nil {
		t.Fatal(err)
	}
	metrics := theirs.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	if sum := metrics.At(1).Sum(); !sum.IsMonotonic() || sum.AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
		t.Error("pdata reads our counter as another kind of sum")
	}
	if h := metrics.At(2).Histogram(); h.AggregationTemporality() != pmetric.AggregationTemporalityDelta ||
		h.DataPoints().At(0).BucketCounts().At(2) != 2 || h.DataPoints().At(0).Sum() != 7.5 {
		t.Error("pdata reads our histogram otherwise")
	}
	var m pmetric.ProtoMarshaler
	back, err := m.MarshalMetrics(theirs)
	if err != nil {
		t.Fatal(err)
	}
	got, err = readMetrics(back)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("pdata's bytes: %v\n got %+v\nwant %+v", err, got, want)
	}
}

// TestPdataOnly reads what only the Collector writes.
func TestPdataOnly(t *testing.T) {
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.Attributes().PutEmptySlice("list").AppendEmpty().SetStr("x")
	span.Attributes().PutEmptyMap("map").PutEmptyMap("deep").PutInt("n", 1)
	span.Attributes().PutEmptyBytes("bytes").Append(1, 2)
	span.Attributes().PutEmpty("nothing")
	span.Events().AppendEmpty().SetName("retry")
	span.Status().SetMessage("fine")
	span.Status().SetCode(ptrace.StatusCodeOk)
	span.SetFlags(257)
	b, err := new(ptrace.ProtoMarshaler).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readTraces(b)
	if err != nil {
		t.Fatal(err)
	}
	s := got[0].Spans[0]
	if s.Error || len(s.Attributes) != 4 {
		t.Fatalf("got %+v", s)
	}
	for _, kv := range s.Attributes {
		if kv.Value.Kind != KindOther {
			t.Errorf("%s has kind %d", kv.Key, kv.Value.Kind)
		}
	}

	metrics := pmetric.NewMetrics()
	scope := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	scope.Scope().SetName("docker")
	exponential := scope.Metrics().AppendEmpty()
	exponential.SetName("http.server.request.duration")
	e := exponential.SetEmptyExponentialHistogram()
	e.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := e.DataPoints().AppendEmpty()
	p.SetCount(4)
	p.SetSum(2.5)
	p.SetScale(-3)
	p.SetTimestamp(77)
	p.Positive().BucketCounts().Append(4)
	p.Attributes().PutStr("a", "b")
	gauge := scope.Metrics().AppendEmpty()
	gauge.SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(-5)
	none := gauge.Gauge().DataPoints().AppendEmpty()
	none.SetDoubleValue(1)
	none.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	scope.Metrics().AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().SetCount(3)
	level := scope.Metrics().AppendEmpty().SetEmptySum()
	level.DataPoints().AppendEmpty().SetIntValue(3)
	if b, err = new(pmetric.ProtoMarshaler).MarshalMetrics(metrics); err != nil {
		t.Fatal(err)
	}
	c := &collector{}
	if err = NewMetricsReader(Limits{}).Read(b, metricsCollector{c}); err != nil {
		t.Fatal(err)
	}
	ms := c.metrics[0].Metrics
	if len(ms) != 3 {
		t.Fatalf("%d metrics, 3 expected (the summary is left out): %+v", len(ms), ms)
	}
	if q := ms[0].Points[0]; ms[0].Type != ExponentialType || !ms[0].Cumulative || q.Count != 4 || q.Sum != 2.5 || q.Time != 77 || len(q.Attributes) != 1 {
		t.Errorf("exponential histogram read as %+v", ms[0])
	}
	if q := ms[1].Points; q[0].Value != -5 || q[0].NoValue || !q[1].NoValue {
		t.Errorf("gauge read as %+v", q)
	}
	if c.infos[2].Monotonic || c.infos[2].Scope != "docker" {
		t.Errorf("sum read as %+v", c.infos[2])
	}
}
