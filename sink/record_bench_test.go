package sink

import "testing"

// BenchmarkEncode measures one record of two horizons, written into a fresh buffer.
func BenchmarkEncode(b *testing.B) {
	f := example()
	b.ReportAllocs()
	for b.Loop() {
		Encode(f, 0)
	}
}
