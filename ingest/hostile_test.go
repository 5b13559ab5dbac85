package ingest

import (
	"encoding/binary"
	"strings"
	"testing"

	"presage/internal/hostile"
)

// part is a length-delimited protobuf field.
func part(number byte, content ...string) string {
	all := strings.Join(content, "")
	return string(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(all)))) + all
}

// Records that hold, or claim, more than any sender means are dead letters, and cost
// no more than they hold. ingest/otlp tests the codec alone.
func TestHostileRecords(t *testing.T) {
	const million = 1_000_000
	claim := string(binary.AppendUvarint([]byte{1<<3 | 2}, 1<<30)) + "x"
	attribute := func(key, value string) string { return part(1, part(1, key), part(2, part(1, value))) }
	long := strings.Repeat("n", million)
	tests := []struct {
		name    string
		signal  Signal
		headers []Header
		value   string
		want    string // the error's reason; empty: it is read
	}{
		{"text of 1 GB", Spans, nil, part(1, part(1, part(1, part(1, "service.name"), part(2, claim)))), ReasonProtobuf},
		{"a million attributes of a resource", Spans, nil, part(1, part(1, strings.Repeat(part(1), million))), ReasonTooLarge},
		{"a million attributes of a point's resource", Metrics, nil, part(1, part(1, strings.Repeat(part(1), million))), ReasonTooLarge},
		{"a service name of 1 MB", Spans, nil, part(1, part(1, attribute("service.name", long))), ""},
		{"keys of 1 MB", Metrics, nil, part(1, part(1, attribute("k8s.pod.uid", long), attribute("k8s.container.name", long))), ""},
		{"a trace state of 1 MB", Spans, nil, part(1, part(2, part(2, part(1, strings.Repeat("i", 16)), part(2, strings.Repeat("i", 8)), part(3, strings.Repeat("ot=;,", million/5))))), ""},
		{"a watermark of 1 MB", Spans, []Header{{Key: HeaderWatermark, Value: []byte(strings.Repeat("9", million))}}, "", ReasonWatermark},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDecoder(Options{})
			value := []byte(tt.value)
			var err error
			hostile.Spends(t, hostile.Allowance, func() { _, err = d.Decode(tt.signal, here, 1, tt.headers, value) })
			if (err != nil || tt.want != "") && Reason(err) != tt.want {
				t.Errorf("reason %q, want %q: %.200v", Reason(err), tt.want, err)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
		})
	}
}
