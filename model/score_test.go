package model

import (
	"math"
	"testing"
)

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9) && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Errorf("%s %g, want %g", name, got, want)
	}
}

func TestScore(t *testing.T) {
	s := NewScorer(0.9)
	// Service a: truths 1, 3 around a mean of 2; b: truths 10, 10 have no spread.
	s.Add("a", Point{Truth: 1, Yhat: 2, Lower: 0, Upper: 4, Weight: 2})
	s.Add("a", Point{Truth: 3, Yhat: 3, Lower: 3.5, Upper: 4, Weight: 2})
	s.Add("b", Point{Truth: 10, Yhat: 12, Lower: nan, Upper: nan, Weight: 100})
	s.Add("b", Point{Truth: 10, Yhat: 10, Lower: 9, Upper: 9.5, Weight: 100})
	if s.Add("b", Point{Truth: nan, Yhat: 1}) || s.Add("b", Point{Truth: 1, Yhat: math.Inf(1)}) {
		t.Error("a point without a number counted")
	}
	r := s.Score()
	if r.Points != 4 {
		t.Errorf("%d points", r.Points)
	}
	near(t, "MAE", r.MAE, 3.0/4)
	near(t, "RMSE", r.RMSE, math.Sqrt(5.0/4))
	near(t, "median R²", r.R2Median, 0.5) // of a alone: 1 − 1/2
	near(t, "weighted R²", r.R2Weighted, 0.5)
	near(t, "pooled R²", r.R2Pooled, 1-5.0/(25+9+16+16))
	near(t, "coverage", r.Coverage, 1.0/3)
	near(t, "width", r.Width, (4+0.5+0.5)/3)
	near(t, "Winkler", r.Winkler, (4+0.5+20*0.5+0.5+20*0.5)/3)
	empty := NewScorer(0.9).Score()
	near(t, "MAE of nothing", empty.MAE, nan)
	near(t, "R² of nothing", empty.R2Median, nan)
}

func TestScalerInverts(t *testing.T) {
	task, err := NewTask(ChannelResponseTime, 3, 2, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	var steps []*Step
	for _, v := range []float32{5, 10, 20} {
		f := len(task.Channels)
		st := &Step{Services: []string{"a", "never", "still"}, Values: make([]float32, 3*f), Mask: make([]float32, 3*f)}
		st.Values[0], st.Mask[0] = v, 1
		st.Values[2*f], st.Mask[2*f] = 7, 1
		steps = append(steps, st)
	}
	sc := FitScaler(task, steps)
	for _, name := range []string{"a", "never", "still", "unseen"} {
		near(t, "natural of scaled "+name, sc.Natural(name, sc.Scaled(name, 12.5)), 12.5)
	}
	if s := sc.Of("a"); s.Count != 3 || math.Abs(s.Mean-(math.Log(6)+math.Log(11)+math.Log(21))/3) > 1e-12 {
		t.Errorf("scale of a %+v", s)
	}
	if s := sc.Of("still"); s.Deviation != minDeviation {
		t.Errorf("deviation of a constant service %g", s.Deviation)
	}
	if sc.Of("never") != sc.Pooled {
		t.Error("a service without an observation has a scale of its own")
	}
}

func TestVersionHoldsTheWeights(t *testing.T) {
	st := State{Tensors: map[string]Tensor{"a": {Shape: []int{2}, Data: []float32{1, 2}}, "b": {Shape: []int{1}, Data: []float32{3}}}}
	v := Version("stgnn", 1767225600e9, st)
	if v[:len("stgnn-20260101T000000Z-")] != "stgnn-20260101T000000Z-" {
		t.Errorf("version %s", v)
	}
	st.Tensors["b"] = Tensor{Shape: []int{1}, Data: []float32{4}}
	if Version("stgnn", 1767225600e9, st) == v {
		t.Error("other weights, the same version")
	}
}
