package windower

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// chunk is one record of presage.partials.
type chunk struct{ data []byte }

// partialStreams runs the machines of a small graph, spans in two partitions and
// metrics in one, and gives each one's records in order. Every log ends.
func partialStreams(t *testing.T, r *rand.Rand) (streams [][]chunk, width int64) {
	shape := randomShape(r)
	for i := range 3 {
		cfg := shape.config()
		cfg.Source, cfg.Partitions = slice.Source{Topic: "spans", Partition: i}, 2
		if i == 2 {
			cfg.Source, cfg.Partitions = slice.Source{Topic: "metrics"}, 1
		}
		shape.records = 1 + r.IntN(40)
		log := randomLog(r, shape)
		log = append(log, &ingest.Batch{Position: ingest.Position{Offset: 1000}, Final: true})
		for _, b := range log[:len(log)-1] {
			b.Final = false
		}
		p := mustPartition(t, cfg)
		var stream []chunk
		write := func(q *slice.Partial) {
			for _, data := range slice.EncodePartial(q, 60+r.IntN(200)) {
				stream = append(stream, chunk{data})
			}
		}
		for _, b := range log {
			for _, q := range p.Apply(b).Partials {
				write(q)
			}
			if q, ok := p.WatermarkOnly(); ok && r.IntN(3) == 0 {
				write(q)
			}
		}
		last, _ := p.WatermarkOnly()
		write(last)
		streams = append(streams, stream)
	}
	return streams, shape.width
}

// interleave mixes the streams, each in its order, and repeats some of their
// records later, as a second writer would.
func interleave(r *rand.Rand, streams [][]chunk) []chunk {
	at := make([]int, len(streams))
	var log []chunk
	for {
		var left []int
		for i := range streams {
			if at[i] < len(streams[i]) {
				left = append(left, i)
			}
		}
		if len(left) == 0 {
			return log
		}
		i := left[r.IntN(len(left))]
		for range 1 + r.IntN(4) {
			if at[i] < len(streams[i]) {
				log = append(log, streams[i][at[i]])
				at[i]++
			}
		}
		if j := at[i] - 1 - r.IntN(4); j >= 0 && r.IntN(8) == 0 {
			log = append(log, streams[i][j])
		}
	}
}

func assemblerConfig(r *rand.Rand, width int64) AssemblerConfig {
	return AssemblerConfig{
		Graph: "g", Fingerprint: 7, Width: width, SpanTopics: []string{"spans"}, MetricTopics: []string{"metrics"},
		NodeSource: NodeSource(r.IntN(3)), MaxServices: []int{3, 100}[r.IntN(2)], MaxEdges: []int{3, 100}[r.IntN(2)],
		MemorySlices: 1 + r.Int64N(6),
	}
}

func mustAssembler(t *testing.T, cfg AssemblerConfig) *Assembler {
	t.Helper()
	a, err := NewAssembler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (c chunk) addTo(t *testing.T, a *Assembler, offset int) []*slice.Snapshot {
	t.Helper()
	p, i, n, err := slice.DecodePartial(c.data)
	if err != nil {
		t.Fatal(err)
	}
	return a.Add(int64(offset), p, i, n).Snapshots
}

func sameSnapshots(t *testing.T, got, want []*slice.Snapshot) bool {
	t.Helper()
	for _, s := range got {
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
	}
	return slices.EqualFunc(got, want, (*slice.Snapshot).Equal)
}

func text(ss []*slice.Snapshot) string {
	var b strings.Builder
	for _, s := range ss {
		fmt.Fprintf(&b, "%+v\n", *s)
	}
	return b.String()
}

// TestInterleavings: however the partitions' partials are interleaved and
// repeated in the log, and wherever the assembler restarts from what it had
// committed, the snapshots are the same.
func TestInterleavings(t *testing.T) {
	restarts, snapshots := 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 2))
		streams, width := partialStreams(t, r)
		cfg := assemblerConfig(r, width)
		a := mustAssembler(t, cfg)
		var whole []*slice.Snapshot
		for _, c := range slices.Concat(streams...) {
			whole = append(whole, c.addTo(t, a, 0)...)
		}
		snapshots += len(whole)
		for range 3 {
			got, n := assembleWithCrashes(t, r, cfg, interleave(r, streams))
			restarts += n
			if !sameSnapshots(t, got, whole) {
				t.Fatalf("seed %d %+v: after %d restarts\n got %s\nwant %s", seed, cfg, n, text(got), text(whole))
			}
		}
	}
	t.Logf("%d restarts, %d snapshots", restarts, snapshots)
}

func assembleWithCrashes(t *testing.T, r *rand.Rand, cfg AssemblerConfig, log []chunk) (written []*slice.Snapshot, restarts int) {
	t.Helper()
	a := mustAssembler(t, cfg)
	committed := int64(0)
	for at := 0; at < len(log); at++ {
		written = append(written, log[at].addTo(t, a, at)...)
		if r.IntN(5) == 0 {
			committed = a.SafeOffset()
		}
		if restarts < 4 && r.IntN(30) == 0 {
			restarts++
			a = mustAssembler(t, cfg)
			tail := written
			for len(tail) > 0 && tail[0].Index < written[len(written)-1].Index-cfg.MemorySlices {
				tail = tail[1:]
			}
			a.Restore(tail)
			at = int(committed) - 1
		}
	}
	return written, restarts
}
