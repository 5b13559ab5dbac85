package otlp

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"presage/internal/hostile"
)

// part is a length-delimited field.
func part(number byte, content ...string) string {
	all := strings.Join(content, "")
	return string(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(all)))) + all
}

// claim is a length-delimited field that says it holds a gigabyte, and holds 60 bytes.
func claim(number byte) string {
	return string(binary.AppendUvarint([]byte{number<<3 | 2}, 1<<30)) + strings.Repeat("x", 60)
}

// deep nests attribute values: arrays (field 5) or lists of pairs (6).
func deep(kind byte, levels int) string {
	size := 0
	var parts []string // from the innermost on
	wrap := func(number byte, before string) {
		size += len(before)
		head := string(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(size))) + before
		size += len(head) - len(before)
		parts = append(parts, head)
	}
	for range levels {
		if kind == 6 {
			wrap(2, "")
			wrap(1, part(1, "k"))
		} else {
			wrap(1, "")
		}
		wrap(kind, "")
	}
	slices.Reverse(parts)
	return strings.Join(parts, "")
}

const million = 1_000_000

// Sizes that a message only claims are refused before anything is reserved, those it has
// by the limits, and depth costs nothing.
func TestHostileTraces(t *testing.T) {
	span := func(content ...string) string { return part(1, part(2, part(2, content...))) }
	resource := func(content ...string) string { return part(1, part(1, content...)) }
	tests := []struct {
		name, message string
		want          error
	}{
		{"resource spans of 1 GB", claim(1), ErrMalformed},
		{"resource of 1 GB", part(1, claim(1)), ErrMalformed},
		{"scope spans of 1 GB", part(1, claim(2)), ErrMalformed},
		{"span of 1 GB", part(1, part(2, claim(2))), ErrMalformed},
		{"span name of 1 GB", span(claim(5)), ErrMalformed},
		{"trace state of 1 GB", span(claim(3)), ErrMalformed},
		{"identifier of 1 GB", span(claim(1)), ErrMalformed},
		{"attribute of 1 GB", span(claim(9)), ErrMalformed},
		{"key of 1 GB", span(part(9, claim(1))), ErrMalformed},
		{"value of 1 GB", span(part(9, claim(2))), ErrMalformed},
		{"text of 1 GB", span(part(9, part(2, claim(1)))), ErrMalformed},
		{"array of 1 GB", span(part(9, part(2, claim(5)))), ErrMalformed},
		{"attribute of a resource of 1 GB", resource(claim(1)), ErrMalformed},
		{"length of 2^64-1", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", ErrMalformed},
		{"length of eleven bytes", "\x0a" + strings.Repeat("\xff", 10) + "\x01", ErrMalformed},
		{"a million attributes", span(strings.Repeat(part(9), million)), ErrLimit},
		{"a million attributes of a resource", resource(strings.Repeat(part(1), million)), ErrLimit},
		{"a million links", span(strings.Repeat(part(13), million)), ErrLimit},
		{"a million spans", part(1, part(2, strings.Repeat(part(2), million))), ErrLimit},
		{"a million scopes", part(1, strings.Repeat(part(2), million)), nil},
		{"a million resources", strings.Repeat(part(1), million), nil},
		{"arrays 10 000 deep", span(part(9, part(2, deep(5, 10_000)))), nil},
		{"lists of pairs 10 000 deep", span(part(9, part(2, deep(6, 10_000)))), nil},
		{"lists of pairs 10 000 deep in a resource", resource(part(1, part(2, deep(6, 10_000)))), nil},
		{"groups 10 000 deep", span(strings.Repeat("\x7b", 10_000)), ErrMalformed},
		{"a million status messages", span(strings.Repeat(part(15), million)), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message := []byte(tt.message)
			var err error
			hostile.Spends(t, hostile.Allowance, func() { err = NewTraceReader(Limits{}).Read(message, &attributeReader{}) })
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestHostileMetrics(t *testing.T) {
	// One point of a metric whose data lie in the given field.
	point := func(field byte, content ...string) string {
		return part(1, part(2, part(2, part(1, "m"), part(field, part(1, content...)))))
	}
	number := func(field byte) string { return string([]byte{field<<3 | 1, 1, 0, 0, 0, 0, 0, 0, 0}) }
	eight := strings.Repeat("\x00", 8)
	tests := []struct {
		name, message string
		want          error
	}{
		{"resource metrics of 1 GB", claim(1), ErrMalformed},
		{"metric of 1 GB", part(1, part(2, claim(2))), ErrMalformed},
		{"metric name of 1 GB", part(1, part(2, part(2, claim(1)))), ErrMalformed},
		{"scope name of 1 GB", part(1, part(2, part(1, claim(1)))), ErrMalformed},
		{"point of 1 GB", part(1, part(2, part(2, part(fieldGauge, claim(1))))), ErrMalformed},
		{"buckets of 1 GB", point(fieldHistogram, claim(6)), ErrMalformed},
		{"bounds of 1 GB", point(fieldHistogram, claim(7)), ErrMalformed},
		{"buckets of an odd length", point(fieldHistogram, part(6, eight, "x")), ErrMalformed},
		{"a million buckets", point(fieldHistogram, part(6, strings.Repeat(eight, million))), ErrLimit},
		{"a million bounds", point(fieldHistogram, part(7, strings.Repeat(eight, million))), ErrLimit},
		{"a million buckets, one by one", point(fieldHistogram, strings.Repeat(number(6), million)), ErrLimit},
		{"a million buckets in packs of one", point(fieldHistogram, strings.Repeat(part(6, eight), million)), ErrLimit},
		{"a million exponential buckets", point(fieldExponential, part(8, part(2, strings.Repeat("\x01", million)))), nil},
		{"exponential buckets of 1 GB", point(fieldExponential, part(8, claim(2))), nil}, // nobody looks into them
		{"a million quantiles", point(fieldSummary, strings.Repeat(part(6), million)), nil},
		{"a million exemplars", point(fieldGauge, strings.Repeat(part(5), million)), nil},
		{"a million attributes", point(fieldGauge, strings.Repeat(part(7), million)), ErrLimit},
		{"a million points", part(1, part(2, part(2, part(fieldGauge, strings.Repeat(part(1), million))))), ErrLimit},
		{"a million metrics", part(1, part(2, strings.Repeat(part(2), million))), nil},
		{"lists of pairs 10 000 deep", point(fieldGauge, part(7, part(2, deep(6, 10_000)))), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message := []byte(tt.message)
			var err error
			hostile.Spends(t, hostile.Allowance, func() { err = NewMetricsReader(Limits{}).Read(message, &attributeReader{}) })
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// attributeReader decodes the resources as ingest does, and wants every metric.
type attributeReader struct{ attributes []KeyValue }

func (r *attributeReader) Resource(raw []byte) (err error) {
	r.attributes, err = ResourceAttributes(raw, r.attributes, Limits{})
	return err
}
func (r *attributeReader) Span(*Span) error        { return nil }
func (r *attributeReader) Metric(*MetricInfo) bool { return true }
func (r *attributeReader) Point(*Point) error      { return nil }
