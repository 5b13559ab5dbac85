package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/model"
	"presage/model/baseline"
	"presage/model/online"
	"presage/windower/slice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "presage.forecasts"

// memory is a forecast topic in memory that fails now and then, after it has
// written a part.
type memory struct {
	mu         sync.Mutex
	partitions [3][]kafka.Record
	rng        *rand.Rand
	failing    float64
}

var errBroken = errors.New("broken pipe")

func (m *memory) Write(_ context.Context, records []kafka.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(records)
	fail := m.rng != nil && m.rng.Float64() < m.failing
	if fail {
		n = m.rng.IntN(n + 1)
	}
	for _, r := range records[:n] {
		r.Offset = int64(len(m.partitions[r.Partition]))
		m.partitions[r.Partition] = append(m.partitions[r.Partition], r)
	}
	if fail {
		return errBroken
	}
	return nil
}

func (m *memory) Ends(context.Context, string) ([]kafka.Range, error) {
	var all []kafka.Range
	for _, p := range m.partitions {
		all = append(all, kafka.Range{End: int64(len(p))})
	}
	return all, nil
}

func (m *memory) ReadRange(_ context.Context, _ string, partition int, from, to int64, fn func([]kafka.Record) error) error {
	return fn(m.partitions[partition][from:to])
}

// published gives the records by identity, and fails where one is there twice.
func (m *memory) published(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, p := range m.partitions {
		for _, r := range p {
			f, err := Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			id := fmt.Sprint(f.Graph, f.Service, f.Target, f.SliceStart)
			if _, twice := all[id]; twice {
				t.Errorf("%s is there twice", id)
			}
			all[id] = string(Encode(f.Forecast, 0))
		}
	}
	return all
}

// recording gives snapshots from memory and counts commits.
type recording struct {
	snapshots []*slice.Snapshot
	next      int
	stopAt    int // Next fails here as a killed process would; 0 for never
	committed int64
}

var errKilled = errors.New("killed")

func (r *recording) Next(ctx context.Context) (*slice.Snapshot, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if r.stopAt > 0 && r.next == r.stopAt {
		return nil, errKilled
	}
	if r.next == len(r.snapshots) {
		return nil, io.EOF
	}
	r.next++
	return r.snapshots[r.next-1], nil
}

func (r *recording) Commit(_ context.Context, s *slice.Snapshot) error {
	r.committed = s.Index
	return nil
}

func snapshots(n int) []*slice.Snapshot {
	rng := rand.New(rand.NewPCG(5, 5))
	var all []*slice.Snapshot
	for k := range int64(n) {
		s := &slice.Snapshot{Graph: "shop", Fingerprint: 1, Width: 10e9, Index: 176722560 + k, Revision: 1, Complete: true, Segment: 176722560}
		for i, name := range []string{"a", "b", "c", "d"} {
			if name == "d" && k%7 == 0 {
				continue
			}
			nodes := &s.Nodes
			nodes.Service = append(nodes.Service, name)
			nodes.Virtual = append(nodes.Virtual, false)
			for _, c := range []*slice.Column{&nodes.Mean, &nodes.Requests, &nodes.Arrivals, &nodes.Errors} {
				c.Valid = append(c.Valid, true)
				c.Value = append(c.Value, float64(10*i+20)+5*math.Sin(float64(k))+rng.NormFloat64())
			}
			for _, c := range []*slice.Column{&nodes.P50, &nodes.P95, &nodes.P99, &nodes.CPU, &nodes.Memory, &nodes.Replicas, &nodes.Unpaired} {
				c.Valid = append(c.Valid, false)
				c.Value = append(c.Value, 0)
			}
		}
		s.Edges.Offset = make([]int32, len(s.Nodes.Service)+1)
		all = append(all, s)
	}
	return all
}

// sine is a network that knows the world's sine and so beats persistence.
type sine struct{ task model.Task }

func newSine(t model.Task) (model.Forecaster, error) { return &sine{task: t}, nil }

func (s *sine) Fit(ctx context.Context, _, _ []*model.Step, _ model.FitOptions) (model.FitReport, error) {
	return model.FitReport{ValidError: math.NaN()}, ctx.Err()
}

func (s *sine) Forecast(window []*model.Step) (model.Prediction, error) {
	origin := window[len(window)-1]
	p := model.Prediction{Services: origin.Services, Levels: s.task.Levels}
	for i := range origin.Services {
		v, ok := origin.Value(i, s.task.Target)
		if !ok {
			v = math.NaN()
		}
		swing := 5.0
		if s.task.Unit == "1/s" {
			swing /= 10
		}
		for h := range s.task.Horizons {
			k := float64(origin.At/origin.Width - 176722560)
			y := v + swing*(math.Sin(k+float64(h+1))-math.Sin(k))
			p.Values = append(p.Values, float32(y-1), float32(y), float32(y+1))
		}
	}
	return p, nil
}

