package trees

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"presage/model"
	"presage/model/baseline/lags/lagstest"
)

// bent is a world in which b follows a by a slice, not along a line; a is noise around a level.
func bent(n int) []*model.Step {
	rng := rand.New(rand.NewPCG(5, 5))
	var values [][]float64
	before := 0.0
	for range n {
		a := rng.NormFloat64()
		values = append(values, []float64{10 + a, 20 + 4*math.Abs(before) + 0.1*rng.NormFloat64(), 7})
		before = a
	}
	return lagstest.History([]string{"a", "b", "c"}, values)
}

func fit(t *testing.T, f model.Forecaster, all []*model.Step, seed uint64) model.FitReport {
	t.Helper()
	n := len(all) * 3 / 4
	r, err := f.Fit(t.Context(), all[:n], all[n-8:], model.FitOptions{Seed: seed, Epochs: 40})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOneTreeByHand(t *testing.T) {
	// 200 rows, the first column 0 or 1, the second without meaning: gradients are −2 where it is 0, and 4 where it is 1.
	r := &rows{columns: 2}
	var gradients []float32
	var all []int32
	for i := range 200 {
		r.x = append(r.x, float32(i%2), float32(i%7))
		r.weight = append(r.weight, 1)
		gradients = append(gradients, []float32{-2, 4}[i%2])
		all = append(all, int32(i))
	}
	e := edges(r)
	if fmt.Sprint(e) != "[[0] [0 1 2 3 4 5]]" {
		t.Fatalf("edges %v", e)
	}
	g := &grower{columns: 2, cells: binned(r, e), edges: e}
	var s forest
	g.grow(&s, all, gradients, func(rows []int32) float32 { return gradients[rows[0]] })
	if len(s.nodes) != 3 || s.nodes[0].column != 0 || s.nodes[0].threshold != 0 {
		t.Fatalf("nodes %+v, want one branching by the first column at 0", s.nodes)
	}
	if a, b := s.at([]float32{0, 3}), s.at([]float32{0.5, 3}); a != -2 || b != 4 {
		t.Errorf("values %g and %g, want −2 and 4", a, b)
	}
}

// Walks by bins and by values end in the same leaves, and histograms' differences add up.
func TestBinsAndValuesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	r := &rows{columns: 3}
	var y []float32
	var all []int32
	for i := range 5000 {
		a, b, c := rng.NormFloat64(), rng.Float64(), float64(rng.IntN(4))
		r.x = append(r.x, float32(a), float32(b), float32(c))
		r.weight = append(r.weight, 1)
		y = append(y, float32(math.Sin(3*a)+b*c))
		all = append(all, int32(i))
	}
	e := edges(r)
	g := &grower{columns: 3, cells: binned(r, e), edges: e}
	var s forest
	seen := 0
	g.grow(&s, all, y, func(rows []int32) float32 {
		if len(rows) < minRows {
			t.Errorf("a leaf of %d rows", len(rows))
		}
		seen += len(rows)
		var sum float64
		for _, k := range rows {
			sum += float64(y[k])
		}
		return float32(sum / float64(len(rows)))
	})
	if seen != 5000 || len(s.nodes) != 2*maxLeaves-1 {
		t.Errorf("%d rows in leaves and %d nodes, want 5000 and %d", seen, len(s.nodes), 2*maxLeaves-1)
	}
	var left, whole float64
	for i := range 5000 {
		row := r.x[i*3 : i*3+3]
		if v := s.leaf(0, g.cells[i*3:i*3+3]); float64(v) != s.at(row) {
			t.Fatalf("row %d: %g by bins, %g by values", i, v, s.at(row))
		}
		left += math.Pow(float64(y[i])-s.at(row), 2)
		whole += float64(y[i]) * float64(y[i])
	}
	if left > 0.1*whole {
		t.Errorf("one tree leaves %.0f %% of the squares", 100*left/whole)
	}
}

// Trees find the bend that only the caller tells, and leave the rest alone.
func TestGraphPaysWhereTheCallerLeads(t *testing.T) {
	all := bent(1200)
	errorOf := map[string]float64{}
	for _, m := range Methods() {
		f, _ := m.New(lagstest.Task(4, 2))
		r := fit(t, f, all[:1000], 1)
		if r.Epochs == 0 || r.BestEpoch == 0 || r.Parameters == 0 || r.Windows == 0 {
			t.Errorf("%s: report %+v", m.Name, r)
		}
		var sum, n float64
		for _, w := range model.Windows(all[1000:], 4, 2) {
			p, err := f.Forecast(w.Input)
			if err != nil {
				t.Fatal(err)
			}
			truth, _ := w.Target[0].Value(1, 0)
			sum += math.Abs(float64(p.Values[(1*2+0)*3+1]) - truth)
			n++
		}
		errorOf[m.Name] = sum / n
	}
	if errorOf[Graph] > 0.5*errorOf[Own] {
		t.Errorf("errors %v: the caller's value should halve it at least", errorOf)
	}
}

