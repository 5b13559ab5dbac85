package exactness

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"presage/replay"
	"presage/replay/calls"
	"presage/replay/nezha"
	"presage/windower/slice"
)

// large skips the recordings of a million spans under the race detector: the small
// ones take the same way.
func large(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("a million spans take minutes under the race detector; TestOnlineBoutique2022 takes the same way")
	}
}

func TestTrainTicket2019(t *testing.T) {
	large(t)
	path := data(t, "trainticket-2019/calls.csv.gz")
	want := newCounts()
	eachRow(t, path, func(field func(string) string) {
		src, dst := strings.Clone(field("src")), strings.Clone(field("dst"))
		if src == dst {
			return
		}
		end := (integer(t, field("start_us")) + integer(t, field("latency_us"))) * 1000
		want.call(end, src, dst)
		want.request(end, dst)
	})
	got, report := through(t, func(ctx context.Context) (replay.Source, error) {
		return calls.Open(ctx, calls.Options{Data: path, TempDir: t.TempDir()})
	})
	compare(t, got, want)
	lossless(t, got, report)
	if got.withCPU == 0 {
		t.Error("no service has a CPU value")
	}
}

func TestTrainTicket2023(t *testing.T) {
	large(t)
	testbed(t, data(t, "trainticket-2023"), "traces_*.csv.gz")
}

func TestOnlineBoutique2022(t *testing.T) {
	testbed(t, data(t, "onlineboutique-2022"), "raw_traces_2022-08-22/*_trace.csv.gz")
}

// id is a span with its trace. There are no pointers in it: a recording has a
// million of them.
type id [24]byte

func idOf(t *testing.T, trace, span string) (i id) {
	t.Helper()
	if n, err := hex.Decode(i[:], []byte(trace+span)); err != nil || n != len(i) {
		t.Fatalf("the identifiers %q and %q are no hex digits (%v)", trace, span, err)
	}
	return i
}

// row is what is kept of a span to count calls.
type row struct {
	parent  id // zero for a root span
	service int
	end     int64
}

func testbed(t *testing.T, dir, files string) {
	paths, err := filepath.Glob(filepath.Join(dir, files))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s in %s (%v)", files, dir, err)
	}
	slices.Sort(paths)
	services, number := []string{}, map[string]int{}
	spans := map[id]row{} // a span that was recorded twice is one
	for _, path := range paths {
		eachRow(t, path, func(field func(string) string) {
			words := strings.Split(field("PodName"), "-")
			service := strings.Join(words[:len(words)-2], "-")
			if _, ok := number[service]; !ok {
				number[service] = len(services)
				services = append(services, service)
			}
			r := row{service: number[service], end: integer(t, field("EndTimeUnixNano"))}
			if parent := field("ParentID"); parent != "root" {
				r.parent = idOf(t, field("TraceID"), parent)
			}
			spans[idOf(t, field("TraceID"), field("SpanID"))] = r
		})
	}
	want := newCounts()
	for _, r := range spans {
		caller := slice.User
		if r.parent != (id{}) {
			parent, ok := spans[r.parent]
			if !ok || parent.service == r.service {
				continue
			}
			caller = services[parent.service]
		}
		want.call(r.end, caller, services[r.service])
		want.request(r.end, services[r.service])
	}
	got, report := through(t, func(ctx context.Context) (replay.Source, error) {
		return nezha.Open(ctx, nezha.Options{Data: dir, TempDir: t.TempDir()})
	})
	compare(t, got, want)
	lossless(t, got, report)
	if report.Spans != int64(len(spans)) {
		t.Errorf("%d spans replayed, %d in the files", report.Spans, len(spans))
	}
	if got.withCPU == 0 {
		t.Error("no service has a CPU value")
	}
}

// lossless: nothing may be left out after the source, but for metrics, which the
// windower may find too late or without a service.
func lossless(t *testing.T, c *chain, report replay.Report) {
	t.Helper()
	t.Logf("replayed %d spans, %d metrics; skipped %v; notes %v", report.Spans, report.Metrics, report.Skipped, report.Notes)
	for reason, n := range c.lost {
		if !strings.HasSuffix(reason, statsTopic) {
			t.Errorf("%d lost: %s", n, reason)
		}
	}
}
