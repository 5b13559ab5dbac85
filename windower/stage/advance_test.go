package stage

import (
	"context"
	"testing"
	"time"

	"presage/internal/kafka"
	"presage/windower"
)

// silent is a partition of one record, whose brokers take commits and answer too late.
type silent struct {
	record  kafka.Record
	fetched int
	late    int // commits of advances still to be answered too late
	asked   []kafka.Commit
}

func (s *silent) Topic() string                   { return s.record.Topic }
func (s *silent) Partition() int                  { return s.record.Partition }
func (s *silent) Partitions() int                 { return 2 }
func (s *silent) Committed() (kafka.Commit, bool) { return kafka.Commit{}, false }
func (s *silent) StartAt(int64)                   {}

func (s *silent) Fetch(context.Context) ([]kafka.Record, int64, error) {
	s.fetched++
	if s.fetched == 1 {
		return []kafka.Record{s.record}, 1, nil
	}
	return nil, 1, nil
}

func (s *silent) Commit(_ context.Context, c kafka.Commit) error {
	s.asked = append(s.asked, c)
	if s.late--; s.late >= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// An advance whose commit is perhaps stored is settled before anything else is read: a restart would make it.
func TestUncertainAdvanceIsSettled(t *testing.T) {
	b := startBroker(t)
	o := options(t, dial(t, b), testGraph())
	o.Graph.IdleTimeout = 10 * time.Second
	now := time.Now()
	o.Now = func() time.Time { return now }
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := &partitionStage{Options: o, producer: kafka.NewProducer(o.Client, kafka.ProducerConfig{}), gate: newGate(int64(time.Hour), o.Now), keyings: map[string]*keying{}}
	from := &silent{record: span(0, epoch+sec), late: 2}
	w, err := s.restore(within(t), from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.publisher.close() }()
	for range 2 {
		if err := w.step(within(t)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	high, _ := w.machine.Highest()
	if want := epoch + sec + time.Minute.Nanoseconds(); high != want || len(from.asked) != 3 || from.fetched != 2 {
		t.Fatalf("event time %d after %d commits and %d fetches, expected %d after 3 and 2", high, len(from.asked), from.fetched, want)
	}
	for i, c := range from.asked {
		r, err := windower.ParseCommit(windower.Commit(c))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		r.Advances(func(_, to int64) {
			if n++; to != high {
				t.Errorf("commit %d holds an advance to %d, the machine made one to %d", i, to, high)
			}
		})
		if n != 1 {
			t.Errorf("commit %d holds %d advances", i, n)
		}
	}
}

// TestSilence: an idle partition's event time follows the clock from where it was, in steps.
func TestSilence(t *testing.T) {
	g := Graph{Width: 20 * time.Second, IdleTimeout: 30 * time.Second}
	start := time.Unix(1000, 0)
	var s silence
	for _, tt := range []struct {
		name        string
		at          int // seconds
		atEnd, news bool
		high        int64
		idle        bool
		to          int64 // 0: no step
	}{
		{"not at its end", 0, false, true, 5 * sec, false, 0},
		{"at its end, with news", 10, true, true, 7 * sec, false, 0},
		{"nearly long enough", 39, true, false, 7 * sec, false, 0},
		{"long enough", 40, true, false, 7 * sec, true, 37 * sec},
		{"a moment later", 44, true, false, 37 * sec, true, 0},
		{"a quarter of a slice later", 45, true, false, 37 * sec, true, 42 * sec},
		{"there is more to read", 60, false, true, 50 * sec, false, 0},
		{"at its end again", 61, true, false, 50 * sec, false, 0},
		{"idle again", 91, true, false, 50 * sec, true, 80 * sec},
		{"news", 92, true, true, 81 * sec, false, 0},
	} {
		now := start.Add(time.Duration(tt.at) * time.Second)
		idle := s.idle(now, &g, tt.atEnd, tt.news, tt.high)
		to := int64(0)
		if next, ok := s.step(now, &g); idle && ok {
			to, s.stepAt = next, now
		}
		if idle != tt.idle || to != tt.to {
			t.Errorf("%s: idle %v, to %d", tt.name, idle, to)
		}
	}
	g.IdleTimeout = 0
	if s.idle(start.Add(time.Hour), &g, true, false, 0) {
		t.Error("idle without a time-out")
	}
}
