package ownership

import (
	"context"
	"sync"
	"time"
)

// Lease is a forecaster's right to work on its graph. Its methods are for one
// goroutine. A nil Lease is of a process that shares with nobody.
type Lease struct {
	graph     string
	partition *partition
	working   bool
	next, end int64 // offsets of the slices topic: the next record to take (-1: unknown), and the topic's end
}

// Begin waits until the graph is this process's, and keeps the partition from being
// handed over until End.
func (l *Lease) Begin(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.partition.await(ctx, func() bool {
		l.working = l.partition.held
		return l.working
	})
}

// End says that what was begun is acknowledged: all slices before offset next of the
// partition, which ends at end.
func (l *Lease) End(next, end int64) {
	if l == nil {
		return
	}
	l.partition.update(func() { l.working, l.next, l.end = false, next, end })
}

// partition is what this process knows of one partition of the slices topic.
type partition struct {
	id         int
	leases     []*Lease
	generation int32  // in which it was owned last
	stop       func() // ends the forecasters and waits for them; nil: none run

	mu      sync.Mutex
	held    bool          // the generation that owns it is running
	changed chan struct{} // closed with every change
}

func newPartition(id int) *partition { return &partition{id: id, changed: make(chan struct{})} }

func (p *partition) graphs() (names []string) {
	for _, l := range p.leases {
		names = append(names, l.graph)
	}
	return names
}

// update changes what waits may depend on.
func (p *partition) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits for a condition, which is looked at under the lock and may take what it
// finds.
func (p *partition) await(ctx context.Context, condition func() bool) error {
	for {
		p.mu.Lock()
		met, changed := condition(), p.changed
		p.mu.Unlock()
		if met {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// withdraw lets no slice begin, and waits a while for those that have. It reports
// whether all have ended.
func (p *partition) withdraw(patience time.Duration) bool {
	p.update(func() { p.held = false })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.await(ctx, func() bool {
		for _, l := range p.leases {
			if l.working {
				return false
			}
		}
		return true
	}) == nil
}

// place is the offset before which all graphs' slices are forecast, and the
// partition's end; ok is false before every forecaster has told.
func (p *partition) place() (next, end int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, l := range p.leases {
		if l.next < 0 {
			return 0, 0, false
		}
		if i == 0 || l.next < next {
			next = l.next
		}
		end = max(end, l.end)
	}
	return next, end, len(p.leases) > 0
}
