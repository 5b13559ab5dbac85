package alibaba

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"presage/replay"
)

func TestParseTask(t *testing.T) {
	cases := []struct {
		name, letter string
		number       int
		waits        []int
	}{
		{"M1", "M", 1, nil},
		{"M5_3_4", "M", 5, []int{3, 4}},
		{"R10_9", "R", 10, []int{9}},
		{"M1_Stg1", "M", 1, nil},
		{"task_LTg0MTUxNDU=", "task", -1, nil},
		{"MergeTask", "task", -1, nil},
		{"", "task", -1, nil},
		{"7", "task", -1, nil},
		{"M99999999999999999999", "task", -1, nil},
		{"M1x2", "task", -1, nil},
	}
	for _, c := range cases {
		letter, number, waits := parseTask(c.name)
		if letter != c.letter || number != c.number || !slices.Equal(waits, c.waits) {
			t.Errorf("%s: got %s %d %v, want %s %d %v", c.name, letter, number, waits, c.letter, c.number, c.waits)
		}
	}
}

func FuzzParseTask(f *testing.F) {
	f.Add("M5_3_4")
	f.Add("task_LTg0")
	f.Fuzz(func(t *testing.T, s string) {
		letter, number, waits := parseTask(s)
		if letter == "" || number < -1 || (number < 0 && waits != nil) {
			t.Fatalf("%q: %q %d %v", s, letter, number, waits)
		}
	})
}

const batchTasks = `M1,10,j_1,1,Terminated,100,160,100,0.5
R2_1,10,j_1,1,Terminated,160,200,100,0.5
M3,1,j_1,1,Terminated,100,180,50,0.1
J4_2_3,1,j_1,3,Failed,200,260,50,0.1
task_abc,1,j_2,1,Terminated,110,120,50,0.1
M1,1,j_3,1,Waiting,0,0,,
R5_4,1,j_3,1,Terminated,300,290,,
R2_9,1,j_3,1,Terminated,300,310,,
x,y
`

func TestBatchJobsBecomeTraces(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "batch_task.csv", batchTasks)
	s, err := Open2018(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	var got []string
	spans := make(map[[8]byte]*replay.Span)
	for _, it := range items {
		spans[it.Span.SpanID] = it.Span
	}
	for _, it := range items {
		s := it.Span
		line := fmt.Sprintf("%s %s %d-%d", attribute(s.Resource, "service.name"), s.Name,
			(s.Start-replay.DefaultEpoch().UnixNano())/1e9, (s.End-replay.DefaultEpoch().UnixNano())/1e9)
		if p := spans[s.ParentID]; p != nil {
			line += " after " + p.Name + " of " + attribute(s.Attributes, "service.peer.name")
		}
		for _, l := range s.Links {
			line += " and " + spans[l.SpanID].Name
		}
		if s.Error {
			line += " failed"
		}
		got = append(got, line)
	}
	want := []string{
		"batch-1-task task_abc 110-120",
		"batch-1-M M1 100-160",
		"batch-1-M M3 100-180",
		"batch-1-R R2_1 160-200 after M1 of batch-1-M",
		"batch-3-J J4_2_3 200-260 after R2_1 of batch-1-R and M3 failed",
		"batch-1-R R2_9 300-310",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for reason, n := range map[string]int64{"unfinished_task": 1, "bad_time": 1, "malformed_row": 1, "missing_dependency": 1} {
		if stats.Skipped[reason] != n {
			t.Errorf("%d %s, want %d", stats.Skipped[reason], reason, n)
		}
	}
}

func TestContainersCarryTheirService(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "container_meta.csv", "c_1,m_2556,,app_5052,started,,,\nc_2,m_1,0,app_7,started,400,800,1.5\nc_2,m_1,9,app_7,started,400,800,1.5\n,m_1,0,app_7,started,400,800,1.5\n")
	writeFile(t, dir, "container_usage.csv", `c_2,m_1,20,50,25.5,1,0.5,1,0.1,0.1,3
c_1,m_2556,10,12,-1,,,,,,
c_1,m_2556,30,101,30,,,,,,
c_1,m_2556,40,-1,,,,,,,
c_9,m_2556,40,1,1,,,,,,
`)
	s, err := Open2018(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	var got []string
	for _, it := range items {
		line := attribute(it.Metrics.Resource, "service.name") + " " + attribute(it.Metrics.Resource, "container.id")
		for _, m := range it.Metrics.Metrics {
			line += fmt.Sprintf(" %s=%g", strings.TrimSuffix(strings.TrimPrefix(m.Name, "container."), ".utilization"), m.Points[0].Value)
		}
		got = append(got, line)
	}
	want := []string{"app_5052 c_1 cpu=0.12", "app_7 c_2 cpu=0.5 memory=0.255", "app_5052 c_1 memory=0.3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if stats.Skipped["no_value"] != 1 || stats.Skipped["unknown_container"] != 1 || stats.Skipped["malformed_row"] != 1 {
		t.Errorf("skipped %v", stats.Skipped)
	}
}

func Test2018SampleHoldsNoService(t *testing.T) {
	_, err := Open2018(context.Background(), testdata(t, "alibaba-2018"), Options{})
	if err == nil || !strings.Contains(err.Error(), "machine tables hold none") || !strings.Contains(err.Error(), "container_meta") {
		t.Errorf("got %v, want what is needed", err)
	}
}

func TestContainersNeedTheirMeta(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "container_usage.csv", "c_1,m_1,10,1,1,,,,,,\n")
	if _, err := Open2018(context.Background(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "together with container_meta") {
		t.Errorf("got %v, want that container_meta is needed", err)
	}
	writeFile(t, dir, "batch_task.csv", batchTasks)
	s, err := Open2018(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	if len(items) != 6 || !strings.Contains(strings.Join(stats.Notes, "\n"), "without container_meta") {
		t.Errorf("%d items, notes %q", len(items), stats.Notes)
	}
}
