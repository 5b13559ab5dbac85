package stage

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"presage/internal/kafka"
	"presage/windower"
)

// pipeline runs both stages until stop is called.
func pipeline(t testing.TB, o Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, 2)
	go func() { errs <- RunPartitions(ctx, o) }()
	go func() { errs <- RunAssembler(ctx, o) }()
	return func() {
		cancel()
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
}

func TestChainEqualsTheMachines(t *testing.T) {
	g := testGraph()
	t.Run("as it is", func(t *testing.T) { chainEqualsTheMachines(t, g) })
	g.DedupeSpans = true
	t.Run("deduped", func(t *testing.T) { chainEqualsTheMachines(t, g) })
}

func chainEqualsTheMachines(t *testing.T, g Graph) {
	b := startBroker(t)
	c := dial(t, b)
	log := randomLog(1, 300)
	want, rejected := inMemory(t, g, log)
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), log); err != nil {
		t.Fatal(err)
	}
	o := options(t, c, g)
	stop := pipeline(t, o)
	got := collect(t, c, "slices", len(want))
	stop()
	same(t, got, want)
	totals := o.Metrics.Totals()
	t.Logf("%d snapshots, totals %+v", len(got), totals)
	if n := totals.SpansDropped[string(windower.ReasonDuplicate)]; (n > 0) != g.DedupeSpans {
		t.Errorf("%d spans dropped as duplicates", n)
	}
	if n := totals.DeadLetters["bad_protobuf"]; int(n) != rejected {
		t.Errorf("%d dead letters counted, expected %d", n, rejected)
	}
	if n := end(t, c, "dead"); int(n) != rejected {
		t.Errorf("%d dead letters written, expected %d", n, rejected)
	}
}

func end(t testing.TB, c *kafka.Client, topic string) int64 {
	t.Helper()
	ends, err := c.Ends(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	return ends[0].End
}

// TestKilledAnywhere kills the pipeline at random moments, some of them with a drain,
// and starts it again, while the log is being written.
func TestKilledAnywhere(t *testing.T) {
	for seed := range uint64(3) {
		b := startBroker(t)
		c := dial(t, b)
		log := randomLog(10+seed, 1500)
		want, rejected := inMemory(t, testGraph(), log)
		written := make(chan error, 1)
		go func() {
			p := kafka.NewProducer(c, kafka.ProducerConfig{})
			for i := 0; i < len(log); i += 100 {
				if err := p.Write(t.Context(), log[i:min(i+100, len(log))]); err != nil {
					written <- err
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			written <- nil
		}()
		r := rand.New(rand.NewPCG(seed, 3))
		for range 8 {
			client := dial(t, b)
			stop := pipelineUntilKilled(t, options(t, client, testGraph()))
			time.Sleep(time.Duration(20+r.IntN(150)) * time.Millisecond)
			if r.IntN(3) > 0 {
				client.Close() // nothing can be written or committed from here on
			}
			stop()
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		stop := pipeline(t, options(t, c, testGraph()))
		got := collect(t, c, "slices", len(want))
		stop()
		same(t, got, want)
		t.Logf("%d snapshots, %d dead letters of %d, %d records in slices", len(got), end(t, c, "dead"), rejected, slicesEnd(t, c))
		if n := end(t, c, "dead"); int(n) < rejected {
			t.Errorf("%d dead letters written, expected at least %d", n, rejected)
		}
	}
}

// pipelineUntilKilled is pipeline without regard to errors.
func pipelineUntilKilled(t testing.TB, o Options) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	for _, run := range []func(context.Context, Options) error{RunPartitions, RunAssembler} {
		go func() {
			if err := run(ctx, o); err != nil {
				t.Log(err)
			}
			done <- struct{}{}
		}()
	}
	return func() {
		cancel()
		<-done
		<-done
	}
}

func slicesEnd(t testing.TB, c *kafka.Client) int64 {
	t.Helper()
	ends, err := c.Ends(within(t), "slices")
	if err != nil {
		t.Fatal(err)
	}
	return ends[0].End + ends[1].End
}

// TestTwoMembersShareTheWork starts and stops a second process while the log is read.
func TestTwoMembersShareTheWork(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	log := randomLog(3, 1500)
	want, _ := inMemory(t, testGraph(), log)
	first := pipeline(t, options(t, c, testGraph()))
	var second func()
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	for i := 0; i < len(log); i += 100 {
		switch i {
		case 1000:
			second = pipeline(t, options(t, dial(t, b), testGraph()))
		case 4000:
			first()
			first = nil
		}
		if err := p.Write(within(t), log[i:min(i+100, len(log))]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	got := collect(t, c, "slices", len(want))
	if first != nil {
		first()
	}
	second()
	same(t, got, want)
}

// windowerOnly runs the partitions' stage without an assembler.
func windowerOnly(t testing.TB, o Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- RunPartitions(ctx, o) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// waitForEnd waits until a partition has so many records.
func waitForEnd(t testing.TB, c *kafka.Client, topic string, partition int, n int64) {
	t.Helper()
	for range 1000 {
		ends, err := c.Ends(within(t), topic)
		if err != nil {
			t.Fatal(err)
		}
		if ends[partition].End >= n {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("topic %s partition %d did not grow to %d records", topic, partition, n)
}
