package slice

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sampleSnapshot has three services, one of them virtual, and everything that a
// snapshot can hold.
func sampleSnapshot() *Snapshot {
	s := &Snapshot{
		Graph: "shop", Fingerprint: 0x0123456789abcdef, Width: 60e9, Index: 29_000_000, Revision: 2, Missing: []string{"otlp_spans/3"}, Segment: 28_999_000,
		Nodes: Nodes{Service: []string{"cart", "checkout", "redis"}, Virtual: []bool{false, false, true}},
		Edges: Edges{
			Offset: []int32{0, 1, 3, 3}, Callee: []int32{2, 0, 0}, Kind: []uint8{uint8(Database), uint8(Call), uint8(Queue)},
			Calls: []float64{100, 40, 2}, Errors: []float64{0, 1, 0}, Mean: []float64{0.75, 12.5, 3},
		},
		Resources: []ResourceState{{Key: "pod:1", Service: "cart"}, {Key: "pod:2", Service: "checkout", Metric: 1, LastTime: 29_000_000 * 60e9, LastStart: 1, LastValue: 1_500_000, LastCount: 9}},
	}
	for i, c := range s.Nodes.columns() {
		*c.Column = NewColumn(3)
		c.Set(0, float64(i)+0.5)
		if i != 7 { // checkout's CPU is not known
			c.Set(1, float64(100*i))
		}
	}
	return s
}

func mustEncode(t interface{ Fatal(...any) }, s *Snapshot, limit int) [][]byte {
	chunks, err := EncodeSnapshot(s, limit)
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		limit := rapid.SampledFrom([]int{0, 1, streamsBytes + 300}).Draw(t, "limit")
		chunks := mustEncode(t, s, limit)
		got, err := DecodeSnapshot(chunks)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(s) {
			t.Fatalf("got %+v\nwant %+v", got, s)
		}
		if again := mustEncode(t, got, limit); !reflect.DeepEqual(chunks, again) {
			t.Fatal("the same snapshot gives other bytes")
		}
		if rows := s.Nodes.Len() + s.Edges.Len() + len(s.Resources); limit == 1 && len(chunks) != max(rows, 1) {
			t.Fatalf("%d rows are in %d chunks", rows, len(chunks))
		}
	})
}

