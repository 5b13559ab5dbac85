package ownership

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"presage/internal/broker"
	"presage/internal/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "presage.slices"

// fleet is the processes of an installation, as far as this package sees them.
type fleet struct {
	t  *testing.T
	mu sync.Mutex
	// starts counts how often a graph's forecaster was started, by member and graph.
	starts map[string]int
	owned  map[string][]string
	ended  map[string]chan error // what Run gave
	broken error
}

// end waits for a member that ends by itself.
func (f *fleet) end(name string) error { return <-f.ended[name] }

// join starts a member whose forecasters do slice after slice: offset by offset.
func (f *fleet) join(b *broker.Broker, name string, graphs ...string) (stop func() error) {
	f.t.Helper()
	client, err := kafka.Dial(f.t.Context(), kafka.Config{Brokers: []string{b.Addr()}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	ended, result, told := make(chan struct{}), error(nil), make(chan error, 1)
	f.ended[name] = told
	go func() {
		defer close(ended)
		result = Run(ctx, Options{
			Client: client, Topic: topic, Graphs: graphs, Metrics: metrics, SessionTimeout: 6 * time.Second,
			CommitInterval: 10 * time.Millisecond, Log: slog.New(slog.NewTextHandler(f.t.Output(), nil)),
			OnOwned: func(graphs []string) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.owned[name] = graphs
			},
			Run: func(ctx context.Context, graph string, lease *Lease) error {
				f.mu.Lock()
				f.starts[name+" "+graph]++
				broken := f.broken
				f.mu.Unlock()
				if broken != nil {
					return broken
				}
				for at := int64(1); lease.Begin(ctx) == nil; at = min(at+1, 100) {
					lease.End(at, 100)
					if at == 100 {
						<-ctx.Done()
					}
				}
				return nil
			},
		})
		told <- result
	}()
	stop = func() error {
		cancel()
		<-ended
		return result
	}
	f.t.Cleanup(func() { _ = stop() })
	return stop
}

func (f *fleet) until(what string, condition func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		f.mu.Lock()
		met := condition()
		f.mu.Unlock()
		if met {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: not so; owned %v, starts %v", what, f.owned, f.starts)
		}
	}
}

func start(t *testing.T, partitions int) (*fleet, *broker.Broker) {
	t.Helper()
	b, err := broker.Start(broker.Options{Topics: []broker.Topic{{Name: topic, Partitions: partitions}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &fleet{t: t, starts: map[string]int{}, owned: map[string][]string{}, ended: map[string]chan error{}}, b
}

// Processes come and go; a forecaster whose partition stays is not disturbed.
func TestForecastersLiveThroughRebalances(t *testing.T) {
	f, b := start(t, 2)
	graphs := []string{"shop", "bank"} // a partition each
	stops := map[string]func() error{"one": f.join(b, "one", graphs...)}
	f.until("one has both", func() bool { return len(f.owned["one"]) == 2 && f.starts["one shop"]+f.starts["one bank"] == 2 })
	stops["two"] = f.join(b, "two", graphs...)
	f.until("each has one", func() bool { return len(f.owned["one"]) == 1 && len(f.owned["two"]) == 1 })
	stops["three"] = f.join(b, "three", graphs...)
	f.until("three stands by", func() bool { owned, ok := f.owned["three"]; return ok && len(owned) == 0 })
	f.mu.Lock()
	kept, moved := f.owned["one"][0], f.owned["two"][0]
	f.mu.Unlock()
	if kept == moved {
		t.Fatalf("both own %s", kept)
	}
	if err := stops["two"](); err != nil {
		t.Error(err)
	}
	f.until("three takes over", func() bool { return slices.Equal(f.owned["three"], []string{moved}) && f.starts["three "+moved] == 1 })
	f.mu.Lock()
	if f.starts["one "+kept] != 1 || f.starts["three "+kept] != 0 {
		t.Errorf("%s stayed with one: starts %v", kept, f.starts)
	}
	f.mu.Unlock()
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	f.until("all is committed", func() bool {
		commits, err := client.Committed(t.Context(), Group(topic, graphs), topic)
		return err == nil && commits[0].Offset == 100 && commits[1].Offset == 100
	})
	for _, name := range []string{"one", "three"} {
		if err := stops[name](); err != nil {
			t.Error(err)
		}
	}
}

// Installations that share a topic do not take each other's graphs.
func TestOtherGraphsAreAnotherGroup(t *testing.T) {
	f, b := start(t, 1)
	f.join(b, "ours", "shop")
	f.join(b, "theirs", "bank")
	f.until("both own theirs", func() bool { return len(f.owned["ours"]) == 1 && len(f.owned["theirs"]) == 1 })
}

func TestForecasterErrorEndsTheProcess(t *testing.T) {
	f, b := start(t, 1)
	f.broken = errors.New("broken")
	f.join(b, "one", "shop")
	f.until("it was started", func() bool { return f.starts["one shop"] == 1 })
	if err := f.end("one"); !errors.Is(err, f.broken) || !strings.Contains(err.Error(), "shop") {
		t.Errorf("error %v", err)
	}
}

func TestGrownTopicIsRefused(t *testing.T) {
	f, b := start(t, 1)
	f.join(b, "one", "shop")
	f.until("it owns the graph", func() bool { return len(f.owned["one"]) == 1 })
	if err := b.Grow(topic, 2); err != nil {
		t.Fatal(err)
	}
	if err := f.end("one"); err == nil || !strings.Contains(err.Error(), "2 partitions") {
		t.Errorf("error %v", err)
	}
}

func TestGroup(t *testing.T) {
	long := slices.Repeat([]string{strings.Repeat("x", 60)}, 5)
	for _, tt := range []struct {
		graphs []string
		want   string
	}{
		{[]string{"shop"}, "presage-forecaster-presage.slices-shop"},
		{[]string{"shop", "bank"}, "presage-forecaster-presage.slices-bank+shop"},
		{long, "presage-forecaster-presage.slices-"},
	} {
		got := Group(topic, tt.graphs)
		if !strings.HasPrefix(got, tt.want) || len(got) > maxGroup || len(tt.graphs) < 5 && got != tt.want {
			t.Errorf("group of %v is %s, want %s", tt.graphs, got, tt.want)
		}
	}
	if Group(topic, long) == Group(topic, long[1:]) {
		t.Error("other graphs, the same group")
	}
}

// A slice that was begun is finished before the partition goes, if it does not take
// too long; none begins after that.
func TestWithdrawWaitsForTheSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(0)
		l := &Lease{graph: "shop", partition: p, next: -1}
		p.leases = []*Lease{l}
		p.update(func() { p.held = true })
		if err := l.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := p.place(); ok {
			t.Error("a place before anything was done")
		}
		time.AfterFunc(time.Second, func() { l.End(7, 9) })
		if !p.withdraw(drainTimeout) {
			t.Error("the slice was not waited for")
		}
		if next, end, ok := p.place(); next != 7 || end != 9 || !ok {
			t.Errorf("place %d of %d, %t", next, end, ok)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := l.Begin(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a slice began without the partition: %v", err)
		}
		p.update(func() { p.held = true })
		if err := l.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.withdraw(drainTimeout) {
			t.Error("a slice that does not end was waited for")
		}
	})
}

func TestNoLeaseHoldsNobodyBack(t *testing.T) {
	var l *Lease
	if err := l.Begin(t.Context()); err != nil {
		t.Error(err)
	}
	l.End(1, 1)
}
