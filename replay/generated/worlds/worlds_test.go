package worlds

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// small returns a world of a few services and hours.
func small(t *testing.T, name string) World {
	t.Helper()
	w, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Services, w.Slices, w.Rate = 20, 6*60, w.Rate/6
	w.Floors = Floors{Origins: 10, Continuations: 32, Horizons: 12}
	return w
}

// written writes and opens a world.
func written(t *testing.T, w World, opt Options) (*Data, string) {
	t.Helper()
	dir := t.TempDir()
	if err := w.Write(context.Background(), dir, opt); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

func TestFilesDoNotDependOnTheNumberOfWorkers(t *testing.T) {
	w := small(t, "A")
	w.Slices, w.Floors.Continuations = 120, 4
	_, one := written(t, w, Options{Workers: 1})
	_, four := written(t, w, Options{Workers: 4})
	for _, name := range []string{fileWorld, fileNodes, fileEdges, fileFuture, fileIncidents} {
		a, err := os.ReadFile(filepath.Join(one, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(four, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestFloorsAreInOrder(t *testing.T) {
	shares := []float64{}
	d, _ := written(t, small(t, "A"), Options{Progress: func(s float64) { shares = append(shares, s) }})
	f, err := Describe(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", f.String())
	for h, x := range f.Floors {
		if !(x.F0 <= x.F1 && x.F1 <= x.Persistence) {
			t.Errorf("horizon %d: F0 %.4f, F1 %.4f, persistence %.4f: not in order", h+1, x.F0, x.F1, x.Persistence)
		}
		if x.Coverage < 0.7 || x.Coverage > 0.98 { // few origins, and services move together
			t.Errorf("horizon %d: %.3f of the targets lie between the floor's 5 %% and 95 %%", h+1, x.Coverage)
		}
	}
	if n := len(shares); n == 0 || shares[n-1] != 1 {
		t.Errorf("progress ends at %v", shares[max(0, len(shares)-1):])
	}
}

// Small worlds meet the bounds of the whole ones, but for what neighbours save: three days
// are little to fit regressions to, so there A is held against N alone.
func TestSmallWorldsAreAccepted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs days of 60 services: left out with -short")
	}
	gain := map[string]float64{}
	for _, name := range []string{"A", "N"} {
		w := small(t, name)
		w.Services, w.Slices, w.Rate, w.Floors.Origins = 60, 3*24*60, w.Rate*2.4, 0
		d, _ := written(t, w, Options{})
		f, err := Describe(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("\n%s", f.String())
		gain[name] = f.GraphGain6
		for _, line := range f.Check() {
			if !strings.Contains(line, "neighbours save") {
				t.Error(line)
			}
		}
	}
	if gain["A"] < gain["N"]+0.003 {
		t.Errorf("neighbours save %.3f in A, %.3f in N", gain["A"], gain["N"])
	}
}

func TestNullWorldHasNothingInCommon(t *testing.T) {
	w := small(t, "N")
	w.Floors.Origins = 0
	w.Slices = 24 * 60
	d, _ := written(t, w, Options{})
	f, err := Describe(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", f.String())
	if len(d.Edges) < 20 {
		t.Errorf("%d edges", len(d.Edges))
	}
	if f.NeighbourRank > 0.02 || f.NeighbourRank < -0.02 {
		t.Errorf("neighbours' changes have a rank correlation of %.3f", f.NeighbourRank)
	}
}

func TestNamedWorldsDiffer(t *testing.T) {
	seeds := map[uint64]string{}
	for _, name := range Names() {
		w, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seeds[w.Seed]; ok {
			t.Errorf("%s and %s have one seed", name, other)
		}
		seeds[w.Seed] = name
		if n := len(w.origins()); n != w.Floors.Origins {
			t.Errorf("world %s has %d origins, expected %d", name, n, w.Floors.Origins)
		}
		if last := w.origins()[w.Floors.Origins-1]; last+w.Floors.Horizons >= w.Slices {
			t.Errorf("world %s: the last origin's targets lie behind the end", name)
		}
	}
	if _, err := Named("Z"); err == nil {
		t.Error("there is a world Z")
	}
}

func TestCancelledWriteLeavesNoWorld(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	w := small(t, "A")
	err := w.Write(ctx, dir, Options{Progress: func(s float64) {
		if s > 0.1 {
			cancel()
		}
	}})
	if err == nil {
		t.Fatal("no error")
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
	if _, err := Open(dir); err == nil {
		t.Error("opened")
	}
}

func TestMissingTableIsNamed(t *testing.T) {
	w := small(t, "N")
	w.Slices, w.Floors.Origins, w.Width = 30, 0, time.Minute
	_, dir := written(t, w, Options{})
	if err := os.Remove(filepath.Join(dir, fileEdges)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("opened without edges")
	}
}
