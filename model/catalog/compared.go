package catalog

import (
	"fmt"
	"slices"
	"strings"

	"presage/model"
	"presage/model/baseline"
	"presage/model/evaluation"
	"presage/model/mixed"
	"presage/model/rewired"
	"presage/model/ridge"
	"presage/model/stgnn"
	"presage/model/tensor/pool"
	"presage/model/trees"
)

// Compared are all methods of a comparison in the order of its tables, persistence first. scaling is how the networks
// of the common protocol scale: stgnn.ScalePerService, or stgnn.ScalePooled for a plain matrix of like series.
func Compared(scaling string, lane *pool.Lane) []evaluation.Method {
	var out []evaluation.Method
	for _, m := range slices.Concat(baseline.All(), ridge.Methods()) {
		out = append(out, evaluation.Method{Name: m.Name, New: m.New})
	}
	for _, m := range trees.Methods() {
		out = append(out, evaluation.Method{Name: m.Name, New: m.New})
	}
	out = append(out, networks(scaling == stgnn.ScalePooled, lane)...)
	system := func(name string, cfg stgnn.Config, wrong bool) {
		cfg.Scaling = scaling
		inner := func(t model.Task) (model.Forecaster, error) { return stgnn.New(t, cfg, lane) }
		if wrong {
			inner = rewired.New(inner)
		}
		out = append(out, evaluation.Method{Name: name, Seeded: true, New: inner})
	}
	system("stgnn-paper", stgnn.Config{Mode: stgnn.ModePaper}, false)
	system("stgnn-off", stgnn.Config{Graph: stgnn.GraphOff}, false)
	system("stgnn-mean", stgnn.Config{Graph: stgnn.GraphMean}, false)
	system("stgnn-rewired", stgnn.Config{}, true)
	system("stgnn", stgnn.Config{}, false)
	cfg := stgnn.Config{Scaling: scaling}
	out = append(out, evaluation.Method{Name: "stgnn-mixed", Seeded: true, New: mixed.New("stgnn-mixed",
		func(t model.Task) (model.Forecaster, error) { return stgnn.New(t, cfg, lane) }, steady())})
	return out
}

// steady are the simple methods that STGNN is mixed with.
func steady() []model.Method {
	var out []model.Method
	for _, m := range baseline.All() {
		switch m.Name {
		case "average", "ewma", "holt-winters":
			out = append(out, m)
		}
	}
	return out
}

// Ablation is persistence, STGNN, and STGNN with one part changed or left out at a time.
func Ablation(scaling string, lane *pool.Lane) []evaluation.Method {
	out := []evaluation.Method{{Name: baseline.Persistence, New: baseline.NewPersistence}}
	for _, v := range stgnn.Variants() {
		cfg := v.Config
		cfg.Scaling = scaling
		out = append(out, evaluation.Method{Name: v.Name, Seeded: true,
			New: func(t model.Task) (model.Forecaster, error) { return stgnn.New(t, cfg, lane) }})
	}
	return out
}

// Pick chooses methods by name, or by name and protocol; "all" means every one. Persistence, to which interval scores
// are relative, is always the first.
func Pick(all []evaluation.Method, names []string) ([]evaluation.Method, error) {
	if slices.Contains(names, "all") {
		return all, nil
	}
	var out []evaluation.Method
	taken := map[string]bool{}
	for k, m := range all {
		if k == 0 || slices.Contains(names, m.Name) || slices.Contains(names, m.ID()) {
			out = append(out, m)
			taken[m.Name], taken[m.ID()] = true, true
		}
	}
	for _, name := range names {
		if !taken[name] {
			return nil, fmt.Errorf("no method %q: there are %s", name, strings.Join(ids(all), ", "))
		}
	}
	return out, nil
}

func ids(methods []evaluation.Method) []string {
	var out []string
	for _, m := range methods {
		out = append(out, m.ID())
	}
	return out
}
