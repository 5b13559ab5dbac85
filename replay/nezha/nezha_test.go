package nezha

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/replay"
	"presage/replay/files"
)

const header = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"

// pods of three services
const (
	front = "frontend-579b9bff58-t2dbm"
	cart  = "cart-579f59597d-wc2lz"
	cart2 = "cart-579f59597d-bbbbb"
	stock = "stock-service-5fcd447d84-9qltf"
)

func spanRow(trace, id, parent int, pod string, start, end int) string {
	p := "root"
	if parent > 0 {
		p = fmt.Sprintf("%016x", parent)
	}
	return fmt.Sprintf("%032x,%016x,%s,%s,op%d,%d,%d,%d\n", trace, id, p, pod, id, start, end, (end-start)/1000)
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func drain(t *testing.T, o Options) ([]replay.Item, replay.Stats, *Source) {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var items []replay.Item
	for {
		it, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return items, s.Stats(), s
		}
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
}

// text gives an item as one line.
func text(it replay.Item) string {
	if m := it.Metrics; m != nil {
		s := fmt.Sprintf("%d metrics of %s:", it.At, m.Resource[0].Value.Str)
		for _, metric := range m.Metrics {
			s += fmt.Sprintf(" %s=%g%s", metric.Name, metric.Points[0].Value, metric.Unit)
		}
		return s
	}
	s := it.Span
	out := fmt.Sprintf("%d %s/%x kind %d of %s from %d", it.At, s.Name, s.ParentID[7], s.Kind, s.Resource[0].Value.Str, s.Start)
	for _, a := range s.Attributes {
		out += " " + a.Key + "=" + a.Value.Str
	}
	return out
}

func TestKinds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "traces_1.csv", header+
		spanRow(1, 1, 0, front, 100, 900)+ // entry, with an internal span that calls
		spanRow(1, 2, 1, front, 200, 800)+
		spanRow(1, 3, 2, cart, 300, 700)+ // itself the parent of another service's
		spanRow(1, 4, 3, stock, 400, 600)+
		spanRow(1, 5, 3, cart, 450, 550)+ // work of its own
		spanRow(1, 6, 3, cart2, 460, 540)+ // another pod of the same service
		spanRow(1, 7, 99, cart, 410, 520)+ // nobody knows its parent
		spanRow(1, 4, 3, stock, 400, 600)) // recorded twice
	items, stats, _ := drain(t, Options{Data: dir})
	want := []string{
		"520 op7/63 kind 1 of cart from 410",
		"540 op6/3 kind 1 of cart from 460",
		"550 op5/3 kind 1 of cart from 450",
		"600 op4/3 kind 2 of stock-service from 400 service.peer.name=cart",
		"700 op3/2 kind 2 of cart from 300",
		"800 op2/1 kind 3 of frontend from 200",
		"900 op1/0 kind 2 of frontend from 100",
	}
	for i, it := range items {
		if i >= len(want) || text(it) != want[i] {
			t.Errorf("item %d: %s", i, text(it))
		}
	}
	if len(items) != len(want) || stats.Skipped[DoubledRow] != 1 || stats.Skipped[UnknownParent] != 1 || stats.Rows != 8 {
		t.Errorf("%d items, %+v", len(items), stats)
	}
	if stats.First != 520 || stats.Last != 900 || stats.Done != 1 || len(stats.Notes) != 1 {
		t.Errorf("stats %+v", stats)
	}
}

// TestTraceAcrossFiles: a trace that goes on in the next file is one trace.
func TestTraceAcrossFiles(t *testing.T) {
	dir := t.TempDir()
	columns := "EndTimeUnixNano,StartTimeUnixNano,extra,OperationName,PodName,ParentID,SpanID,TraceID\n"
	write(t, dir, "03_59_trace.csv", header+spanRow(1, 1, 0, front, 100, 900)+spanRow(2, 1, 0, front, 100, 950))
	write(t, dir, "04_00_trace.csv", columns+fmt.Sprintf("700,300,x,op2,%s,%016x,%016x,%032x\n", cart, 1, 2, 1))
	items, stats, _ := drain(t, Options{Data: dir, TraceRows: 5})
	if len(items) != 3 || text(items[0]) != "700 op2/1 kind 2 of cart from 300 service.peer.name=frontend" || stats.Skipped[UnknownParent] != 0 {
		t.Errorf("%d items, first %s, %+v", len(items), text(items[0]), stats)
	}
}

func TestWindowIsBounded(t *testing.T) {
	dir := t.TempDir()
	rows := spanRow(1, 1, 0, front, 100, 900)
	for i := range 10 {
		rows += spanRow(2+i, 1, 0, front, 100, 900)
	}
	rows += spanRow(1, 2, 1, cart, 300, 700)
	write(t, dir, "traces.csv", header+rows)
	_, stats, _ := drain(t, Options{Data: dir, TraceRows: 5})
	if stats.Skipped[UnknownParent] != 1 {
		t.Errorf("a parent ten rows away in a window of five: %+v", stats)
	}
	rows = ""
	for i := range 100 {
		rows += spanRow(1, 1+i, 0, front, 100, 900)
	}
	write(t, dir, "traces.csv", header+rows)
	items, stats, _ := drain(t, Options{Data: dir, TraceRows: 5})
	if len(items) != 100 || stats.Skipped[SplitTrace] != 4 {
		t.Errorf("%d items of one long trace, %+v", len(items), stats)
	}
}