func (s *sine) State() (model.State, error) {
	return model.State{Meta: json.RawMessage(`{}`), Tensors: map[string]model.Tensor{"w": {Shape: []int{1}, Data: []float32{1}}}}, nil
}

func (s *sine) Restore(model.State) error { return nil }

func deps(t *testing.T, state string, log Log, r *recording) Deps {
	t.Helper()
	m, err := NewMetrics(prometheus.NewRegistry(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return Deps{
		Loop: online.Config{
			Graph: "shop", Targets: []string{"response_time", "requests"}, Input: 4, Horizons: 2, Level: 0.9,
			Network: model.Method{Name: "sine", New: newSine}, Baselines: baseline.Methods(), RetrainEvery: 40, MaxHistory: 100,
		},
		StateDir: state, Publisher: NewPublisher(log, topic, "shop"), Metrics: m, CheckpointEvery: 7,
		Open: func(_ context.Context, from int64) (Snapshots, error) {
			for r.next = 0; r.next < len(r.snapshots) && r.snapshots[r.next].Index < from; r.next++ {
			}
			return r, nil
		},
		Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func TestForecasterKilledAnywherePublishesTheSame(t *testing.T) {
	world := snapshots(130)
	whole := &memory{}
	networks := 0
	d := deps(t, t.TempDir(), whole, &recording{snapshots: world})
	d.OnSlice = func(r SliceReport) {
		for _, f := range r.Outcome.Forecasts {
			if strings.HasPrefix(f.Model, "sine-") {
				networks++
			}
		}
	}
	totals, err := RunForecaster(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	want := whole.published(t)
	if networks == 0 || len(want) < 130*3*2 {
		t.Fatalf("%d records, %d by the network", len(want), networks)
	}
	if all := totals[0].All(); all.NetworkPoints == 0 || all.NetworkError >= all.PersistenceError {
		t.Fatalf("totals %+v", all)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for round := range 5 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			log := &memory{rng: rng, failing: 0.05}
			state := t.TempDir()
			var last []online.Totals
			for tries := 0; ; tries++ {
				r := &recording{snapshots: world}
				if tries < 3 {
					r.stopAt = 1 + rng.IntN(len(world)-1)
				}
				var err error
				if last, err = RunForecaster(t.Context(), deps(t, state, log, r)); err == nil {
					break
				}
				if !errors.Is(err, errKilled) && !errors.Is(err, errBroken) {
					t.Fatal(err)
				}
			}
			got := log.published(t)
			if len(got) != len(want) {
				t.Errorf("%d records, want %d", len(got), len(want))
			}
			for id, text := range want {
				if got[id] != text {
					t.Fatalf("%s: published\n%s\nwithout kills\n%s", id, got[id], text)
				}
			}
			if fmt.Sprint(last) != fmt.Sprint(totals) {
				t.Errorf("totals %+v, without kills %+v", last, totals)
			}
		})
	}
}

func TestForecasterLostStatePublishesNothingTwice(t *testing.T) {
	world := snapshots(90)
	log := &memory{}
	if _, err := RunForecaster(t.Context(), deps(t, t.TempDir(), log, &recording{snapshots: world[:60]})); err != nil {
		t.Fatal(err)
	}
	before := log.published(t)
	if _, err := RunForecaster(t.Context(), deps(t, t.TempDir(), log, &recording{snapshots: world})); err != nil {
		t.Fatal(err)
	}
	after := log.published(t) // fails on doubles
	for id, text := range before {
		if after[id] != text {
			t.Errorf("%s changed", id)
		}
	}
	if len(after) < 90*3*2 {
		t.Errorf("%d records", len(after))
	}
}

func TestForecasterLostCheckpointAdoptsChampion(t *testing.T) {
	world := snapshots(110)
	log := &memory{}
	state := t.TempDir()
	if _, err := RunForecaster(t.Context(), deps(t, state, log, &recording{snapshots: world[:80]})); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(checkpointPath(state, "shop"), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := deps(t, state, log, &recording{snapshots: world})
	var first SliceReport
	d.OnSlice = func(r SliceReport) {
		if first.Snapshot == nil {
			first = r
		}
	}
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if first.Snapshot != world[80] || !strings.HasPrefix(first.Outcome.Targets[0].Serving, "sine-") {
		t.Errorf("first slice observed %d by %s, want %d by the champion", first.Snapshot.Index, first.Outcome.Targets[0].Serving, world[80].Index)
	}
	log.published(t)
}

func TestForecasterBackgroundTrainingStops(t *testing.T) {
	r := &recording{snapshots: snapshots(400)}
	d := deps(t, t.TempDir(), &memory{}, r)
	d.Background = true
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	d = deps(t, t.TempDir(), &memory{}, &recording{snapshots: r.snapshots})
	d.Background = true
	d.OnSlice = func(s SliceReport) {
		if len(s.Outcome.Jobs) > 0 {
			cancel()
		}
	}
	if _, err := RunForecaster(ctx, d); err != nil {
		t.Errorf("stopped by its context: %v, want no error", err)
	}
}

func TestPublisherOnBroker(t *testing.T) {
	b, err := broker.Start(broker.Options{Topics: []broker.Topic{{Name: topic, Partitions: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	log := ClientLog{client, kafka.NewProducer(client, kafka.ProducerConfig{})}
	if _, err := RunForecaster(t.Context(), deps(t, t.TempDir(), log, &recording{snapshots: snapshots(20)})); err != nil {
		t.Fatal(err)
	}
	p := NewPublisher(log, topic, "shop")
	newest, ok, bad, err := p.Recover(t.Context(), math.MinInt64)
	if want := int64(176722560+19) * 10e9; err != nil || !ok || bad != 0 || newest != want {
		t.Errorf("newest record %d (%t, %d bad, %v), want %d", newest, ok, bad, err, want)
	}
	if _, ok, _, err := NewPublisher(log, topic, "sho").Recover(t.Context(), math.MinInt64); ok || err != nil {
		t.Errorf("another graph's records were taken: %v", err)
	}
}

func TestGaugesFollowTheSlices(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := NewMetrics(reg, 9)
	if err != nil {
		t.Fatal(err)
	}
	f := func(service string, steps int) model.Forecast {
		f := model.Forecast{Graph: "g", Service: service, Target: "response_time", SliceStart: 0, SliceWidth: 10, Observed: 7}
		for h := 1; h <= steps; h++ {
			f.Horizons = append(f.Horizons, model.Horizon{Step: h, At: int64(h) * 10, Yhat: float64(h), Lower: 0.5, Upper: 9})
		}
		return f
	}
	m.gauges.set("g", []model.Forecast{f("old", 1), f("old2", 1)}, 10)
	m.gauges.set("g", []model.Forecast{f("a", 2), f("b", 1), f("c", 1)}, 20)
	silent := f("silent", 2)
	silent.Observed = math.NaN()
	m.gauges.set("h", []model.Forecast{silent}, 20)
	want := `
# HELP presage_forecast_series_left_out_total Forecast series that did not fit the bound, summed over slices.
# TYPE presage_forecast_series_left_out_total counter
presage_forecast_series_left_out_total{graph="g"} 3
presage_forecast_series_left_out_total{graph="h"} 0
# HELP presage_forecast_yhat Forecast of a target that is still ahead: the median, in the target's unit (ms, 1/s).
# TYPE presage_forecast_yhat gauge
presage_forecast_yhat{graph="g",horizon="2",service="a",target="response_time"} 2
presage_forecast_yhat{graph="h",horizon="2",service="silent",target="response_time"} 2
# HELP presage_observed What was measured in the slice that the newest forecast is made from, in the target's unit. Absent where nothing was.
# TYPE presage_observed gauge
presage_observed{graph="g",service="a",target="response_time"} 7
`
	if err := testutil.GatherAndCompare(reg, bytes.NewBufferString(want), "presage_forecast_yhat", "presage_observed", "presage_forecast_series_left_out_total"); err != nil {
		t.Error(err)
	}
	// A graph that is gone has no forecasts; what was counted stays.
	m.champion.WithLabelValues("g", "response_time", "v").Set(1)
	m.Forget("g")
	m.Forget("h")
	want = want[:strings.Index(want, "# HELP presage_forecast_yhat ")]
	if err := testutil.GatherAndCompare(reg, bytes.NewBufferString(want), "presage_forecast_yhat", "presage_forecast_series_left_out_total", "presage_champion_info"); err != nil {
		t.Error(err)
	}
}

// A state folder that can't be written costs no forecast: the next run begins from what there is.
func TestForecasterGoesOnWithoutItsState(t *testing.T) {
	world := snapshots(110)
	healthy, log := &memory{}, &memory{}
	if _, err := RunForecaster(t.Context(), deps(t, t.TempDir(), healthy, &recording{snapshots: world})); err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	blocked := filepath.Join(state, "forecaster") // a file where the checkpoint's folder would be
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := deps(t, state, log, &recording{snapshots: world})
	if _, err := RunForecaster(t.Context(), d); err != nil {
		t.Fatalf("without its state: %v", err)
	}
	want, got := healthy.published(t), log.published(t)
	if len(want) == 0 || len(got) != len(want) {
		t.Errorf("%d forecasts without state, %d with it", len(got), len(want))
	}
	for id, content := range want {
		if got[id] != content {
			t.Errorf("%v differs without state", id)
		}
	}
	// It is due once in twenty slices, and tried with every slice from then on.
	if n := testutil.ToFloat64(d.Metrics.stateFailures.WithLabelValues("shop")); n < 80 {
		t.Errorf("%v failures counted", n)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if _, err := RunForecaster(t.Context(), deps(t, state, log, &recording{snapshots: world})); err != nil {
		t.Fatal(err)
	}
	if _, err := readCheckpoint(state, "shop"); err != nil {
		t.Errorf("once the folder can be written: %v", err)
	}
}
