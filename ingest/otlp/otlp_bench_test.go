package otlp

import "testing"

// BenchmarkReadTraces decodes a message of 100 spans with ten attributes each, all
// fields that are kept, without giving them a meaning.
func BenchmarkReadTraces(b *testing.B) {
	in := AppendTraces(nil, bigTraces(100))
	r := NewTraceReader(Limits{})
	v := &counter{}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Read(in, v); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(v.spans), "ns/span")
}

// BenchmarkAppendTraces writes the same message.
func BenchmarkAppendTraces(b *testing.B) {
	in := bigTraces(100)
	var out []byte
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		out = AppendTraces(out[:0], in)
		n += 100
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/span")
}
