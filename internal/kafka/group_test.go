package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"presage/internal/broker"
	"presage/internal/kafka"
)

func config(id string, topics ...string) kafka.GroupConfig {
	return kafka.GroupConfig{
		ID: id, Topics: topics, SessionTimeout: 1200 * time.Millisecond, WatchInterval: 100 * time.Millisecond,
		Fetch: kafka.FetchConfig{MaxWait: 50 * time.Millisecond},
	}
}

// tally notes which records came, and how often.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *tally) add(records []kafka.Record) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	for _, r := range records {
		s.seen[fmt.Sprintf("%d/%s", r.Partition, r.Value)]++
	}
	return len(s.seen)
}

// drain reads and commits, and ends the test's group when enough was seen.
func drain(s *tally, enough int, done func()) func(context.Context, kafka.Assignment) error {
	return func(ctx context.Context, a kafka.Assignment) error {
		for {
			records, _, err := a.Fetch(ctx)
			if err != nil {
				return err
			}
			if len(records) == 0 {
				continue
			}
			n := s.add(records)
			if err := a.Commit(ctx, kafka.Commit{Offset: records[len(records)-1].Offset + 1}); err != nil {
				return err
			}
			if n >= enough {
				done()
			}
		}
	}
}

func TestGroupReadsEverythingOnce(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans", Partitions: 3})
	for p := range 3 {
		fill(t, c, "spans", p, 0, 1000)
	}
	ctx, done := context.WithCancel(within(t))
	var seen tally
	if err := c.RunGroup(ctx, config("g", "spans"), drain(&seen, 3000, done)); err != nil {
		t.Fatal(err)
	}
	for k, n := range seen.seen {
		if n != 1 {
			t.Fatalf("record %s came %d times", k, n)
		}
	}
	if len(seen.seen) != 3000 {
		t.Fatalf("%d of 3000 records came", len(seen.seen))
	}
	commits, err := c.Committed(within(t), "g", "spans")
	if err != nil || commits[1].Offset != 1000 {
		t.Fatalf("commits %v, error %v", commits, err)
	}
}

