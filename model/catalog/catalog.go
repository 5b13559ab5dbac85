package catalog

import (
	"fmt"
	"strings"

	"presage/model"
	"presage/model/baseline"
	"presage/model/stgnn"
)

// Networks are the trained forecasters; the first is the system's own.
func Networks() []model.Method {
	return []model.Method{
		{Name: "stgnn", New: func(t model.Task) (model.Forecaster, error) { return stgnn.New(t, stgnn.Config{}) }},
	}
}

// Methods are the baselines, persistence first, then the networks.
func Methods() []model.Method { return append(baseline.Methods(), Networks()...) }

// Find gives a method by its name.
func Find(name string) (model.Method, error) {
	var names []string
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return model.Method{}, fmt.Errorf("no forecaster %q: there are %s", name, strings.Join(names, ", "))
}
