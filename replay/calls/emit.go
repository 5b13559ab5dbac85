package calls

import (
	"encoding/binary"
	"math"

	"presage/ingest/otlp"
	"presage/replay"
)

// OTLP's numbers of the span kinds.
const (
	internal uint8 = 1
	server   uint8 = 2
	client   uint8 = 3
)

// retell is after how long a reading that has not changed is told again.
const retell = int64(10e9)

// emit queues what a row becomes.
func (s *Source) emit(c call) {
	s.queue, s.taken = s.queue[:0], 0
	s.readings(c)
	if c.caller == c.callee {
		s.queue = append(s.queue, s.span(c, c.callee, internal))
		return
	}
	s.queue = append(s.queue, s.span(c, c.caller, client), s.span(c, c.callee, server))
}

func (s *Source) span(c call, of int, kind uint8) replay.Item {
	span := &replay.Span{Resource: s.services[of].resource}
	span.TraceID, span.Kind, span.Start, span.End, span.Error = c.trace, kind, c.start, c.end, c.failed
	span.SpanID = spanID(2 * c.number)
	if kind == server {
		span.ParentID = span.SpanID
		span.SpanID = spanID(2*c.number + 1)
	}
	return replay.Item{At: c.end, Span: span}
}

// spanID spreads numbers over the identifiers, none twice (the finisher of
// splitmix64, which is a bijection). Numbers start at 2, so that none is zero.
func spanID(number int64) (id [8]byte) {
	z := uint64(number)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	binary.BigEndian.PutUint64(id[:], z^z>>31)
	return id
}

// readings tells the callee's resource readings where they changed, or when they
// were told long ago.
func (s *Source) readings(c call) {
	of := &s.services[c.callee]
	if same(of.cpu, c.cpu) && same(of.memory, c.memory) && c.end-of.told < retell {
		return
	}
	of.cpu, of.memory, of.told = c.cpu, c.memory, c.end
	m := &otlp.ResourceMetrics{Resource: of.resource}
	add := func(name, unit string, v float64) {
		if !math.IsNaN(v) {
			m.Metrics = append(m.Metrics, otlp.Metric{Name: name, Unit: unit, Type: otlp.Gauge, Points: []otlp.Point{{Time: c.end, Value: v}}})
		}
	}
	cpu, memory := "container.cpu.utilization", "container.memory.utilization"
	if s.options.CPUUnit == "{cpu}" {
		cpu = "container.cpu.usage"
	}
	if s.options.MemoryUnit == "By" {
		memory = "container.memory.usage"
	}
	add(cpu, s.options.CPUUnit, c.cpu)
	add(memory, s.options.MemoryUnit, c.memory)
	if len(m.Metrics) > 0 {
		s.queue = append(s.queue, replay.Item{At: c.end, Metrics: m})
	}
}

// same is equality of readings, of which NaN means none.
func same(a, b float64) bool { return a == b || (math.IsNaN(a) && math.IsNaN(b)) }
