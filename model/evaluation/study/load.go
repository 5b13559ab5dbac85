package study

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"presage/model"
	"presage/model/evaluation"
	"presage/model/evaluation/figure"
)

// ErrNoLoad is returned for a history whose slices say nothing of the load.
var ErrNoLoad = errors.New("the task has no channel of requests, by which load is classed")

// LoadClass is a class of graph-wide arrivals, up to and with Most a second.
type LoadClass struct {
	Name string
	Most float64
}

// LoadClasses are the paper's, with the given bounds a second.
func LoadClasses(bounds []float64) []LoadClass {
	names := []string{"Low", "Medium", "High", "Very High", "Extreme"}
	var out []LoadClass
	for k, name := range names {
		most := math.Inf(1)
		if k < len(bounds) {
			most = bounds[k]
		}
		out = append(out, LoadClass{name, most})
	}
	return out
}

// LoadPoint is one method in one class.
type LoadPoint struct {
	By        string  `json:"by"` // origin, target, utilisation, or high-only: trained up to High
	Class     string  `json:"class"`
	Method    string  `json:"method"`
	Points    int     `json:"points"`
	Variance  float64 `json:"target_variance"` // scaled
	MAE       float64 `json:"mae"`
	MAEScaled float64 `json:"mae_scaled"`
	Skill     float64 `json:"skill_over_persistence"` // 1 less the ratio of scaled absolute errors
	R2Class   float64 `json:"r2_class_mean"`          // scaled, around the class's own mean of each service
	R2Overall float64 `json:"r2_overall_mean"`        // scaled, around each service's mean of training
}

// LoadResults are the content of results.json.
type LoadResults struct {
	Data    string      `json:"data"`
	Command string      `json:"command"`
	Unit    string      `json:"unit"`
	Bounds  []float64   `json:"class_bounds_per_second"`
	Points  []LoadPoint `json:"points"`
}

// Load scores by class of load, at all steps: the paper's Figure 3. Classes are by the graph-wide arrivals at the origin, which
// an operator knows, and apart from that at the target; then by each service's own utilisation; then methods
// that were trained on slices up to the class High alone are tested beyond it.
func (s *Study) Load(ctx context.Context, d evaluation.Data, bounds []float64) (LoadResults, error) {
	load := slices.Index(d.Task.Channels, model.ChannelRequests)
	if load < 0 {
		return LoadResults{}, ErrNoLoad
	}
	e, err := evaluation.NewExam(d)
	if err != nil {
		return LoadResults{}, err
	}
	records, _, err := s.records(ctx, e, "", s.Methods)
	if err != nil {
		return LoadResults{}, err
	}
	out := LoadResults{Data: d.Name, Command: s.Command, Unit: d.Task.Unit, Bounds: bounds}
	classes := LoadClasses(bounds)
	rate := func(step *model.Step) int { return classOf(classes, arrivals(step, load)) }
	names := make([]string, len(classes))
	for k, c := range classes {
		names[k] = c.Name
	}
	tests := e.Windows[e.First:]
	out.Points = append(out.Points, classed(e, records, "origin", names, func(w, _, _ int) int { return rate(tests[w].Origin()) })...)
	out.Points = append(out.Points, classed(e, records, "target", names, func(w, _, step int) int { return rate(tests[w].Target[step]) })...)
	out.Points = append(out.Points, classed(e, records, "utilisation", quintiles, utilisation(e))...)
	const high = 2
	if beyond, err := s.beyond(ctx, d, rate, high, names, fmt.Sprintf("up-to-%g", classes[high].Most)); err != nil {
		s.tell(Progress{Part: "high-only", Err: err})
	} else {
		out.Points = append(out.Points, beyond...)
	}
	if err := s.save("results.json", out); err != nil {
		return out, err
	}
	if err := whole(filepath.Join(s.Out, "table.md"), func(f *os.File) error { _, err := f.WriteString(out.Markdown()); return err }); err != nil {
		return out, err
	}
	c := out.chart(s.Hero, names)
	return out, whole(filepath.Join(s.Out, "load.png"), func(f *os.File) error { return c.WritePNG(f) })
}

// arrivals are the graph's, all services together, a second.
func arrivals(s *model.Step, channel int) float64 {
	var sum float64
	for i := range s.Services {
		if v, ok := s.Value(i, channel); ok {
			sum += v
		}
	}
	return sum
}

func classOf(classes []LoadClass, rate float64) int {
	for k, c := range classes {
		if rate <= c.Most {
			return k
		}
	}
	return len(classes) - 1
}

var quintiles = []string{"lowest fifth", "second", "third", "fourth", "highest fifth"}

// utilisation classes a point by where the service's CPU, or its load, at the origin lies among its own of training.
func utilisation(e *evaluation.Exam) func(w, service, step int) int {
	channel := slices.Index(e.Task.Channels, model.ChannelCPU)
	if channel < 0 || !everSeen(e.Parts.Train, channel) {
		channel = slices.Index(e.Task.Channels, model.ChannelRequests)
	}
	own := map[string][]float64{}
	for _, s := range e.Parts.Train {
		for i, name := range s.Services {
			if v, ok := s.Value(i, channel); ok {
				own[name] = append(own[name], v)
			}
		}
	}
	for _, v := range own {
		slices.Sort(v)
	}
	return func(w, service, _ int) int {
		origin, name := e.Windows[e.First+w].Origin(), e.Services[service]
		row, found := slices.BinarySearch(origin.Services, name)
		if !found || len(own[name]) == 0 {
			return -1
		}
		v, ok := origin.Value(row, channel)
		if !ok {
			return -1
		}
		place, _ := slices.BinarySearch(own[name], v)
		return min(place*len(quintiles)/len(own[name]), len(quintiles)-1)
	}
}

