package summary

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"presage/model"
	"presage/model/online"
	"presage/sink"
	"presage/windower/slice"
	"presage/windower/stage"
)

// Summary is what a run did. Errors are of the main target's network forecasts that
// came due, over all steps, in the target's unit; they and the coverage are null where none came due.
type Summary struct {
	Slices                 int64            `json:"slices"`
	Services               int64            `json:"services"` // distinct, that reported spans or metrics
	Edges                  int64            `json:"edges"`    // distinct caller and callee
	SpansRead              int64            `json:"spans_read"`
	SamplesRead            int64            `json:"samples_read"`
	SpansDropped           map[string]int64 `json:"spans_dropped"`
	SamplesDropped         map[string]int64 `json:"samples_dropped"`
	SpansReduced           map[string]int64 `json:"spans_reduced"`
	DeadLetters            map[string]int64 `json:"dead_letters"`
	IncompleteSlices       int64            `json:"incomplete_slices"`
	ForecastsPublished     int64            `json:"forecasts_published"` // records
	ForecastsDue           int64            `json:"forecasts_due"`       // points: a service, slice and step each
	MAEModel               *float64         `json:"mae_model"`
	MAEPersistence         *float64         `json:"mae_persistence"`
	Coverage               *float64         `json:"coverage"`
	Level                  float64          `json:"level"`
	Trainings              int64            `json:"trainings"`
	Model                  string           `json:"model"` // what serves the main target
	SecondsToFirstForecast *float64         `json:"seconds_to_first_forecast"`
	Seconds                float64          `json:"seconds"`
	Targets                []Target         `json:"targets"`
}

// Target is one target's share.
type Target struct {
	Target         string   `json:"target"`
	Unit           string   `json:"unit"`
	Model          string   `json:"model"`
	Published      int64    `json:"published"`
	Due            int64    `json:"due"`
	NetworkDue     int64    `json:"network_due"`
	MAEModel       *float64 `json:"mae_model"`
	MAEPersistence *float64 `json:"mae_persistence"`
	Coverage       *float64 `json:"coverage"`
}

// Collector adds up reports. It may be used by several goroutines.
type Collector struct {
	mu       sync.Mutex
	begun    time.Time
	now      func() time.Time
	slices   int64
	services map[string]bool
	edges    map[[2]string]bool
	written  int64
	first    *float64
	units    map[string]string
	totals   []online.Totals
	last     time.Time // start of the newest slice
}

// New starts the clock of seconds_to_first_forecast.
func New(now func() time.Time) *Collector {
	return &Collector{begun: now(), now: now, services: map[string]bool{}, edges: map[[2]string]bool{}, units: map[string]string{}}
}

// Slice takes in one slice's report, and tells whether it brought the first
// forecasts of a network.
func (c *Collector) Slice(r sink.SliceReport) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals = r.Totals
	c.written += int64(r.Written)
	if r.Snapshot.Revision > 1 {
		return false
	}
	c.slices++
	c.last = time.Unix(0, r.Snapshot.Start()).UTC()
	c.graph(r.Snapshot)
	for _, f := range r.Outcome.Forecasts {
		c.units[f.Target] = f.Unit
	}
	if c.first == nil && ByNetwork(r.Outcome.Forecasts) {
		seconds := c.now().Sub(c.begun).Seconds()
		c.first = &seconds
		return true
	}
	return false
}

func (c *Collector) graph(s *slice.Snapshot) {
	for i, name := range s.Nodes.Service {
		if !s.Nodes.Virtual[i] && !c.services[name] {
			c.services[strings.Clone(name)] = true
		}
		first, end := s.Edges.Of(i)
		for _, callee := range s.Edges.Callee[first:end] {
			key := [2]string{name, s.Nodes.Service[callee]}
			if !c.edges[key] {
				c.edges[[2]string{strings.Clone(key[0]), strings.Clone(key[1])}] = true
			}
		}
	}
}

// ByNetwork reports whether a trained network made one of the forecasts: versions of
// networks carry the time of their training, baselines are called by their name alone.
func ByNetwork(forecasts []model.Forecast) bool {
	for _, f := range forecasts {
		if strings.Contains(f.Model, "-") {
			return true
		}
	}
	return false
}

// Now is the summary so far.
func (c *Collector) Now(t stage.Totals, level float64) Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Summary{
		Slices: c.slices, Services: int64(len(c.services)), Edges: int64(len(c.edges)),
		SpansRead: t.Spans + sum(t.SpansDropped), SamplesRead: t.Samples + sum(t.SamplesDropped),
		SpansDropped: t.SpansDropped, SamplesDropped: t.SamplesDropped, SpansReduced: t.Reduced, DeadLetters: t.DeadLetters,
		IncompleteSlices: t.Incomplete, ForecastsPublished: c.written, Level: level,
		SecondsToFirstForecast: c.first, Seconds: c.now().Sub(c.begun).Seconds(),
	}
	for i, total := range c.totals {
		target := c.target(total)
		s.Targets = append(s.Targets, target)
		s.ForecastsDue += target.Due
		s.Trainings += total.Trainings
		if i == 0 {
			s.MAEModel, s.MAEPersistence, s.Coverage, s.Model = target.MAEModel, target.MAEPersistence, target.Coverage, target.Model
		}
	}
	return s
}

func (c *Collector) target(total online.Totals) Target {
	all := total.All()
	t := Target{
		Target: total.Target, Unit: c.units[total.Target], Model: total.Serving,
		Published: total.Published, Due: all.Points, NetworkDue: all.NetworkPoints,
	}
	if all.NetworkPoints > 0 {
		n := float64(all.NetworkPoints)
		t.MAEModel, t.MAEPersistence, t.Coverage = share(all.NetworkError, n), share(all.PersistenceError, n), share(float64(all.NetworkCovered), n)
	}
	return t
}

// Last is the start of the newest slice; zero before the first.
func (c *Collector) Last() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func share(a, n float64) *float64 {
	v := a / n
	return &v
}

func sum(counts map[string]int64) (n int64) {
	for _, v := range counts {
		n += v
	}
	return n
}

// Write writes the summary to a file.
func (s Summary) Write(file string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	return nil
}
