package stgnn

import (
	"fmt"
	"testing"

	"presage/model/tensor/pool"
)

// BenchmarkForecast times one live step: diffusing the new slice and forecasting all services.
func BenchmarkForecast(b *testing.B) {
	for _, services := range []int{1000, 2000, 5000, 10_000, 20_000} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("services=%d/threads=%d", services, threads), func(b *testing.B) {
				w := newCity(services, 18)
				workers := pool.New(threads)
				defer workers.Close()
				f := w.forecaster(b, workers.Urgent())
				for range 2 * w.task.Input {
					if _, err := f.Forecast(w.slide()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.Forecast(w.slide()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkAroundNetwork times the parts of a live step around the network.
func BenchmarkAroundNetwork(b *testing.B) {
	for _, services := range []int{1000, 20_000} {
		w := newCity(services, 18)
		f := w.forecaster(b, nil).(*forecaster)
		for range 2 * w.task.Input {
			if _, err := f.Forecast(w.slide()); err != nil {
				b.Fatal(err)
			}
		}
		s, l := f.live, f.learned
		v := s.views.window(f.ring.out, 0, nil)
		y := make([]float32, services*w.task.Horizons*len(w.task.Levels))
		made := f.ring.out[0]
		m := newMaker(l, nil)
		for _, part := range []struct {
			name string
			do   func()
		}{
			{"standardise", func() { l.standardise(made, w.window[0], made.known, nil) }},
			{"diffuse", func() { m.diffuse(w.window[0].Graph, made) }},
			{"graph", func() { m.graph.graph = nil; m.graph.of(w.window[0].Graph, services) }},
			{"assemble", func() {
				for from := 0; from < services; from += forecastRows {
					s.workers[0].assemble.one(&s.workers[0].batch, &v, s.rows[from:min(from+forecastRows, services)])
				}
			}},
			{"naturals", func() {
				for from := 0; from < services; from += naturalRows {
					l.naturals(s.values, y, &v, s.rows, from, min(from+naturalRows, services))
				}
			}},
		} {
			b.Run(fmt.Sprintf("services=%d/%s", services, part.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					part.do()
				}
			})
		}
	}
}
