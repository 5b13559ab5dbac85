package alibaba

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"presage/ingest/otlp"
	"presage/replay"
	"presage/replay/files"
)

// rate is one thing that the tables give a call rate and a mean response time of.
type rate struct {
	base   string // of the columns or metrics: providerrpc, with _mcr and _rt
	metric string
	unit   string // s or ms, as the conventions have it for the metric
	key    string // an attribute; empty: none
	value  string
}

// The duration histograms of the semantic conventions that the rates become.
var rateKinds = [...]rate{
	{"providerrpc", "rpc.server.duration", "ms", "", ""},
	{"http", "http.server.request.duration", "s", "", ""},
	{"consumerrpc", "rpc.client.duration", "ms", "", ""},
	{"providermq", "messaging.client.operation.duration", "s", "messaging.operation.type", "send"},
	{"consumermq", "messaging.process.duration", "s", "messaging.operation.type", "process"},
	{"readdb", "db.client.operation.duration", "s", "db.operation.name", "read db"},
	{"writedb", "db.client.operation.duration", "s", "db.operation.name", "write db"},
	{"readmc", "db.client.operation.duration", "s", "db.operation.name", "read mc"},
	{"writemc", "db.client.operation.duration", "s", "db.operation.name", "write mc"},
}

// reading is a rate's pair of values at one time; NaN where missing.
type reading struct{ rate, millis float64 }

// histogram is the delta histogram of an interval: count = rate × interval, sum =
// response time × count. ok is false where there is nothing to say.
func (k *rate) histogram(r reading, at, interval int64, perSecond float64) (m otlp.Metric, ok bool) {
	count := math.Round(r.rate * perSecond * float64(interval) / 1e9)
	if !(count > 0) || !(r.millis >= 0) { // NaN fails both
		return m, false
	}
	mean := r.millis
	if k.unit == "s" {
		mean /= 1000
	}
	p := otlp.Point{Start: at - interval, Time: at, Count: uint64(count), Sum: mean * count}
	if k.key != "" {
		p.Attributes = []otlp.KeyValue{otlp.String(k.key, k.value)}
	}
	return otlp.Metric{Name: k.metric, Unit: k.unit, Type: otlp.HistogramType, Points: []otlp.Point{p}}, true
}

// rateStream gives the histograms of one container and time as one item.
type rateStream struct {
	opts      *Options
	table     *table
	pods      *containers
	perSecond float64 // calls a second that a rate of 1 stands for
	ready     []replay.Item
	pending   map[uint64]*[len(rateKinds)]reading // of the time at
	order     []uint64
	at        int64
	ended     bool
	halves    int64 // rates without a response time, or the reverse
}

func newRateStream(opts *Options, pods *containers, t *table, perSecond float64) *rateStream {
	return &rateStream{opts: opts, table: t, pods: pods, perSecond: perSecond, pending: make(map[uint64]*[len(rateKinds)]reading)}
}

// maxPending bounds the containers of one time that are held.
const maxPending = 1 << 20

// next implements stream.
func (s *rateStream) next(ctx context.Context) (replay.Item, error) {
	for len(s.ready) == 0 {
		if s.ended {
			return replay.Item{}, io.EOF
		}
		key, b, err := s.table.Next(ctx)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return replay.Item{}, err
			}
			s.ended = true
			s.flush()
			continue
		}
		if key != s.at || len(s.pending) >= maxPending {
			s.flush()
			s.at = key
		}
		s.add(b)
	}
	it := s.ready[0]
	s.ready = s.ready[1:]
	return it, nil
}

// Packed rates are service, container, then (index of kind × 2 + 1 for the response time, value) as often as there are.
func (s *rateStream) add(b []byte) {
	key := binary.LittleEndian.Uint64(b)
	p := s.pending[key]
	if p == nil {
		p = new([len(rateKinds)]reading)
		for i := range p {
			p[i] = reading{math.NaN(), math.NaN()}
		}
		s.pending[key] = p
		s.order = append(s.order, key)
	}
	for b = b[8:]; len(b) >= 9; b = b[9:] {
		v := math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
		if kind := int(b[0] / 2); b[0]%2 == 0 {
			p[kind].rate = v
		} else {
			p[kind].millis = v
		}
	}
}

func (s *rateStream) flush() {
	at, interval := s.opts.nanos(s.at), s.table.grid.interval()*1e6
	s.ready = s.ready[:0]
	for _, key := range s.order {
		m := &otlp.ResourceMetrics{}
		for i, r := range s.pending[key] {
			if r.rate > 0 && math.IsNaN(r.millis) || math.IsNaN(r.rate) && r.millis > 0 {
				s.halves++
			}
			if h, ok := rateKinds[i].histogram(r, at, interval, s.perSecond); ok {
				m.Metrics = append(m.Metrics, h)
			}
		}
		if len(m.Metrics) > 0 {
			m.Resource = s.pods.resource(name(key>>32), name(uint32(key)))
			s.ready = append(s.ready, replay.Item{At: at, Metrics: m})
		}
	}
	clear(s.pending)
	s.order = s.order[:0]
}

func packRates(dst []byte, service, id name) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(service)<<32|uint64(id))
}

func packRate(dst []byte, kind int, responseTime bool, v float64) []byte {
	at := byte(kind * 2)
	if responseTime {
		at++
	}
	return binary.LittleEndian.AppendUint64(append(dst, at), math.Float64bits(v))
}

func (s *rateStream) tables() []*table { return []*table{s.table} }

func (s *rateStream) count(skipped map[string]int64) {
	skipped[files.LateRow] += s.table.merger.Late()
	skipped["rate_without_rt"] += s.halves
	s.pods.count(s, skipped)
}

func (s *rateStream) span(ctx context.Context) (first, last int64, err error) {
	return s.table.ends(ctx, func(key int64, _ []byte) int64 { return s.opts.nanos(key) })
}
