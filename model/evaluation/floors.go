package evaluation

import "math"

// Floor is what a forecaster would say that knows more than any forecaster can: of a generated world.
type Floor struct {
	Name    string
	Origins []int64 // starts of the origin slices that it speaks of
	// At is the forecast and its interval for a service, step slices (0 is the next) after an origin; NaN where there
	// is none.
	At func(origin int64, service string, step int) (yhat, low, high float32)
}

// GapRow is how much of the way from persistence to floor F1 a method goes, on the points of which F1 speaks.
type GapRow struct {
	Method    string    `json:"method"`
	Points    int       `json:"points"`
	MAE       float64   `json:"mae"`               // mean over all steps
	MAEScaled float64   `json:"mae_scaled"`        // likewise
	R2Median  []float64 `json:"r2_service_median"` // by step
	Share     []float64 `json:"gap_closed"`        // by step, of the scaled error
	Mean      float64   `json:"gap_closed_mean"`   // of the scaled error over all steps
}

// floors are the records of a history's floors.
func (e *Exam) floors() []*Record {
	n, h := len(e.Services), e.Task.Horizons
	var out []*Record
	for _, f := range e.Floors {
		r := &Record{Method: f.Name, Yhat: filled(len(e.Truth)), Lower: filled(len(e.Truth)), Upper: filled(len(e.Truth)), Smear: make([]float64, h)}
		for w := range e.Tests() {
			origin := e.Windows[e.First+w].Origin().At
			for i, service := range e.Services {
				for step := range h {
					at := (w*n+i)*h + step
					r.Yhat[at], r.Lower[at], r.Upper[at] = f.At(origin, service, step)
				}
			}
		}
		for step := range r.Smear {
			r.Smear[step] = 1
		}
		out = append(out, r)
	}
	return out
}

// Gap holds all methods, and the floors, against persistence and F1, the last floor. Nil without floors.
func (e *Exam) Gap(records []*Record) []GapRow {
	floors := e.floors()
	if len(floors) == 0 {
		return nil
	}
	common := e.Common(append(append([]*Record(nil), records...), floors...), All)
	groups := Group(append(append([]*Record(nil), records...), floors...))
	scores := make([][]HorizonScore, len(groups))
	for k, g := range groups {
		scores[k] = e.Score(g, common)
	}
	first, last := scores[0], scores[len(scores)-1]
	var out []GapRow
	for k, g := range groups {
		row := GapRow{Method: g[0].ID(), Points: scores[k][0].Points}
		var own, from, to float64
		for step, s := range scores[k] {
			row.MAE += s.MAE / float64(len(first))
			row.MAEScaled += s.MAEScaled / float64(len(first))
			row.R2Median = append(row.R2Median, s.R2Median)
			row.Share = append(row.Share, gap(first[step].MAEScaled, s.MAEScaled, last[step].MAEScaled))
			own, from, to = own+s.MAEScaled, from+first[step].MAEScaled, to+last[step].MAEScaled
		}
		row.Mean = gap(from, own, to)
		out = append(out, row)
	}
	return out
}

// gap is the share of the way from the error of persistence to that of the floor.
func gap(from, own, to float64) float64 {
	if from == to {
		return math.NaN()
	}
	return (from - own) / (from - to)
}
