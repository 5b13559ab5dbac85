package alibaba

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"presage/ingest/otlp"
	"presage/replay"
)

// testdata is a folder of the shared test data.
func testdata(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		t.Skip("PRESAGE_TESTDATA is not set: it names the folder with the recorded samples")
	}
	return filepath.Join(root, "data", name)
}

// drain reads a source to its end.
func drain(t *testing.T, s replay.Source, err error) ([]replay.Item, replay.Stats) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var items []replay.Item
	for {
		it, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	stats := s.Stats()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(items); i++ {
		if items[i].At < items[i-1].At {
			t.Fatalf("item %d at %d comes after %d", i, items[i].At, items[i-1].At)
		}
	}
	return items, stats
}

func attribute(attributes []otlp.KeyValue, key string) string {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value.Str
		}
	}
	return ""
}

// spanEdges counts calls by caller and callee the way the windower does: a serving
// span and the calling span that is its parent are one call; halves alone go to or come from the
// peer that they name, a serving span that names none from user.
func spanEdges(t *testing.T, items []replay.Item) map[string]int {
	t.Helper()
	edges := make(map[string]int)
	type id struct {
		trace [16]byte
		span  [8]byte
	}
	calling := make(map[id]*replay.Span)
	paired := make(map[id]bool)
	seen := make(map[id]bool)
	for _, it := range items {
		if it.Span == nil {
			continue
		}
		s := it.Span
		k := id{s.TraceID, s.SpanID}
		if seen[k] || s.SpanID == [8]byte{} {
			t.Fatalf("span id %x twice in trace %x", s.SpanID, s.TraceID)
		}
		seen[k] = true
		if s.Kind == spanClient || s.Kind == spanProducer {
			calling[k] = s
		}
	}
	for _, it := range items {
		if it.Span == nil || (it.Span.Kind != spanServer && it.Span.Kind != spanConsumer) {
			continue
		}
		s := it.Span
		callee := attribute(s.Resource, "service.name")
		k := id{s.TraceID, s.ParentID}
		peer := attribute(s.Attributes, "service.peer.name")
		if c := calling[k]; c != nil {
			paired[k] = true
			edges[attribute(c.Resource, "service.name")+">"+callee]++
			continue
		}
		if peer == "" {
			if s.ParentID != [8]byte{} {
				t.Fatalf("a serving span with a parent that never comes names no peer: %+v", s)
			}
			peer = "user"
		}
		edges[peer+">"+callee]++
	}
	for k, s := range calling {
		if !paired[k] {
			edges[attribute(s.Resource, "service.name")+">"+attribute(s.Attributes, "service.peer.name")]++
		}
	}
	return edges
}

// csvEdges counts calls straight from a call graph file, the dumb way.
func csvEdges(t *testing.T, file, rpcColumn string, signed bool) (edges map[string]int, rows, internal int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		trace, rpc, um, dm, kind string
		start                    int
		rt                       float64
	}
	at := make(map[string]int)
	for i, c := range records[0] {
		at[c] = i
	}
	named := func(s string) string {
		switch s {
		case "", "(?)", "NAN", "UNKNOWN", "UNAVAILABLE":
			return ""
		}
		return s
	}
	var lines []line
	for _, r := range records[1:] {
		start, _ := strconv.Atoi(r[at["timestamp"]])
		rt, err := strconv.ParseFloat(r[at["rt"]], 64)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line{r[at["traceid"]], r[at[rpcColumn]], named(r[at["um"]]), named(r[at["dm"]]), r[at["rpctype"]], start, rt})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.start - b.start })
	whole := slices.Clone(lines)
	for i := range lines {
		l := &lines[i]
		for _, w := range whole {
			if w.trace != l.trace || w.rpc != l.rpc || w.um == "" || w.dm == "" {
				continue
			}
			if l.um == "" && l.dm == w.dm && l.dm != "" {
				l.um = w.um
				break
			}
			if l.dm == "" && l.um == w.um && l.um != "" {
				l.dm = w.dm
				break
			}
		}
	}
	type group struct{ p, n, z int }
	groups := make(map[string]*group)
	edges = make(map[string]int)
	for _, l := range lines {
		um, dm := l.um, l.dm
		if um == "" {
			um = "unknown"
		}
		if um == "USER" {
			um = "user"
		}
		if dm == "" {
			dm = "unknown"
		}
		edge := um + ">" + dm
		switch l.kind {
		case "userDefined":
			internal++
		case "mc", "db", "mq":
			edges[edge]++
		default:
			k := strings.Join([]string{l.trace, l.rpc, edge, l.kind}, " ")
			g := groups[k]
			if g == nil {
				g = &group{}
				groups[k] = g
			}
			switch {
			case signed && l.rt > 0:
				g.p++
			case signed && l.rt < 0:
				g.n++
			default:
				g.z++
			}
		}
	}
	for k, g := range groups {
		edges[strings.Split(k, " ")[2]] += max(g.p, g.n, (g.p+g.n+g.z+1)/2)
	}
	return edges, len(lines), internal
}

