package pool

import (
	"sync"
	"sync/atomic"
)

// Task is work in parts that don't depend on one another.
type Task interface {
	// Part does one part. Parts run in any order, on several goroutines at a time, each of
	// which has its own number from 0 to Workers - 1.
	Part(i, worker int)
}

// Pool owns its workers' goroutines until Close.
type Pool struct {
	workers int
	running sync.Mutex // held by the job that runs

	// The job. Written while open is false and nobody is inside.
	task   Task
	parts  int64
	next   atomic.Int64 // first part that nobody has claimed
	open   atomic.Bool
	inside atomic.Int64  // workers that may look at the job
	turn   atomic.Uint64 // counts jobs: how a worker sees that there is a new one

	sleepers []sleeper
	closed   atomic.Bool
	done     sync.WaitGroup

	urgent atomic.Int64 // urgent lanes between Begin and End
	quiet  *sync.Cond   // told when urgent falls to zero
}

// sleeper is where a worker waits that found no job for a while.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{} // holds one
	_      [48]byte      // a cache line each
}

// looks is how often a worker looks for the next job before it sleeps: about 20 µs.
const looks = 20_000

// New starts workers - 1 goroutines; whoever calls Run is the last worker. Close ends them.
func New(workers int) *Pool {
	p := &Pool{workers: max(workers, 1), quiet: sync.NewCond(new(sync.Mutex))}
	p.sleepers = make([]sleeper, p.workers-1)
	for i := range p.sleepers {
		s := &p.sleepers[i]
		s.wake = make(chan struct{}, 1)
		p.done.Go(func() { p.serve(s, i+1) })
	}
	return p
}

// Workers is the number of threads that a job runs on at most.
func (p *Pool) Workers() int { return p.workers }

// Close ends the workers and waits for them. No job may run, and none may come.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.turn.Add(1)
	p.rouse()
	p.done.Wait()
}

// serve is a worker's life.
func (p *Pool) serve(s *sleeper, number int) {
	seen := uint64(0)
	for {
		seen = p.await(s, seen)
		if p.closed.Load() {
			return
		}
		p.inside.Add(1)
		if p.open.Load() {
			p.claim(number)
		}
		p.inside.Add(-1)
	}
}

// await returns the turn of the next job.
func (p *Pool) await(s *sleeper, seen uint64) uint64 {
	for {
		for range looks {
			if turn := p.turn.Load(); turn != seen {
				return turn
			}
		}
		s.asleep.Store(true)
		if p.turn.Load() != seen && s.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-s.wake
	}
}

// rouse wakes the workers that sleep.
func (p *Pool) rouse() {
	for i := range p.sleepers {
		if s := &p.sleepers[i]; s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
			s.wake <- struct{}{} // there is room: nobody else woke it
		}
	}
}

// claim does parts until there are none left.
func (p *Pool) claim(number int) {
	for {
		i := p.next.Add(1) - 1
		if i >= p.parts {
			return
		}
		p.task.Part(int(i), number)
	}
}

// run does a job and waits for it.
func (p *Pool) run(parts int, t Task) {
	p.running.Lock()
	defer p.running.Unlock()
	if p.workers == 1 || parts == 1 {
		for i := range parts {
			t.Part(i, 0)
		}
		return
	}
	p.task, p.parts = t, int64(parts)
	p.next.Store(0)
	p.open.Store(true)
	p.turn.Add(1)
	p.rouse()
	p.claim(0)
	p.open.Store(false)
	for p.inside.Load() != 0 { // a part lasts microseconds: sleeping would take longer
	}
	p.task = nil
}
