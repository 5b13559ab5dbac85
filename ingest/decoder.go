package ingest

import (
	"errors"
	"fmt"
	"strconv"

	"presage/ingest/otlp"
)

// Decoder turns records into batches. It is for one goroutine; a partition has
// its own.
type Decoder struct {
	names   *names
	traces  *otlp.TraceReader
	metrics *otlp.MetricsReader
	spans   spanVisitor
	samples sampleVisitor
	batch   Batch
}

// NewDecoder makes a decoder.
func NewDecoder(o Options) *Decoder {
	o = o.withDefaults()
	n := newNames(o.InternBytes/2, o.NameBytes)
	r := newResources(n, o.Limits, o.InternBytes/2)
	d := &Decoder{names: n, traces: otlp.NewTraceReader(o.Limits), metrics: otlp.NewMetricsReader(o.Limits)}
	d.spans = spanVisitor{options: o, names: n, resources: r, batch: &d.batch}
	d.samples = newSampleVisitor(r, &d.batch)
	return d
}

// Decode decodes one record: timeNs is its timestamp in Unix nanoseconds. The
// batch and its slices are valid until the next Decode; the strings in it, and the
// slices of keys, may be kept. An error is an *Error; the record is then a dead
// letter, and no part of it is used.
func (d *Decoder) Decode(signal Signal, pos Position, timeNs int64, headers []Header, value []byte) (*Batch, error) {
	b := &d.batch
	*b = Batch{Position: pos, Time: timeNs, Spans: b.Spans[:0], Samples: b.Samples[:0]}
	d.names.cut = 0
	marked, err := readWatermark(b, headers)
	switch {
	case err != nil:
		return nil, &Error{pos, ReasonWatermark, err}
	case marked && len(value) > 0:
		return nil, &Error{pos, ReasonWatermark, fmt.Errorf("a watermark record has no value, this one has %d bytes", len(value))}
	case marked:
		return b, nil
	}
	if signal == Spans {
		switch err := readSource(b, headers); {
		case err != nil:
			return nil, &Error{pos, ReasonSource, err}
		case b.Source.Heartbeat() && len(value) > 0:
			return nil, &Error{pos, ReasonSource, fmt.Errorf("a heartbeat of re-keying has no value, this one has %d bytes", len(value))}
		case b.Source.Heartbeat():
			return b, nil
		}
	}
	if len(value) == 0 {
		return nil, &Error{pos, ReasonEmpty, errors.New("the record has no value and no watermark header")}
	}
	if signal == Metrics {
		err = d.samples.read(d.metrics, value)
	} else {
		err = d.traces.Read(value, &d.spans)
	}
	if err != nil {
		class := ReasonProtobuf
		if errors.Is(err, otlp.ErrLimit) {
			class = ReasonTooLarge
		}
		return nil, &Error{pos, class, err}
	}
	b.Lost[LossCutName] = d.names.cut
	return b, nil
}

// readWatermark reads the headers of a watermark record; marked says that there
// are any.
func readWatermark(b *Batch, headers []Header) (marked bool, err error) {
	for _, h := range headers {
		switch h.Key {
		case HeaderWatermark:
			marked = true
			b.Watermark, err = strconv.ParseInt(string(h.Value), 10, 64)
			if err != nil || b.Watermark <= 0 {
				return true, fmt.Errorf("header %s is %.40q, want Unix nanoseconds as a decimal number", h.Key, h.Value)
			}
		case HeaderFinal:
			marked = true
			b.Final = string(h.Value) == "1"
			if !b.Final {
				return true, fmt.Errorf("header %s is %.40q, want 1", h.Key, h.Value)
			}
		}
	}
	if b.Final && b.Watermark == 0 {
		return true, fmt.Errorf("header %s without %s", HeaderFinal, HeaderWatermark)
	}
	return marked, nil
}