func TestSnapshotGolden(t *testing.T) {
	s := sampleSnapshot()
	chunks := mustEncode(t, s, 0)
	if len(chunks) != 1 {
		t.Fatalf("%d chunks", len(chunks))
	}
	golden(t, "snapshot-v1.golden", chunks[0])
	data, err := os.ReadFile(filepath.Join("testdata", "snapshot-v1.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeSnapshot([][]byte{data}); err != nil || !got.Equal(s) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, s)
	}
}

func TestSnapshotChunksFit(t *testing.T) {
	s := largeSnapshot(2000)
	for _, limit := range []int{64 << 10, MaxChunk} {
		chunks := mustEncode(t, s, limit)
		if len(chunks) < 2 {
			t.Errorf("%d chunks of at most %d bytes", len(chunks), limit)
		}
		for i, data := range chunks {
			if c, err := readSnapshotChunk(data); err != nil || c.size > limit || i < len(chunks)-1 && c.size < limit/2 {
				t.Errorf("chunk %d has %d bytes, the limit is %d: %v", i, c.size, limit, err)
			}
		}
	}
}

func TestSnapshotCheck(t *testing.T) {
	for want, change := range map[string]func(*Snapshot){
		"width":                      func(s *Snapshot) { s.Width = 0 },
		"revision":                   func(s *Snapshot) { s.Revision = 0 },
		"segment":                    func(s *Snapshot) { s.Segment = s.Index + 1 },
		"services are not sorted":    func(s *Snapshot) { s.Nodes.Service[1] = "cart" },
		"virtual has 2 rows":         func(s *Snapshot) { s.Nodes.Virtual = s.Nodes.Virtual[:2] },
		"cpu has 0 values":           func(s *Snapshot) { s.Nodes.CPU.Value = nil },
		"memory of \"cart\"":         func(s *Snapshot) { s.Nodes.Memory.Value[0] = math.NaN() },
		"mean_ms of \"redis\"":       func(s *Snapshot) { s.Nodes.Mean.Value[2] = 1 },
		"do not span":                func(s *Snapshot) { s.Edges.Offset[3] = 2 },
		"offsets fall":               func(s *Snapshot) { s.Edges.Offset[1] = 4 },
		"kind has 2 rows":            func(s *Snapshot) { s.Edges.Kind = s.Edges.Kind[:2] },
		"calls has 2 rows":           func(s *Snapshot) { s.Edges.Calls = s.Edges.Calls[:2] },
		"mean_ms is +Inf":            func(s *Snapshot) { s.Edges.Mean[1] = math.Inf(1) },
		"leads to service 3":         func(s *Snapshot) { s.Edges.Callee[0] = 3 },
		"with kind 4":                func(s *Snapshot) { s.Edges.Kind[0] = 4 },
		"edges of service 1":         func(s *Snapshot) { s.Edges.Kind[2] = s.Edges.Kind[1] },
		"resources are not sorted":   func(s *Snapshot) { s.Resources[0].Key = "z" },
		"do not span 3 edges of 3 s": func(s *Snapshot) { s.Edges.Offset = nil },
	} {
		s := sampleSnapshot()
		change(s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "29000000") {
			t.Errorf("expected an error with %q, found %v", want, err)
		}
		if _, err := EncodeSnapshot(s, 0); err == nil {
			t.Errorf("%s: was encoded", want)
		}
		if s.Equal(sampleSnapshot()) {
			t.Errorf("%s: equals the sample", want)
		}
	}
	if err := (&Snapshot{Width: 1, Revision: 1, Edges: Edges{Offset: []int32{0}}}).Check(); err != nil {
		t.Errorf("an empty snapshot: %v", err)
	}
}

func TestSnapshotDamage(t *testing.T) {
	good := mustEncode(t, sampleSnapshot(), 0)[0]
	for n := range good {
		if _, err := DecodeSnapshot([][]byte{good[:n]}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		bad := bytes.Clone(good)
		bad[n] ^= 0x40
		if _, err := DecodeSnapshot([][]byte{bad}); !marked(err, n) {
			t.Fatalf("byte %d changed: %v", n, err)
		}
	}
	if _, err := DecodeSnapshot([][]byte{good, good}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("one chunk too many: %v", err)
	}
	if _, err := DecodeSnapshot(mustEncode(t, sampleSnapshot(), 1)[1:]); !errors.Is(err, ErrUnfinished) {
		t.Errorf("one chunk missing: %v", err)
	}
}

// TestSnapshotReaderInterleaved reads chunks of two writers of the same slices, in
// turn, twice.
func TestSnapshotReaderInterleaved(t *testing.T) {
	r, err := NewSnapshotReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	one, other := sampleSnapshot(), sampleSnapshot()
	other.Nodes.Mean.Value[0]++
	a, b := mustEncode(t, one, 1), mustEncode(t, other, 1)
	var got []*Snapshot
	for i := range a {
		for _, data := range [][]byte{a[i], b[i], a[i]} {
			s, err := r.Add(data)
			if err != nil {
				t.Fatal(err)
			}
			if s != nil {
				got = append(got, s)
			}
		}
	}
	if len(got) != 2 || !got[0].Equal(one) || !got[1].Equal(other) {
		t.Fatalf("%d snapshots came out, expected both writers'", len(got))
	}
}

func TestSnapshotReaderForgets(t *testing.T) {
	r, err := NewSnapshotReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 2 * maxOpenSnapshots {
		s := sampleSnapshot()
		s.Index += int64(i)
		if got, err := r.Add(mustEncode(t, s, 1)[0]); got != nil || err != nil {
			t.Fatal(got, err)
		}
	}
	if len(r.open) != maxOpenSnapshots || r.Dropped() != maxOpenSnapshots {
		t.Errorf("%d are open, %d dropped, expected %d of each", len(r.open), r.Dropped(), maxOpenSnapshots)
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	for _, limit := range []int{0, 1} {
		for _, c := range mustEncode(f, sampleSnapshot(), limit) {
			f.Add(c)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= envelope { // let changes get past the checksum
			data = sealEnvelope(bytes.Clone(data))
		}
		s, err := DecodeSnapshot([][]byte{data})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrUnfinished) {
				t.Fatalf("unmarked error: %v", err)
			}
			return
		}
		if again, err := DecodeSnapshot(mustEncode(t, s, 0)); err != nil || !again.Equal(s) {
			t.Fatalf("got %+v, %v\nwant %+v", again, err, s)
		}
	})
}

// FuzzArrow changes the Arrow streams themselves, which compression and checksums
// keep other targets from reaching.
func FuzzArrow(f *testing.F) {
	s := sampleSnapshot()
	content, err := s.content(rowSpan{nodes: s.Nodes.Len(), edges: s.Edges.Len(), resources: len(s.Resources)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	r, err := NewSnapshotReader()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		header := &snapshotChunk{Snapshot: Snapshot{Graph: "shop", Width: 1, Revision: 1}, sum: checksum(data)}
		if _, err := r.whole(header, [][]byte{data}); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("unmarked error: %v", err)
		}
	})
}

func ExampleEdges_Of() {
	s := sampleSnapshot()
	row, _ := s.Nodes.Find("checkout")
	for k, end := s.Edges.Of(row); k < end; k++ {
		fmt.Println(s.Nodes.Service[s.Edges.Callee[k]], s.Edges.Calls[k])
	}
	// Output:
	// cart 40
	// cart 2
}
