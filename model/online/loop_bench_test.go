package online

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/model"
	"presage/windower/slice"
)

// BenchmarkObserve measures one slice of 1 000 services with 4 000 edges through the whole loop (step,
// scores of 12 slices of forecasts, calibration, three baselines, 12 horizons), without a network and without publishing.
func BenchmarkObserve(b *testing.B) {
	cfg := config()
	cfg.Network, cfg.Targets, cfg.Input, cfg.Horizons, cfg.FirstTraining = model.Method{}, cfg.Targets[:1], 12, 12, 0
	l, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	wide := func(k int64) *slice.Snapshot {
		s := &slice.Snapshot{Graph: "shop", Width: 10e9, Index: k, Revision: 1, Segment: 0}
		for i := range 1000 {
			n := &s.Nodes
			n.Service = append(n.Service, fmt.Sprintf("service-%04d", i))
			n.Virtual = append(n.Virtual, false)
			for _, c := range []*slice.Column{&n.Mean, &n.Requests, &n.Arrivals, &n.Errors} {
				c.Value, c.Valid = append(c.Value, 10+rng.Float64()), append(c.Valid, true)
			}
			s.Edges.Offset = append(s.Edges.Offset, int32(4*i))
			for j := range 4 {
				s.Edges.Callee = append(s.Edges.Callee, int32((i+j)%1000))
				s.Edges.Kind = append(s.Edges.Kind, 0)
				for _, c := range []*[]float64{&s.Edges.Calls, &s.Edges.Errors, &s.Edges.Mean} {
					*c = append(*c, 1)
				}
			}
		}
		s.Edges.Offset = append(s.Edges.Offset, 4000)
		return s
	}
	k := int64(0)
	for ; k < 40; k++ {
		if _, err := l.Observe(wide(k)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := wide(k)
		k++
		b.StartTimer()
		if _, err := l.Observe(s); err != nil {
			b.Fatal(err)
		}
	}
}
