package online

import (
	"fmt"
	"math"

	"presage/model"
	"presage/windower/slice"
)

// track is the live state of one target.
type track struct {
	cfg      *Config
	name     string // as published
	task     model.Task
	entrants []*entrant // the baselines, then the champion if there is one
	behind   bool       // the champion has fallen behind persistence and rests
	pending  []*issue   // of the last H slices
	totals   Totals
	trained  int64 // start of the last slice that the champion was trained on
	training bool  // a job was given out and has not come back
	// How many slices that are not empty had come at the last training, and the
	// least that must have come for the next try.
	trainedAt, retryAt int64
	overdue            bool // a training was cut off by a restart
}

// entrant is a forecaster that forecasts every slice, whether it serves or not.
type entrant struct {
	version     string
	network     bool
	forecaster  model.Forecaster
	calibration *model.Calibration
	live        []contest // the last slices, oldest first
	standing    map[string]*standing
}

// observer is a forecaster with a memory of its own, fed with every step.
type observer interface{ Observe(*model.Step) }

// issue is what all entrants said at one slice.
type issue struct {
	Index    int64    `json:"index"`
	Segment  int64    `json:"segment"`
	Services []string `json:"services"`
	Made     []made   `json:"made"`
	Served   []int8   `json:"served"` // [N] place in Made of what was published, -1 for nothing
	Chosen   []int8   `json:"chosen"` // [N] the same if a resting champion did not rest
	Done     int      `json:"done"`   // steps that came due
}

// made is one entrant's forecasts, [N, H] each; NaN where it has nothing to say.
type made struct {
	Version string `json:"version"`
	Network bool   `json:"network"`
	Yhat    floats `json:"yhat"`
	Lower   floats `json:"lower"`
	Upper   floats `json:"upper"`
}

func newTrack(cfg *Config, name string, task model.Task) (*track, error) {
	t := &track{cfg: cfg, name: name, task: task, trained: math.MinInt64}
	t.totals.Due = make([]Tally, task.Horizons)
	for _, m := range cfg.Baselines {
		f, err := m.New(task)
		if err != nil {
			return nil, fmt.Errorf("target %q: %w", name, err)
		}
		t.entrants = append(t.entrants, &entrant{version: m.Name, forecaster: f, calibration: model.NewCalibration(cfg.Level, task.Horizons), standing: map[string]*standing{}})
	}
	return t, nil
}

// network is the champion, or nil.
func (t *track) network() *entrant {
	if e := t.entrants[len(t.entrants)-1]; e.network {
		return e
	}
	return nil
}

func (t *track) baselines() []*entrant { return t.entrants[:len(t.cfg.Baselines)] }

// serving is what serves in the main: the champion, unless it rests, else the
// baseline that is best over all services.
func (t *track) serving() *entrant {
	if n := t.network(); n != nil && !t.behind {
		return n
	}
	best := t.entrants[0]
	for _, e := range t.baselines() {
		if e.pooled() < best.pooled() {
			best = e
		}
	}
	return best
}

// forecast lets every entrant speak and publishes for each service the forecasts
// of the one that was best on it lately.
func (t *track) forecast(window []*model.Step, s *slice.Snapshot, to *TargetOutcome) []model.Forecast {
	origin := window[len(window)-1]
	n := len(origin.Services)
	is := &issue{Index: s.Index, Segment: origin.Segment, Services: origin.Services, Served: make([]int8, n), Chosen: make([]int8, n)}
	var speakers []*entrant // of is.Made
	for _, e := range t.entrants {
		if o, ok := e.forecaster.(observer); ok {
			o.Observe(origin)
		}
		p, err := e.forecaster.Forecast(window)
		if err != nil || len(p.Values) != n*t.task.Horizons*len(t.task.Levels) {
			continue // a window too short for it; the baselines take any
		}
		is.Made, speakers = append(is.Made, t.calibrated(e, p)), append(speakers, e)
	}
	t.pick(is, speakers)
	to.Target, to.Serving = t.name, t.serving().version
	var forecasts []model.Forecast
	for i, service := range origin.Services {
		if is.Served[i] < 0 {
			to.Unforecast++
			continue
		}
		m := &is.Made[is.Served[i]]
		forecasts = append(forecasts, t.published(m, i, service, origin, s))
		if m.Network {
			t.totals.ByNetwork++
		}
	}
	t.totals.Published += int64(len(forecasts))
	t.totals.Unforecast += int64(to.Unforecast)
	t.pending = append(t.pending, is)
	return forecasts
}