func TestTheSeedDecides(t *testing.T) {
	all := bent(500)
	said := map[uint64]string{}
	for _, seed := range []uint64{1, 2, 1} {
		f, _ := NewGraph(lagstest.Task(4, 2))
		fit(t, f, all, seed)
		p, _ := f.Forecast(all[100:104])
		now := fmt.Sprint(p)
		if before, ok := said[seed]; ok && before != now {
			t.Error("the same seed gave another forecast")
		}
		said[seed] = now
	}
	if said[1] == said[2] {
		t.Error("two seeds gave the same forecast")
	}
}

func TestStateRestores(t *testing.T) {
	all := bent(500)
	for _, m := range Methods() {
		for _, fitted := range []bool{false, true} {
			f, _ := m.New(lagstest.Task(4, 15))
			if fitted {
				fit(t, f, all, 1)
			}
			st, err := f.State()
			if err != nil {
				t.Fatal(err)
			}
			g, _ := m.New(lagstest.Task(4, 15))
			if err := g.Restore(st); err != nil {
				t.Fatal(err)
			}
			a, _ := f.Forecast(all[250:254])
			b, _ := g.Forecast(all[250:254])
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s, fitted %v: restored forecast %v, want %v", m.Name, fitted, b, a)
			}
			if fitted {
				st.Tensors["nodes"].Data[2] = 0 // a branching to itself
				if err := g.Restore(st); err == nil {
					t.Errorf("%s: a tree that never ends was restored", m.Name)
				}
			}
		}
	}
}

func TestAnchorsHoldTheEnds(t *testing.T) {
	for horizons := 1; horizons < 80; horizons++ {
		a := anchors(horizons)
		if a[0] != 0 || a[len(a)-1] != horizons-1 || len(a) > maxAnchors {
			t.Fatalf("%d horizons: %v", horizons, a)
		}
		for k := 1; k < len(a); k++ {
			if a[k] <= a[k-1] {
				t.Fatalf("%d horizons: %v do not rise", horizons, a)
			}
		}
	}
}

func TestMissingAndStrangers(t *testing.T) {
	nan := math.NaN()
	f, _ := NewGraph(lagstest.Task(4, 2))
	fit(t, f, bent(400), 1)
	p, err := f.Forecast(lagstest.History([]string{"a", "b", "new"}, [][]float64{{10, nan, nan}, {nan, nan, 3}}))
	if err != nil {
		t.Fatal(err)
	}
	for i, known := range []bool{true, false, true} {
		for _, v := range p.Values[i*6 : (i+1)*6] {
			if math.IsNaN(float64(v)) == known {
				t.Errorf("%s: forecast %v", p.Services[i], p.Values[i*6:(i+1)*6])
				break
			}
		}
	}
	if _, err := f.Forecast(nil); !errors.Is(err, model.ErrShortWindow) {
		t.Errorf("forecast of no window: %v", err)
	}
}

func TestConstantsStay(t *testing.T) {
	values := make([][]float64, 200)
	for k := range values {
		values[k] = []float64{5, 0, 100}
	}
	all := lagstest.History([]string{"a", "b", "c"}, values)
	for _, m := range Methods() {
		f, _ := m.New(lagstest.Task(4, 2))
		fit(t, f, all, 1)
		p, _ := f.Forecast(all[100:104])
		for i, v := range p.Values {
			if want := []float32{5, 0, 100}[i/6]; i%3 == 1 && math.Abs(float64(v-want)) > 1e-5 {
				t.Errorf("%s: %g, want %g", m.Name, v, want)
			}
		}
	}
}

func TestFitStopsWhenTold(t *testing.T) {
	all := bent(400)
	ctx, cancel := context.WithCancel(t.Context())
	f, _ := NewOwn(lagstest.Task(4, 2))
	lines := 0
	progress := func(p model.FitProgress) {
		if lines++; lines == 3 {
			cancel()
		}
		if p.Epoch != lines || !(p.TrainLoss > 0 && p.ValidError > 0) {
			t.Errorf("progress %+v", p)
		}
	}
	if _, err := f.Fit(ctx, all[:300], all[290:], model.FitOptions{Progress: progress}); !errors.Is(err, context.Canceled) || lines != 3 {
		t.Errorf("fit under a cancelled context: %v after %d rounds", err, lines)
	}
	asked := 0
	r, err := f.Fit(t.Context(), all[:300], all[290:], model.FitOptions{Stop: func() bool { asked++; return asked > 6 }})
	if err != nil || !r.Cut || r.Epochs != 3 {
		t.Errorf("fit that was told to stop: %+v, %v", r, err)
	}
}
