package catalog

import (
	"fmt"
	"slices"
	"strings"

	"presage/model"
	"presage/model/baseline"
	"presage/model/evaluation"
	"presage/model/stgnn"
	"presage/model/tensor/pool"
)

// Compared are all methods of a comparison in the order of its tables, persistence first. scaling is how the networks
// of the common protocol scale: stgnn.ScalePerService, or stgnn.ScalePooled for a plain matrix of like series.
func Compared(scaling string, lane *pool.Lane) []evaluation.Method {
	var out []evaluation.Method
	for _, m := range baseline.Methods() {
		out = append(out, evaluation.Method{Name: m.Name, New: m.New})
	}
	network := func(name, protocol string, cfg stgnn.Config) {
		cfg.Scaling = scaling
		out = append(out, evaluation.Method{Name: name, Protocol: protocol, Seeded: true,
			New: func(t model.Task) (model.Forecaster, error) { return stgnn.New(t, cfg, lane) }})
	}
	network("stgnn-paper", "", stgnn.Config{Mode: stgnn.ModePaper})
	network("stgnn-off", "", stgnn.Config{Graph: stgnn.GraphOff})
	network("stgnn-mean", "", stgnn.Config{Graph: stgnn.GraphMean})
	network("stgnn", "", stgnn.Config{})
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
