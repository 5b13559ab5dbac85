package ingest

import (
	"math"
	"reflect"
	"testing"

	"presage/ingest/otlp"
)

const at = int64(1_700_000_000_000_000_000)

func gauge(name, unit string, values ...float64) otlp.Metric {
	m := otlp.Metric{Name: name, Unit: unit}
	for i, v := range values {
		m.Points = append(m.Points, otlp.Point{Time: at + int64(i), Value: v})
	}
	return m
}

func counterOf(name, unit string, cumulative bool, points ...otlp.Point) otlp.Metric {
	return otlp.Metric{Name: name, Unit: unit, Type: otlp.Counter, Cumulative: cumulative, Points: points}
}

func durations(name, unit string, cumulative bool, points ...otlp.Point) otlp.Metric {
	return otlp.Metric{Name: name, Unit: unit, Type: otlp.HistogramType, Cumulative: cumulative, Points: points}
}

func container(uid, name string, metrics ...otlp.Metric) otlp.ResourceMetrics {
	r := otlp.ResourceMetrics{Resource: []otlp.KeyValue{otlp.String("k8s.pod.uid", uid)}, Metrics: metrics}
	if name != "" {
		r.Resource = append(r.Resource, otlp.String("k8s.container.name", name))
	}
	return r
}

func decodeMetrics(t *testing.T, in ...otlp.ResourceMetrics) *Batch {
	t.Helper()
	b, err := NewDecoder(Options{}).Decode(Metrics, here, 5, nil, otlp.AppendMetrics(nil, in))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestContainerMetrics(t *testing.T) {
	keys := []string{"pod:u/main", "pod:u"}
	for _, c := range []struct {
		name string
		in   []otlp.Metric
		want []Sample
	}{
		{"cores", []otlp.Metric{gauge("container.cpu.usage", "{cpu}", 0.25, 0)}, []Sample{
			{Metric: MetricCPUUsage, Time: at, Value: 250_000}, {Metric: MetricCPUUsage, Time: at + 1},
		}},
		{"time", []otlp.Metric{counterOf("container.cpu.time", "s", true, otlp.Point{Start: 9, Time: at, Value: 12.5})}, []Sample{
			{Metric: MetricCPUTime, Cumulative: true, Start: 9, Time: at, Value: 12_500_000},
		}},
		{"time by mode", []otlp.Metric{counterOf(
			"container.cpu.time", "s", true,
			otlp.Point{Start: 9, Time: at, Value: 12.5, Attributes: []otlp.KeyValue{otlp.String("cpu.mode", "user")}},
			otlp.Point{Start: 8, Time: at, Value: 2, Attributes: []otlp.KeyValue{otlp.String("cpu.mode", "system")}},
		)}, []Sample{
			{Metric: MetricCPUTime, Cumulative: true, Start: 8, Time: at, Value: 14_500_000},
		}},
		{"docker's time", []otlp.Metric{counterOf("container.cpu.usage.total", "ns", true, otlp.Point{Time: at, Value: 5e9})}, []Sample{
			{Metric: MetricCPUTime, Cumulative: true, Time: at, Value: 5_000_000},
		}},
		{"delta time", []otlp.Metric{counterOf("container.cpu.time", "s", false, otlp.Point{Start: at - 10e9, Time: at, Value: 5})}, []Sample{
			{Metric: MetricCPUUsage, Start: at - 10e9, Time: at, Value: 500_000},
		}},
		{"usage before time", []otlp.Metric{
			counterOf("container.cpu.time", "s", true, otlp.Point{Time: at, Value: 5}), gauge("container.cpu.usage", "{cpu}", 1),
			gauge("container.cpu.utilization", "1", 1),
		}, []Sample{{Metric: MetricCPUUsage, Time: at, Value: 1_000_000}}},
		{"share", []otlp.Metric{gauge("container.cpu.utilization", "1", 0.5)}, []Sample{{Metric: MetricCPUUsage, Time: at, Value: 500_000}}},
		{"percent", []otlp.Metric{gauge("container.memory.percent", "1", 0.5)}, []Sample{{Metric: MetricMemory, Time: at, Value: 500_000}}},
		{"memory", []otlp.Metric{
			gauge("container.memory.usage", "By", 64<<30), gauge("container.memory.working_set", "By", 1<<30), gauge("container.memory.rss", "By", 1),
		}, []Sample{{Metric: MetricMemory, Time: at, Value: (1 << 30) * 1_000_000}}},
		{"memory as a counter", []otlp.Metric{counterOf("container.memory.usage", "By", true, otlp.Point{Time: at, Value: 7})}, []Sample{
			{Metric: MetricMemory, Time: at, Value: 7_000_000},
		}},
		{"memory in mebibytes", []otlp.Metric{gauge("container.memory.usage", "MiBy", 1)}, []Sample{{Metric: MetricMemory, Time: at, Value: 1 << 20 * 1_000_000}}},
	} {
		for i := range c.want {
			c.want[i].Keys = keys
		}
		if got := decodeMetrics(t, container("u", "main", c.in...)); !reflect.DeepEqual(got.Samples, c.want) {
			t.Errorf("%s: got %+v\nwant %+v", c.name, got.Samples, c.want)
		}
	}
}

func TestPodsAndContainers(t *testing.T) {
	got := decodeMetrics(
		t,
		container("u", "", gauge("k8s.pod.cpu.usage", "{cpu}", 3), gauge("k8s.pod.memory.working_set", "By", 3)),
		container("u", "main", gauge("container.cpu.usage", "{cpu}", 1)),
		container("u", "sidecar", gauge("container.cpu.usage", "{cpu}", 2)),
		container("v", "", gauge("k8s.pod.cpu.usage", "{cpu}", 4)),
	)
	want := []Sample{
		{Metric: MetricMemory, Keys: []string{"pod:u"}, Time: at, Value: 3_000_000},
		{Metric: MetricCPUUsage, Keys: []string{"pod:u/main", "pod:u"}, Time: at, Value: 1_000_000},
		{Metric: MetricCPUUsage, Keys: []string{"pod:u/sidecar", "pod:u"}, Time: at, Value: 2_000_000},
		{Metric: MetricCPUUsage, Keys: []string{"pod:v"}, Time: at, Value: 4_000_000},
	}
	if !reflect.DeepEqual(got.Samples, want) || got.Lost[LossOutranked] != 1 {
		t.Errorf("got %+v, %v\nwant %+v", got.Samples, got.Lost, want)
	}
}

func TestServerDurations(t *testing.T) {
	service := otlp.ResourceMetrics{
		Resource: []otlp.KeyValue{otlp.String("service.name", "cart")},
		Metrics: []otlp.Metric{
			durations("http.server.duration", "ms", true, otlp.Point{Start: 1, Time: at, Count: 99, Sum: 99}),
			durations(
				"http.server.request.duration", "s", true,
				otlp.Point{Start: 3, Time: at, Count: 2, Sum: 0.5, Bounds: []float64{1}, Buckets: []uint64{2, 0}},
				otlp.Point{Start: 2, Time: at, Count: 1, Sum: 0.25},
			),
			durations("rpc.server.duration", "ms", false, otlp.Point{Start: 1, Time: at + 5, Count: 4, Sum: 10}),
			durations("http.client.duration", "ms", false, otlp.Point{Count: 4}),
		},
	}
	got := decodeMetrics(t, service)
	want := []Sample{
		{Metric: MetricServerDuration, Cumulative: true, Service: "cart", Keys: []string{"service:cart#http", "service:cart"}, Start: 2, Time: at, Count: 3, Sum: 750_000_000},
		{Metric: MetricServerDuration, Service: "cart", Keys: []string{"service:cart#rpc", "service:cart"}, Start: 1, Time: at + 5, Count: 4, Sum: 10_000_000},
	}
	if !reflect.DeepEqual(got.Samples, want) || got.Lost[LossOutranked] != 1 || got.Lost[LossMetric] != 1 {
		t.Errorf("got %+v, %v\nwant %+v", got.Samples, got.Lost, want)
	}
}

func TestPointsLeftOut(t *testing.T) {
	got := decodeMetrics(
		t,
		container("u", "main", gauge("container.cpu.usage", "", math.NaN(), math.Inf(1), -1, 1e30),
			counterOf("container.memory.usage", "By", true, otlp.Point{Value: math.Inf(-1)}),
			gauge("container.memory.unheard_of", "", 1), gauge("rpc.server.duration", "ms", 1),
			counterOf("container.cpu.time", "s", false, otlp.Point{Time: at, Value: 1})),
		otlp.ResourceMetrics{Metrics: []otlp.Metric{gauge("container.cpu.usage", "", 1)}},
	)
	want := [LossCount]int64{LossValue: 6, LossMetric: 2, LossNoResource: 1}
	if len(got.Samples) != 0 || got.Lost != want {
		t.Errorf("got %+v, %v, want %v", got.Samples, got.Lost, want)
	}
}

// TestSumsStayInRange adds up points that only together leave the range.
func TestSumsStayInRange(t *testing.T) {
	var points []otlp.Point
	for range 9 {
		points = append(points, otlp.Point{Time: at, Value: 4e12})
	}
	got := decodeMetrics(t, container("u", "main", counterOf("container.cpu.time", "s", true, points...)))
	if len(got.Samples) != 1 || got.Samples[0].Value != 8e18 || got.Lost[LossValue] != 7 {
		t.Errorf("got %+v, %v", got.Samples, got.Lost)
	}
}

// TestLossNames: every reason has a name of its own.
func TestLossNames(t *testing.T) {
	seen := map[string]bool{}
	for l := range LossCount {
		seen[l.String()] = true
	}
	if len(seen) != int(LossCount) {
		t.Errorf("names %v", seen)
	}
}
