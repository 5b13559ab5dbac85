package otlp

// OTLP's aggregation temporalities.
const (
	temporalityDelta      = 1
	temporalityCumulative = 2
)

// The fields of a Metric message that hold its data.
const (
	fieldGauge       = 5
	fieldSum         = 7
	fieldHistogram   = 9
	fieldExponential = 10
	fieldSummary     = 11
)

// AppendMetrics appends an ExportMetricsServiceRequest with the metrics to dst and
// returns the extended slice. Counters are written as monotonic sums; of the metric
// types the ones that are read only are left out.
func AppendMetrics(dst []byte, resources []ResourceMetrics) []byte {
	for i := range resources {
		var resource, scope int
		dst, resource = begin(dst, 1)
		dst = appendResource(dst, resources[i].Resource)
		dst, scope = begin(dst, 2)
		for j := range resources[i].Metrics {
			dst = appendMetric(dst, &resources[i].Metrics[j])
		}
		dst = end(end(dst, scope), resource)
	}
	return dst
}

func appendMetric(dst []byte, m *Metric) []byte {
	if m.Type > HistogramType {
		return dst
	}
	dst, start := begin(dst, 2)
	dst = appendString(dst, 1, m.Name)
	dst = appendString(dst, 3, m.Unit)
	temporality := uint64(temporalityDelta)
	if m.Cumulative {
		temporality = temporalityCumulative
	}
	var data int
	switch m.Type {
	case Gauge:
		dst, data = begin(dst, fieldGauge)
		dst = appendNumberPoints(dst, m.Points)
	case Counter:
		dst, data = begin(dst, fieldSum)
		dst = appendNumberPoints(dst, m.Points)
		dst = appendVarint(dst, 2, temporality)
		dst = appendVarint(dst, 3, 1)
	case HistogramType:
		dst, data = begin(dst, fieldHistogram)
		dst = appendHistogramPoints(dst, m.Points)
		dst = appendVarint(dst, 2, temporality)
	}
	return end(end(dst, data), start)
}

func appendNumberPoints(dst []byte, points []Point) []byte {
	for i := range points {
		p := &points[i]
		var start int
		dst, start = begin(dst, 1)
		dst = appendFixed64(dst, 2, uint64(p.Start))
		dst = appendFixed64(dst, 3, uint64(p.Time))
		dst = appendSetDouble(dst, 4, p.Value)
		dst = end(appendAttributes(dst, 7, p.Attributes), start)
	}
	return dst
}

func appendHistogramPoints(dst []byte, points []Point) []byte {
	for i := range points {
		p := &points[i]
		var start, packed int
		dst, start = begin(dst, 1)
		dst = appendFixed64(dst, 2, uint64(p.Start))
		dst = appendFixed64(dst, 3, uint64(p.Time))
		dst = appendFixed64(dst, 4, p.Count)
		dst = appendSetDouble(dst, 5, p.Sum)
		if len(p.Buckets) > 0 {
			dst, packed = begin(dst, 6)
			for _, n := range p.Buckets {
				dst = appendRaw64(dst, n)
			}
			dst = end(dst, packed)
		}
		if len(p.Bounds) > 0 {
			dst, packed = begin(dst, 7)
			for _, b := range p.Bounds {
				dst = appendRaw64(dst, doubleBits(b))
			}
			dst = end(dst, packed)
		}
		dst = end(appendAttributes(dst, 9, p.Attributes), start)
	}
	return dst
}
