package slice

import "testing"

// Measured: appending one snapshot of 1 000 services, encoding included.
func BenchmarkHistoryAppend(b *testing.B) {
	h := mustOpen(b, b.TempDir())
	s := largeSnapshot(1000)
	b.ReportAllocs()
	for b.Loop() {
		s.Index++
		mustAppend(b, h, s)
	}
}

// benchHistory has 500 snapshots of 30 services.
func benchHistory(b *testing.B) (dir string) {
	dir = b.TempDir()
	h := mustOpen(b, dir)
	s := largeSnapshot(30)
	for range 500 {
		s.Index++
		mustAppend(b, h, s)
	}
	h.Close()
	return dir
}

// Measured: opening a history of 500 snapshots of 30 services, all in the day
// whose checksums are compared.
func BenchmarkHistoryOpen(b *testing.B) {
	dir := benchHistory(b)
	for b.Loop() {
		mustOpen(b, dir).Close()
	}
}

// Measured: reading 500 snapshots of 30 services.
func BenchmarkHistoryTail(b *testing.B) {
	h := mustOpen(b, benchHistory(b))
	b.ReportAllocs()
	for b.Loop() {
		if tail, err := h.Tail(500); err != nil || len(tail) != 500 {
			b.Fatal(len(tail), err)
		}
	}
}