func TestMetrics(t *testing.T) {
	dir := t.TempDir()
	const second = 1_000_000_000
	write(t, dir, "traces_1.csv", header+spanRow(1, 1, 0, front, 1000*second, 1001*second)+spanRow(2, 1, 0, front, 1100*second, 1101*second))
	row := func(at int, pod, cpu, memory string) string {
		return fmt.Sprintf("x,%d,%s,%s,%s\n", at, pod, cpu, memory)
	}
	write(t, dir, "front_metric.csv", "Time,TimeStamp,PodName,CpuUsage(m),MemoryUsage(Mi)\n"+
		row(600, front, "1", "1")+row(1050, front, "250", "2")+row(1200, front, "500", "")+row(1500, front, "1", "1")+
		row(1060, front, "many", "1")+row(1061, front, "NaN", "1")+row(1062, "", "1", "1")+row(-1, front, "1", "1"))
	write(t, dir, "cart_metric.csv", "TimeStamp,PodName,MemoryUsage(Mi),CpuUsage(m)\n"+fmt.Sprintf("990,%s,4,\n", cart))
	items, stats, s := drain(t, Options{Data: dir})
	want := []string{
		"990000000000 metrics of " + cart + ": k8s.pod.memory.usage=4.194304e+06By",
		"1001000000000 op1/0 kind 2 of frontend from 1000000000000",
		"1050000000000 metrics of " + front + ": k8s.pod.cpu.usage=0.25{cpu} k8s.pod.memory.usage=2.097152e+06By",
		"1101000000000 op1/0 kind 2 of frontend from 1100000000000",
		"1200000000000 metrics of " + front + ": k8s.pod.cpu.usage=0.5{cpu}",
	}
	for i, it := range items {
		if i >= len(want) || text(it) != want[i] {
			t.Errorf("item %d: %s", i, text(it))
		}
	}
	if len(items) != len(want) || stats.Skipped[OutsideMetrics] != 2 || stats.Skipped[files.Malformed] != 4 {
		t.Errorf("%d items, %+v", len(items), stats)
	}
	if samples := s.TakeSamples(); len(samples) == 0 || !strings.Contains(samples[0].String(), `front_metric.csv:6: malformed_row: column CpuUsage(m) holds "many"`) {
		t.Errorf("samples %v", samples)
	}
}

func TestBadRows(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "traces_1.csv", header+
		spanRow(1, 1, 0, front, 900, 100)+
		",0,root,p,o,1,2,3\n"+"1,,root,p,o,1,2,3\n"+"1,2,,p,o,1,2,3\n"+"1,2,root,,o,1,2,3\n"+
		"1,2,root,p,o,x,2,3\n"+"1,2,root,p,o,1,,3\n"+"1,2,root,p,o,0,2,3\n"+"1,2\n"+
		"not hex,nor this,root,p,o,1,2,3\n")
	items, stats, _ := drain(t, Options{Data: dir})
	if len(items) != 1 || stats.Skipped[files.Malformed] != 9 {
		t.Errorf("%d items, %+v", len(items), stats)
	}
	if s := items[0].Span; s.TraceID == [16]byte{} || s.SpanID == [8]byte{} {
		t.Error("identifiers that are no hex digits became none")
	}
}

func TestOpenErrors(t *testing.T) {
	empty, onlyMetrics, foreign := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, onlyMetrics, "metrics_1.csv", "TimeStamp,PodName,CpuUsage(m),MemoryUsage(Mi)\n")
	write(t, foreign, "traces_1.csv", "trace,span\n1,2\n")
	for dir, want := range map[string]string{
		empty: "traces_*.csv", onlyMetrics: "traces_*.csv", foreign: "expected the columns TraceID",
		filepath.Join(empty, "nowhere"): "nowhere",
	} {
		s, err := Open(context.Background(), Options{Data: dir})
		if err == nil {
			_, err = s.Next(context.Background())
			_ = s.Close() // the error of Next is the one looked at
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", dir, err, want)
		}
	}
}

func TestServiceOf(t *testing.T) {
	for pod, want := range map[string]string{
		front: "frontend", stock: "stock-service", "ts-food-service-f5756978c-6sb8t": "ts-food-service",
		"ts-preserve-service-b5ccf8557-l5l4p": "ts-preserve-service", "redis-0": "redis", "agent-x8t2c": "agent",
		"node-agent-x8t2c": "node-agent", "frontend": "frontend", "my-service": "my-service", "": "", "-": "-", "a-": "a-", "cart-v1-abc": "cart-v1-abc",
	} {
		if got := ServiceOf(pod); got != want {
			t.Errorf("%q is of %q, want %q", pod, got, want)
		}
	}
}
