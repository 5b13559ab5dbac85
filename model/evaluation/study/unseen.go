package study

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"presage/model"
	"presage/model/evaluation"
)

// Unseen holds a share of the services out of training and validation, and scores them apart from the others. Methods
// that know services by place have nothing to say of them and are left out.
func (s *Study) Unseen(ctx context.Context, d evaluation.Data, share float64) (held, others evaluation.Results, err error) {
	out := heldOut(d.Steps, share, s.Seeds[0])
	e, err := evaluation.NewExam(d)
	if err != nil {
		return held, others, err
	}
	e.Parts.Train, e.Parts.Valid = without(e.Parts.Train, out), without(e.Parts.Valid, out)
	e.Scaler = model.FitScaler(d.Task, e.Parts.Train)
	records, left, err := s.records(ctx, e, fmt.Sprintf("unseen-%g-%d", share, s.Seeds[0]), s.Methods)
	if err != nil {
		return held, others, err
	}
	var able []*evaluation.Record
	for _, r := range records {
		if speaksOf(e, r, out) {
			able = append(able, r)
		} else if left[r.ID()] == "" {
			left[r.ID()] = "has no forecast for services that training never saw"
		}
	}
	if len(able) == 0 {
		return held, others, fmt.Errorf("no method forecasts services that it was not trained on: %v", left)
	}
	steps := Steps(d.Task.Horizons)
	part := func(name string, in bool) evaluation.Results {
		r := e.SummaryOf(able, s.Hero, steps, func(_, service, _ int) bool { return slices.Contains(out, e.Services[service]) == in })
		r.Data, r.Command, r.Left = d.Name+", "+name, s.Command, left
		return r
	}
	held, others = part(fmt.Sprintf("%d services never seen in training", len(out)), true), part("the services of training", false)
	if err := s.save("results.json", []evaluation.Results{held, others}); err != nil {
		return held, others, err
	}
	err = whole(filepath.Join(s.Out, "table.md"), func(f *os.File) error {
		for _, r := range []evaluation.Results{held, others} {
			if _, err := fmt.Fprintf(f, "\n**%s**\n\n", r.Data); err != nil {
				return err
			}
			if err := r.Markdown(f, steps); err != nil {
				return err
			}
		}
		return nil
	})
	return held, others, err
}

// heldOut draws services; which ones depends on the seed and their names alone.
func heldOut(steps []*model.Step, share float64, seed uint64) []string {
	names := map[string]bool{}
	for _, s := range steps {
		for _, name := range s.Services {
			names[name] = true
		}
	}
	all := slices.Sorted(maps.Keys(names))
	rng := rand.New(rand.NewPCG(seed, 0x756e7365656e))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	out := all[:int(share*float64(len(all))+0.5)]
	slices.Sort(out)
	return out
}

// without leaves services out of steps, with their edges.
func without(steps []*model.Step, out []string) []*model.Step {
	var kept []*model.Step
	var services, of []string
	for _, s := range steps {
		if !model.Same(s.Services, of) {
			of, services = s.Services, nil
			for _, name := range s.Services {
				if _, held := slices.BinarySearch(out, name); !held {
					services = append(services, name)
				}
			}
		}
		kept = append(kept, s.WithRows(services))
	}
	return kept
}

func speaksOf(e *evaluation.Exam, r *evaluation.Record, services []string) bool {
	n, h := len(e.Services), e.Task.Horizons
	for k, v := range r.Yhat {
		if v == v && slices.Contains(services, e.Services[k/h%n]) {
			return true
		}
	}
	return false
}
