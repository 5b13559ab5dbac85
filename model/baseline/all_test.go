package baseline

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"presage/model"
)

// plainTask is of values on their own scale, which may be negative.
func plainTask(input, horizons int) model.Task {
	return model.Task{Channels: model.ServiceChannels(), Unit: "mph", Input: input, Horizons: horizons, Levels: []float64{0.05, 0.5, 0.95}}
}

func near(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= 1e-6*max(1, math.Abs(v)) || math.IsNaN(v) && math.IsNaN(got[i])) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// one makes slices of a single service; NaN is missing.
func one(width int64, values ...float64) []*model.Step {
	var rows []map[string]float64
	for _, v := range values {
		rows = append(rows, map[string]float64{"a": v})
	}
	return steps(width, rows...)
}

func TestWeightedMeanByHand(t *testing.T) {
	c := &weighted{task: plainTask(4, 2), Alpha: 0.25}
	// 8 → 8 + ¼(4 − 8) = 7 → the gap repeats 4: 6.25 → 6.25 + ¼(10 − 6.25) = 7.1875
	near(t, "ewma", c.Centre(one(1e9, 8, 4, nan, 10)), 7.1875, 7.1875)
	near(t, "ewma from the first observation on", c.Centre(one(1e9, nan, 4, 8)), 5, 5)
}

func TestWeightedChoosesItsFactor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var noise, walk []float64
	at := 0.0
	for range 400 {
		noise = append(noise, rng.NormFloat64())
		at += rng.NormFloat64()
		walk = append(walk, at)
	}
	for name, c := range map[string]struct {
		values    []float64
		low, high float64
	}{"noise": {noise, 0, 0.2}, "walk": {walk, 0.8, 1}} {
		w := &weighted{task: plainTask(12, 2), Alpha: 0.5}
		if _, err := w.Learn(t.Context(), one(1e9, c.values...), nil, model.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		if w.Alpha < c.low || w.Alpha > c.high {
			t.Errorf("%s: smoothing factor %g, want one of %g to %g", name, w.Alpha, c.low, c.high)
		}
	}
}

func TestPredictLinearByHand(t *testing.T) {
	f, err := NewPredictLinear(plainTask(4, 3))
	if err != nil {
		t.Fatal(err)
	}
	centre := f.(*forecaster).centre
	near(t, "on a line", centre(one(10e9, 1, 3, 5, 7)), 9, 11, 13)
	// x = −3, −2, 0 and y = 1, 3, 5: means −5/3 and 3, Σ dx dy = 6, Σ dx² = 14/3, so 9/7 a slice.
	near(t, "across a gap", centre(one(10e9, 1, 3, nan, 5)), 3+9./7*(5./3+1), 3+9./7*(5./3+2), 3+9./7*(5./3+3))
	near(t, "one value", centre(one(10e9, nan, 4, nan)), 4, 4, 4)
	near(t, "nothing", centre(one(10e9, nan, nan)), nan, nan, nan)
	logs, err := NewPredictLinear(task(t, 3, 3))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "never below zero", logs.(*forecaster).centre(one(10e9, 5, 3, 1)), 0, 0, 0)
}

func TestDoubleExponentialByHand(t *testing.T) {
	// b = 2; level = ½·4 + ½(2 + 2) = 4, then b = 0.1·2 + 0.9·2 = 2; level = ½·10 + ½(4 + 2) = 8, then b = 0.1·4 + 0.9·2 = 2.2.
	f, err := NewDoubleExponential(plainTask(4, 2))
	if err != nil {
		t.Fatal(err)
	}
	centre := f.(*forecaster).centre
	near(t, "three values and a gap", centre(one(10e9, 2, 4, nan, 10)), 10.2, 12.4)
	near(t, "one value", centre(one(10e9, 3)), 3, 3)
	near(t, "nothing", centre(one(10e9, nan)), nan, nan)
}

