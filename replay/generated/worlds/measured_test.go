package worlds

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"
)

// Calls by depth against what others counted in Alibaba's call graphs (Erms): the
// worlds' trees are shallower, C's less so.
func TestDepthAgainstMeasuredGraphs(t *testing.T) {
	file, err := os.Open("../../../../shared/data/graph-statistics/erms_nodeDistribution.csv")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the measured graphs' statistics are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sum, measured := 0.0, 0.0
	for _, row := range rows[1:] {
		depth, err1 := strconv.ParseFloat(row[1], 64)
		calls, err2 := strconv.ParseFloat(row[2], 64)
		if err1 != nil || err2 != nil {
			t.Fatal(errors.Join(err1, err2))
		}
		sum += calls
		measured += depth * calls
	}
	measured /= sum
	means := map[string]float64{}
	for _, name := range []string{"A", "C"} {
		w, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		sim, err := w.simulation()
		if err != nil {
			t.Fatal(err)
		}
		for depth, share := range sim.Depths() {
			means[name] += float64(depth) * share
		}
	}
	t.Logf("mean depth of a call: measured %.2f, A %.2f, C %.2f", measured, means["A"], means["C"])
	if a, c := means["A"], means["C"]; a < 0.3*measured || c < a || c > 1.2*measured {
		t.Errorf("mean depth of a call: measured %.2f, A %.2f, C %.2f", measured, a, c)
	}
}
