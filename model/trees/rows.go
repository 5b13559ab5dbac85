package trees

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"presage/model"
	"presage/model/baseline/lags"
)

// rows are a sample of training or validation rows.
type rows struct {
	columns int
	x       []float32   // [R, F]
	changes [][]float32 // [anchors][R], NaN where unknown
	weight  []float32   // [R] the service's deviation: what one scaled unit is in the transformed unit
	level   []float32   // [R] the last value in the transformed unit
	log     bool        // whether that is log(x + 1)
}

func (r *rows) len() int { return len(r.weight) }

// natural is the value in the target's unit at a scaled change from row k's last value.
func (r *rows) natural(k int32, change float32) float64 {
	v := float64(r.level[k]) + float64(r.weight[k])*float64(change)
	if r.log {
		return max(math.Expm1(v), 0)
	}
	return v
}

// draw takes every row of the windows with equal chance, about most in all.
func draw(ctx context.Context, f *lags.Features, windows []model.Window, places []int, most int, rng *rand.Rand) (*rows, error) {
	s := &rows{columns: len(f.Names()), changes: make([][]float32, len(places)), log: f.Task.Log}
	total := 0
	for _, w := range windows {
		total += len(w.Origin().Services)
	}
	chance := float64(most) / float64(max(total, 1))
	var changes []float64
	for _, w := range windows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := f.Rows(w.Input)
		changes = f.Changes(w, r, changes)
		for i, name := range r.Services {
			if chance < 1 && rng.Float64() >= chance || math.IsNaN(r.Last[i]) {
				continue
			}
			for _, v := range r.Row(i) {
				s.x = append(s.x, float32(v))
			}
			for a, h := range places {
				s.changes[a] = append(s.changes[a], float32(changes[i*f.Task.Horizons+h]))
			}
			scale := f.Scaler.Of(name)
			s.weight = append(s.weight, float32(scale.Deviation))
			s.level = append(s.level, float32(scale.Mean+scale.Deviation*r.Last[i]))
		}
	}
	return s, nil
}

// bins is how many parts a column's values are told apart in.
const bins = 64

// edges are the upper bounds [≤ bins − 1] of all but the last bin of every column, such that the bins hold about as many of
// the rows each; a column with fewer values has fewer.
func edges(r *rows) [][]float32 {
	const looked = 50_000
	all := make([][]float32, r.columns)
	stride := 1 + r.len()/looked
	values := make([]float32, 0, looked)
	for c := range all {
		values = values[:0]
		for i := 0; i < r.len(); i += stride {
			values = append(values, r.x[i*r.columns+c])
		}
		slices.Sort(values)
		for b := 1; b < bins && len(values) > 0; b++ {
			v := values[b*len(values)/bins]
			if n := len(all[c]); v < values[len(values)-1] && (n == 0 || v > all[c][n-1]) {
				all[c] = append(all[c], v)
			}
		}
	}
	return all
}

// binned is the bin of every cell [R, F]: how many edges lie below the value.
func binned(r *rows, edges [][]float32) []uint8 {
	out := make([]uint8, len(r.x))
	for c, e := range edges {
		for i := c; i < len(r.x); i += r.columns {
			k, _ := slices.BinarySearch(e, r.x[i])
			out[i] = uint8(k)
		}
	}
	return out
}
