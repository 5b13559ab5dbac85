package sink

import (
	"math"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"presage/model"
)

// gauges are the newest forecasts as Prometheus series. A graph's series are
// replaced as a whole by each slice, so those of services that went are gone with it.
type gauges struct {
	limit              int // of forecast series; the observed one that goes with them is not counted
	yhat, lower, upper *prometheus.Desc
	observed, leftOut  *prometheus.Desc
	mu                 sync.Mutex
	byGraph            map[string][]model.Forecast
	ahead              map[string]int64 // graph → the time after which a target still lies ahead
	out                map[string]int64 // graph → series that did not fit, summed over slices
}

func newGauges(limit int) *gauges {
	labels := []string{"graph", "service", "target", "horizon"}
	return &gauges{
		limit: limit,
		yhat:  prometheus.NewDesc("presage_forecast_yhat", "Forecast of a target that is still ahead: the median, in the target's unit (ms, 1/s).", labels, nil),
		lower: prometheus.NewDesc("presage_forecast_yhat_lower", "Lower end of the forecast's interval.", labels, nil),
		upper: prometheus.NewDesc("presage_forecast_yhat_upper", "Upper end of the forecast's interval.", labels, nil),
		observed: prometheus.NewDesc("presage_observed", "What was measured in the slice that the newest forecast is made from, in the target's unit. Absent where nothing was.",
			[]string{"graph", "service", "target"}, nil),
		leftOut: prometheus.NewDesc("presage_forecast_series_left_out_total", "Forecast series that did not fit the bound, summed over slices.", []string{"graph"}, nil),
		byGraph: map[string][]model.Forecast{}, ahead: map[string]int64{}, out: map[string]int64{},
	}
}

// set replaces a graph's forecasts; now is the event time that targets must lie
// ahead of, Unix nanoseconds. Services beyond the bound are left out from the end of the list.
func (g *gauges) set(graph string, forecasts []model.Forecast, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	kept, series := 0, 0
	for kept < len(forecasts) && series+3*len(forecasts[kept].Horizons) <= g.limit {
		series += 3 * len(forecasts[kept].Horizons)
		kept++
	}
	for _, f := range forecasts[kept:] {
		g.out[graph] += int64(3 * len(f.Horizons))
	}
	g.byGraph[graph], g.ahead[graph] = forecasts[:kept], now
}

// forget removes a graph's forecasts. How many did not fit stays: it is a counter.
func (g *gauges) forget(graph string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.byGraph[graph]; ok {
		g.byGraph[graph] = nil
	}
}

// Describe sends the descriptions.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.yhat, g.lower, g.upper, g.observed, g.leftOut} {
		ch <- d
	}
}

// Collect sends the series of targets that still lie ahead.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for graph, forecasts := range g.byGraph {
		ch <- prometheus.MustNewConstMetric(g.leftOut, prometheus.CounterValue, float64(g.out[graph]), graph)
		for i := range forecasts {
			f := &forecasts[i]
			ahead := false
			for _, h := range f.Horizons {
				if h.At+f.SliceWidth <= g.ahead[graph] {
					continue
				}
				ahead = true
				labels := []string{graph, f.Service, f.Target, strconv.Itoa(h.Step)}
				send(ch, g.yhat, h.Yhat, labels)
				send(ch, g.lower, h.Lower, labels)
				send(ch, g.upper, h.Upper, labels)
			}
			if ahead && !math.IsNaN(f.Observed) {
				send(ch, g.observed, f.Observed, []string{graph, f.Service, f.Target})
			}
		}
	}
}

// send leaves out a name that is not UTF-8, which Prometheus cannot carry.
func send(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels []string) {
	if m, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, v, labels...); err == nil {
		ch <- m
	}
}
