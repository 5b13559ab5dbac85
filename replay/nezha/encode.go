package nezha

import (
	"encoding/binary"
	"math"

	"presage/ingest/otlp"
	"presage/replay"
)

// appendSpan writes a span as the row that is sorted by its end.
func appendSpan(dst []byte, s *span) []byte {
	dst = append(dst, s.kind)
	dst = append(dst, s.trace[:]...)
	dst = append(dst, s.id[:]...)
	dst = append(dst, s.parent[:]...)
	dst = binary.AppendUvarint(dst, uint64(s.pod))
	dst = binary.AppendUvarint(dst, uint64(s.peer))
	dst = binary.AppendVarint(dst, s.start)
	return append(dst, s.name...)
}

func (p *pods) decodeSpan(end int64, row []byte) replay.Item {
	s := &replay.Span{}
	s.End = end
	s.Kind = row[0]
	row = row[1:]
	row = row[copy(s.TraceID[:], row):]
	row = row[copy(s.SpanID[:], row):]
	row = row[copy(s.ParentID[:], row):]
	pod, n := binary.Uvarint(row)
	row = row[n:]
	peer, n := binary.Uvarint(row)
	row = row[n:]
	s.Start, n = binary.Varint(row)
	s.Name = string(row[n:])
	s.Resource = p.list[pod].spans
	if peer > 0 {
		s.Attributes = p.peers[peer-1]
	}
	return replay.Item{At: end, Span: s}
}

// reading is a row of a metrics file; NaN stands for an empty field.
type reading struct {
	pod         int
	cpu, memory float64 // cores, bytes
}

func appendReading(dst []byte, r reading) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.pod))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(r.cpu))
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(r.memory))
}

func (p *pods) decodeReading(at int64, row []byte) replay.Item {
	pod, n := binary.Uvarint(row)
	m := &otlp.ResourceMetrics{Resource: p.list[pod].container}
	add := func(name, unit string, bits []byte) {
		if v := math.Float64frombits(binary.LittleEndian.Uint64(bits)); !math.IsNaN(v) {
			m.Metrics = append(m.Metrics, otlp.Metric{Name: name, Unit: unit, Type: otlp.Gauge, Points: []otlp.Point{{Time: at, Value: v}}})
		}
	}
	add("k8s.pod.cpu.usage", "{cpu}", row[n:])
	add("k8s.pod.memory.usage", "By", row[n+8:])
	return replay.Item{At: at, Metrics: m}
}
