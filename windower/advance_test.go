package windower

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// TestCrashWithAdvances crashes machines whose partitions fall idle now and
// then: before and after the commit that holds an advance, before and after it is
// made. What comes out is what a machine makes of the log with the advances that
// were stored; only watermarks may differ, as a rebuild makes several steps at once.
func TestCrashWithAdvances(t *testing.T) {
	advances, refused := 0, 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 4))
		shape := randomShape(r)
		if seed >= 1500 {
			dedupeSometimes(&shape, seed)
		}
		i := idler{t: t, name: fmt.Sprintf("seed %d %+v", seed, shape), r: r, cfg: shape.config(), log: randomLog(r, shape)}
		i.run()
		i.compare()
		advances += len(i.stored)
		refused += i.refused
	}
	t.Logf("%d advances, %d had to wait", advances, refused)
	if refused == 0 {
		t.Error("no advance had to wait for room in the commit")
	}
}

type idler struct {
	t       *testing.T
	name    string
	r       *rand.Rand
	cfg     PartitionConfig
	log     []*ingest.Batch
	p       *Partition
	commit  *Commit
	stored  []advance
	refused int
	written map[int64]*slice.Partial
	flying  []*slice.Partial
	crashes int
}

func (i *idler) take(out Output) {
	for _, q := range out.Partials {
		if old := i.written[q.Index]; old != nil && !reflect.DeepEqual(rowsOf(old), rowsOf(q)) {
			i.t.Fatalf("%s: slice %d\n got %+v\nwant %+v", i.name, q.Index, q, old)
		}
	}
	i.flying = append(i.flying, out.Partials...)
	for len(i.flying) > 0 && i.r.IntN(3) > 0 {
		i.written[i.flying[0].Index] = i.flying[0]
		i.flying = i.flying[1:]
	}
}

func rowsOf(p *slice.Partial) slice.Partial {
	q := *p
	q.Watermark = 0
	return q
}

func (i *idler) unacknowledged() int64 {
	if len(i.flying) > 0 {
		return i.flying[0].Index
	}
	return AllAcknowledged
}

// crash restarts the machine sometimes, and says at which record to go on.
func (i *idler) crash(at int) int {
	if i.crashes == 4 || i.r.IntN(25) > 0 {
		return at
	}
	i.crashes++
	i.flying = nil
	i.p = restored(i.t, i.cfg, i.commit)
	at = 0
	for i.commit != nil && at < len(i.log) && i.log[at].Offset < i.commit.Offset {
		at++
	}
	return at
}

func (i *idler) run() {
	i.p, i.written = mustPartition(i.t, i.cfg), map[int64]*slice.Partial{}
	known := 0 // records that the log held when the machine came furthest
	for at := 0; at < len(i.log); {
		i.take(i.p.Apply(i.log[at]))
		at++
		known = max(known, at)
		if i.r.IntN(4) == 0 {
			c := i.p.Commit(i.unacknowledged())
			i.commit = &c
		}
		if at = i.crash(at); at == known && i.r.IntN(2) == 0 {
			at = i.idle(at)
		}
	}
	for range 8 {
		i.take(i.p.AtEnd())
	}
	for _, q := range i.flying {
		i.written[q.Index] = q
	}
}

// idle: the log ends here for now.
func (i *idler) idle(at int) int {
	i.take(i.p.AtEnd())
	high, ok := i.p.Highest()
	if !ok {
		return at
	}
	for range 1 + i.r.IntN(2) {
		high += 1 + i.r.Int64N(i.cfg.Width)
		c, ok := i.p.PlanAdvance(i.unacknowledged(), high)
		if !ok {
			i.refused++
			return at
		}
		i.commit = &c
		i.stored = append(i.stored, advance{i.p.next, high})
		if at = i.crash(at); at < len(i.log) && i.log[at].Offset < i.p.next {
			return at
		}
		if i.p.rebuilding() {
			return at // the advance is made with the next record
		}
		i.take(i.p.Advance())
	}
	return i.crash(at)
}

func (i *idler) compare() {
	p := mustPartition(i.t, i.cfg)
	var want []*slice.Partial
	stored := i.stored
	advanceTo := func(offset int64) {
		for len(stored) > 0 && stored[0].offset <= offset {
			var out Output
			p.advance(stored[0], &out)
			want = append(want, out.Partials...)
			stored = stored[1:]
		}
	}
	for _, b := range i.log {
		advanceTo(b.Offset)
		want = append(want, p.Apply(b).Partials...)
	}
	advanceTo(p.next)
	if len(want) != len(i.written) {
		i.t.Fatalf("%s: %d partials, want %d", i.name, len(i.written), len(want))
	}
	for _, q := range want {
		if got := i.written[q.Index]; got == nil || !reflect.DeepEqual(rowsOf(got), rowsOf(q)) {
			i.t.Fatalf("%s: slice %d with advances %v\n got %+v\nwant %+v", i.name, q.Index, i.stored, got, q)
		}
	}
}
