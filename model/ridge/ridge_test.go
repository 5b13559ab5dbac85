package ridge

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

// led is a world in which b follows a by a slice, and a is noise around a level.
func led(n int, noise float64) []*model.Step {
	rng := rand.New(rand.NewPCG(5, 5))
	var values [][]float64
	before := 10.0
	for range n {
		a := 10 + rng.NormFloat64()
		values = append(values, []float64{a, 2*before + noise*rng.NormFloat64(), 7})
		before = a
	}
	return lagstest.History([]string{"a", "b", "c"}, values)
}

func TestSumsByHand(t *testing.T) {
	// x = −1, 0, 1 (deviation √(2/3)), change = 2x + 1: the standardised slope is 2√(2/3), shrunk by 1/(1 + penalty).
	g := newSums(2, 2)
	for _, x := range []float64{-1, 0, 1} {
		g.add([]float64{x, 7}, []float64{2*x + 1, math.NaN()})
	}
	g.flush()
	for penalty, want := range map[float64]float32{0: 2, 1: 1} {
		w, err := g.solve(0, penalty)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(w[0]-1)) > 1e-6 || math.Abs(float64(w[1]-want)) > 1e-6 || w[2] != 0 {
			t.Errorf("penalty %g: weights %v, want [1 %g 0]", penalty, w, want)
		}
	}
	if w, err := g.solve(1, 1); err != nil || fmt.Sprint(w) != "[0 0 0]" {
		t.Errorf("a horizon never observed: %v, %v", w, err)
	}
}

func TestSumsDoNotCareWhichRowsAreComplete(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	mixed, single := newSums(3, 2), newSums(3, 1)
	for range 2000 {
		x := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		y := x[0] - x[2] + 0.1*rng.NormFloat64()
		other := math.NaN()
		if rng.Float64() < 0.5 {
			other = 1
		}
		mixed.add(x, []float64{y, other})
		single.add(x, []float64{y})
	}
	mixed.flush()
	single.flush()
	a, _ := mixed.solve(0, 1e-3)
	b, _ := single.solve(0, 1e-3)
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-6 {
			t.Fatalf("weights %v, want %v", a, b)
		}
	}
}

// The neighbours' regression finds what only the caller tells; both leave the rest alone.
func TestGraphPaysWhereTheCallerLeads(t *testing.T) {
	all := led(900, 0.1)
	errorOf := map[string]float64{}
	for _, m := range Methods() {
		f, err := m.New(lagstest.Task(4, 2))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Fit(t.Context(), all[:600], all[590:700], model.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		var sum, n float64
		for _, w := range model.Windows(all[700:], 4, 2) {
			p, err := f.Forecast(w.Input)
			if err != nil {
				t.Fatal(err)
			}
			truth, _ := w.Target[0].Value(1, 0)
			sum += math.Abs(float64(p.Values[(1*2+0)*3+1]) - truth)
			n++
			if c := p.Values[(2*2+1)*3+1]; math.Abs(float64(c)-7) > 0.02 {
				t.Fatalf("%s: forecast %g of the constant 7", m.Name, c)
			}
		}
		errorOf[m.Name] = sum / n
	}
	if errorOf[Graph] > 0.5*errorOf[Own] {
		t.Errorf("errors %v: the caller's value should halve it at least", errorOf)
	}
}

func TestStateRestores(t *testing.T) {
	all := led(300, 1)
	for _, m := range Methods() {
		for _, fitted := range []bool{false, true} {
			f, _ := m.New(lagstest.Task(4, 3))
			if fitted {
				if _, err := f.Fit(t.Context(), all[:200], all[190:], model.FitOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			st, err := f.State()
			if err != nil {
				t.Fatal(err)
			}
			g, _ := m.New(lagstest.Task(4, 3))
			if err := g.Restore(st); err != nil {
				t.Fatal(err)
			}
			a, _ := f.Forecast(all[250:254])
			b, _ := g.Forecast(all[250:254])
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s, fitted %v: restored forecast %v, want %v", m.Name, fitted, b, a)
			}
			if fitted {
				delete(st.Tensors, "weights")
				if err := g.Restore(st); err == nil {
					t.Errorf("%s: a state without weights was restored", m.Name)
				}
			}
		}
	}
}

func TestMissingAndStrangers(t *testing.T) {
	nan := math.NaN()
	all := led(300, 1)
	f, _ := NewGraph(lagstest.Task(4, 2))
	if _, err := f.Fit(t.Context(), all[:200], nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
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
		if _, err := f.Fit(t.Context(), all[:150], all[141:], model.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		p, _ := f.Forecast(all[100:104])
		for i, v := range p.Values {
			if want := []float32{5, 0, 100}[i/6]; i%3 == 1 && math.Abs(float64(v-want)) > 1e-5 {
				t.Errorf("%s: %g, want %g", m.Name, v, want)
			}
		}
	}
}

func TestFitStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, _ := NewOwn(lagstest.Task(4, 2))
	if _, err := f.Fit(ctx, led(100, 1), nil, model.FitOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("fit under a cancelled context: %v", err)
	}
}
