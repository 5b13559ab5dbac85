package online

import (
	"math"
	"testing"

	"presage/model"
	"presage/windower/slice"
)

func TestChoice(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		ratios  []float64
		network int
		want    int
	}{
		{[]float64{1, 1, 1}, -1, 0},
		{[]float64{1, 0.9, 0.8}, -1, 2},
		{[]float64{1, 0.9, 0.9}, 2, 2}, // the network wins a tie
		{[]float64{1, 0.9, 0.95}, 2, 1},
		{[]float64{nan, nan, 2}, 2, 2},
		{[]float64{1, nan, nan}, 2, 0},
		{[]float64{nan, nan}, 1, -1},
	} {
		if got := choice(c.ratios, c.network); got != c.want {
			t.Errorf("choice of %v with network %d: %d, want %d", c.ratios, c.network, got, c.want)
		}
	}
}

func TestStandingIsDrawnToThePool(t *testing.T) {
	var none *standing
	if r := none.ratio(0.7); r != 0.7 {
		t.Errorf("ratio without points %g", r)
	}
	few := &standing{Own: 20, Naive: 10, Points: 1}
	many := &standing{Own: 20000, Naive: 10000, Points: 1000}
	if f, m := few.ratio(0.5), many.ratio(0.5); f > 0.6 || m < 1.9 {
		t.Errorf("ratios %g of one point and %g of a thousand, want near 0.5 and near 2", f, m)
	}
	if r := (&standing{Points: 5}).ratio(0.5); r != 0.5 {
		t.Errorf("ratio of a constant series that all forecast exactly: %g", r)
	}
	if r := (&standing{Own: 1, Points: 5}).ratio(0.5); !math.IsInf(r, 1) {
		t.Errorf("ratio of a constant series that is not forecast: %g", r)
	}
}

// A service that jumps about so that its past tells nothing is left to a baseline, while the network
// goes on with the others.
func TestLoopLeavesAServiceToTheBetterBaseline(t *testing.T) {
	cfg := config()
	cfg.RetrainEvery = 10000
	l := newLoop(t, cfg)
	snapshots := newWorld().snapshots(260)
	for k, s := range snapshots {
		if k > 100 {
			level(s, "cart", 50+20*math.Floor(float64(k)/30))
		}
	}
	last := map[string]string{}
	run(t, l, map[string]model.State{}, snapshots, func(o Outcome) {
		for _, f := range o.Forecasts {
			if f.Target == "response_time" {
				last[f.Service] = f.Model
			}
		}
	})
	if m := last["cart"]; m == "" || m[:4] == "wave" {
		t.Errorf("cart is served by %q, want a baseline", m)
	}
	if m := last["checkout"]; len(m) < 4 || m[:4] != "wave" {
		t.Errorf("checkout is served by %q, want the network", m)
	}
}

// level sets a service's response time.
func level(s *slice.Snapshot, service string, ms float64) {
	for i, name := range s.Nodes.Service {
		if name == service {
			s.Nodes.Mean.Value[i] = ms
		}
	}
}
