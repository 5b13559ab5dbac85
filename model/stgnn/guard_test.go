package stgnn

import (
	"math"
	"testing"

	"presage/model"
)

func guardedTask() model.Task {
	return model.Task{Channels: []string{"value"}, Log: true, Input: 4, Horizons: 1, Levels: []float64{0.5}}
}

func TestTrustEndsWhereTrainingDid(t *testing.T) {
	l := &learned{basis: basis{cfg: Config{}.withDefaults(), task: guardedTask()}, extent: []float32{-1, 9}}
	for _, tt := range []struct {
		row        int32
		last, want float32
	}{
		{0, 0, 1}, {0, 9, 1}, {0, 10, 0.5}, {0, -4, 1}, {0, -7, 0.25},
		{-1, 4, 1}, {-1, 5, 0.5}, // never seen in training
	} {
		if got := l.trust(tt.row, tt.last); got != tt.want {
			t.Errorf("row %d at %v: trust %v, expected %v", tt.row, tt.last, got, tt.want)
		}
	}
	l.task.Log = false
	if got := l.trust(0, 100); got != 1 {
		t.Errorf("without a guard: trust %v", got)
	}
}

func TestUnitFollowsTheWindow(t *testing.T) {
	l := &learned{basis: basis{cfg: Config{}.withDefaults(), task: guardedTask()}, usual: []float32{0.2, 1}}
	l.task.Input = 12
	a := newAssembler(l)
	unit := func(row int32, local float32) float32 {
		t.Helper()
		d, out := newDesk(12), []float32{0}
		d.local[0] = local
		a.units(out, []int32{row}, d)
		u, told := out[0], d.told[0]
		if math.Abs(math.Log(float64(u))-float64(told)) > 1e-5 {
			t.Errorf("the network is told of unit %v by %v, expected its logarithm", u, told)
		}
		return u
	}
	calm, usual, wild := unit(0, 0.02), unit(0, 0.2), unit(0, 2)
	if math.Abs(float64(usual)-0.2) > 1e-6 || calm > 0.05 || wild < 1 {
		t.Errorf("units %v, %v and %v for calm, usual and wild windows", calm, usual, wild)
	}
	if flat := unit(0, 0); !(flat > 0) {
		t.Errorf("unit %v for a constant window", flat)
	}
	if unseen := unit(-1, 1); math.Abs(float64(unseen)-1) > 1e-6 {
		t.Errorf("unit %v of a service never seen, expected the typical one", unseen)
	}
}

func TestBoundedIsMonotone(t *testing.T) {
	one := func(z float32) float32 {
		v := []float32{z}
		bounded(v, v)
		return v[0]
	}
	last := one(-2000)
	for z := float32(-1000); z <= 1000; z += 0.5 {
		b := one(z)
		if b <= last || math.Abs(float64(z)) <= 2 && b != z || math.Abs(float64(b)) > 10 {
			t.Fatalf("bounded(%v) = %v after %v", z, b, last)
		}
		last = b
	}
	if b := one(missing()); b == b {
		t.Errorf("bounded(NaN) = %v", b)
	}
}

// TestSlowServicesCountMore, but not without bound.
func TestSlowServicesCountMore(t *testing.T) {
	var steps []*model.Step
	services := []string{"fast", "slow", "usual"}
	for k := range 60 {
		w := float32(1 + 0.1*math.Sin(float64(k)))
		steps = append(steps, &model.Step{At: int64(k), Width: 1, Services: services, Graph: threeServices(),
			Values: []float32{1 * w, 100_000 * w, 100 * w}, Mask: []float32{1, 1, 1}})
	}
	l := prepare(Config{}.withDefaults(), guardedTask(), steps, 1, nil)
	d := l.newData(steps, newMaker(l, nil).features)
	v := d.view(&l.basis, new(views), 20)
	fast, slow, usual := l.importance(&v, 0), l.importance(&v, 1), l.importance(&v, 2)
	if !(fast < usual && usual < slow) || slow > importanceBound || fast < 1.0/importanceBound {
		t.Errorf("importance %v, %v, %v of a fast, a usual and a slow service", fast, usual, slow)
	}
}
