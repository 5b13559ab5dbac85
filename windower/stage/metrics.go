package stage

import (
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"presage/ingest"
	"presage/windower"
)

// Metrics are the windower's counters and gauges, for all graphs of a process.
type Metrics struct {
	records, bytes, events, lost, deadLetters *prometheus.CounterVec
	partials, snapshots, advances             *prometheus.CounterVec
	blocked, halfOutcomes                     *prometheus.CounterVec
	lag, watermark, pending, unpaired, unread *prometheus.GaugeVec
	rekey                                     *rekeyMetrics

	mu     sync.Mutex
	totals Totals
}

// Totals are the counts over all graphs and partitions.
type Totals struct {
	Records, Spans, Samples int64
	// SpansDropped and SamplesDropped did not get into a slice, by reason.
	SpansDropped, SamplesDropped map[string]int64
	// Reduced are in a slice, but not with all that they tell, by reason.
	Reduced     map[string]int64
	DeadLetters map[string]int64 // records, by reason
	Partials    int64            // written
	Snapshots   int64            // written, first revisions
	Revisions   int64            // written, second revisions
	Incomplete  int64            // snapshots of which a partition's share was missing
	PartialLoss map[string]int64 // chunks (and folded rows) that the assembler left out, by reason
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		records:      counter("presage_records_read_total", "Records read from the telemetry topics.", "graph", "signal"),
		bytes:        counter("presage_bytes_read_total", "Bytes of the records' values.", "graph", "signal"),
		events:       counter("presage_events_total", "Spans and samples that got into a slice.", "graph", "signal"),
		lost:         counter("presage_events_lost_total", "Spans and samples that did not get into a slice (outcome dropped), or not whole (reduced).", "graph", "signal", "outcome", "reason"),
		deadLetters:  counter("presage_dead_letters_total", "Records that could not be decoded.", "graph", "signal", "reason"),
		partials:     counter("presage_partials_written_total", "Partials acknowledged (kind rows), or watermarks alone.", "graph", "kind"),
		snapshots:    counter("presage_slices_written_total", "Snapshots acknowledged.", "graph", "revision", "complete"),
		advances:     counter("presage_idle_advances_total", "Advances of idle partitions by the wall clock.", "graph"),
		blocked:      counter("presage_windower_blocked_seconds_total", "Time that partitions waited for acknowledgements (acks) or for slower partitions (lead, and rekey_lead where they are re-keyed).", "graph", "on"),
		halfOutcomes: counter("presage_span_halves_total", "Halves of calls whose slice closed: paired with their other half, resolved alone to or from the peer they name (virtual), or unpaired.", "graph", "topic", "partition", "outcome"),
		unpaired:     gauge("presage_unpaired_share", "Share of unpaired ones among the last span halves of a partition that were paired or unpaired.", "graph", "topic", "partition"),
		lag:          gauge("presage_lag_records", "Records between the place really reached and the partition's end.", "graph", "topic", "partition"),
		watermark:    gauge("presage_watermark_seconds", "Watermark of a source partition, Unix seconds.", "graph", "topic", "partition"),
		unread:       gauge("presage_partition_unread_seconds", "For how long a partition's brokers have not let it be read; 0 where it can be.", "graph", "topic", "partition"),
		pending:      gauge("presage_slices_pending", "Slices that wait for partitions.", "graph"),
		rekey:        newRekeyMetrics(),
		totals: Totals{
			SpansDropped: map[string]int64{}, SamplesDropped: map[string]int64{}, Reduced: map[string]int64{},
			DeadLetters: map[string]int64{}, PartialLoss: map[string]int64{},
		},
	}
	own := []prometheus.Collector{m.records, m.bytes, m.events, m.lost, m.deadLetters, m.partials, m.snapshots, m.advances, m.blocked, m.halfOutcomes, m.lag, m.watermark, m.pending, m.unpaired, m.unread}
	for _, c := range append(own, m.rekey.collectors()...) {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Totals returns the counts so far.
func (m *Metrics) Totals() Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.totals
	for _, p := range []*map[string]int64{&t.SpansDropped, &t.SamplesDropped, &t.Reduced, &t.DeadLetters, &t.PartialLoss} {
		*p = maps.Clone(*p)
	}
	return t
}

