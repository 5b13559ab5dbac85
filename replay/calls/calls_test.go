package calls

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

const header = "window,trace_id,start_us,src,dst,latency_us,http_status,cpu_use,mem_use_percent,net_send_rate\n"

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
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

func text(it replay.Item) string {
	if m := it.Metrics; m != nil {
		s := fmt.Sprintf("%d metrics of %s:", it.At, m.Resource[0].Value.Str)
		for _, metric := range m.Metrics {
			s += fmt.Sprintf(" %s=%g%s", metric.Name, metric.Points[0].Value, metric.Unit)
		}
		return s
	}
	s := it.Span
	return fmt.Sprintf("%d %x kind %d of %s from %d failed=%t", it.At, s.TraceID[15], s.Kind, s.Resource[0].Value.Str, s.Start, s.Error)
}

func compare(t *testing.T, items []replay.Item, want []string) {
	t.Helper()
	for i, it := range items {
		if i >= len(want) || text(it) != want[i] {
			t.Errorf("item %d: %s", i, text(it))
		}
	}
	if len(items) != len(want) {
		t.Errorf("%d items, %d expected", len(items), len(want))
	}
}

func TestCalls(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "calls.csv", header+
		"w,00000000000000000000000000000001,1000000000000000,a,b,500000,200,50,0.5,1\n"+
		"w,00000000000000000000000000000002,1000000000100000,b,b,100000,503,50,0.5,1\n"+
		"w,00000000000000000000000000000003,1000000000100000,b,c,100001,0,0.5,,1\n"+
		"w,00000000000000000000000000000004,1000000010000000,b,b,500001,304,50,0.5,1\n")
	items, stats, _ := drain(t, Options{Data: dir})
	compare(t, items, []string{
		"1000000000200000000 metrics of b: container.cpu.utilization=50% container.memory.utilization=0.51",
		"1000000000200000000 2 kind 1 of b from 1000000000100000000 failed=true",
		"1000000000200001000 metrics of c: container.cpu.utilization=0.5%",
		"1000000000200001000 3 kind 3 of b from 1000000000100000000 failed=true",
		"1000000000200001000 3 kind 2 of c from 1000000000100000000 failed=true",
		"1000000000500000000 1 kind 3 of a from 1000000000000000000 failed=false",
		"1000000000500000000 1 kind 2 of b from 1000000000000000000 failed=false",
		"1000000010500001000 metrics of b: container.cpu.utilization=50% container.memory.utilization=0.51",
		"1000000010500001000 4 kind 1 of b from 1000000010000000000 failed=false",
	})
	if items[5].Span.SpanID != items[6].Span.ParentID || items[6].Span.SpanID == items[5].Span.SpanID || items[5].Span.ParentID != [8]byte{} {
		t.Errorf("halves are not joined: %+v %+v", items[5].Span, items[6].Span)
	}
	if stats.Rows != 4 || stats.Done != 1 || stats.First != 1_000_000_000_200_000_000 || stats.Last != 1_000_000_010_500_001_000 {
		t.Errorf("%+v", stats)
	}
}

func TestOtherColumns(t *testing.T) {
	name := write(t, t.TempDir(), "anything.csv", "T,when,from,to,took,cores,bytes\nabc,1.5,a,b,2.25,0.5,100\n")
	items, _, _ := drain(t, Options{
		Data: name, Trace: "t", Start: "when", Caller: "from", Callee: "to", Latency: "took", Status: "-", CPU: "cores", Memory: "bytes",
		StartUnit: "s", LatencyUnit: "ms", CPUUnit: "{cpu}", MemoryUnit: "By",
	})
	const epoch = "157826880150" // 2020-01-06 and 1.5 s
	compare(t, items, []string{
		epoch + "2250000 metrics of b: container.cpu.usage=0.5{cpu} container.memory.usage=100By",
		epoch + "2250000 " + fmt.Sprintf("%x", items[1].Span.TraceID[15]) + " kind 3 of a from " + epoch + "0000000 failed=false",
		epoch + "2250000 " + fmt.Sprintf("%x", items[1].Span.TraceID[15]) + " kind 2 of b from " + epoch + "0000000 failed=false",
	})
}

func TestBadRows(t *testing.T) {
	dir := t.TempDir()
	good := "w,1,1000000000000000,a,b,5,200,,,\n"
	write(t, dir, "calls.csv", header+good+
		"w,,1,a,b,5,200,,,\n"+"w,1,,a,b,5,200,,,\n"+"w,1,1,,b,5,200,,,\n"+"w,1,1,a,,5,200,,,\n"+"w,1,1,a,b,-5,200,,,\n"+
		"w,1,1,a,b,x,200,,,\n"+"w,1,1,a,b,5,OK,,,\n"+"w,1,1,a,b,5,200,NaN,,\n"+"w,1,1,a,b,5,200,,x,\n"+"w,1,-1,a,b,5,200,,,\n"+
		"w,1,9000000000000000,a,b,9000000000000000,200,,,\n"+"w,1,9e30,a,b,1,200,,,\n"+"short\n")
	items, stats, s := drain(t, Options{Data: dir})
	if len(items) != 2 || stats.Skipped[files.Malformed] != 13 {
		t.Errorf("%d items, %+v", len(items), stats)
	}
	if samples := s.TakeSamples(); len(samples) == 0 || !strings.Contains(samples[0].String(), "calls.csv:3: malformed_row: column trace_id") {
		t.Errorf("samples %v", samples)
	}
}

// TestOneLongCall: a call that takes a day does not hold up the others.
func TestOneLongCall(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString(header + "w,1,1000000000000000,a,b,86400000000,200,,,\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "w,1,%d,a,b,%d,200,,,\n", 1_000_000_000_000_000+i*1000, 5+i%77)
	}
	write(t, dir, "calls.csv", b.String())
	items, stats, _ := drain(t, Options{Data: dir, SortBytes: 1})
	for i := 1; i < len(items); i++ {
		if items[i].At < items[i-1].At {
			t.Fatalf("item %d comes too late", i)
		}
	}
	if len(items) != 40_002 || items[40_001].Span.TraceID != items[0].Span.TraceID || len(stats.Skipped) != 0 {
		t.Errorf("%d items, %+v", len(items), stats)
	}
}

func TestOpenErrors(t *testing.T) {
	empty, foreign := t.TempDir(), t.TempDir()
	write(t, foreign, "calls.csv", "trace,span\n1,2\n")
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Data: empty}, "calls*.csv"},
		{Options{Data: foreign}, "expected the columns trace_id, start_us, src, dst, latency_us"},
		{Options{Data: foreign, StartUnit: "h"}, `unit of the start is "h": expected s, ms, us or ns`},
		{Options{Data: filepath.Join(empty, "nowhere")}, "nowhere"},
	} {
		s, err := Open(context.Background(), c.o)
		if err == nil {
			_, err = s.Next(context.Background())
			_ = s.Close() // the error of Next is the one looked at
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want it to say %q", err, c.want)
		}
	}
}
