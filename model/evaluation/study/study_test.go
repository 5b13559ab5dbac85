package study

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presage/model"
	"presage/model/baseline"
	"presage/model/evaluation"
	"presage/model/ridge"
)

// shop is a history of six services with all channels, a minute a slice.
func shop(t *testing.T, n int) evaluation.Data {
	t.Helper()
	task, err := model.NewTask(model.ChannelResponseTime, 10, 5, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	names := []string{"a", "b", "c", "d", "e", "f"}
	g := &model.Graph{RowPtr: []int32{0, 2, 3, 3, 3, 3, 3}, Col: []int32{1, 2, 3}, Weight: []float32{5, 5, 5}, Errors: make([]float32, 3), MeanMs: []float32{9, 9, 9}}
	var steps []*model.Step
	for k := range n {
		s := &model.Step{At: int64(k) * 60e9, Width: 60e9, Services: names, Graph: g}
		load := 100 + 80*math.Sin(float64(k)/40)
		for i := range names {
			v := []float32{float32(20 + float64(i) + load/10 + rng.NormFloat64()), float32(load), 0, float32(load / 100), 1, 1}
			s.Values, s.Mask = append(s.Values, v...), append(s.Mask, 1, 1, 1, 1, 1, 1)
		}
		steps = append(steps, s)
	}
	return evaluation.Data{Name: "shop", Steps: steps, Task: task, Valid: 0.1, Test: 0.3}
}

func newStudy(t *testing.T, dir string) *Study {
	t.Helper()
	s := &Study{Out: dir, Hero: "average", Seeds: []uint64{1, 2}, Now: func() time.Time { return time.Unix(0, 0) }, Command: "presage evaluate"}
	for _, m := range baseline.Methods() {
		s.Methods = append(s.Methods, evaluation.Method{Name: m.Name, New: m.New})
	}
	for _, m := range ridge.Methods() {
		s.Methods = append(s.Methods, evaluation.Method{Name: m.Name, New: m.New, Seeded: true})
	}
	return s
}

func TestCompareGoesOnWhereItWasStopped(t *testing.T) {
	dir := t.TempDir()
	d := shop(t, 900)
	s := newStudy(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	s.Progress = func(p Progress) {
		if p.Done == 3 {
			stop()
		}
	}
	if _, err := s.Compare(ctx, d); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	read, made := 0, 0
	s.Progress = func(p Progress) {
		switch {
		case p.Read:
			read++
		case p.Finished:
			made++
		}
	}
	s.Finished = true
	r, err := s.Compare(t.Context(), d)
	if err != nil || made != 0 || len(r.Methods) != 3 {
		t.Fatalf("of finished records alone: %d methods, %d made, %v", len(r.Methods), made, err)
	}
	s.Finished = false
	read = 0
	if r, err = s.Compare(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if read != 3 || made != 4 || len(r.Methods) != 5 {
		t.Errorf("%d records read, %d made, %d methods", read, made, len(r.Methods))
	}
	for _, name := range []string{"results.json", "table.md", "horizons.png", "forecast.png"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back evaluation.Results
	if err := json.Unmarshal(text, &back); err != nil || len(back.Methods) != 5 || back.Methods[0].Horizons[4].Step != 5 {
		t.Errorf("results.json: %v", err)
	}
}

// A method whose training was cut is run again when it is given more time, and only then.
func TestCutRecordsAreMadeAgainWithMoreTime(t *testing.T) {
	s := &Study{Budget: time.Minute}
	cut := &evaluation.Record{Report: model.FitReport{Cut: true}, TrainSeconds: 61}
	whole := &evaluation.Record{TrainSeconds: 1}
	if !s.enough(cut) || !s.enough(whole) {
		t.Error("records of the same budget are made again")
	}
	s.Budget = time.Hour
	if s.enough(cut) || !s.enough(whole) {
		t.Error("more time: a cut record serves, or a whole one does not")
	}
	s.Budget = 0
	if s.enough(cut) {
		t.Error("without a budget a cut record serves")
	}
}

func TestMethodsThatFailAreNamed(t *testing.T) {
	s := newStudy(t, t.TempDir())
	s.Methods = append(s.Methods, evaluation.Method{Name: "broken", New: func(model.Task) (model.Forecaster, error) { return nil, errors.New("out of order") }})
	r, err := s.Compare(t.Context(), shop(t, 900))
	if err != nil || !strings.Contains(r.Left["broken"], "out of order") {
		t.Errorf("left out %v, %v", r.Left, err)
	}
}

func TestWindowsScoreTheSameTargets(t *testing.T) {
	s := newStudy(t, t.TempDir())
	s.Methods, s.Seeds = s.Methods[:3], s.Seeds[:1]
	r, err := s.Windows(t.Context(), shop(t, 3000), []int{5, 10, 7, 30})
	if err != nil {
		t.Fatal(err)
	}
	points := map[string]map[int]int{}
	for _, p := range r.Points {
		if points[p.Reading] == nil {
			points[p.Reading] = map[int]int{}
		}
		points[p.Reading][p.Minutes] = p.Hour.Points
	}
	if len(points[ReadingHistory]) != 4 || len(points[ReadingCount]) != 3 || len(points[ReadingSpan]) != 3 {
		t.Fatalf("windows %v", points)
	}
	for _, n := range points[ReadingHistory] {
		if n != points[ReadingHistory][5] || n == 0 {
			t.Errorf("histories are scored on %v points", points[ReadingHistory])
		}
	}
}

func TestLoadClassesHoldAllPoints(t *testing.T) {
	s := newStudy(t, t.TempDir())
	s.Methods, s.Seeds = s.Methods[:2], s.Seeds[:1]
	d := shop(t, 1500)
	r, err := s.Load(t.Context(), d, []float64{300, 600, 900, 1000})
	if err != nil {
		t.Fatal(err)
	}
	total := map[string]int{}
	for _, p := range r.Points {
		if p.Method == "persistence" {
			total[p.By] += p.Points
			if p.Skill != 0 {
				t.Errorf("persistence has skill %g over itself", p.Skill)
			}
		}
	}
	if total["origin"] == 0 || total["origin"] != total["target"] || total["high-only"] == 0 {
		t.Errorf("points %v", total)
	}
	d.Task.Channels = []string{"value"}
	if _, err := s.Load(t.Context(), d, nil); !errors.Is(err, ErrNoLoad) {
		t.Errorf("without a load: %v", err)
	}
}

func TestUnseenServicesAreScoredApart(t *testing.T) {
	s := newStudy(t, t.TempDir())
	s.Seeds = s.Seeds[:1]
	held, others, err := s.Unseen(t.Context(), shop(t, 900), 0.34)
	if err != nil {
		t.Fatal(err)
	}
	if held.PointsTest*2 != others.PointsTest || held.PointsTest == 0 {
		t.Errorf("%d points of services held out, %d of others", held.PointsTest, others.PointsTest)
	}
}
