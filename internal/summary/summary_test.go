package summary

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"presage/model"
	"presage/model/online"
	"presage/sink"
	"presage/windower/slice"
	"presage/windower/stage"
)

// report is of a slice in which a calls b and a virtual node.
func report(index int64, version string, revision int) sink.SliceReport {
	s := &slice.Snapshot{
		Graph: "g", Width: int64(10 * time.Second), Index: index, Revision: revision,
		Nodes: slice.Nodes{Service: []string{"a", "b", "user"}, Virtual: []bool{false, false, true}},
		Edges: slice.Edges{Offset: []int32{0, 2, 2, 3}, Callee: []int32{1, 1, 0}, Kind: []uint8{0, 3, 3}},
	}
	due := online.Tally{Points: 10, Error: 40, Covered: 8, NetworkPoints: 4, NetworkError: 6, NetworkCovered: 3, PersistenceError: 8}
	return sink.SliceReport{
		Snapshot: s, Written: 2,
		Outcome: online.Outcome{Forecasts: []model.Forecast{{Target: "response_time", Unit: "ms", Model: version}}},
		Totals:  []online.Totals{{Target: "response_time", Serving: version, Published: 2, Due: []online.Tally{due, {}}, Trainings: 1}},
	}
}

func TestCollector(t *testing.T) {
	now := time.Unix(100, 0)
	c := New(func() time.Time { return now })
	if s := c.Now(stage.Totals{}, 0.9); s.MAEModel != nil || s.SecondsToFirstForecast != nil || s.Slices != 0 {
		t.Errorf("before anything: %+v", s)
	}
	now = now.Add(3 * time.Second)
	if c.Slice(report(1, "persistence", 1)) {
		t.Error("a baseline's forecast counts as the network's first")
	}
	now = now.Add(4 * time.Second)
	if !c.Slice(report(2, "stgnn-20260101T000000Z-1a2b", 1)) || c.Slice(report(3, "stgnn-20260101T000000Z-1a2b", 1)) {
		t.Error("the network's first forecast is told once")
	}
	c.Slice(report(2, "stgnn-20260101T000000Z-1a2b", 2)) // a revision is no new slice
	totals := stage.Totals{Spans: 90, SpansDropped: map[string]int64{"late": 7, "bad_time": 3}}
	s := c.Now(totals, 0.9)
	if s.Slices != 3 || s.Services != 2 || s.Edges != 2 || s.SpansRead != 100 || s.ForecastsPublished != 8 || s.ForecastsDue != 10 {
		t.Errorf("counts: %+v", s)
	}
	if *s.MAEModel != 1.5 || *s.MAEPersistence != 2 || *s.Coverage != 0.75 || *s.SecondsToFirstForecast != 7 || s.Targets[0].Unit != "ms" {
		t.Errorf("scores: %+v", s)
	}
	if !c.Last().Equal(time.Unix(30, 0)) {
		t.Errorf("last slice %v", c.Last())
	}
	path := filepath.Join(t.TempDir(), "summary.json")
	if err := s.Write(path); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	var keys map[string]any
	if err := json.Unmarshal(data, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"slices", "services", "edges", "spans_read", "spans_dropped", "forecasts_published", "forecasts_due",
		"mae_model", "mae_persistence", "coverage", "seconds_to_first_forecast",
	} {
		if _, ok := keys[key]; !ok {
			t.Errorf("the summary lacks %q", key)
		}
	}
	if err := s.Write(filepath.Join(path, "below-a-file")); err == nil {
		t.Error("an impossible path gives no error")
	}
}
