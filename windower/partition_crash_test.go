package windower

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// run is what a machine without a crash does with a log.
type run struct {
	partials []*slice.Partial
	losses   map[Loss]int64
	spans    int
	halves   Halves
}

func (r *run) take(out Output) {
	r.partials = append(r.partials, out.Partials...)
	r.spans += out.Spans
	r.halves.Paired += out.Halves.Paired
	r.halves.Virtual += out.Halves.Virtual
	r.halves.Unpaired += out.Halves.Unpaired
	for _, l := range out.Losses {
		n := l.Count
		l.Count = 0
		r.losses[l] += n
	}
}

func (r *run) clone() *run { return &run{r.partials, maps.Clone(r.losses), r.spans, r.halves} }

func newRun() *run { return &run{losses: map[Loss]int64{}} }

func mustPartition(t *testing.T, cfg PartitionConfig) *Partition {
	t.Helper()
	p, err := NewPartition(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestCrashAnywhere compares, for many random logs and crash points, an
// undisturbed machine with one that is killed, restored from its last commit, and
// killed again, where acknowledgements lag behind by a random number of partials:
// together its partials must be the same, and its losses counted once.
func TestCrashAnywhere(t *testing.T) {
	logs := 5000
	if testing.Short() {
		logs = 2000
	}
	crashes := 0
	for seed := range uint64(logs) {
		r := rand.New(rand.NewPCG(seed, 1))
		shape := randomShape(r)
		shape.rowCap = []int{1, 2, 4, 0, 0, 0}[r.IntN(6)]
		log := randomLog(r, shape)
		n, _ := crashed(t, fmt.Sprintf("seed %d %+v", seed, shape), r, shape.config(), log, map[Reason]int64{})
		crashes += n
	}
	t.Logf("%d crashes in %d logs", crashes, logs)
	if crashes < logs {
		t.Errorf("only %d crashes", crashes)
	}
}

// crashed runs the log without a crash, and with up to three. It adds up what was lost.
func crashed(t *testing.T, name string, r *rand.Rand, cfg PartitionConfig, log []*ingest.Batch, lost map[Reason]int64) (crashes, partials int) {
	t.Helper()
	whole := newRun()
	p := mustPartition(t, cfg)
	for _, b := range log {
		whole.take(p.Apply(b))
	}
	for l, n := range whole.losses {
		lost[l.Reason] += n
	}
	return crashing(t, name, r, cfg, log, whole), len(whole.partials)
}

// crashing runs the log with up to three crashes.
func crashing(t *testing.T, name string, r *rand.Rand, cfg PartitionConfig, log []*ingest.Batch, whole *run) int {
	t.Helper()
	got := newRun()
	acknowledged := map[int64]*slice.Partial{} // what the partials topic holds
	var commit *Commit
	settled := newRun() // when it was made
	crashes := 0
	for {
		p := restored(t, cfg, commit)
		last := len(log)
		if crashes < 3 {
			last = r.IntN(len(log) + 1)
		}
		var flying []*slice.Partial
		for _, b := range log[:last] {
			if commit != nil && b.Offset < commit.Offset {
				continue
			}
			out := p.Apply(b)
			got.take(out)
			for _, q := range out.Partials {
				if old := acknowledged[q.Index]; old != nil && !reflect.DeepEqual(old, q) {
					t.Fatalf("%s: slice %d after %d crashes:\n got %+v\nwant %+v", name, q.Index, crashes, q, old)
				}
				flying = append(flying, q)
			}
			for len(flying) > 0 && r.IntN(3) > 0 {
				acknowledged[flying[0].Index] = flying[0]
				flying = flying[1:]
			}
			if r.IntN(4) == 0 || commit == nil {
				first := int64(AllAcknowledged)
				if len(flying) > 0 {
					first = flying[0].Index
				}
				c := p.Commit(first)
				if commit != nil && c.Offset < commit.Offset {
					t.Fatalf("%s: commit went back from %d to %d", name, commit.Offset, c.Offset)
				}
				commit = &c
				settled = got.clone()
			}
		}
		if last == len(log) {
			for _, q := range flying {
				acknowledged[q.Index] = q
			}
			break
		}
		crashes++
		got = settled.clone() // what was counted since the commit is counted again
	}
	if len(acknowledged) != len(whole.partials) {
		t.Fatalf("%s: %d partials, want %d", name, len(acknowledged), len(whole.partials))
	}
	for _, want := range whole.partials {
		if q := acknowledged[want.Index]; !reflect.DeepEqual(q, want) {
			t.Fatalf("%s: slice %d\n got %+v\nwant %+v", name, want.Index, q, want)
		}
	}
	if !reflect.DeepEqual(got.losses, whole.losses) || got.spans != whole.spans || got.halves != whole.halves {
		t.Fatalf("%s: losses %v spans %d halves %+v, want %v %d %+v", name, got.losses, got.spans, got.halves, whole.losses, whole.spans, whole.halves)
	}
	return crashes
}

func restored(t *testing.T, cfg PartitionConfig, c *Commit) *Partition {
	t.Helper()
	if c != nil {
		if len(c.Metadata) > 1024 {
			t.Fatalf("metadata of %d bytes", len(c.Metadata))
		}
		r, err := ParseCommit(*c)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Resume = r
	}
	return mustPartition(t, cfg)
}
