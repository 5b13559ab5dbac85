package aggregates

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"presage/model"
)

const header = "unix_s,src,dst,calls,mean_us\n"

func TestChannelsAreTheService(t *testing.T) {
	c := model.ServiceChannels()
	if c[responseTime] != model.ChannelResponseTime || c[requests] != model.ChannelRequests || c[errorShare] != model.ChannelErrors {
		t.Errorf("channels %v", c)
	}
}

// observed returns a channel of a service, NaN where it is missing.
func observed(t *testing.T, st *model.Step, service string, channel int) float64 {
	t.Helper()
	i, ok := slices.BinarySearch(st.Services, service)
	if !ok {
		t.Fatalf("no service %q among %v", service, st.Services)
	}
	k := i*len(model.ServiceChannels()) + channel
	if st.Mask[k] == 0 {
		return math.NaN()
	}
	return float64(st.Values[k])
}

func same(a, b float64) bool { return a == b || a != a && b != b }

func TestEdgesFillChannelsAndGraph(t *testing.T) {
	// Columns in another order, one to ignore, rows out of order, an edge in two rows.
	const text = "\ufeffdst,src,p95_us,calls,mean_us,unix_s\r\n" +
		"b,a,9,1,3000,105\r\n" +
		"a,(root),9,10,5000,100\r\n" +
		"b,a,9,2,1000,100\r\n" +
		"b,a,9,1,4000,100\r\n" +
		"b,c,9,3,6000,100\r\n" +
		"c,a,9,0,,100\r\n"
	steps, err := readEdges(strings.NewReader(text), "e.csv", EdgeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[0].At != 100e9 || steps[0].Width != 5e9 || steps[1].At != 105e9 || steps[1].Segment != 0 {
		t.Fatalf("%d steps, first %+v", len(steps), steps[0])
	}
	if &steps[0].Services[0] != &steps[1].Services[0] || !slices.Equal(steps[0].Services, []string{"(root)", "a", "b", "c"}) {
		t.Errorf("services %v, %v", steps[0].Services, steps[1].Services)
	}
	nan := math.NaN()
	for _, tt := range []struct {
		step             int
		service          string
		response, demand float64
	}{
		{0, "(root)", nan, nan}, {0, "a", 5, 2}, {0, "b", 4, 6.0 / 5}, {0, "c", nan, 0},
		{1, "(root)", nan, nan}, {1, "a", nan, nan}, {1, "b", 3, 1.0 / 5}, {1, "c", nan, nan},
	} {
		st := steps[tt.step]
		if v := observed(t, st, tt.service, responseTime); !same(v, tt.response) {
			t.Errorf("step %d, %s: response time %g, want %g", tt.step, tt.service, v, tt.response)
		}
		if v := observed(t, st, tt.service, requests); !same(v, float64(float32(tt.demand))) {
			t.Errorf("step %d, %s: requests %g, want %g", tt.step, tt.service, v, tt.demand)
		}
		if v := observed(t, st, tt.service, errorShare); v == v {
			t.Errorf("step %d, %s: errors %g, want none", tt.step, tt.service, v)
		}
	}
	g := steps[0].Graph
	if !slices.Equal(g.RowPtr, []int32{0, 1, 2, 2, 3}) || !slices.Equal(g.Col, []int32{1, 2, 2}) ||
		!slices.Equal(g.Weight, []float32{10, 3, 3}) || !slices.Equal(g.MeanMs, []float32{5, 2, 6}) || g.Errors != nil {
		t.Errorf("graph %+v", g)
	}
}

func TestEdgesCutSegments(t *testing.T) {
	tests := []struct {
		name     string
		times    []string
		width    time.Duration
		at       []int64 // seconds
		segments []int64
	}{
		{"no gap", []string{"0", "5", "10"}, 0, []int64{0, 5, 10}, []int64{0, 0, 0}},
		{"short gap", []string{"0", "5", "20"}, 5 * time.Second, []int64{0, 5, 10, 15, 20}, []int64{0, 0, 0, 0, 0}},
		{"five absent", []string{"0", "5", "35"}, 5 * time.Second, []int64{0, 5, 10, 15, 20, 25, 30, 35}, []int64{0, 0, 0, 0, 0, 0, 0, 0}},
		{"six absent", []string{"0", "5", "45"}, 5 * time.Second, []int64{0, 5, 45}, []int64{0, 0, 1}},
		{"years", []string{"0", "5", "10", "4000000000"}, 0, []int64{0, 5, 10, 4000000000}, []int64{0, 0, 0, 1}},
		{"shortest of the most common", []string{"0", "5", "15"}, 0, []int64{0, 5, 10, 15}, []int64{0, 0, 0, 0}},
		{"wider slices", []string{"3", "8", "13", "18"}, 10 * time.Second, []int64{3, 13}, []int64{0, 0}},
		{"fractions", []string{"7.0", "12.0", "17.00"}, 0, []int64{7, 12, 17}, []int64{0, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := header
			for _, at := range tt.times {
				text += at + ",a,b,1,1000\n"
			}
			steps, err := readEdges(strings.NewReader(text), "e.csv", EdgeOptions{Width: tt.width})
			if err != nil {
				t.Fatal(err)
			}
			var at, segments []int64
			for _, st := range steps {
				at, segments = append(at, st.At/1e9), append(segments, st.Segment)
			}
			if !slices.Equal(at, tt.at) || !slices.Equal(segments, tt.segments) {
				t.Errorf("times %v in segments %v, want %v in %v", at, segments, tt.at, tt.segments)
			}
		})
	}
}

func TestFilledSlicesObserveNothing(t *testing.T) {
	steps, err := readEdges(strings.NewReader(header+"0,a,b,1,1\n5,a,b,1,1\n15,a,b,1,1\n"), "e.csv", EdgeOptions{})
	if err != nil || len(steps) != 4 {
		t.Fatalf("%d steps, error %v", len(steps), err)
	}
	if st := steps[2]; slices.Max(st.Mask) != 0 || len(st.Graph.Col) != 0 || len(st.Graph.RowPtr) != 3 {
		t.Errorf("%+v", st)
	}
}

func TestEdgesRefuse(t *testing.T) {
	sparse := strings.Builder{}
	sparse.WriteString(header)
	for i := range 700 {
		name := strings.Repeat("x", i+1)
		fmt.Fprintf(&sparse, "%d,%s,y%s,1,1\n", i*5, name, name)
	}
	tests := []struct{ name, in, text string }{
		{"nothing", "", "e.csv: ends before the header unix_s,src,dst,calls,mean_us"},
		{"header only", header, "e.csv: no rows below the header"},
		{"no column", "unix_s,src,dst,calls\n", "e.csv:1: no column mean_us, expected the header"},
		{"column twice", "unix_s,src,dst,calls,mean_us,src\n", "e.csv:1: columns 2 and 6 are both called src"},
		{"ragged", header + "1,a,b,1\n", "e.csv:2: 4 columns, but the first row has 5"},
		{"quote", header + "1,\"a,b,1,1\n", "e.csv:"},
		{"time", header + "noon,a,b,1,1\n", `e.csv:2: column 1 (unix_s): "noon", expected Unix seconds`},
		{"time in ms", header + "1661140335000,a,b,1,1\n", `column 1 (unix_s): "1661140335000"`},
		{"negative time", header + "-1,a,b,1,1\n", `column 1 (unix_s): "-1"`},
		{"no name", header + "1,a,,1,1\n", `e.csv:2: column 3 (dst): "", expected the name of a service`},
		{"calls", header + "1,a,b,1,1\n2,a,b,many,1\n", `e.csv:3: column 4 (calls): "many", expected a number from 0`},
		{"negative calls", header + "1,a,b,-1,1\n", `column 4 (calls): "-1"`},
		{"NaN", header + "1,a,b,1,NaN\n", `column 5 (mean_us): "NaN"`},
		{"no mean", header + "1,a,b,1,\n", `column 5 (mean_us): ""`},
		{"huge", header + "1,a,b,1,1e60\n", `column 5 (mean_us): "1e60"`},
		{"one time", header + "1,a,b,1,1\n1,a,c,1,1\n", "e.csv: all rows have the same time"},
		{"sparse", sparse.String(), "e.csv: 700 slices of 1400 services from 700 rows: too sparse"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readEdges(strings.NewReader(tt.in), "e.csv", EdgeOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, expected one with %q", err, tt.text)
			}
		})
	}
	if _, err := readEdges(strings.NewReader(header+"1,a,b,1,1\n"), "e.csv", EdgeOptions{Width: -1}); err == nil {
		t.Error("negative width accepted")
	}
}

func TestEdgesOpensFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const text = header + "0,a,b,1,1\n5,a,b,1,1\n"
	for _, path := range []string{write("e.csv", []byte(text)), write("e.csv.gz", compress(t, []byte(text)))} {
		if steps, err := Edges(path, EdgeOptions{}); err != nil || len(steps) != 2 {
			t.Errorf("%s: %d steps, error %v", path, len(steps), err)
		}
	}
	zipped := compress(t, []byte(text))
	for path, want := range map[string]string{
		filepath.Join(dir, "none.csv"): "none.csv",
		dir:                            "folder",
		write("cut.csv.gz", zipped[:len(zipped)-9]): "cut.csv.gz",
	} {
		if _, err := Edges(path, EdgeOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected one with %q", path, err, want)
		}
	}
	endless := write("endless.csv.gz", compress(t, append([]byte(header), bytes.Repeat([]byte("1,a,b,1,1\n"), 500_000)...)))
	if _, err := Edges(endless, EdgeOptions{Width: time.Second}); err == nil || !strings.Contains(err.Error(), "expands") {
		t.Errorf("error %v, expected one of what expands too far", err)
	}
}

func TestOnlineBoutique(t *testing.T) {
	path := filepath.Join(testData(t), "data", "onlineboutique-2022", "edges_5s_2022-08-22.csv.gz")
	steps, err := Edges(path, EdgeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	last := steps[len(steps)-1]
	calls := 0.0
	for _, st := range steps {
		for _, w := range st.Graph.Weight {
			calls += float64(w)
		}
	}
	if len(steps) != 1577 || len(last.Services) != 11 || last.Segment != 46 || last.Width != 5e9 {
		t.Errorf("%d slices of %d services, %d segments, width %d", len(steps), len(last.Services), last.Segment+1, last.Width)
	}
	t.Logf("%d slices, %d services %v, %d segments, %.0f calls, %d windows of 12 + 12", len(steps), len(last.Services), last.Services, last.Segment+1, calls,
		len(model.Origins(steps, 12, 12)))
	// 1661140335,(root),frontend,9,437023.7 is the first row.
	if v := observed(t, steps[0], "frontend", responseTime); math.Abs(v-437.0237) > 1e-3 {
		t.Errorf("response time %g", v)
	}
	if v := observed(t, steps[0], "frontend", requests); math.Abs(v-9.0/5) > 1e-6 {
		t.Errorf("requests %g", v)
	}
}

func FuzzEdges(f *testing.F) {
	f.Add(header+"0,a,b,1,1000\n5,b,c,2,1.5\n40,a,c,0,\n", int64(0))
	f.Add("src,dst,mean_us,calls,unix_s,x\n\"(root)\",b,1,1,4294967296,\nb,b,1,1e15,0.5,\n", int64(1))
	f.Fuzz(func(t *testing.T, text string, width int64) {
		steps, err := readEdges(strings.NewReader(text), "e", EdgeOptions{Width: time.Duration(width)})
		if err != nil {
			return
		}
		if rows := strings.Count(text, "\n") + strings.Count(text, "\r") + 1; len(steps) > (MaxEmpty+1)*rows {
			t.Fatalf("%d steps from %d lines", len(steps), rows)
		}
		for i, st := range steps {
			checkStep(t, st)
			if i == 0 {
				continue
			}
			before := steps[i-1]
			if next := before.At + before.Width; before.Segment == st.Segment && st.At != next ||
				before.Segment+1 == st.Segment && st.At <= next+MaxEmpty*st.Width || st.Segment-before.Segment > 1 || st.Segment < before.Segment {
				t.Fatalf("slice at %d in segment %d follows %d in %d", st.At, st.Segment, before.At, before.Segment)
			}
		}
	})
}
