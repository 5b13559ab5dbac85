package stgnn_test

import (
	"context"
	"testing"

	"presage/model"
	"presage/model/stgnn"
)

// BenchmarkFit times a whole training, features included, of what a demo trains on: 30
// services, 360 slices, T = 12, H = 6, with the budget of training rows that the name says.
func BenchmarkFit(b *testing.B) {
	task := testTask()
	task.Input, task.Horizons = 12, 6
	steps := world{services: 30, steps: 360, seed: 1}.make()
	for _, c := range []struct {
		name   string
		budget int
	}{{"50k rows", 50_000}, {"100k rows", 100_000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				f, err := stgnn.New(task, stgnn.Config{Budget: c.budget}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Fit(context.Background(), steps[:290], steps[290:], model.FitOptions{Seed: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