func compareEdges(t *testing.T, got, want map[string]int) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for e, n := range want {
		if got[e] != n {
			t.Errorf("edge %s: %d calls, want %d", e, got[e], n)
		}
	}
	for e, n := range got {
		if want[e] == 0 {
			t.Errorf("edge %s: %d calls, want none", e, n)
		}
	}
}

func Test2021Sample(t *testing.T) {
	dir := testdata(t, "alibaba-2021")
	s, err := Open2021(context.Background(), dir, Options{DeclareSampling: true, TempDir: t.TempDir()})
	items, stats := drain(t, s, err)
	edges, rows, internal := csvEdges(t, filepath.Join(dir, "MSCallGraph_0.csv"), "rpcid", true)
	compareEdges(t, spanEdges(t, items), edges)
	if rows != 999 || stats.Rows != 999+999 {
		t.Errorf("%d rows read of %d calls and 999 resources", stats.Rows, rows)
	}
	traces, ids, services := make(map[[16]byte]bool), make(map[string]bool), make(map[string]bool)
	gauges := 0
	for _, it := range items {
		if it.Span != nil {
			traces[it.Span.TraceID] = true
			if it.Span.Kind == spanInternal {
				internal--
			}
			if it.Span.TraceState != "ot=th:feb851eb851eb8" {
				t.Fatalf("tracestate %q", it.Span.TraceState)
			}
			if it.Span.End < it.Span.Start {
				t.Fatal("a span that ends before it starts")
			}
			continue
		}
		if len(it.Metrics.Metrics) != 2 {
			t.Fatalf("%d metrics of a container, want CPU and memory", len(it.Metrics.Metrics))
		}
		gauges++
		ids[attribute(it.Metrics.Resource, "container.id")] = true
		services[attribute(it.Metrics.Resource, "service.name")] = true
	}
	if len(traces) != 21 || internal != 0 || gauges != 999 || len(services) != 402 {
		t.Errorf("%d traces, %d internal spans missing, %d gauges of %d services; want 21, 0, 999, 402", len(traces), internal, gauges, len(services))
	}
	if want := replay.DefaultEpoch().UnixNano(); stats.First < want || stats.Last > want+12*3600e9 || stats.Done != 1 {
		t.Errorf("stats %+v", stats)
	}
	if len(stats.Notes) != 2 {
		t.Errorf("notes %q: want that rates are missing and nodes not read", stats.Notes)
	}
}

func Test2022Sample(t *testing.T) {
	dir := testdata(t, "alibaba-2022")
	s, err := Open2022(context.Background(), dir, Options{TempDir: t.TempDir()})
	items, stats := drain(t, s, err)
	edges, rows, _ := csvEdges(t, filepath.Join(dir, "CallGraph_0.csv"), "rpc_id", false)
	compareEdges(t, spanEdges(t, items), edges)
	traces := make(map[[16]byte]bool)
	pods := 0
	for _, it := range items {
		traces[it.Span.TraceID] = true
		if strings.Contains(attribute(it.Span.Resource, "container.id"), "_POD_") {
			pods++
		}
	}
	if rows != 603 || stats.Rows != 603 || len(traces) != 117 || pods == 0 {
		t.Errorf("%d rows, %d traces, %d spans with a pod; want 603, 117, some", stats.Rows, len(traces), pods)
	}
	if len(stats.Skipped) > 1 { // unnamed_half: callers outside
		t.Errorf("skipped %v", stats.Skipped)
	}
}

// The smaller the memory, the more is sorted on disk; the items stay the same.
func TestItemsDoNotDependOnMemory(t *testing.T) {
	dir := testdata(t, "alibaba-2021")
	s, err := Open2021(context.Background(), dir, Options{})
	want, _ := drain(t, s, err)
	s, err = Open2021(context.Background(), dir, Options{Memory: 1, TempDir: t.TempDir()})
	got, _ := drain(t, s, err)
	if len(got) != len(want) {
		t.Fatalf("%d items, want %d", len(got), len(want))
	}
	for i := range want {
		if a, b := describe(got[i]), describe(want[i]); a != b {
			t.Fatalf("item %d is %s, want %s", i, a, b)
		}
	}
}

func describe(it replay.Item) string {
	if it.Span != nil {
		return fmt.Sprintf("%d %+v", it.At, *it.Span)
	}
	return fmt.Sprintf("%d %+v", it.At, *it.Metrics)
}

