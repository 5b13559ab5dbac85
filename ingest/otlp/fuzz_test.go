package otlp

import (
	"bytes"
	"testing"
)

// FuzzTraces: no bytes make the reader panic, and what it reads is written and
// read again as the same.
func FuzzTraces(f *testing.F) {
	f.Add(AppendTraces(nil, sampleTraces()))
	f.Add([]byte{0x0a, 0x04, 0x12, 0x02, 0x12, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readTraces(b)
		if err != nil {
			return
		}
		once := AppendTraces(nil, got)
		again, err := readTraces(once)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if twice := AppendTraces(nil, again); !bytes.Equal(once, twice) {
			t.Fatalf("%x\nis written again as\n%x", once, twice)
		}
	})
}

func FuzzMetrics(f *testing.F) {
	f.Add(AppendMetrics(nil, sampleMetrics()))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readMetrics(b)
		if err != nil {
			return
		}
		once := AppendMetrics(nil, got)
		again, err := readMetrics(once)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if twice := AppendMetrics(nil, again); !bytes.Equal(once, twice) {
			t.Fatalf("%x\nis written again as\n%x", once, twice)
		}
	})
}