func TestSecondMemberTakesHalfAndOwnersKeepTheirs(t *testing.T) {
	b, first := start(t, broker.Topic{Name: "spans", Partitions: 4})
	second := dial(t, b)
	ctx, cancel := context.WithCancel(within(t))
	var mu sync.Mutex
	owned := map[string][]int{}
	note := func(member string) func(kafka.Generation) {
		return func(g kafka.Generation) {
			mu.Lock()
			defer mu.Unlock()
			owned[member] = g.Owned["spans"]
		}
	}
	counts := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return len(owned["first"]), len(owned["second"])
	}
	var seen tally
	run := func(ctx context.Context, c *kafka.Client, member string, result chan error) {
		cfg := config("g", "spans")
		cfg.OnRebalance = note(member)
		result <- c.RunGroup(ctx, cfg, drain(&seen, 1<<30, nil))
	}
	results := make(chan error, 2)
	go run(ctx, first, "first", results)
	waitFor(t, func() bool { a, _ := counts(); return a == 4 })
	fill(t, first, "spans", 0, 0, 100)

	secondCtx, secondEnds := context.WithCancel(ctx)
	go run(secondCtx, second, "second", results)
	waitFor(t, func() bool { a, b := counts(); return a == 2 && b == 2 })
	for p := range 4 {
		fill(t, first, "spans", p, 100, 100)
	}
	waitFor(t, func() bool { return seen.add(nil) == 500 })

	secondEnds()
	waitFor(t, func() bool { a, _ := counts(); return a == 4 })
	fill(t, first, "spans", 3, 200, 100)
	waitFor(t, func() bool { return seen.add(nil) == 600 })
	cancel()
	for range 2 {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	for k, n := range seen.seen {
		if n != 1 {
			t.Errorf("record %s came %d times", k, n)
		}
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}

func TestMetadataComesBack(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 10)
	long := strings.Repeat("x", kafka.MaxMetadata)
	ctx, done := context.WithCancel(within(t))
	err := c.RunGroup(ctx, config("g", "spans"), func(ctx context.Context, a kafka.Assignment) error {
		defer done()
		if _, ok := a.Committed(); ok {
			t.Error("there is a commit already")
		}
		if err := a.Commit(ctx, kafka.Commit{Offset: 4, Metadata: long + "y"}); err == nil {
			t.Error("too much metadata was taken")
		}
		return a.Commit(ctx, kafka.Commit{Offset: 4, Metadata: long})
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, done = context.WithCancel(within(t))
	err = c.RunGroup(ctx, config("g", "spans"), func(ctx context.Context, a kafka.Assignment) error {
		defer done()
		if commit, ok := a.Committed(); !ok || commit != (kafka.Commit{Offset: 4, Metadata: long}) {
			t.Errorf("commit %v, %v", commit, ok)
		}
		records, end, err := a.Fetch(ctx)
		if err != nil || end != 10 || len(records) != 6 || records[0].Offset != 4 {
			t.Errorf("%d records up to %d, error %v", len(records), end, err)
		}
		a.StartAt(2)
		records, _, err = a.Fetch(ctx)
		if err != nil || len(records) != 8 || records[0].Offset != 2 {
			t.Errorf("%d records after StartAt, error %v", len(records), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommitAfterTheEndOfTheContext(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	ctx, cancel := context.WithCancel(within(t))
	err := c.RunGroup(ctx, config("g", "spans"), func(ctx context.Context, a kafka.Assignment) error {
		cancel()
		<-ctx.Done()
		return a.Commit(ctx, kafka.Commit{Offset: 7})
	})
	if err != nil {
		t.Fatal(err)
	}
	if commits, err := c.Committed(within(t), "g", "spans"); err != nil || commits[0].Offset != 7 {
		t.Fatalf("commits %v, error %v", commits, err)
	}
}

func TestCommitOfAnEarlierGenerationIsStale(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	var old kafka.Assignment
	ctx, cancel := context.WithCancel(within(t))
	if err := c.RunGroup(ctx, config("g", "spans"), func(ctx context.Context, a kafka.Assignment) error {
		old = a
		cancel()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(within(t))
	if err := c.RunGroup(ctx, config("g", "spans"), func(ctx context.Context, _ kafka.Assignment) error {
		defer cancel()
		if err := old.Commit(ctx, kafka.Commit{Offset: 1}); !errors.Is(err, kafka.ErrStale) {
			t.Errorf("error %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestStaleFunctionIsTriedInTheNextGeneration(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	ctx, cancel := context.WithCancel(within(t))
	var calls atomic.Int32
	if err := c.RunGroup(ctx, config("g", "spans"), func(context.Context, kafka.Assignment) error {
		if calls.Add(1) == 3 {
			cancel()
			return nil
		}
		return fmt.Errorf("lost it: %w", kafka.ErrStale)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestFunctionErrorEndsTheGroup(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans", Partitions: 2})
	broken := errors.New("broken")
	var drained atomic.Bool
	err := c.RunGroup(within(t), config("g", "spans"), func(ctx context.Context, a kafka.Assignment) error {
		if a.Partition() == 1 {
			return broken
		}
		<-ctx.Done()
		drained.Store(true)
		return ctx.Err()
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "topic spans partition 1") {
		t.Errorf("error %v", err)
	}
	if !drained.Load() {
		t.Error("the group ended before its other function")
	}
}

func TestUnknownTopicIsToldAndNotCreated(t *testing.T) {
	_, c := start(t)
	for range 2 {
		err := c.RunGroup(within(t), config("g", "typo"), nil)
		if !errors.Is(err, kafka.ErrUnknownTopic) || !strings.Contains(err.Error(), "typo") {
			t.Fatalf("error %v", err)
		}
	}
}

func TestNewPartitionsAreReadFromTheirBeginning(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 10)
	ctx, done := context.WithCancel(within(t))
	var seen tally
	var grow sync.Once
	partitions := make(chan int, 100)
	err := c.RunGroup(ctx, config("g", "spans"), func(ctx context.Context, a kafka.Assignment) error {
		partitions <- a.Partitions()
		grow.Do(func() {
			if err := b.Grow("spans", 2); err != nil {
				t.Error(err)
			}
			fill(t, c, "spans", 1, 0, 10)
		})
		return drain(&seen, 20, done)(ctx, a)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := <-partitions; n != 1 {
		t.Errorf("%d partitions at first", n)
	}
	if n := <-partitions; n != 2 {
		t.Errorf("%d partitions in the second generation", n)
	}
}

// TestPartitionsAddedWhileTheyAreDistributed: the leader has counted them, and the watch
// has not begun.
func TestPartitionsAddedWhileTheyAreDistributed(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 10)
	var grow sync.Once
	b.Cluster().ControlKey(int16(kmsg.SyncGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		grow.Do(func() {
			b.Cluster().SleepControl(func() {
				if err := b.Grow("spans", 2); err != nil {
					t.Error(err)
				}
				fill(t, c, "spans", 1, 0, 10)
			})
		})
		return nil, nil, false
	})
	cfg := config("g", "spans")
	cfg.WatchInterval = time.Hour
	ctx, done := context.WithCancel(within(t))
	var seen tally
	if err := c.RunGroup(ctx, cfg, drain(&seen, 20, done)); err != nil {
		t.Fatal(err)
	}
	if n := seen.add(nil); n != 20 {
		t.Errorf("%d of 20 records came", n)
	}
}

func TestGroupOutlivesTheBrokersErrors(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 100)
	injectFaults(b)
	ctx, done := context.WithCancel(within(t))
	var seen tally
	if err := c.RunGroup(ctx, config("g", "spans"), drain(&seen, 100, done)); err != nil {
		t.Fatal(err)
	}
	if len(c.Stats().Retries) == 0 {
		t.Error("no retry was counted")
	}
}

func TestCancelDuringAJoinIsQuick(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans", Partitions: 2})
	hold, release := context.WithCancel(t.Context())
	slow := make(chan error, 1)
	entered := make(chan struct{}, 10)
	slowCtx, slowEnds := context.WithCancel(within(t))
	go func() { // a member that does not come back to the group in time
		slow <- c.RunGroup(slowCtx, config("g", "spans"), func(context.Context, kafka.Assignment) error {
			entered <- struct{}{}
			<-hold.Done()
			return nil
		})
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := dial(t, b).RunGroup(ctx, config("g", "spans"), func(context.Context, kafka.Assignment) error { return nil }); err != nil {
		t.Error(err)
	}
	t.Logf("left the join after %v", time.Since(began).Round(time.Millisecond))
	slowEnds()
	release()
	if err := <-slow; err != nil {
		t.Error(err)
	}
}
