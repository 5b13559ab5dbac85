package exactness

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"presage/replay"
	"presage/replay/alibaba"
)

func TestAlibaba2021(t *testing.T) {
	want := newCounts()
	foldAll(readCallGraph(t, data(t, "alibaba-2021/MSCallGraph_0.csv"), "rpcid", true), want)
	dir := data(t, "alibaba-2021")
	got, report := through(t, func(ctx context.Context) (replay.Source, error) {
		return alibaba.Open2021(ctx, dir, alibaba.Options{TempDir: t.TempDir()})
	})
	compare(t, got, want)
	lossless(t, got, report)
}

func TestAlibaba2022(t *testing.T) {
	want := newCounts()
	foldAll(readCallGraph(t, data(t, "alibaba-2022/CallGraph_0.csv"), "rpc_id", false), want)
	dir := data(t, "alibaba-2022")
	got, report := through(t, func(ctx context.Context) (replay.Source, error) {
		return alibaba.Open2022(ctx, dir, alibaba.Options{TempDir: t.TempDir()})
	})
	compare(t, got, want)
	lossless(t, got, report)
}

// record is a row of a call graph. Side is 1 for the caller's, -1 for the
// callee's view and 0 where nobody knows.
type record struct {
	trace, rpc, um, dm, kind string
	start, end               int64 // nanoseconds
	side                     int
}

// readCallGraph reads a call graph in the order of start times. signed says that
// the sign of rt tells the side.
func readCallGraph(t *testing.T, path, rpc string, signed bool) (rows []record) {
	t.Helper()
	name := func(s string) string {
		switch s {
		case "", "NAN", "(?)", "UNKNOWN", "UNAVAILABLE":
			return "unknown"
		case "USER":
			return "user"
		}
		return strings.Clone(s)
	}
	eachRow(t, path, func(field func(string) string) {
		rt, err := strconv.ParseFloat(field("rt"), 64)
		if err != nil {
			t.Fatal(err)
		}
		r := record{
			trace: strings.Clone(field("traceid")), rpc: strings.Clone(field(rpc)), kind: strings.Clone(field("rpctype")),
			um: name(field("um")), dm: name(field("dm")), start: replay.DefaultEpoch().UnixNano() + integer(t, field("timestamp"))*1e6,
		}
		r.end = r.start + int64(math.Abs(rt)*1e6)
		if signed {
			r.side = cmp.Compare(rt, 0)
		}
		rows = append(rows, r)
	})
	slices.SortStableFunc(rows, func(a, b record) int { return cmp.Compare(a.start, b.start) })
	return rows
}

// foldAll counts the calls in the rows, after the rules of the format: missing
// names are filled from rows of the same call, rows of the same names are a group, and a
// group is as many calls as its rows on both sides tell.
func foldAll(rows []record, c counts) {
	type place struct{ trace, rpc string }
	known := map[place][]record{}
	for _, r := range rows {
		if r.um != "unknown" && r.dm != "unknown" {
			at := place{r.trace, r.rpc}
			known[at] = append(known[at], r)
		}
	}
	type key struct{ trace, rpc, um, dm, kind string }
	groups := map[key][]record{}
	for _, r := range rows {
		for _, twin := range known[place{r.trace, r.rpc}] {
			if r.um == "unknown" && r.dm == twin.dm {
				r.um = twin.um
				break
			}
			if r.dm == "unknown" && r.um == twin.um {
				r.dm = twin.dm
				break
			}
		}
		k := key{r.trace, r.rpc, r.um, r.dm, r.kind}
		groups[k] = append(groups[k], r)
	}
	for k, group := range groups {
		switch k.kind {
		case "userDefined":
		case "rpc", "http", "UNKNOWN": // those of unknown kind are in the file twice too
			for _, end := range ends(group) {
				c.call(end, k.um, k.dm)
			}
		default:
			for _, r := range group {
				c.call(r.end, k.um, k.dm)
			}
		}
	}
}

// ends gives when the calls of a group end, one entry a call: where the callee's
// view ends, else where the caller's does.
func ends(group []record) (out []int64) {
	var callers, callees, either []record
	for _, r := range group {
		switch r.side {
		case 1:
			callers = append(callers, r)
		case -1:
			callees = append(callees, r)
		default:
			either = append(either, r)
		}
	}
	take := func() (r record, ok bool) {
		if len(either) == 0 {
			return r, false
		}
		r, either = either[0], either[1:]
		return r, true
	}
	for i := range max(len(callers), len(callees), (len(group)+1)/2) {
		if i < len(callees) {
			out = append(out, callees[i].end)
			if i >= len(callers) {
				take()
			}
			continue
		}
		if i < len(callers) {
			end := callers[i].end
			if r, ok := take(); ok {
				end = r.end
			}
			out = append(out, end)
			continue
		}
		// Two views whose sides nobody knows: the caller waits longer than the callee works.
		a, _ := take()
		end := a.end
		if b, ok := take(); ok {
			if b.end-b.start <= a.end-a.start {
				end = b.end
			}
		}
		out = append(out, end)
	}
	return out
}
