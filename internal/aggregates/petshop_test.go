package aggregates

import (
	"bytes"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"presage/model"
)

// testData is the folder of the real files.
func testData(t *testing.T) string {
	t.Helper()
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		t.Skip("PRESAGE_TESTDATA is not set: it names the folder that holds data/onlineboutique-2022 and data/petshop")
	}
	return root
}

func compress(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkStep checks what every step promises.
func checkStep(t *testing.T, st *model.Step) {
	t.Helper()
	n, g := len(st.Services), st.Graph
	if f := n * len(model.ServiceChannels()); len(st.Values) != f || len(st.Mask) != f || len(g.RowPtr) != n+1 ||
		!slices.IsSorted(st.Services) || !slices.IsSorted(g.RowPtr) || int(g.RowPtr[n]) != len(g.Col) || len(g.Weight) != len(g.Col) {
		t.Fatalf("step %+v, graph %+v", st, g)
	}
	for _, values := range [][]float32{st.Values, g.Weight, g.MeanMs} {
		for _, v := range values {
			if !(v >= 0 && v <= math.MaxFloat32) {
				t.Fatalf("value %g in %+v, graph %+v", v, st, g)
			}
		}
	}
	for i := range n {
		row := g.Col[g.RowPtr[i]:g.RowPtr[i+1]]
		for k, c := range row {
			if c < 0 || int(c) >= n || k > 0 && c <= row[k-1] {
				t.Fatalf("row %d of %+v", i, g)
			}
		}
	}
}

const (
	metrics = "microservice,b,a,a,a,a\n" +
		"metric,latency,latency,latency,requests,availability\n" +
		"statistic,Average,Average,p90,Sum,Average\n" +
		"unix_timestamp,,,,,\n" +
		"300.0,0.25,0.5,x,600.0,75.0\n" +
		"600.0,,,,,\n" +
		"1200.0,0.125,,,0,100\n"
	later = "microservice,b\nmetric,latency\nstatistic,Average\n6000,1\n6300,2\n"
	graph = ",a,b,only here\na,0.0,1.0,1.0\nb,0,0,0\nonly here,1,1,1\n"
)

// dataset writes regimes: metrics and graph of each.
func dataset(t *testing.T, regimes map[string][2]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, files := range regimes {
		folder := filepath.Join(dir, "dataset", name)
		if err := os.MkdirAll(filepath.Join(folder, "noissue"), 0o700); err != nil {
			t.Fatal(err)
		}
		for k, file := range []string{petShopMetrics, petShopGraph} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(files[k]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestPetShopFillsChannelsAndGraph(t *testing.T) {
	dir := dataset(t, map[string][2]string{"a later one": {later, graph}, "busy": {metrics, graph}})
	steps, err := PetShop(dir)
	if err != nil {
		t.Fatal(err)
	}
	var at, segments []int64
	for _, st := range steps {
		checkStep(t, st)
		at, segments = append(at, st.At/1e9), append(segments, st.Segment)
	}
	if !slices.Equal(at, []int64{300, 600, 900, 1200, 6000, 6300}) || !slices.Equal(segments, []int64{0, 0, 0, 0, 1, 1}) {
		t.Fatalf("times %v in segments %v", at, segments)
	}
	nan := math.NaN()
	for _, tt := range []struct {
		step    int
		service string
		want    [3]float64
	}{
		{0, "a", [3]float64{500, 2, 0.25}}, {0, "b", [3]float64{250, nan, nan}},
		{1, "a", [3]float64{nan, nan, nan}}, {2, "b", [3]float64{nan, nan, nan}},
		{3, "a", [3]float64{nan, 0, 0}}, {3, "b", [3]float64{125, nan, nan}},
		{5, "b", [3]float64{2000, nan, nan}},
	} {
		for channel, want := range tt.want {
			if v := observed(t, steps[tt.step], tt.service, channel); !same(v, want) {
				t.Errorf("step %d, %s, channel %d: %g, want %g", tt.step, tt.service, channel, v, want)
			}
		}
	}
	g := steps[0].Graph
	if !slices.Equal(g.RowPtr, []int32{0, 1, 1}) || !slices.Equal(g.Col, []int32{1}) || !slices.Equal(g.Weight, []float32{1}) {
		t.Errorf("graph %+v", g)
	}
	for _, folder := range []string{filepath.Join(dir, "dataset"), filepath.Join(dir, "dataset", "busy")} {
		if some, err := PetShop(folder); err != nil || len(some) < 4 {
			t.Errorf("%s: %d steps, error %v", folder, len(some), err)
		}
	}
}

func TestPetShopRefuses(t *testing.T) {
	const head = "microservice,a\nmetric,latency\nstatistic,Average\n"
	tests := []struct{ name, metrics, graph, text string }{
		{"nothing", "", graph, "metrics.csv: ends before its row microservice"},
		{"another header", "service,a\n", graph, `metrics.csv:1: column 1 (header): "service", expected "microservice"`},
		{"no known metric", "microservice,a\nmetric,cpu\nstatistic,Average\n", graph, "metrics.csv:3: no column of latency"},
		{"column twice", "microservice,a,a\nmetric,latency,latency\nstatistic,Average,Average\n", graph, "metrics.csv:1: columns 2 and 3 are both a latency Average"},
		{"header only", head + "unix_timestamp,\n", graph, "metrics.csv: no rows"},
		{"ragged", head + "300,1,2\n", graph, "metrics.csv:4: 3 columns"},
		{"time", head + "noon,1\n", graph, `metrics.csv:4: column 1 (unix_timestamp): "noon"`},
		{"off the slices", head + "300,1\n601,1\n", graph, `metrics.csv:5: column 1 (unix_timestamp): "601"`},
		{"time twice", head + "300,1\n600,1\n300,1\n", graph, "metrics.csv: two rows of time 300"},
		{"negative", head + "300,-1\n", graph, `metrics.csv:4: column 2 (a latency Average): "-1"`},
		{"availability", "microservice,a\nmetric,availability\nstatistic,Average\n300,101\n", graph, `"101", expected a number from 0 to 100`},
		{"no graph", head + "300,1\n", "", "graph.csv: ends before the names of the callees"},
		{"weight", head + "300,1\n", ",a\na,yes\n", `graph.csv:2: column 2 (a): "yes"`},
		{"caller twice", head + "300,1\n", ",a\na,1\na,1\n", `graph.csv:3: column 1 (caller): "a"`},
		{"callee twice", head + "300,1\n", ",a,a\na,1,1\n", `graph.csv:1: column 3 (callee): "a"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := PetShop(dataset(t, map[string][2]string{"busy": {tt.metrics, tt.graph}}))
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, expected one with %q", err, tt.text)
			}
		})
	}
	if _, err := PetShop(dataset(t, map[string][2]string{"one": {metrics, graph}, "two": {metrics, graph}})); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("overlapping regimes: error %v", err)
	}
	if _, err := PetShop(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no traffic regime") {
		t.Errorf("an empty folder: error %v", err)
	}
	if _, err := PetShop(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no folder: no error")
	}
}

func TestPetShop(t *testing.T) {
	steps, err := PetShop(filepath.Join(testData(t), "data", "petshop"))
	if err != nil {
		t.Fatal(err)
	}
	type count struct{ slices, services, edges, response, requests, errors int }
	counts := make([]count, steps[len(steps)-1].Segment+1)
	f := len(model.ServiceChannels())
	for _, st := range steps {
		checkStep(t, st)
		c := &counts[st.Segment]
		c.slices++
		c.services, c.edges = len(st.Services), len(st.Graph.Col)
		for i := range st.Services {
			c.response += int(st.Mask[i*f+responseTime])
			c.requests += int(st.Mask[i*f+requests])
			c.errors += int(st.Mask[i*f+errorShare])
		}
	}
	t.Logf("%+v, %d windows of 12 + 12", counts, len(model.Origins(steps, 12, 12)))
	if len(counts) != 2 || counts[0].slices != 589 || counts[0].services != 41 || counts[1].slices != 589 || counts[1].services != 39 {
		t.Errorf("%+v", counts)
	}
	if v := observed(t, steps[589], "PetSite", responseTime); math.Abs(v-102.864526) > 1e-4 {
		t.Errorf("response time %g ms", v)
	}
}
