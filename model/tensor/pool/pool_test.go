package pool_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"presage/model/tensor/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tally counts who did what.
type tally struct {
	done   []atomic.Int32
	worker []atomic.Int32
}

func (t *tally) Part(i, worker int) {
	t.done[i].Add(1)
	t.worker[worker].Add(1)
}

func TestEveryPartIsDoneOnce(t *testing.T) {
	for workers := 1; workers <= 4; workers++ {
		p := pool.New(workers)
		lane := p.Urgent()
		for parts := range 40 {
			n := tally{done: make([]atomic.Int32, parts), worker: make([]atomic.Int32, workers)}
			lane.Run(parts, &n)
			for i := range n.done {
				if got := n.done[i].Load(); got != 1 {
					t.Fatalf("%d workers: part %d of %d was done %d times", workers, i, parts, got)
				}
			}
		}
		p.Close()
	}
}

func TestNilLaneRunsOnTheCaller(t *testing.T) {
	var lane *pool.Lane
	lane.Begin()
	n := tally{done: make([]atomic.Int32, 5), worker: make([]atomic.Int32, 1)}
	lane.Run(5, &n)
	lane.End()
	if n.worker[0].Load() != 5 || lane.Workers() != 1 {
		t.Errorf("%d parts on the caller", n.worker[0].Load())
	}
}

// TestManyCallers: jobs of several goroutines don't mix, and workers that slept wake up.
func TestManyCallers(t *testing.T) {
	p := pool.New(3)
	defer p.Close()
	var all sync.WaitGroup
	for c := range 4 {
		all.Go(func() {
			lane := p.Urgent()
			for k := range 200 {
				n := tally{done: make([]atomic.Int32, 7), worker: make([]atomic.Int32, 3)}
				lane.Run(7, &n)
				for i := range n.done {
					if n.done[i].Load() != 1 {
						t.Errorf("caller %d, job %d: part %d done %d times", c, k, i, n.done[i].Load())
						return
					}
				}
				if k%50 == 49 {
					time.Sleep(2 * time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

// busy is the number of parts under way, and the most there ever were.
type busy struct{ now, most atomic.Int32 }

func (b *busy) Part(int, int) {
	n := b.now.Add(1)
	for m := b.most.Load(); n > m && !b.most.CompareAndSwap(m, n); m = b.most.Load() {
	}
	runtime.Gosched()
	b.now.Add(-1)
}

// TestWorkersBoundTheWork: however many callers, no more parts at a time than workers.
func TestWorkersBoundTheWork(t *testing.T) {
	for _, workers := range []int{1, 2} {
		p := pool.New(workers)
		var b busy
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				for range 50 {
					p.Urgent().Run(8, &b)
				}
			})
		}
		all.Wait()
		p.Close()
		if got := b.most.Load(); int(got) > workers {
			t.Errorf("%d parts at a time with %d workers", got, workers)
		}
	}
}

// flag is a task that says that it ran.
type flag struct{ ran atomic.Bool }

func (f *flag) Part(int, int) { f.ran.Store(true) }

// TestTrainingYields: between Begin and End of a forecast no kernel of a training starts.
func TestTrainingYields(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	urgent := p.Urgent()
	urgent.Begin()
	urgent.Begin() // two graphs forecast at a time
	var training, forecast flag
	ended := make(chan struct{})
	go func() {
		p.Background().Run(1, &training)
		close(ended)
	}()
	time.Sleep(5 * time.Millisecond)
	urgent.Run(3, &forecast)
	urgent.End()
	time.Sleep(5 * time.Millisecond)
	if training.ran.Load() || !forecast.ran.Load() {
		t.Errorf("during a forecast the training ran: %v, the forecast: %v", training.ran.Load(), forecast.ran.Load())
	}
	urgent.End()
	<-ended
	if !training.ran.Load() {
		t.Error("the training never went on")
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	lane := p.Urgent()
	n := tally{done: make([]atomic.Int32, 7), worker: make([]atomic.Int32, 2)}
	if got := testing.AllocsPerRun(100, func() { lane.Run(7, &n) }); got != 0 {
		t.Errorf("%v allocations a job", got)
	}
}

func BenchmarkRun(b *testing.B) {
	p := pool.New(2)
	defer p.Close()
	lane := p.Urgent()
	n := tally{done: make([]atomic.Int32, 4), worker: make([]atomic.Int32, 2)}
	for b.Loop() {
		lane.Run(4, &n)
	}
}
