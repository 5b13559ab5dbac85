package ownership

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the gauges of who owns what.
type Metrics struct{ owner, lag *prometheus.GaugeVec }

// NewMetrics makes the gauges and registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"graph"})
	}
	m := &Metrics{
		owner: gauge("presage_forecaster_owner", "1 where this process forecasts the graph, 0 where it stands by."),
		lag:   gauge("presage_forecaster_lag_records", "Records of the slices topic between the last slice forecast and the partition's end."),
	}
	for _, c := range []prometheus.Collector{m.owner, m.lag} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// show tells of a partition's graphs whether they are owned.
func (m *Metrics) show(p *partition, owned bool) {
	value := 0.0
	if owned {
		value = 1
	}
	for _, l := range p.leases {
		m.owner.WithLabelValues(l.graph).Set(value)
		if !owned {
			m.lag.DeleteLabelValues(l.graph)
		}
	}
}

// progress tells how far a partition's forecasters are.
func (m *Metrics) progress(p *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.leases {
		if l.next >= 0 {
			m.lag.WithLabelValues(l.graph).Set(float64(max(l.end-l.next, 0)))
		}
	}
}
