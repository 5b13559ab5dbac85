package replay

import (
	"context"

	"presage/ingest/otlp"
	"presage/replay/files"
)

// Item is one thing that a recording holds: a span or the metrics of one
// resource. It is the consumer's; but for the times, what it points to may be
// shared and is never changed.
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
// which are counted in Stats. Memory is bounded whatever the recording's size. The same
// recording read with the same options gives the same items: resuming counts on it.
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
	Notes   []string // what an operator should know of the recording: tables that are missing or not read
}

// Opener opens a recording from its start: once, or once a turn of a loop.
type Opener func(ctx context.Context) (Source, error)

// Ranger is a Source that can tell the event times of its first and last item
// without giving out all items in between.
type Ranger interface {
	Range(ctx context.Context) (first, last int64, err error)
}

// Sampler is a Source that keeps some of the rows it left out, for the log.
type Sampler interface {
	TakeSamples() []files.Sample
}
