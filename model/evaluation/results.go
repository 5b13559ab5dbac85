package evaluation

import (
	"cmp"
	"fmt"
	"slices"
)

// Results are all figures of one evaluation, the content of results.json.
type Results struct {
	Data         string `json:"data"`
	Command      string `json:"command"` // that makes them again
	Split        string `json:"split"`
	SliceSeconds int    `json:"slice_seconds"`
	InputSlices  int    `json:"input_slices"`
	PointsTest   int    `json:"points_test"` // of the first step
	Windows      int    `json:"windows_test"`
	Stride       int    `json:"stride"`
	Services     int    `json:"services"`
	Unit         string `json:"unit"`
	// Interpolated is the share of test targets within exactly linear runs.
	Interpolated float64        `json:"interpolated_share"`
	Methods      []MethodResult `json:"methods"`
	// Without has the same methods on the points that are not interpolated; nil where none is.
	Without []MethodResult `json:"methods_without_interpolated,omitempty"`
	// Gap says how far each method goes from persistence to the floor of a generated world.
	Gap []GapRow `json:"gap,omitempty"`
	// Left names methods that could not be fitted, and why.
	Left map[string]string `json:"left_out,omitempty"`
}

// MethodResult is one method's.
type MethodResult struct {
	Method          string         `json:"method"`
	Protocol        string         `json:"protocol"`
	Seeds           []uint64       `json:"seeds"`
	Parameters      int            `json:"parameters"`
	Epochs          int            `json:"epochs"` // most of any seed
	Cut             bool           `json:"cut"`    // the time budget ended at least one training
	Diverged        bool           `json:"diverged"`
	TrainSeconds    float64        `json:"train_seconds"`    // mean
	ForecastSeconds float64        `json:"forecast_seconds"` // of all windows, mean
	Horizons        []HorizonScore `json:"horizons"`
	Against         []Difference   `json:"against,omitempty"`
}

// ID names the method with its protocol.
func (m MethodResult) ID() string { return Method{Name: m.Method, Protocol: m.Protocol}.ID() }

// Summary makes the results of records of any number of methods and seeds. Every method is compared with hero, the
// method in question, at the given steps and over all of them.
func (e *Exam) Summary(records []*Record, hero string, steps []int) Results {
	return e.SummaryOf(records, hero, steps, All)
}

// SummaryOf is Summary of the points that a filter lets count.
func (e *Exam) SummaryOf(records []*Record, hero string, steps []int, f Filter) Results {
	r := Results{
		Data: e.Name, Split: e.split(), SliceSeconds: int(e.Steps[0].Width / 1e9), InputSlices: e.Task.Input,
		Windows: e.Tests(), Stride: e.Stride, Services: len(e.Services), Unit: e.Task.Unit,
	}
	r.Methods = e.results(records, hero, steps, f)
	if len(r.Methods) > 0 {
		r.PointsTest = r.Methods[0].Horizons[0].Points
	}
	r.Gap = e.Gap(records)
	linear, all := 0, 0
	for k, v := range e.Truth {
		if v == v {
			all++
			if e.Linear[k] {
				linear++
			}
		}
	}
	r.Interpolated = float64(linear) / float64(max(all, 1))
	if linear > 0 {
		r.Without = e.results(records, hero, steps, func(w, i, step int) bool { return f(w, i, step) && e.NotInterpolated(w, i, step) })
	}
	return r
}

func (e *Exam) split() string {
	percent := func(share float64) int { return int(share*100 + 0.5) }
	return fmt.Sprintf("%d/%d/%d", 100-percent(e.Valid)-percent(e.Test), percent(e.Valid), percent(e.Test))
}

func (e *Exam) results(records []*Record, hero string, steps []int, f Filter) []MethodResult {
	groups := Group(records)
	common := e.Common(records, f)
	var out []MethodResult
	var reference []HorizonScore
	for _, g := range groups {
		m := e.method(g, common)
		if reference == nil {
			reference = m.Horizons // persistence comes first
		}
		for h := range m.Horizons {
			m.Horizons[h].WinklerRelative = m.Horizons[h].Winkler / reference[h].Winkler
		}
		out = append(out, m)
	}
	e.against(out, groups, hero, steps, common)
	return out
}

// against compares the hero with all others.
func (e *Exam) against(out []MethodResult, groups [][]*Record, hero string, steps []int, f Filter) {
	for k := range out {
		if out[k].ID() != hero {
			continue
		}
		for j := range groups {
			if j == k {
				continue
			}
			for _, step := range append([]int{0}, steps...) {
				out[k].Against = append(out[k].Against, e.Compare(groups[k], groups[j], step-1, e.Task.Log, f))
			}
		}
	}
}

func (e *Exam) method(g []*Record, f Filter) MethodResult {
	m := MethodResult{Method: g[0].Method, Protocol: g[0].Protocol, Horizons: e.Score(g, f)}
	for _, r := range g {
		m.Seeds = append(m.Seeds, r.Seed)
		m.Parameters = r.Report.Parameters
		m.Epochs = max(m.Epochs, r.Report.Epochs)
		m.Cut = m.Cut || r.Report.Cut
		m.Diverged = m.Diverged || r.Report.Diverged
		m.TrainSeconds += r.TrainSeconds / float64(len(g))
		m.ForecastSeconds += r.ForecastSeconds / float64(len(g))
	}
	return m
}

// Group puts the records of one method together, methods in the order of their first record.
func Group(records []*Record) [][]*Record {
	place := map[string]int{}
	var out [][]*Record
	for _, r := range records {
		k, ok := place[r.ID()]
		if !ok {
			k = len(out)
			place[r.ID()] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], r)
	}
	for _, g := range out {
		slices.SortFunc(g, func(a, b *Record) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	return out
}