var signalNames = map[ingest.Signal]string{ingest.Spans: "spans", ingest.Metrics: "metrics"}

// reducing are the reasons after which an event is in a slice all the same.
var reducing = map[string]bool{
	string(windower.ReasonHalfCap):    true,
	string(windower.ReasonRowCap):     true,
	string(windower.ReasonSpanCap):    true,
	string(windower.ReasonPairedLate): true,
	ingest.LossCutName.String():       true,
}

// read counts a batch of records that were read.
func (m *Metrics) read(graph string, s ingest.Signal, records, bytes int) {
	m.records.WithLabelValues(graph, signalNames[s]).Add(float64(records))
	m.bytes.WithLabelValues(graph, signalNames[s]).Add(float64(bytes))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.Records += int64(records)
}

func (m *Metrics) applied(graph string, s ingest.Signal, spans, samples int) {
	if spans+samples == 0 {
		return
	}
	m.events.WithLabelValues(graph, signalNames[s]).Add(float64(spans + samples))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.Spans += int64(spans)
	m.totals.Samples += int64(samples)
}

func (m *Metrics) lose(graph string, s ingest.Signal, reason string, n int64) {
	if n == 0 {
		return
	}
	outcome := "dropped"
	if reducing[reason] {
		outcome = "reduced"
	}
	m.lost.WithLabelValues(graph, signalNames[s], outcome, reason).Add(float64(n))
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case reducing[reason]:
		m.totals.Reduced[reason] += n
	case s == ingest.Metrics:
		m.totals.SamplesDropped[reason] += n
	default:
		m.totals.SpansDropped[reason] += n
	}
}

func (m *Metrics) deadLetter(graph string, s ingest.Signal, reason string) {
	m.deadLetters.WithLabelValues(graph, signalNames[s], reason).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals.DeadLetters[reason]++
}

func (m *Metrics) partial(graph string, rows bool) {
	kind := "watermark"
	if rows {
		kind = "rows"
		m.mu.Lock()
		m.totals.Partials++
		m.mu.Unlock()
	}
	m.partials.WithLabelValues(graph, kind).Inc()
}

func (m *Metrics) snapshot(graph string, revision int, complete bool) {
	label := map[bool]string{true: "true", false: "false"}[complete]
	m.snapshots.WithLabelValues(graph, map[bool]string{true: "1", false: "2"}[revision == 1], label).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision == 1 {
		m.totals.Snapshots++
	} else {
		m.totals.Revisions++
	}
	if !complete {
		m.totals.Incomplete++
	}
}

func (m *Metrics) partialLoss(graph string, losses []windower.Loss) {
	if len(losses) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range losses {
		m.lost.WithLabelValues(graph, "partials", "dropped", string(l.Reason)).Add(float64(l.Count))
		m.totals.PartialLoss[string(l.Reason)] += l.Count
	}
}

// halves counts what became of the halves of slices that closed; share is of the last
// ones.
func (m *Metrics) halves(graph, topic string, partition int, h windower.Halves, share float64) {
	at := strconv.Itoa(partition)
	for _, o := range []struct {
		outcome string
		n       int
	}{{"paired", h.Paired}, {"virtual", h.Virtual}, {"unpaired", h.Unpaired}} {
		m.halfOutcomes.WithLabelValues(graph, topic, at, o.outcome).Add(float64(o.n))
	}
	m.unpaired.WithLabelValues(graph, topic, at).Set(share)
}

// forget removes the gauges of a partition that this process no longer owns.
func (m *Metrics) forget(graph, topic string, partition int) {
	m.lag.DeleteLabelValues(graph, topic, strconv.Itoa(partition))
	m.watermark.DeleteLabelValues(graph, topic, strconv.Itoa(partition))
	m.unpaired.DeleteLabelValues(graph, topic, strconv.Itoa(partition))
	m.unread.DeleteLabelValues(graph, topic, strconv.Itoa(partition))
}

// Forget removes the gauges of a graph that this process no longer works on.
func (m *Metrics) Forget(graph string) { m.pending.DeleteLabelValues(graph) }

func (m *Metrics) wait(graph, on string, d time.Duration) {
	m.blocked.WithLabelValues(graph, on).Add(d.Seconds())
}
