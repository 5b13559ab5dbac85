package stage

import (
	"testing"
	"time"

	"presage/internal/kafka"
	"presage/windower"
)

// TestOutlook says whether a partition may go on, by where those of other processes are.
func TestOutlook(t *testing.T) {
	at := func(next, high int64) kafka.Commit {
		return kafka.Commit(windower.Copied{Next: next, High: high, Targets: 2}.Commit())
	}
	const half = windower.DefaultSourceLead / 2
	whole := kafka.Range{First: 0, End: 100}
	for _, tt := range []struct {
		name   string
		commit kafka.Commit
		held   kafka.Range
		later  time.Duration
		open   bool
	}{
		{"level", at(50, epoch), whole, 0, true},
		{"just within", at(50, epoch-half), whole, 0, true},
		{"too far behind", at(50, epoch-half-1), whole, 0, false},
		{"behind, and slow", at(50, epoch-half-1), whole, hungAfter - 1, false},
		{"behind, and hung", at(50, epoch-half-1), whole, hungAfter, true},
		{"behind, at its end", at(100, epoch-half-1), whole, 0, true},
		{"not begun", kafka.Commit{}, whole, 0, false},
		{"not begun for long", kafka.Commit{}, whole, hungAfter, true},
		{"never written to", kafka.Commit{}, kafka.Range{}, 0, true},
		{"by hand", kafka.Commit{Offset: 3, Metadata: "x"}, whole, 0, false},
		{"ahead", at(50, epoch+9*half), whole, 0, true},
	} {
		now := time.Unix(1000, 0)
		o := Options{Graph: rekeyedGraph(), Now: func() time.Time { return now }}
		l := newOutlook(&o, "spans")
		me := l.join(1)
		l.gate.move(me, epoch, false)
		look := func() {
			l.look(map[int]kafka.Commit{0: tt.commit, 1: at(1, 1)}, []kafka.Range{tt.held, whole})
		}
		look()
		now = now.Add(tt.later)
		look()
		if open := l.gate.open(me); open != tt.open {
			t.Errorf("%s: open %v", tt.name, open)
		}
		// What becomes this process's own is not another's any more.
		l.leave(0, l.join(0))
		if !l.gate.open(me) {
			t.Errorf("%s: it waits for what nobody has", tt.name)
		}
	}
}
