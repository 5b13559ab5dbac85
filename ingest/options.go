package ingest

import (
	"errors"
	"fmt"

	"presage/ingest/otlp"
)

// Signal is what a topic carries.
type Signal uint8

// The signals.
const (
	Spans Signal = iota
	Metrics
)

// Header is a header of a Kafka record.
type Header struct {
	Key   string
	Value []byte
}

// Options of a Decoder. The zero value is ready for use.
type Options struct {
	Limits otlp.Limits
	// NameBytes is the longest name of a service, peer or key that is kept whole;
	// longer ones are cut. Default 255.
	NameBytes int
	// InternBytes bounds the tables of interned strings and resources. A table
	// that is full is emptied. Default 16 MiB.
	InternBytes int
	// SamplerParam takes the probability of Jaeger's sampler.type and
	// sampler.param for spans without a threshold in their tracestate. Jaeger's
	// clients set them on root spans only, which is why it is off by default.
	SamplerParam bool
	// MaxAdjusted caps how many spans a sampled span may stand for. Default 1 000 000.
	MaxAdjusted uint32
}

func (o Options) withDefaults() Options {
	if o.NameBytes <= 0 {
		o.NameBytes = 255
	}
	if o.InternBytes <= 0 {
		o.InternBytes = 16 << 20
	}
	if o.MaxAdjusted == 0 {
		o.MaxAdjusted = 1_000_000
	}
	o.MaxAdjusted = min(o.MaxAdjusted, 1<<24-1) // 1/256 of it fits 32 bits
	return o
}

// Loss is a reason why something that a record holds is not in its Batch.
type Loss uint8

// The reasons.
const (
	LossSpanID     Loss = iota // spans without a valid trace or span id
	LossCutName                // names cut to Options.NameBytes (their spans are there)
	LossMetric                 // metrics of a name or type that is not understood
	LossValue                  // points that are NaN, infinite, negative or beyond the range
	LossNoValue                // points flagged as without a value, or histograms without a sum
	LossNoResource             // points whose resource names neither container nor service
	LossOutranked              // points of a container that a better metric in the record measures too
	LossCount                  // how many reasons there are
)

// String is the reason as a metric's label.
func (l Loss) String() string {
	return [...]string{
		"bad_span_id", "cut_name", "unknown_metric", "bad_value", "no_value", "no_resource", "outranked_metric",
	}[l]
}

// The classes of records that can't be decoded, as labels and dead-letter headers.
const (
	ReasonProtobuf  = "bad_protobuf"
	ReasonTooLarge  = "too_large"
	ReasonWatermark = "bad_watermark"
	ReasonSource    = "bad_source"
	ReasonEmpty     = "empty"
	ReasonOther     = "other"
)

// Error is why a record can't be decoded.
type Error struct {
	Position
	Class string
	Err   error
}

// Error names the record and what is wrong with it.
func (e *Error) Error() string {
	return fmt.Sprintf("record %s/%d at offset %d: %s: %v", e.Topic, e.Partition, e.Offset, e.Class, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason is the class of an error of Decode.
func Reason(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ReasonOther
}
