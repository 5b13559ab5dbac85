package evaluation

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"presage/model"
	"presage/model/baseline"
	"presage/model/matrix"
)

var levels = []float64{0.05, 0.5, 0.95}

// walk is a history of two services: a noisy wave and a noisier one, the second with gaps.
func walk(n int, segment int64) []*model.Step {
	graph := &model.Graph{RowPtr: []int32{0, 1, 1}, Col: []int32{1}, Weight: []float32{1}}
	services := []string{"a", "b"}
	rng := rand.New(rand.NewPCG(uint64(segment), 7))
	var steps []*model.Step
	for i := range n {
		s := &model.Step{
			At: segment*1e15 + int64(i)*60e9, Width: 60e9, Segment: segment, Services: services, Graph: graph,
			Values: []float32{
				float32(50 + 10*math.Sin(float64(i)/9) + rng.NormFloat64()), float32(20 + 5*math.Sin(float64(i)/5) + 3*rng.NormFloat64()),
			},
			Mask: []float32{1, 1},
		}
		if i%10 == 0 {
			s.Values[1], s.Mask[1] = 0, 0
		}
		steps = append(steps, s)
	}
	return steps
}

func exam(t *testing.T, n int) *Exam {
	t.Helper()
	e, err := NewExam(Data{Name: "walk", Steps: walk(n, 0), Task: matrix.Task(6, 4, levels, ""), Valid: 0.1, Test: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var options = Options{Seed: 1, Now: func() time.Time { return time.Unix(0, 0) }}

func method(name string, f model.New) Method { return Method{Name: name, New: f} }

func run(t *testing.T, e *Exam, m Method) *Record {
	t.Helper()
	r, err := e.Run(t.Context(), m, options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPersistenceIsScoredAsCountedByHand(t *testing.T) {
	e := exam(t, 600)
	r := run(t, e, method("persistence", baseline.NewPersistence))
	scores := e.Score([]*Record{r}, e.Common([]*Record{r}, All))
	for step, s := range scores {
		var sum, n float64
		for _, w := range e.Windows[e.First:] {
			for i := range 2 {
				truth, ok := w.Target[step].Value(i, 0)
				if !ok {
					continue
				}
				last := math.NaN()
				for _, in := range w.Input {
					if v, ok := in.Value(i, 0); ok {
						last = v
					}
				}
				sum += math.Abs(truth - last)
				n++
			}
		}
		if want := sum / n; s.Points != int(n) || math.Abs(s.MAE-want) > 1e-6*want {
			t.Errorf("step %d: MAE %g of %d points, counted %g of %g", step+1, s.MAE, s.Points, want, n)
		}
		if s.Coverage < 0.85 || s.Coverage > 0.95 {
			t.Errorf("step %d: coverage %.3f of a 90 %% interval", step+1, s.Coverage)
		}
	}
}

// peeker gives the true future, found in one of the ways in which an evaluation leaks.
type peeker struct {
	model.Forecaster
	task   model.Task
	future func(window []*model.Step, step int) *model.Step
}

func (p peeker) Forecast(window []*model.Step) (model.Prediction, error) {
	out, err := p.Forecaster.Forecast(window)
	if err != nil {
		return out, err
	}
	for i := range out.Services {
		for h := range p.task.Horizons {
			s := p.future(window, h)
			if s == nil {
				continue
			}
			for q := range p.task.Levels {
				out.Values[(i*p.task.Horizons+h)*len(p.task.Levels)+q] = s.Values[i]
			}
		}
	}
	return out, nil
}

func leaky(future func(window []*model.Step, step int) *model.Step) model.New {
	return func(t model.Task) (model.Forecaster, error) {
		f, err := baseline.NewPersistence(t)
		return peeker{f, t, future}, err
	}
}

func TestLeaksAreExposed(t *testing.T) {
	e := exam(t, 600)
	oracle := func(window []*model.Step, step int) *model.Step {
		at := window[len(window)-1].At
		for k, s := range e.Steps {
			if s.At == at && k+1+step < len(e.Steps) {
				return e.Steps[k+1+step]
			}
		}
		return nil
	}
	if _, err := e.Run(t.Context(), method("oracle", leaky(oracle)), options); !errors.Is(err, ErrLeak) {
		t.Errorf("a forecaster that reads the whole history: %v, want %v", err, ErrLeak)
	}
	// What lies behind the window in memory is out of reach: it forecasts as persistence does.
	behind := func(window []*model.Step, step int) *model.Step {
		if all := window[:cap(window)]; len(window)+step < len(all) {
			return all[len(window)+step]
		}
		return nil
	}
	honest, curious := run(t, e, method("persistence", baseline.NewPersistence)), run(t, e, method("behind", leaky(behind)))
	for k := range honest.Yhat {
		if a, b := honest.Yhat[k], curious.Yhat[k]; a != b && (a == a || b == b) {
			t.Fatalf("forecast %d: %g, but %g by looking behind the window", k, a, b)
		}
	}
}

// rote remembers all that is in memory while it is fitted.
type rote struct {
	model.Forecaster
	steps []*model.Step
	kept  *[]float32
}

func (r rote) Fit(ctx context.Context, train, valid []*model.Step, o model.FitOptions) (model.FitReport, error) {
	for _, s := range r.steps {
		*r.kept = append(*r.kept, s.Values...)
	}
	return r.Forecaster.Fit(ctx, train, valid, o)
}

func TestTheTestPartIsNotThereInTraining(t *testing.T) {
	e := exam(t, 600)
	var kept []float32
	run(t, e, method("rote", func(task model.Task) (model.Forecaster, error) {
		f, err := baseline.NewPersistence(task)
		return rote{f, e.Steps, &kept}, err
	}))
	last := e.Parts.Valid[len(e.Parts.Valid)-1].At
	for k, s := range e.Steps {
		for i, v := range s.Values {
			if s.At <= last && kept[2*k+i] != v {
				t.Fatalf("slice %d of training was changed", k)
			}
			if s.At > last && s.Mask[i] != 0 && kept[2*k+i] == v {
				t.Fatalf("slice %d of the test part was there while fitting", k)
			}
		}
	}
}

// Changing what comes later moves no earlier forecast, of all that is published: median and interval.
func TestTheFutureMovesNothing(t *testing.T) {
	before := run(t, exam(t, 600), method("average", baseline.NewAverage))
	steps := walk(600, 0)
	const from = 560
	for _, s := range steps[from:] {
		s.Values[0] += 1000
	}
	e, err := NewExam(Data{Name: "walk", Steps: steps, Task: matrix.Task(6, 4, levels, ""), Valid: 0.1, Test: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	after := run(t, e, method("average", baseline.NewAverage))
	n := len(e.Services) * e.Task.Horizons
	moved := false
	for k := range after.Yhat {
		same := before.Yhat[k] == after.Yhat[k] && before.Lower[k] == after.Lower[k] && before.Upper[k] == after.Upper[k]
		if origin := e.Windows[e.First+k/n].Origin().At; origin < steps[from].At && !same {
			t.Fatalf("forecast of slice %d moved", origin/60e9)
		}
		moved = moved || !same
	}
	if !moved {
		t.Error("no later forecast moved: the change did not reach the test part")
	}
}

func TestCompareTellsBetterFromEqual(t *testing.T) {
	e := exam(t, 900)
	a, b := run(t, e, method("persistence", baseline.NewPersistence)), run(t, e, method("average", baseline.NewAverage))
	if d := e.Compare([]*Record{a}, []*Record{a}, -1, false, e.Common([]*Record{a}, All)); d.Difference != 0 || d.Low != 0 || d.High != 0 {
		t.Errorf("a method against itself: %+v", d)
	}
	common := e.Common([]*Record{a, b}, All)
	d := e.Compare([]*Record{a}, []*Record{b}, 0, false, common)
	want := e.Score([]*Record{a}, common)[0].MAE - e.Score([]*Record{b}, common)[0].MAE
	if math.Abs(d.Difference-want) > 1e-9 || d.Low > d.Difference || d.High < d.Difference {
		t.Errorf("%+v, want a difference of %g within its interval", d, want)
	}
	back := e.Compare([]*Record{b}, []*Record{a}, 0, false, common)
	if math.Abs(back.Difference+d.Difference) > 1e-12 {
		t.Errorf("the other way round %g, want %g", back.Difference, -d.Difference)
	}
}

func TestPartsShareNoSegment(t *testing.T) {
	var steps []*model.Step
	for segment := range int64(20) {
		steps = append(steps, walk(30, segment)...)
	}
	e, err := NewExam(Data{Name: "segments", Steps: steps, Task: matrix.Task(6, 4, levels, ""), Valid: 0.15, Test: 0.2, BySegment: true})
	if err != nil {
		t.Fatal(err)
	}
	in := map[int64]string{}
	for name, part := range map[string][]*model.Step{"train": e.Parts.Train, "valid": e.Parts.Valid, "test": e.Parts.Judge} {
		for _, s := range part {
			if was, ok := in[s.Segment]; ok && was != name {
				t.Fatalf("segment %d is in %s and %s", s.Segment, was, name)
			}
			in[s.Segment] = name
		}
	}
	for _, w := range e.Windows {
		if w.Input[0].Segment != w.Target[len(w.Target)-1].Segment {
			t.Fatal("a window crosses two segments")
		}
	}
}

func TestLinearRunsAreFound(t *testing.T) {
	steps := walk(600, 0)
	for k := 550; k < 560; k++ {
		steps[k].Values[0] = float32(k)
	}
	e, err := NewExam(Data{Name: "linear", Steps: steps, Task: matrix.Task(6, 4, levels, ""), Valid: 0.1, Test: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	for w, window := range e.Windows[e.First:] {
		for step, target := range window.Target {
			k := target.At / 60e9
			if got, want := !e.NotInterpolated(w, 0, step), k > 550 && k < 559; got != want {
				t.Fatalf("slice %d: interpolated %t, want %t", k, got, want)
			}
		}
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	e := exam(t, 600)
	r := run(t, e, method("persistence", baseline.NewPersistence))
	r.Report.ValidError = math.NaN()
	var b bytes.Buffer
	if err := r.Write(&b, "this"); err != nil {
		t.Fatal(err)
	}
	stored := b.Bytes()
	back, err := Read(bytes.NewReader(stored), "this")
	if err != nil {
		t.Fatal(err)
	}
	if back.Method != r.Method || len(back.Yhat) != len(r.Yhat) || back.Upper[5] != r.Upper[5] || back.Smear[1] != r.Smear[1] {
		t.Errorf("came back as %+v", back)
	}
	if _, err := Read(bytes.NewReader(stored), "that"); err == nil {
		t.Error("a record of another exam was taken")
	}
	if _, err := Read(bytes.NewReader(stored[:len(stored)/2]), "this"); err == nil {
		t.Error("a torn record was taken")
	}
}

func TestBadHistoriesAreNamed(t *testing.T) {
	broken := func(change func([]*model.Step)) []*model.Step {
		s := walk(300, 0)
		change(s)
		return s
	}
	for name, c := range map[string]struct {
		steps []*model.Step
		want  string
	}{
		"empty":     {nil, "empty"},
		"too short": {walk(12, 0), "too few"},
		"NaN":       {broken(func(s []*model.Step) { s[7].Values[1] = float32(math.NaN()) }), `service "b", channel "value" is NaN`},
		"infinite":  {broken(func(s []*model.Step) { s[7].Values[0] = float32(math.Inf(1)) }), `service "a", channel "value" is +Inf`},
		"unobserved": {broken(func(s []*model.Step) {
			for _, x := range s {
				clear(x.Mask)
			}
		}), "single observation"},
	} {
		_, err := NewExam(Data{Name: "bad", Steps: c.steps, Task: matrix.Task(6, 4, levels, ""), Valid: 0.1, Test: 0.3})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error about %q", name, err, c.want)
		}
	}
}

func TestConstantSeriesAndUnseenServices(t *testing.T) {
	steps := walk(400, 0)
	for _, s := range steps {
		s.Values[0] = 5
	}
	e, err := NewExam(Data{Name: "constant", Steps: steps, Task: matrix.Task(6, 4, levels, ""), Valid: 0.1, Test: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, e, method("persistence", baseline.NewPersistence))
	for _, s := range e.Score([]*Record{r}, e.Common([]*Record{r}, func(_, service, _ int) bool { return service == 0 })) {
		if s.MAE != 0 || s.Coverage != 1 {
			t.Errorf("a constant series: %+v", s)
		}
	}
}

func TestMarkdownMarksWhatWasCut(t *testing.T) {
	e := exam(t, 600)
	a, b := run(t, e, method("persistence", baseline.NewPersistence)), run(t, e, method("average", baseline.NewAverage))
	b.Report.Cut, b.Report.Epochs = true, 3
	var text strings.Builder
	if err := e.Summary([]*Record{a, b}, "average", []int{1, 4}).Markdown(&text, []int{1, 4}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"average (cut at epoch 3)", "| persistence |", "95 % interval", "coverage"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
}
