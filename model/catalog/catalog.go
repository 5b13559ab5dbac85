package catalog

import (
	"fmt"
	"strings"

	"presage/model"
	"presage/model/baseline"
	"presage/model/stgnn"
	"presage/model/tensor/pool"
)

// Networks are the trained forecasters; the first is the system's own. They split their work over the lane;
// nil means one thread.
func Networks(lane *pool.Lane) []model.Method {
	return []model.Method{
		{Name: "stgnn", New: func(t model.Task) (model.Forecaster, error) { return stgnn.New(t, stgnn.Config{}, lane) }},
	}
}

// Methods are the baselines, persistence first, then the networks.
func Methods(lane *pool.Lane) []model.Method { return append(baseline.Methods(), Networks(lane)...) }

// Find gives a method by its name.
func Find(name string, lane *pool.Lane) (model.Method, error) {
	var names []string
	for _, m := range Methods(lane) {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return model.Method{}, fmt.Errorf("no forecaster %q: there are %s", name, strings.Join(names, ", "))
}