func TestRangeIsThatOfTheItems(t *testing.T) {
	dir := testdata(t, "alibaba-2021")
	s, err := Open2021(context.Background(), dir, Options{})
	items, _ := drain(t, s, err)
	s, err = Open2021(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first, last, err := s.(replay.Ranger).Range(context.Background())
	if err != nil || first != items[0].At || last != items[len(items)-1].At {
		t.Errorf("range %d to %d, want %d to %d: %v", first, last, items[0].At, items[len(items)-1].At, err)
	}
}

func points(it replay.Item) map[string]otlp.Point {
	got := make(map[string]otlp.Point)
	for _, m := range it.Metrics.Metrics {
		name := m.Name
		for _, a := range m.Points[0].Attributes {
			name += " " + a.Value.Str
		}
		got[name] = m.Points[0]
	}
	return got
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func Test2021Rates(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "MSRTQps_0.csv", `,timestamp,msname,msinstanceid,metric,value
0,60000,a,a1,providerRPC_MCR,2.5
1,0,a,a1,providerRPC_MCR,1
2,60000,a,a1,providerRPC_RT,20
3,0,a,a1,providerRPC_RT,10
4,60000,a,a1,HTTP_MCR,0.5
5,60000,a,a1,HTTP_RT,100
6,60000,b,b1,consumerRPC_MCR,1
7,60000,b,b1,sideways_MCR,1
8,60000,b,b1,consumerRPC_RT,-1
`)
	s, err := Open2021(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	if len(items) != 2 || stats.Skipped["malformed_row"] != 2 || stats.Skipped["rate_without_rt"] != 1 {
		t.Fatalf("%d items, skipped %v", len(items), stats.Skipped)
	}
	p := points(items[1])
	epoch := replay.DefaultEpoch().UnixNano()
	if r := p["rpc.server.duration"]; r.Count != 150 || math.Abs(r.Sum-3000) > 1e-9 || r.Start != epoch || r.Time != epoch+60e9 {
		t.Errorf("rpc %+v: want 150 calls of 20 ms in a minute", r)
	}
	if r := p["http.server.request.duration"]; r.Count != 30 || math.Abs(r.Sum-3) > 1e-9 {
		t.Errorf("http %+v: want 30 calls, 3 s", r)
	}
}

func Test2022Metrics(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "MCRRTUpdate_0.csv", `timestamp,msname,msinstanceid,nodeid,providerrpc_rt,providerrpc_mcr,consumerrpc_rt,consumerrpc_mcr,writemc_rt,writemc_mcr,http_mcr,http_rt
0,MS_1,MS_1_POD_0,NODE_1,5.0,0.001,,,1,0.002,0.01,50
60000,MS_1,MS_1_POD_0,NODE_1,5.0,0.001,2,0.001,,,bad,50
120000,MS_1,MS_1_POD_0,NODE_1,7.0,0.002,2,0.001,,,,
`)
	writeFile(t, dir, "MSMetricsUpdate_0.csv", `timestamp,msname,msinstanceid,nodeid,cpu_utilization,memory_utilization
0,MS_1,MS_1_POD_0,NODE_1,0.25,0.5
60000,MS_1,MS_1_POD_0,NODE_1,-1,0.5
120000,MS_1,MS_1_POD_0,NODE_1,,
`)
	s, err := Open2022(context.Background(), dir, Options{})
	items, stats := drain(t, s, err)
	if len(items) != 4 || stats.Skipped["malformed_row"] != 1 || stats.Skipped["no_value"] != 1 {
		t.Fatalf("%d items, skipped %v", len(items), stats.Skipped)
	}
	r := points(items[1])
	if p := r["rpc.server.duration"]; p.Count != 60 || p.Sum != 300 {
		t.Errorf("rpc %+v: want 60 calls of 5 ms", p)
	}
	if p := r["http.server.request.duration"]; p.Count != 600 || math.Abs(p.Sum-30) > 1e-9 {
		t.Errorf("http %+v: want 600 calls of 50 ms", p)
	}
	if p := r["db.client.operation.duration write mc"]; p.Count != 120 {
		t.Errorf("cache %+v: want 120 writes", p)
	}
	if p := points(items[0]); p["container.cpu.utilization"].Value != 0.25 || p["container.memory.utilization"].Value != 0.5 {
		t.Errorf("usage %+v", p)
	}
	if id := attribute(items[0].Metrics.Resource, "container.id"); id != "MS_1_POD_0" {
		t.Errorf("container.id %q: it joins with the spans' instances", id)
	}
	if p := points(items[2]); len(p) != 1 {
		t.Errorf("metrics %v: a utilisation of -1 is missing", p)
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "Node_0.csv", ",timestamp,nodeid,node_cpu_usage,node_memory_usage\n")
	if _, err := Open2021(context.Background(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "names no service") {
		t.Errorf("got %v, want that the node table names no service", err)
	}
	dir = t.TempDir()
	writeFile(t, dir, "MSCallGraph_0.csv", ",traceid,timestamp,rpcid,um,dm,interface,rt\n0,t,1,0,a,b,,1\n")
	s, err := Open2021(context.Background(), dir, Options{})
	if err == nil {
		defer s.Close()
		_, err = s.Next(context.Background())
	}
	if err == nil || !strings.Contains(err.Error(), "missing rpctype") {
		t.Errorf("got %v, want that the column rpctype is missing", err)
	}
}