// pick chooses for every service whose forecast is published.
func (t *track) pick(is *issue, speakers []*entrant) {
	network := -1
	pools := make([]float64, len(speakers))
	for k, e := range speakers {
		pools[k] = e.pooled()
		if e.network {
			network = k
		}
	}
	ratios := make([]float64, len(speakers))
	for i, service := range is.Services {
		for k, e := range speakers {
			ratios[k] = math.NaN()
			// Until there are slices to tell by, persistence serves alone.
			if is.Made[k].says(i, t.task.Horizons) && (k == 0 || e.network || len(e.live) >= liveLeast) {
				ratios[k] = e.standing[service].ratio(pools[k])
			}
		}
		is.Chosen[i] = int8(choice(ratios, network))
		is.Served[i] = is.Chosen[i]
		if t.behind && network >= 0 && int(is.Served[i]) == network {
			ratios[network] = math.NaN()
			is.Served[i] = int8(choice(ratios, network))
		}
	}
}

// calibrated corrects a prediction's outer quantiles. What is negative or not a
// finite number, as the targets never are, is mended or left out.
func (t *track) calibrated(e *entrant, p model.Prediction) made {
	n, h, q := len(p.Services), t.task.Horizons, len(t.task.Levels)
	middle := t.task.Median()
	m := made{Version: e.version, Network: e.network, Yhat: make(floats, n*h), Lower: make(floats, n*h), Upper: make(floats, n*h)}
	for i, service := range p.Services {
		for k := range h {
			at := i*h + k
			row := p.Values[at*q : (at+1)*q]
			yhat := math.Max(float64(row[middle]), 0)
			low, high := float64(row[0]), float64(row[q-1])
			lower, upper := e.calibration.Interval(service, k+1, low, yhat, high)
			lower = math.Max(lower, 0)
			if math.IsNaN(lower+upper) || math.IsInf(lower+upper, 0) {
				yhat, lower, upper = math.NaN(), math.NaN(), math.NaN()
			}
			m.Yhat[at], m.Lower[at], m.Upper[at] = float32(yhat), float32(lower), float32(upper)
		}
	}
	return m
}

// says reports whether all steps of a row are there.
func (m *made) says(i, horizons int) bool {
	for _, v := range m.Yhat[i*horizons : (i+1)*horizons] {
		if v != v {
			return false
		}
	}
	return true
}

func (t *track) published(m *made, i int, service string, origin *model.Step, s *slice.Snapshot) model.Forecast {
	f := model.Forecast{
		Graph: s.Graph, Service: service, SliceStart: origin.At, SliceWidth: origin.Width,
		Model: m.Version, Target: t.name, Unit: t.task.Unit, Observed: math.NaN(),
		Complete: s.Complete, Level: t.cfg.Level, Horizons: make([]model.Horizon, t.task.Horizons),
	}
	if v, ok := origin.Value(i, t.task.Target); ok {
		f.Observed = v
	}
	for k := range f.Horizons {
		at := i*t.task.Horizons + k
		f.Horizons[k] = model.Horizon{
			Step: k + 1, At: origin.At + int64(k+1)*origin.Width,
			Yhat: float64(m.Yhat[at]), Lower: float64(m.Lower[at]), Upper: float64(m.Upper[at]),
		}
	}
	return f
}
