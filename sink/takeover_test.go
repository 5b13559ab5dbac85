package sink

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"presage/internal/kafka"
	"presage/model"
)

// An owner with an empty state folder reads what its history needs and no more,
// leaves nothing out, says nothing twice, and trains as soon as it has caught up.
func TestTakingOverWithoutState(t *testing.T) {
	world := snapshots(300)
	log := &memory{}
	if _, err := RunForecaster(t.Context(), deps(t, t.TempDir(), log, &recording{snapshots: world[:200]})); err != nil {
		t.Fatal(err)
	}
	before := len(log.published(t))
	d := deps(t, t.TempDir(), log, &recording{snapshots: world})
	open, from := d.Open, int64(0)
	d.Open = func(ctx context.Context, at int64) (Snapshots, error) {
		from = at
		return open(ctx, at)
	}
	reported, trained := int64(0), int64(-1)
	d.OnSlice = func(r SliceReport) {
		if reported == 0 && r.Snapshot != world[200] {
			t.Errorf("slice %d is the first one reported, want %d", r.Snapshot.Index, world[200].Index)
		}
		reported = r.Snapshot.Index
	}
	d.OnTraining = func(TrainingReport) {
		if trained < 0 {
			trained = reported
		}
	}
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if want := world[199].Index - 100 - 4; from != want {
		t.Errorf("slices are read from %d on, want %d: the history and a window before it", from, want)
	}
	if trained != 0 {
		t.Errorf("the first training came after slice %d was forecast, want it before any", trained)
	}
	after := log.published(t) // fails on doubles
	for _, s := range world[200:] {
		for _, service := range []string{"a", "b", "c"} {
			for _, target := range d.Loop.Targets {
				if _, ok := after[fmt.Sprint("shop", service, target, s.Start())]; !ok {
					t.Fatalf("slice %d: no forecast of %s of %s", s.Index, target, service)
				}
			}
		}
	}
	if len(after) <= before {
		t.Errorf("%d records, %d before", len(after), before)
	}
}

// A checkpoint from before all that the history holds is left aside.
func TestTakingOverWithAnOldCheckpoint(t *testing.T) {
	world := snapshots(400)
	log, state := &memory{}, t.TempDir()
	if _, err := RunForecaster(t.Context(), deps(t, state, log, &recording{snapshots: world[:60]})); err != nil {
		t.Fatal(err)
	}
	if _, err := RunForecaster(t.Context(), deps(t, t.TempDir(), log, &recording{snapshots: world[:350]})); err != nil {
		t.Fatal(err)
	}
	d := deps(t, state, log, &recording{snapshots: world})
	open := d.Open
	d.Open = func(ctx context.Context, from int64) (Snapshots, error) {
		if want := world[349].Index - 100 - 4; from != want {
			t.Errorf("slices are read from %d on, want %d", from, want)
		}
		return open(ctx, from)
	}
	network := false
	d.OnSlice = func(r SliceReport) {
		network = network || r.Snapshot == world[350] && strings.HasPrefix(r.Outcome.Targets[0].Serving, "sine-")
	}
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if !network {
		t.Error("the folder's champion does not serve")
	}
	log.published(t)
}

