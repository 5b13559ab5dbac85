package stage

import (
	"context"
	"math"
	"sync"
	"time"
)

// gate keeps the partitions of one process together: one that leads the slowest by
// more than the allowed lead waits, so that the assembler need not hold its partials.
//
// A partition that has read all there is (idle, finished or empty) is not waited for:
// it can't catch up by itself. Nor is one whose brokers have not let it read for hungAfter, until it
// reads again. The slowest of the others is never closed off, so something always moves.
type gate struct {
	lead    int64 // nanoseconds
	now     func() time.Time
	mu      sync.Mutex
	members map[*member]struct{}
	moved   chan struct{} // closed, and replaced, when a member moves
}

// member is a partition's place at the gate.
type member struct {
	watermark int64
	atEnd     bool
	needed    bool      // it is waited for however long it can't be read
	asked     time.Time // since when it has been waiting for an answer of its brokers; zero: it is not
}

func newGate(lead int64, now func() time.Time) *gate {
	return &gate{lead: lead, now: now, members: map[*member]struct{}{}, moved: make(chan struct{})}
}

// join adds a partition, which counts as the slowest until it moves.
func (g *gate) join() *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := &member{watermark: math.MinInt64}
	g.members[m] = struct{}{}
	return m
}

func (g *gate) leave(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.members, m)
	g.wake()
}

// move tells where a partition is now.
func (g *gate) move(m *member, watermark int64, atEnd bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.watermark == watermark && m.atEnd == atEnd {
		return
	}
	m.watermark, m.atEnd = watermark, atEnd
	g.wake()
}

// need says that nothing is gained by going on without a partition that can't be read.
func (g *gate) need(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.needed = true
}

// ask tells that a partition asks its brokers for records; answered that they have answered. Between
// them may lie many attempts. A partition that waits at the gate, or for a write, asks for nothing.
func (g *gate) ask(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.asked.IsZero() {
		m.asked = g.now()
	}
}

func (g *gate) answered(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.asked = time.Time{}
}

// hung reports for how long a partition has not been readable, and whether the others go on without it.
func (g *gate) hung(m *member) (since time.Duration, passed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.asked.IsZero() {
		return 0, false
	}
	now := g.now()
	return now.Sub(m.asked), m.hung(now)
}

func (m *member) hung(now time.Time) bool {
	return !m.needed && !m.asked.IsZero() && now.Sub(m.asked) >= hungAfter
}

func (g *gate) wake() {
	close(g.moved)
	g.moved = make(chan struct{})
}

// wait returns true once the partition may go on, false after the given time or
// the end of ctx.
func (g *gate) wait(ctx context.Context, m *member, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		g.mu.Lock()
		open, moved := g.open(m), g.moved
		g.mu.Unlock()
		if open {
			return true
		}
		select {
		case <-moved:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (g *gate) open(m *member) bool {
	if m.watermark == math.MinInt64 {
		return true
	}
	slowest, now := int64(math.MaxInt64), g.now()
	for other := range g.members {
		if other != m && !other.atEnd && !other.hung(now) {
			slowest = min(slowest, other.watermark)
		}
	}
	if slowest == math.MinInt64 {
		return false
	}
	return m.watermark-g.lead <= slowest
}
