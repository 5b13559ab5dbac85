package stage

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"presage/internal/kafka"
)

// TestAnyNumberOfWindowers reads one log with one, two and four processes that share its
// partitions.
func TestAnyNumberOfWindowers(t *testing.T) {
	log := randomLogOver(21, 400, 4)
	want, _ := inMemoryOver(t, testGraph(), log, 4)
	for _, n := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			b := brokerOf(t, 4)
			c := dial(t, b)
			var stops []func()
			var members []Options
			for range n {
				members = append(members, options(t, dial(t, b), testGraph()))
				stops = append(stops, pipeline(t, members[len(members)-1]))
			}
			shared(t, members)
			write(t, c, log, 20*time.Millisecond)
			got := collect(t, c, "slices", len(want))
			for _, stop := range stops {
				stop()
			}
			same(t, got, want)
		})
	}
}

// shared waits until every process has read from a partition of its own.
func shared(t testing.TB, members []Options) {
	t.Helper()
	for range 1000 {
		owners := 0
		for _, o := range members {
			if testutil.CollectAndCount(o.Metrics.lag) > 0 {
				owners++
			}
		}
		if owners == len(members) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("some process got no partition")
}

// write writes a log in pieces, with a pause after each.
func write(t testing.TB, c *kafka.Client, log []kafka.Record, pause time.Duration) {
	t.Helper()
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	for i := 0; i < len(log); i += 100 {
		if err := p.Write(within(t), log[i:min(i+100, len(log))]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
	}
}

// TestWindowersComeAndGo: while the log is being written one process joins, one is
// killed, one leaves, and another joins.
func TestWindowersComeAndGo(t *testing.T) {
	b := brokerOf(t, 4)
	c := dial(t, b)
	log := randomLogOver(22, 1500, 4)
	want, _ := inMemoryOver(t, testGraph(), log, 4)
	run := func() (stop, kill func()) {
		client := dial(t, b)
		end := pipelineUntilKilled(t, options(t, client, testGraph()))
		return end, func() {
			client.Close() // nothing can be written, committed or told to the group any more
			end()
		}
	}
	step := len(log) / 5
	piece := func(i int) { write(t, c, log[i*step:min((i+1)*step, len(log))], 20*time.Millisecond) }
	first, _ := run()
	_, killSecond := run()
	piece(0)
	third, _ := run()
	piece(1)
	killSecond()
	piece(2)
	first()
	piece(3)
	fourth, _ := run()
	write(t, c, log[4*step:], 20*time.Millisecond)
	got := collect(t, c, "slices", len(want))
	third()
	fourth()
	same(t, got, want)
}
