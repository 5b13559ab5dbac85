package sink

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"presage/model/online"
)

// Metrics are the model stage's series. Labels: graph, target, and where it
// matters the horizon as the number of slices ahead.
type Metrics struct {
	gauges *gauges

	published, skipped, unforecast, expired, ignored *prometheus.CounterVec
	due, covered, absolute, width                    *prometheus.CounterVec
	networkDue, networkAbsolute, persistenceAbsolute *prometheus.CounterVec
	trainings, historyFailures                       *prometheus.CounterVec
	champion, slice, services                        *prometheus.GaugeVec
	observeSeconds, trainSeconds, publishSeconds     *prometheus.HistogramVec
}

// NewMetrics registers the series. maxSeries bounds the forecast gauges; 0 means
// 30 000. What does not fit is counted.
func NewMetrics(reg prometheus.Registerer, maxSeries int) (*Metrics, error) {
	if maxSeries <= 0 {
		maxSeries = 30_000
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, first float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(first, 4, 8)}, []string{"graph"})
	}
	m := &Metrics{
		gauges:     newGauges(maxSeries),
		published:  counter("presage_forecasts_published_total", "Forecast records written and acknowledged.", "graph", "target"),
		skipped:    counter("presage_forecasts_present_total", "Forecast records not written because the topic held them already.", "graph"),
		unforecast: counter("presage_forecasts_impossible_total", "Services that nothing could be forecast of, because their target was not observed.", "graph", "target"),
		expired:    counter("presage_forecasts_expired_total", "Forecast points whose truth never came: the service was silent or the segment ended.", "graph", "target"),
		ignored:    counter("presage_forecaster_slices_ignored_total", "Snapshots that changed nothing, by reason.", "graph", "reason"),
		due:        counter("presage_forecasts_due_total", "Forecast points that came due.", "graph", "target", "horizon"),
		covered:    counter("presage_forecasts_covered_total", "Points that came due and lay within their interval.", "graph", "target", "horizon"),
		absolute:   counter("presage_forecast_absolute_error_total", "Sum of absolute errors of the points that came due, in the target's unit.", "graph", "target", "horizon"),
		width:      counter("presage_forecast_interval_width_total", "Sum of interval widths of the points that came due, in the target's unit.", "graph", "target", "horizon"),
		networkDue: counter("presage_network_forecasts_due_total", "Points made by a network that came due.", "graph", "target", "horizon"),
		networkAbsolute: counter("presage_network_absolute_error_total",
			"Sum of absolute errors of a network's points that came due, in the target's unit.", "graph", "target", "horizon"),
		persistenceAbsolute: counter("presage_persistence_absolute_error_total",
			"Sum of absolute errors of persistence on the network's points, in the target's unit.", "graph", "target", "horizon"),
		trainings:       counter("presage_trainings_total", "Trainings that ended, by result: promoted, kept or failed.", "graph", "target", "result"),
		historyFailures: counter("presage_history_failures_total", "Writes to the history that failed.", "graph"),
		champion:        gauge("presage_champion_info", "1 for the model version or baseline that serves.", "graph", "target", "version"),
		slice:           gauge("presage_forecaster_slice_start_seconds", "Start of the last slice forecast from, Unix seconds.", "graph"),
		services:        gauge("presage_forecaster_services", "Services in the last slice forecast from.", "graph"),
		observeSeconds:  seconds("presage_forecaster_observe_seconds", "Time to score, calibrate and forecast one slice.", 0.0005),
		publishSeconds:  seconds("presage_forecaster_publish_seconds", "Time until one slice's records were acknowledged.", 0.0005),
		trainSeconds:    seconds("presage_training_seconds", "Time of one training.", 0.1),
	}
	for _, c := range []prometheus.Collector{
		m.gauges, m.published, m.skipped, m.unforecast, m.expired, m.ignored, m.due, m.covered, m.absolute, m.width, m.networkDue,
		m.networkAbsolute, m.persistenceAbsolute, m.trainings, m.historyFailures, m.champion, m.slice, m.services, m.observeSeconds, m.publishSeconds, m.trainSeconds,
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Forget removes the forecasts and the other gauges of a graph that this process no
// longer works on, or works on with another model.
func (m *Metrics) Forget(graph string) {
	m.gauges.forget(graph)
	m.champion.DeletePartialMatch(prometheus.Labels{"graph": graph})
	m.slice.DeleteLabelValues(graph)
	m.services.DeleteLabelValues(graph)
}

// outcome counts what one slice brought.
func (m *Metrics) outcome(graph string, out online.Outcome, written map[string]int) {
	if out.Ignored != "" {
		m.ignored.WithLabelValues(graph, out.Ignored).Inc()
		return
	}
	m.services.WithLabelValues(graph).Set(float64(out.Services))
	present := len(out.Forecasts)
	for target, n := range written {
		m.published.WithLabelValues(graph, target).Add(float64(n))
		present -= n
	}
	m.skipped.WithLabelValues(graph).Add(float64(present))
	for _, t := range out.Targets {
		m.unforecast.WithLabelValues(graph, t.Target).Add(float64(t.Unforecast))
		m.expired.WithLabelValues(graph, t.Target).Add(float64(t.Expired))
		m.champion.DeletePartialMatch(prometheus.Labels{"graph": graph, "target": t.Target})
		m.champion.WithLabelValues(graph, t.Target, t.Serving).Set(1)
		for h, d := range t.Due {
			labels := []string{graph, t.Target, strconv.Itoa(h + 1)}
			m.due.WithLabelValues(labels...).Add(float64(d.Points))
			m.covered.WithLabelValues(labels...).Add(float64(d.Covered))
			m.absolute.WithLabelValues(labels...).Add(d.Error)
			m.width.WithLabelValues(labels...).Add(d.Width)
			m.networkDue.WithLabelValues(labels...).Add(float64(d.NetworkPoints))
			m.networkAbsolute.WithLabelValues(labels...).Add(d.NetworkError)
			m.persistenceAbsolute.WithLabelValues(labels...).Add(d.PersistenceError)
		}
	}
}