func everSeen(steps []*model.Step, channel int) bool {
	for _, s := range steps {
		for i := range s.Services {
			if _, ok := s.Value(i, channel); ok {
				return true
			}
		}
	}
	return false
}

// beyond trains on slices up to a class alone and tests on those above it; the part's name tells one bound from another.
func (s *Study) beyond(ctx context.Context, d evaluation.Data, rate func(*model.Step) int, top int, names []string, part string) ([]LoadPoint, error) {
	e, err := evaluation.NewExam(d)
	if err != nil {
		return nil, err
	}
	e.Parts.Train, e.Parts.Valid = upTo(e.Parts.Train, rate, top), upTo(e.Parts.Valid, rate, top)
	if t, h := d.Task.Input, d.Task.Horizons; len(model.Origins(e.Parts.Train, t, h)) == 0 || len(model.Origins(e.Parts.Valid, t, h)) == 0 {
		return nil, fmt.Errorf("no training or validation window lies within the classes up to %s", names[top])
	}
	e.Scaler = model.FitScaler(d.Task, e.Parts.Train)
	records, _, err := s.records(ctx, e, part, s.Methods)
	if err != nil {
		return nil, err
	}
	return classed(e, records, "high-only", names, func(w, _, step int) int {
		if k := rate(e.Windows[e.First+w].Target[step]); k > top {
			return k
		}
		return -1
	}), nil
}

func upTo(steps []*model.Step, rate func(*model.Step) int, top int) []*model.Step {
	var out []*model.Step
	for _, s := range steps {
		if rate(s) <= top {
			out = append(out, s)
		}
	}
	return out
}

// classed scores every method in every class.
func classed(e *evaluation.Exam, records []*evaluation.Record, by string, names []string, class func(w, service, step int) int) []LoadPoint {
	common := e.Common(records, evaluation.All)
	var out []LoadPoint
	for k, name := range names {
		var reference float64
		for _, g := range evaluation.Group(records) {
			p := LoadPoint{By: by, Class: name, Method: g[0].ID()}
			for _, r := range g {
				p.add(e, r, len(g), func(w, i, step int) bool { return common(w, i, step) && class(w, i, step) == k })
			}
			if p.Points == 0 {
				continue
			}
			if reference == 0 {
				reference = p.MAEScaled
			}
			p.Skill = 1 - p.MAEScaled/reference
			out = append(out, p)
		}
	}
	return out
}

// add takes in one of several seeds' records.
func (p *LoadPoint) add(e *evaluation.Exam, r *evaluation.Record, seeds int, f evaluation.Filter) {
	n, h := len(e.Services), e.Task.Horizons
	var natural, scaled, squares, around float64
	truth := make([]model.Moments, n)
	points := 0
	for w := range e.Tests() {
		for i, name := range e.Services {
			for step := range h {
				if !f(w, i, step) {
					continue
				}
				at := (w*n+i)*h + step
				y, z := float64(r.Yhat[at]), e.Scaler.Scaled(name, float64(r.Yhat[at]))
				t := e.Scaler.Scaled(name, float64(e.Truth[at]))
				natural += math.Abs(y - float64(e.Truth[at]))
				scaled += math.Abs(z - t)
				squares += (z - t) * (z - t)
				around += t * t // the scaled mean of training is zero
				truth[i].Add(t)
				points++
			}
		}
	}
	p.Points = points
	if points == 0 {
		return
	}
	var within float64
	for _, m := range truth {
		within += m.Squares()
	}
	k, size := 1/float64(seeds), float64(points)
	p.Variance = within / size
	p.MAE += k * natural / size
	p.MAEScaled += k * scaled / size
	p.R2Class += k * (1 - squares/within)
	p.R2Overall += k * (1 - squares/around)
}

// Markdown is the table of all classes.
func (r LoadResults) Markdown() string {
	rows := [][]string{{"classed by", "class", "method", "points", "target variance", "MAE", "MAE scaled", "skill over persistence", "R² around the class's mean", "R² around the overall mean"}}
	for _, p := range r.Points {
		rows = append(rows, []string{
			p.By, p.Class, p.Method, fmt.Sprint(p.Points), evaluation.Number(p.Variance), evaluation.Number(p.MAE), evaluation.Number(p.MAEScaled),
			evaluation.Number(p.Skill), evaluation.Number(p.R2Class), evaluation.Number(p.R2Overall),
		})
	}
	return evaluation.Table(rows)
}

// chart is the skill over persistence by class at the origin.
func (r LoadResults) chart(hero string, names []string) figure.Chart {
	c := figure.Chart{Title: r.Data + ": skill by load at the origin (Low to Extreme)", X: "class of load", Y: "1 − error over persistence's"}
	place := map[string]int{}
	for _, p := range r.Points {
		if p.By != "origin" {
			continue
		}
		k, ok := place[p.Method]
		if !ok {
			k = len(c.Lines)
			place[p.Method] = k
			c.Lines = append(c.Lines, figure.Line{Name: p.Method, Strong: p.Method == hero})
		}
		x := float64(slices.Index(names, p.Class) + 1)
		c.Lines[k].X, c.Lines[k].Y = append(c.Lines[k].X, x), append(c.Lines[k].Y, p.Skill)
	}
	c.Labels = names
	return c
}
