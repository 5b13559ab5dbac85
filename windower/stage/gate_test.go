package stage

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestGate(t *testing.T) {
	type at struct {
		watermark int64
		atEnd     bool
	}
	const fresh = math.MinInt64
	tests := []struct {
		name   string
		me     at
		others []at
		open   bool
	}{
		{"alone", at{500, false}, nil, true},
		{"level", at{500, false}, []at{{500, false}}, true},
		{"just within the lead", at{600, false}, []at{{500, false}}, true},
		{"too far ahead", at{601, false}, []at{{500, false}}, false},
		{"behind", at{100, false}, []at{{5000, false}}, true},
		{"the slowest counts", at{601, false}, []at{{700, false}, {500, false}}, false},
		{"the slowest is idle", at{5000, false}, []at{{500, true}}, true},
		{"the slowest is idle, another is slow", at{5000, false}, []at{{500, true}, {600, false}}, false},
		{"an empty partition", at{5000, false}, []at{{fresh, true}}, true},
		{"one that has not begun", at{5000, false}, []at{{fresh, false}}, false},
		{"not begun itself", at{fresh, false}, []at{{fresh, false}}, true},
		{"finished others", at{5000, false}, []at{{math.MaxInt64, true}}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newGate(100, time.Now)
			me := g.join()
			g.move(me, test.me.watermark, test.me.atEnd)
			for _, o := range test.others {
				g.move(g.join(), o.watermark, o.atEnd)
			}
			if open := g.open(me); open != test.open {
				t.Errorf("open: %v", open)
			}
		})
	}
}

// TestGateNeverShutsEverybodyOut: whatever the places, some partition that has
// something to read may go on.
func TestGateNeverShutsEverybodyOut(t *testing.T) {
	marks := []int64{math.MinInt64, 0, 1000, math.MaxInt64}
	for places := range 8 * 8 * 8 {
		g := newGate(100, time.Now)
		var readers []*member
		for p, n := places, 0; n < 3; n, p = n+1, p/8 {
			m := g.join()
			g.move(m, marks[p%4], p/4%2 == 1)
			if !m.atEnd {
				readers = append(readers, m)
			}
		}
		open := len(readers) == 0
		for _, m := range readers {
			open = open || g.open(m)
		}
		if !open {
			t.Fatalf("nobody may read in %d", places)
		}
	}
}

func TestGateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(100, time.Now)
		fast, slow := g.join(), g.join()
		g.move(fast, 1000, false)
		g.move(slow, 0, false)
		if g.wait(t.Context(), fast, time.Second) {
			t.Error("it did not wait")
		}
		time.AfterFunc(time.Millisecond, func() { g.move(slow, 950, false) })
		if !g.wait(t.Context(), fast, time.Second) {
			t.Error("it was not let go on")
		}
		g.move(slow, 950, false)
		g.move(fast, 2000, false)
		time.AfterFunc(time.Millisecond, func() { g.leave(slow) })
		if !g.wait(t.Context(), fast, time.Second) {
			t.Error("it was not let go on when the slow one left")
		}
		g.move(g.join(), 0, false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if g.wait(ctx, fast, time.Hour) {
			t.Error("it went on with its context ended")
		}
	})
}

// TestGateUnread: one that can't be read is waited for for a minute, unless it is needed or the
// others would not be held up by it.
func TestGateUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(100, time.Now)
		fast, slow := g.join(), g.join()
		g.move(fast, 1000, false)
		g.move(slow, 0, false)
		held := func(want bool, when string) {
			t.Helper()
			if open := g.wait(t.Context(), fast, time.Millisecond); open == want {
				t.Errorf("%s: open %v", when, open)
			}
		}
		attempts := func(n int) { // as the brokers refuse
			for range n {
				g.ask(slow)
				time.Sleep(10 * time.Second)
			}
		}
		time.Sleep(time.Hour)
		held(true, "one that waits, or writes, for an hour")
		for range 20 {
			g.ask(slow)
			time.Sleep(50 * time.Second)
			g.answered(slow)
		}
		held(true, "one that reads slowly, and has just begun")
		attempts(5)
		held(true, "one that can't be read for less than a minute")
		attempts(1)
		held(false, "one that can't be read for a minute")
		g.answered(slow)
		held(true, "one that has answered again")
		g.ask(slow)
		time.Sleep(hungAfter - gateWait)
		began := time.Now()
		for !g.wait(t.Context(), fast, gateWait) {
		}
		if waited := time.Since(began); waited > 2*gateWait {
			t.Errorf("it has waited for %v", waited)
		}
		g.need(slow)
		held(true, "one that is needed")
	})
}