func TestHoltWintersByHand(t *testing.T) {
	c := &holtWinters{task: plainTask(3, 2), smoothing: smoothing{Level: 0.5, Trend: 0.5, Damping: 0.5}}
	// l = 4, b = 0; l = ½·8 + ½·4 = 6, b = ½·2 = 1; l = ½·6 + ½(6 + ½) = 6.25, b = ½·¼ + ½·½ = 0.375.
	near(t, "no season", c.Centre(one(10e9, 4, 8, 6)), 6.25+0.1875, 6.25+0.1875+0.09375)
}

const sixHours = int64(6 * 3600 * 1e9)

// daily is a history of six-hour slices: 10, 20, 40, 30 every day and what is added to each.
func daily(days int, added func(k int) float64) []*model.Step {
	var values []float64
	for k := range 4 * days {
		values = append(values, []float64{10, 20, 40, 30}[k%4]+added(k))
	}
	return one(sixHours, values...)
}

func TestProfileByHand(t *testing.T) {
	exact := daily(8, func(int) float64 { return 0 })
	c := &profiled{task: plainTask(2, 3), Decay: 1}
	if _, err := c.Learn(t.Context(), exact, nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Decay = 0.5
	// The last slice is of hour 6, at 28 instead of 20: 8 above the profile, then 4, 2 and 1.
	window := daily(9, func(int) float64 { return 8 })[32:34]
	got := c.Centre(window)
	for h, want := range []float64{44, 32, 11} {
		if math.Abs(got[h]-want) > 1e-5 {
			t.Errorf("step %d: %g, want %g", h+1, got[h], want)
		}
	}
	// Noise is best forgotten at once, what lasts for days hardly ever.
	rng := rand.New(rand.NewPCG(3, 1))
	noisy := daily(60, func(int) float64 { return rng.NormFloat64() })
	if _, err := c.Learn(t.Context(), noisy, nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
	if c.Decay > 0.3 {
		t.Errorf("the decay of noise is %g", c.Decay)
	}
	lasting := daily(60, func(k int) float64 { return 5 * float64(k/40%2) })
	if _, err := c.Learn(t.Context(), lasting, nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
	if c.Decay < 0.9 {
		t.Errorf("the decay of a lasting deviation is %g", c.Decay)
	}
	if _, err := c.Learn(t.Context(), exact[:3], nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
	near(t, "less than a day", c.Centre(window), 28, 28, 28)
}

func TestHoltWintersLearnsTheSeason(t *testing.T) {
	all := daily(20, func(int) float64 { return 0 })
	c := &holtWinters{task: plainTask(6, 4), smoothing: smoothing{0.5, 0.1, 0.9}}
	if _, err := c.Learn(t.Context(), all, nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
	for h, v := range c.Centre(all[10:16]) {
		if want := []float64{10, 20, 40, 30}[h]; math.Abs(v-want) > 1e-4 {
			t.Errorf("step %d: %g, want %g", h+1, v, want)
		}
	}
	if _, err := c.Learn(t.Context(), all[:7], nil, model.FitOptions{}); err != nil {
		t.Fatal(err)
	}
	if c.Season != nil {
		t.Error("a season was learned from less than two days")
	}
}

func TestProfileBridgesWhatItNeverSaw(t *testing.T) {
	near(t, "circle", bridged([]float64{nan, 4, nan, nan, 10, nan}), 6, 4, 6, 8, 10, 8)
	near(t, "one value", bridged([]float64{nan, 3, nan}), 3, 3, 3)
	near(t, "nothing", bridged([]float64{nan, nan}), 0, 0)
}

func TestSeasonalWeekRepeatsLastWeek(t *testing.T) {
	var values []float64
	for k := range 4 * 9 {
		values = append(values, float64(100+k))
	}
	all := one(sixHours, values...)
	f, err := NewSeasonalWeek(plainTask(2, 2))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all[:20] {
		f.(*forecaster).Observe(s)
	}
	near(t, "less than a week", f.(*forecaster).centre(all[18:20]), 100+20-4, 100+21-4)
	for _, s := range all[20:30] {
		f.(*forecaster).Observe(s)
	}
	near(t, "a week", f.(*forecaster).centre(all[28:30]), 100+30-28, 100+31-28)
}

// whole are slices of three services over days with gaps, one of which comes and one of which goes.
func whole(seed uint64, n int, width int64) []*model.Step {
	rng := rand.New(rand.NewPCG(seed, 9))
	var rows []map[string]float64
	for k := range n {
		row := map[string]float64{"a": 50 + 10*math.Sin(float64(k)/3) + rng.Float64(), "b": 5 + rng.Float64(), "c": 9 + rng.Float64()}
		if k > n/2 {
			row["b"] = -1
		} else {
			row["c"] = -1
		}
		if rng.Float64() < 0.2 {
			row["a"] = nan
		}
		rows = append(rows, row)
	}
	return steps(width, rows...)
}

func TestAllRestore(t *testing.T) {
	all := whole(1, 200, 1800e9)
	for _, m := range All() {
		f, _ := m.New(task(t, 6, 3))
		if _, err := f.Fit(t.Context(), all[:150], all[141:180], model.FitOptions{Seed: 1}); err != nil {
			t.Fatal(err)
		}
		st, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		g, _ := m.New(task(t, 6, 3))
		if err := g.Restore(st); err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{100, 185} {
			a, _ := f.Forecast(all[at-6 : at])
			b, _ := g.Forecast(all[at-6 : at])
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s: restored forecast %v, want %v", m.Name, b, a)
			}
		}
		if f.(*forecaster).core == nil {
			continue
		}
		for name := range st.Tensors {
			if name != "offsets" {
				delete(st.Tensors, name)
				if err := g.Restore(st); err == nil {
					t.Errorf("%s: a state without tensor %q was restored", m.Name, name)
				}
			}
		}
	}
}

func TestAllKeepAConstantAndSayNothingOfWhatTheyNeverSaw(t *testing.T) {
	var rows []map[string]float64
	for range 200 {
		rows = append(rows, map[string]float64{"a": 5, "b": 0, "c": nan})
	}
	all := steps(1800e9, rows...)
	for _, m := range All() {
		f, _ := m.New(task(t, 6, 2))
		for _, fitted := range []bool{false, true} {
			if fitted {
				if _, err := f.Fit(t.Context(), all[:150], all[141:], model.FitOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			for _, length := range []int{1, 6} {
				p, err := f.Forecast(all[194-length : 194])
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range p.Values {
					want := []float64{5, 0, nan}[i/6]
					if math.Abs(float64(v)-want) > 1e-4 && i%3 == 1 || math.IsNaN(want) != math.IsNaN(float64(v)) {
						t.Errorf("%s, fitted %v: value %d of %s is %g, want %g", m.Name, fitted, i%6, p.Services[i/6], v, want)
					}
				}
			}
		}
	}
}

func TestNoForecastKnowsWhatComesAfterIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n, input = 150, 6
		seed := rapid.Uint64().Draw(t, "seed")
		origin := rapid.IntRange(100, n-1).Draw(t, "origin")
		past := whole(seed, n, sixHours/4)
		other := whole(seed+1, n, sixHours/4)
		changed := append(append([]*model.Step{}, past[:origin+1]...), other[origin+1:]...)
		method := rapid.SampledFrom(All()).Draw(t, "method")
		var said [2]string
		for k, history := range [][]*model.Step{past, changed} {
			f, _ := method.New(plainTask(input, 4))
			if _, err := f.Fit(t.Context(), history[:70], history[65:90], model.FitOptions{Seed: 1}); err != nil {
				t.Fatal(err)
			}
			// The seasonal methods are told of what came later, and still may not use it.
			for _, s := range history {
				f.(*forecaster).Observe(s)
			}
			p, err := f.Forecast(history[origin-input+1 : origin+1])
			if err != nil {
				t.Fatal(err)
			}
			said[k] = fmt.Sprint(p)
		}
		if said[0] != said[1] {
			t.Errorf("%s: the forecast changed with what came later:\n%s\n%s", method.Name, said[0], said[1])
		}
	})
}
