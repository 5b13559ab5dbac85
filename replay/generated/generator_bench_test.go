package generated

import (
	"context"
	"testing"
)

// BenchmarkNext measures the whole way to a span in the demo's system (30 services,
// 600 spans a second): simulation, drawing, sorting. One operation is one item; allocations
// are the slabs of spans.
func BenchmarkNext(b *testing.B) {
	g, err := Open(Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Next(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStep measures a tick of the simulation without traces, with 30 and 1000
// services: what a continuation from a copied state costs.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name     string
		services int
	}{{"30", 30}, {"1000", 1000}} {
		b.Run(c.name, func(b *testing.B) {
			y := newSystem(b, Options{Seed: 1, Services: c.services, Rate: 20 * float64(c.services)})
			for b.Loop() {
				y.run(1, nil)
			}
		})
	}
}
