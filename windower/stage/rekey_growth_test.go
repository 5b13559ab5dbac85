package stage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/windower"
)

// shelf is a source partition whose owners come and go: what it holds grows, and it keeps what they
// commit.
type shelf struct {
	*rand.Rand
	log    []kafka.Record
	end    int
	commit *kafka.Commit
	owner  int            // generation
	flying []kafka.Commit // of this generation, that the brokers take at its end
}

// hold is an owner's hand on it.
type hold struct {
	*shelf
	generation int
	next       int64
	late       int                // commits that are not answered in time
	asked      func(kafka.Commit) // is told of each commit
	committed  kafka.Commit
	known      bool
}

func (s *shelf) take() *hold {
	if len(s.flying) > 0 {
		s.commit = &s.flying[s.IntN(len(s.flying))]
	}
	s.flying = nil
	s.owner++
	h := &hold{shelf: s, generation: s.owner, known: s.commit != nil}
	if h.known {
		h.committed = *s.commit
	}
	return h
}

func (h *hold) Topic() string                   { return "spans" }
func (h *hold) Partition() int                  { return 0 }
func (h *hold) Partitions() int                 { return 4 }
func (h *hold) Committed() (kafka.Commit, bool) { return h.committed, h.known }
func (h *hold) StartAt(offset int64)            { h.next = max(offset, 0) }

func (h *hold) Fetch(context.Context) ([]kafka.Record, int64, error) {
	records := h.log[h.next:min(int(h.next)+h.IntN(4), h.end)]
	h.next += int64(len(records))
	return records, int64(h.end), nil
}

func (h *hold) Commit(_ context.Context, c kafka.Commit) error {
	if h.asked != nil {
		h.asked(c)
	}
	if h.generation != h.owner {
		return kafka.ErrStale
	}
	if h.late--; h.late >= 0 {
		if h.IntN(2) == 0 {
			h.commit = &c
		} else {
			h.flying = append(h.flying, c)
		}
		return context.DeadlineExceeded
	}
	h.commit = &c
	return nil
}

// copying is what the copiers of a test share.
type copying struct {
	*rekeyStage
	*broker.Broker
	now time.Time
}

func startCopying(t testing.TB, targets int) *copying {
	t.Helper()
	b, c := mixedBroker(t, targets)
	o := options(t, c, rekeyedGraph())
	s := &copying{Broker: b, now: time.Unix(1000, 0)}
	o.Now, o.Log = func() time.Time { return s.now }, slog.New(slog.DiscardHandler)
	o.CommitInterval = 40 * time.Second // so that there is something to write again
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s.rekeyStage = &rekeyStage{Options: o, from: "spans", to: byTraceTopic, producer: kafka.NewProducer(c, kafka.ProducerConfig{}), gate: newGate(1<<60, o.Now), deadPartitions: 1}
	s.outlook = newOutlook(&s.Options, "spans")
	return s
}