// What the owner left half written is completed.
func TestTakingOverInTheMiddleOfASlice(t *testing.T) {
	world := snapshots(40)
	whole := &memory{}
	d := deps(t, t.TempDir(), whole, &recording{snapshots: world})
	d.Loop.Network = model.Method{}
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	want := whole.published(t)
	torn := &memory{}
	for p, records := range whole.partitions {
		for _, r := range records {
			f, err := Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			last := f.SliceStart == world[30].Start()
			if f.SliceStart < world[30].Start() || last && (f.Service == "a" || f.Target == "requests") {
				torn.partitions[p] = append(torn.partitions[p], r)
			}
		}
	}
	d = deps(t, t.TempDir(), torn, &recording{snapshots: world})
	d.Loop.Network = model.Method{}
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got := torn.published(t)
	for id, text := range want {
		if got[id] != text {
			t.Fatalf("%s: published\n%s\nundisturbed\n%s", id, got[id], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d records, want %d", len(got), len(want))
	}
}

// A process that lost the graph without knowing writes late, and other things. Who
// takes the first record by key does not see it, nor does the next owner stumble over it.
func TestLateRecordsOfAZombie(t *testing.T) {
	world := snapshots(60)
	log := &memory{}
	run := func(n int) map[string]string {
		t.Helper()
		d := deps(t, t.TempDir(), log, &recording{snapshots: world[:n]})
		d.Loop.Network = model.Method{}
		if _, err := RunForecaster(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		return log.firsts(t)
	}
	before := run(30)
	for p, records := range log.partitions {
		for _, r := range records[len(records)/2:] {
			f, err := Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			f.Model = "zombie"
			r.Value = Encode(f.Forecast, 1)
			log.partitions[p] = append(log.partitions[p], r)
		}
	}
	late := log.count()
	after := run(60)
	for id, text := range before {
		if after[id] != text {
			t.Fatalf("%s changed", id)
		}
	}
	if want := len(before) + log.count() - late; len(after) != want {
		t.Errorf("%d forecasts in the end, want %d: the next owner wrote some twice", len(after), want)
	}
}

func (m *memory) count() (n int) {
	for _, p := range m.partitions {
		n += len(p)
	}
	return n
}

// firsts gives the first record by key.
func (m *memory) firsts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range m.partitions {
		for _, r := range p {
			f, err := Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			id := fmt.Sprint(f.Graph, f.Service, f.Target, f.SliceStart)
			if _, ok := all[id]; !ok {
				all[id] = string(Encode(f.Forecast, 0))
			}
		}
	}
	return all
}

// reads counts what is read of a log.
type reads struct {
	*memory
	records int64
}

func (r *reads) ReadRange(ctx context.Context, topic string, partition int, from, to int64, fn func([]kafka.Record) error) error {
	r.records += to - from
	return r.memory.ReadRange(ctx, topic, partition, from, to, fn)
}

// The tail is read back as far as the newest slice, past other graphs' records, and in partitions without any of the
// graph's not to their beginning.
func TestNewestIsFoundBehindOthersRecords(t *testing.T) {
	const width = int64(10e9)
	at := func(graph string, k int64, written time.Duration) kafka.Record {
		f := model.Forecast{Graph: graph, Service: "a", Target: "requests", SliceStart: k * width, SliceWidth: width,
			Horizons: []model.Horizon{{Step: 1, At: (k + 1) * width}}}
		return kafka.Record{Key: Key(graph, "a"), Value: Encode(f, 0), Time: int64(written)}
	}
	log := &reads{memory: &memory{}}
	add := func(partition int, r kafka.Record, n int) {
		for range n {
			log.partitions[partition] = append(log.partitions[partition], r)
		}
	}
	for k := range int64(5) {
		add(0, at("shop", 100+k, 50*time.Hour+time.Duration(k)*10*time.Second), 1)
	}
	add(0, at("bank", 9999, 50*time.Hour), 3*tailRecords)
	add(1, at("bank", 1, time.Hour), 90*tailRecords)
	add(1, at("bank", 9999, 50*time.Hour), 3*tailRecords)
	p := NewPublisher(log, topic, "shop")
	start, w, ok, err := p.Newest(t.Context())
	if err != nil || !ok || start != 104*width || w != width {
		t.Errorf("newest slice %d, %d ns wide (%t, %v), want 104", start/width, w, ok, err)
	}
	if log.records > 30*tailRecords {
		t.Errorf("%d records were read", log.records)
	}
	if newest, ok, bad, err := p.Recover(t.Context(), 102*width); err != nil || !ok || bad != 0 || newest != start {
		t.Errorf("recovered up to %d (%t, %d bad, %v)", newest/width, ok, bad, err)
	}
	if start, _, ok, err := NewPublisher(log, topic, "blog").Newest(t.Context()); ok || err != nil || start != math.MinInt64 {
		t.Errorf("a graph without forecasts: %d, %v", start, err)
	}
}
