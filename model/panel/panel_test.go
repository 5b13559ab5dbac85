package panel

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"presage/model"
	"presage/model/nn"
	"presage/model/tensor"
)

// echo is a network of one linear layer from the last value; failing makes it diverge.
type echo struct {
	setup   Setup
	line    *nn.Linear[float32]
	failing bool
}

func build(failing bool) Build {
	return func(s Setup, rng *rand.Rand) (Network, error) {
		return &echo{s, nn.NewLinear[float32](s.Input*s.Channels, s.Horizons*s.Outputs, rng), failing}, nil
	}
}

func (e *echo) Params() []nn.Param[float32]   { return e.line.Params("line") }
func (e *echo) Buffers() map[string][]float32 { return nil }

func (e *echo) Forward(t *tensor.Tape[float32], b *Batch, rng *rand.Rand) *tensor.Var[float32] {
	n, c, in := e.setup.Services, e.setup.Channels, e.setup.Input
	x := t.Buffer(b.Size * n * in * c)
	for w := range b.Size {
		for k := range in {
			for i := range n {
				copy(x[((w*n+i)*in+k)*c:][:c], b.X[((w*in+k)*n+i)*c:])
			}
		}
	}
	y := e.line.Forward(t, t.Const(x, b.Size*n, in*c))
	if e.failing && rng != nil && b.Seen > 40 {
		y = t.Scale(y, float32(math.Inf(1)))
	}
	if b.Level < e.setup.Horizons {
		y = t.SliceCols(y, 0, b.Level*e.setup.Outputs)
	}
	return y
}

var task = model.Task{Channels: []string{"value"}, Unit: "", Input: 4, Horizons: 3, Levels: []float64{0.05, 0.5, 0.95}}

func history(n int) []*model.Step {
	rng := rand.New(rand.NewPCG(5, 5))
	g := &model.Graph{RowPtr: []int32{0, 1, 1}, Col: []int32{1}, Weight: []float32{2}}
	names := []string{"a", "b"}
	var steps []*model.Step
	for k := range n {
		steps = append(steps, &model.Step{At: int64(k) * 60e9, Width: 60e9, Services: names, Graph: g, Mask: []float32{1, 1},
			Values: []float32{float32(10 + 3*math.Sin(float64(k)/4) + 0.1*rng.NormFloat64()), float32(5 + math.Cos(float64(k)/6))}})
	}
	return steps
}

func fitted(t *testing.T, r Recipe, failing bool) (model.Forecaster, model.FitReport, model.Parts) {
	t.Helper()
	f, err := New("echo", task, r, build(failing), nil)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := model.Split(history(400), 4, 3, 0.2, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	report, err := f.Fit(t.Context(), parts.Train, parts.Valid, model.FitOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return f, report, parts
}

func published() Recipe {
	return Recipe{Protocol: Published, Scaling: ScaleGlobal, Loss: LossMAE, Head: HeadValue, Day: true, Epochs: 20, Batch: 16, Rate: 1e-2}
}

func TestBothProtocolsLearn(t *testing.T) {
	for name, r := range map[string]Recipe{"published": published(), "common": CommonRecipe(ScaleService, 1e-2)} {
		f, report, parts := fitted(t, r, false)
		if report.BestEpoch == 0 || report.ValidError > 0.6 {
			t.Errorf("%s: %+v", name, report)
		}
		p, err := f.Forecast(parts.Judge[:4])
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.Values[1], parts.Judge[4].Values[0]; math.Abs(float64(got-want)) > 1.5 {
			t.Errorf("%s: the next value of a is %g, forecast %g", name, want, got)
		}
	}
}

func TestDivergenceKeepsTheLastGoodWeights(t *testing.T) {
	f, report, parts := fitted(t, published(), true)
	if !report.Diverged || report.Epochs == 0 {
		t.Fatalf("%+v", report)
	}
	p, err := f.Forecast(parts.Judge[:4])
	if err != nil || p.Values[1] != p.Values[1] || math.IsInf(float64(p.Values[1]), 0) {
		t.Errorf("after divergence: %v, %v", p.Values, err)
	}
}

func TestStopCutsAFit(t *testing.T) {
	f, err := New("echo", task, published(), build(false), nil)
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := model.Split(history(400), 4, 3, 0.2, 0.2)
	asked := 0
	report, err := f.Fit(t.Context(), parts.Train, parts.Valid, model.FitOptions{Seed: 1, Stop: func() bool { asked++; return asked > 25 }})
	if err != nil || !report.Cut || report.Epochs >= 20 || report.Epochs < 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestTooShortAHistoryIsNamed(t *testing.T) {
	f, _ := New("echo", task, published(), build(false), nil)
	_, err := f.Fit(t.Context(), history(5), history(5), model.FitOptions{})
	if !errors.Is(err, model.ErrShortWindow) {
		t.Errorf("%v", err)
	}
	if _, err := f.Forecast(history(4)); err == nil {
		t.Error("a forecast before any fit")
	}
	unobserved := history(50)
	for _, s := range unobserved {
		clear(s.Mask)
	}
	if _, err := f.Fit(t.Context(), unobserved, unobserved, model.FitOptions{}); err == nil {
		t.Error("fitted to nothing")
	}
}

// A curriculum trains the first horizons first, and short windows and gaps are filled with what came before.
func TestCurriculumAndShortWindows(t *testing.T) {
	r := published()
	r.Level = func(seen int) int { return 1 + seen/50 }
	f, report, parts := fitted(t, r, false)
	if report.Diverged {
		t.Fatalf("%+v", report)
	}
	p, err := f.Forecast(parts.Judge[3:4])
	if err != nil || p.Values[1] != p.Values[1] {
		t.Errorf("a window of one slice: %v, %v", p.Values, err)
	}
	gone := *parts.Judge[3]
	gone.Mask = []float32{0, 1}
	p, err = f.Forecast([]*model.Step{&gone})
	if err != nil || p.Values[1] == p.Values[1] || p.Values[9+1] != p.Values[9+1] {
		t.Errorf("a service without an observation: %v, %v", p.Values, err)
	}
}

func TestMeanGraphAveragesWhatIsShared(t *testing.T) {
	one := &model.Graph{RowPtr: []int32{0, 1, 1}, Col: []int32{1}, Weight: []float32{4}}
	none := &model.Graph{RowPtr: []int32{0, 0, 0}}
	steps := []*model.Step{{Services: []string{"a", "b"}, Graph: one}, {Services: []string{"a", "b"}, Graph: one}, {Services: []string{"a", "b"}, Graph: none}, {Services: []string{"a", "b"}, Graph: one}}
	g := meanGraph([]string{"a", "b"}, steps, false)
	if len(g.Weight) != 1 || g.Weight[0] != 3 {
		t.Errorf("%+v", g)
	}
}
