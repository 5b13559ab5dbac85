package replay

import (
	"context"

	"presage/ingest/otlp"
)

// Item is one thing that a recording holds: a span or the metrics of one
// resource.
type Item struct {
	At      int64 // event time, Unix nanoseconds: a span's end, a sample's time
	Span    *Span
	Metrics *otlp.ResourceMetrics
}

// Span is a span with the resource that sent it. Items of the same resource
// should share the Resource slice.
type Span struct {
	Resource []otlp.KeyValue
	otlp.Span
}

// Source is a recording as a stream, in rising order of At but for stragglers,
// which are counted in Stats. Memory is bounded whatever the recording's size.
type Source interface {
	// Next returns the next item, or io.EOF after the last. An error with file
	// and line ends the replay; malformed rows are counted and skipped instead.
	Next(ctx context.Context) (Item, error)
	// Stats may be called at any time by the goroutine that calls Next.
	Stats() Stats
	// Close removes temporary files.
	Close() error
}

// Stats say how far a source is and what it met.
type Stats struct {
	Rows    int64            // rows read
	Done    float64          // share of the recording read, 0 to 1; negative if unknown
	Skipped map[string]int64 // rows and spans left out or mended, by reason
	First   int64            // event time of the recording's first and last item, 0 while unknown
	Last    int64
}