func (s *copying) take(t testing.TB, from *hold) *copier {
	t.Helper()
	c, err := s.restore(within(t), from)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// once goes round the loop once, in up to so many parts of it. ok is false where the generation ends.
func once(t testing.TB, c *copier, parts int) (ok bool) {
	t.Helper()
	ctx := within(t)
	for i, part := range []func(context.Context) error{c.read, func(context.Context) error { c.tell(); return nil }, c.write, c.chores} {
		if i >= parts {
			break
		}
		if err := part(ctx); errors.Is(err, errUnsure) {
			return false
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// exactlyOnce reads the re-keyed topic as its readers do, and counts the spans of what was copied.
func exactlyOnce(t testing.TB, c *kafka.Client, log []kafka.Record) (twice int) {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	count := func(into map[string]int, value []byte) int {
		v := &visitor{}
		if err := otlp.NewTraceReader(otlp.Limits{}).Read(value, v); err != nil {
			t.Fatal(err)
		}
		for _, s := range v.spans {
			into[fmt.Sprintf("%x/%x", s.TraceID, s.SpanID)]++
		}
		return len(v.spans)
	}
	for _, r := range log {
		count(want, r.Value)
	}
	type of struct{ target, source int }
	read := map[of]ingest.Source{}
	for _, r := range recordsOf(t, c, byTraceTopic) {
		s, err := ingest.ParseSource(r.Headers[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		at := of{r.Partition, s.Partition}
		if last, ok := read[at]; ok && (s.Offset < last.Offset || s.Offset == last.Offset && s.Index <= last.Index) {
			twice += count(map[string]int{}, r.Value)
			continue
		}
		read[at] = s
		count(got, r.Value)
	}
	if !maps.Equal(got, want) {
		missing, more := 0, 0
		for id, n := range want {
			missing += max(n-got[id], 0)
			more += max(got[id]-n, 0)
		}
		t.Fatalf("%d spans are missing and %d count twice, of %d", missing, more, len(want))
	}
	return twice
}

// TestRekeyGrowthAndCrash: copiers that die in any part of their loop, while the topic that they
// write gets more partitions. What a dead one had read may be written when another has begun.
func TestRekeyGrowthAndCrash(t *testing.T) {
	twice, changes, unsure := 0, 0, 0
	for seed := range uint64(14) {
		r := rand.New(rand.NewPCG(seed, 17))
		s := startCopying(t, 1+r.IntN(3))
		_, mixed := mixedLog(200+seed, 120)
		from := &shelf{Rand: r}
		for _, rec := range mixed {
			if rec.Partition == 0 {
				rec.Offset = int64(len(from.log))
				from.log = append(from.log, rec)
			}
		}
		targets, lives := 0, 0
		for from.end < len(from.log) || lives < 12 {
			if lives++; lives%4 == 2 && lives < 12 {
				targets = 3 + lives
				if err := s.Grow(byTraceTopic, targets); err != nil {
					t.Fatal(err)
				}
			}
			hand := from.take()
			hand.late = r.IntN(2)
			c := s.take(t, hand)
			for range 2 + r.IntN(8) {
				from.end = min(from.end+r.IntN(4), len(from.log))
				s.now = s.now.Add(time.Duration(r.IntN(20)) * time.Second)
				hand.late = max(0, r.IntN(8)-6)
				before := c.copied.Targets
				if !once(t, c, 4) {
					unsure++
					break
				}
				if c.copied.Targets != before {
					changes++
				}
			}
			once(t, c, r.IntN(4)) // and is dead, with what it has read, or written
			if r.IntN(2) == 0 {
				next := s.take(t, from.take())
				once(t, next, 4)
				if err := c.write(within(t)); err != nil {
					t.Fatal(err)
				}
				s.now = s.now.Add(time.Minute)
				if err := c.prove(within(t)); !errors.Is(err, kafka.ErrStale) {
					t.Fatalf("it goes on after it has lost the partition: %v", err)
				}
			}
		}
		c := s.take(t, from.take())
		for range 1000 {
			if c.written.Next == int64(len(from.log)) && c.written.Targets == targets {
				break
			}
			s.now = s.now.Add(10 * time.Second)
			once(t, c, 4)
		}
		twice += exactlyOnce(t, s.Client, from.log)
	}
	t.Logf("%d changes of the number that spans are split by, %d put off; %d spans came twice", changes, unsure, twice)
	if changes < 8 || twice == 0 || unsure == 0 {
		t.Error("too few to show anything")
	}
}

// TestRekeyGrowthIsSettled: nothing is split by a number of partitions before the brokers hold the
// commit that says so, however often that has to be made. New partitions are told of the source before.
func TestRekeyGrowthIsSettled(t *testing.T) {
	s := startCopying(t, 2)
	from := &shelf{Rand: rand.New(rand.NewPCG(1, 18))}
	for i := range 40 {
		from.log = append(from.log, kafka.Record{Topic: "spans", Time: epoch, Offset: int64(i), Value: otlp.AppendTraces(nil, randomTrace(from.Rand, [16]byte{byte(i)}, epoch))})
	}
	from.end = 20
	hand, spans := from.take(), 0
	numbers := map[int]int{} // of commits, by the number that they tell
	hand.asked = func(c kafka.Commit) {
		told, err := windower.ParseCopied(windower.Commit(c))
		if err != nil {
			t.Fatal(err)
		}
		if numbers[told.Targets]++; numbers[told.Targets] == 1 {
			spans = 0
			hand.late = 2
			for _, r := range recordsOf(t, s.Client, byTraceTopic) {
				if r.Value != nil && r.Partition >= 2 {
					t.Errorf("a record of spans in partition %d before the number %d is committed", r.Partition, told.Targets)
				}
			}
		}
	}
	c := s.take(t, hand)
	if numbers[2] != 3 || c.written.Next > 0 {
		t.Errorf("%d commits before the first record, expected two that are not answered and one that is", numbers[2])
	}
	c.unsure = false // as in a later generation
	if err := s.Grow(byTraceTopic, 5); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(countEvery)
	once(t, c, 4)
	if c.present != 5 || c.copied.Targets != 2 {
		t.Errorf("%d partitions, split by %d, before all is copied that was there", c.present, c.copied.Targets)
	}
	once(t, c, 3)
	heard := map[int]bool{}
	for _, r := range recordsOf(t, s.Client, byTraceTopic) {
		heard[r.Partition] = true
	}
	if len(heard) != 5 {
		t.Errorf("only partitions %v have heard of the source", heard)
	}
	for c.written.Next < 20 || c.copied.Targets < 5 {
		once(t, c, 4)
	}
	if numbers[5] != 3 || c.written.Targets != 5 {
		t.Errorf("%d commits with the new number; %+v", numbers[5], c.written)
	}
	for from.end = 40; c.written.Next < 40; {
		once(t, c, 4)
	}
	for _, r := range recordsOf(t, s.Client, byTraceTopic) {
		if r.Value != nil && r.Partition >= 2 {
			spans++
		}
	}
	if exactlyOnce(t, s.Client, from.log); spans == 0 {
		t.Error("the new partitions got no spans")
	}
}

// TestRekeyFewerPartitions: a topic that has fewer partitions than it was split over is another one.
func TestRekeyFewerPartitions(t *testing.T) {
	s := startCopying(t, 2)
	stored := kafka.Commit(windower.Copied{Next: 7, High: epoch, Targets: 3}.Commit())
	from := &shelf{commit: &stored}
	_, err := s.restore(within(t), from.take())
	if err == nil || !strings.Contains(err.Error(), "spans.by_trace has 2 partitions, expected the 3") {
		t.Fatalf("error %v", err)
	}
	t.Log(err)
}

// TestRekeyedTopicGrows: two processes copy, and are killed at any moment, while the topic that they
// write gets more partitions twice. Spans are split over these too, by both, and all count once.
func TestRekeyedTopicGrows(t *testing.T) {
	b, c := mixedBroker(t, 2)
	_, mixed := mixedLog(71, 1500)
	r := rand.New(rand.NewPCG(72, 3))
	last := len(mixed) - 200
	written := writing(t, c, mixed[:last], 200*time.Millisecond)
	clock := newClock(100) // thirty seconds are a third of one
	begin := func(client *kafka.Client) (stop func() error) {
		o := options(t, client, rekeyedGraph())
		o.Now, o.CommitInterval = clock.now, 20*time.Second
		return rekeying(o)
	}
	for life := range 5 {
		clients := []*kafka.Client{dial(t, b), dial(t, b)}
		var copying []func() error
		for _, client := range clients {
			copying = append(copying, begin(client))
		}
		time.Sleep(time.Duration(1200+r.IntN(1000)) * time.Millisecond)
		if life%3 == 1 {
			if err := b.Grow(byTraceTopic, 3+life/3*2); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.IntN(900)) * time.Millisecond)
		}
		for i, stop := range copying {
			if r.IntN(3) > 0 {
				clients[i].Close()
			}
			if err := stop(); err != nil {
				t.Log(err)
			}
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	stop := begin(c)
	await := func(records int) {
		t.Helper()
		for left, ctx := records, within(t); left > 0; time.Sleep(20 * time.Millisecond) {
			commits, err := c.Committed(ctx, RekeyGroup("spans"), "spans")
			if err != nil {
				t.Fatal(err)
			}
			left = records
			for _, commit := range commits {
				at, err := windower.ParseCopied(windower.Commit(commit))
				if err != nil {
					t.Fatal(err)
				}
				if left -= int(at.Next); at.Targets != 5 {
					left++
				}
			}
		}
	}
	await(last)
	places, err := c.Committed(within(t), RekeyGroup("spans"), "spans")
	if err != nil {
		t.Fatal(err)
	}
	write(t, c, mixed[last:], 0)
	await(len(mixed))
	if err := stop(); err != nil {
		t.Error(err)
	}
	// Lives end when they will; this makes sure that something is written twice.
	takeBack(t, b, places)
	stop = begin(c)
	await(len(mixed))
	if err := stop(); err != nil {
		t.Error(err)
	}
	if twice := exactlyOnce(t, c, withSpans(mixed)); twice == 0 {
		t.Error("nothing was written twice")
	}
	spans := 0
	for _, r := range recordsOf(t, c, byTraceTopic) {
		if r.Partition >= 3 && r.Value != nil {
			spans++
		}
	}
	if spans == 0 {
		t.Error("the new partitions got no spans")
	}
}

// takeBack commits earlier places of the topic spans in a group without members.
func takeBack(t *testing.T, b *broker.Broker, places map[int]kafka.Commit) {
	t.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	api := &kafkago.Client{Addr: kafkago.TCP(b.Addr()), Transport: transport}
	var commits []kafkago.OffsetCommit
	for partition, at := range places {
		commits = append(commits, kafkago.OffsetCommit{Partition: partition, Offset: at.Offset, Metadata: at.Metadata})
	}
	res, err := api.OffsetCommit(within(t), &kafkago.OffsetCommitRequest{
		GroupID: RekeyGroup("spans"), GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{"spans": commits},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range res.Topics["spans"] {
		if p.Error != nil {
			t.Fatalf("partition %d: %v", p.Partition, p.Error)
		}
	}
}
