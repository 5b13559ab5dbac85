package slice

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with go test -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes differ from the golden file's %d: a changed format needs a new version, a changed zstd library new golden files", path, len(got), len(want))
	}
}

// samplePartial has a row of everything.
func samplePartial() *Partial {
	return &Partial{
		Header: Header{Graph: "shop", Fingerprint: 0x0123456789abcdef, Width: 60e9, Index: 29_000_000, Source: Source{"otlp_spans", 2}, Partitions: 4, Watermark: 29_000_001 * 60e9},
		Nodes: []NodePart{
			{Service: "cart", Spans: 3, Requests: 768, Errors: 256, Arrivals: 512, Unpaired: 1, Duration: Sum{1, 2}, Latency: Histogram{{0, 1}, {700, 512}, {Buckets - 1, 255}}},
			{Service: "checkout", Spans: 1, Requests: 25_600},
		},
		Edges: []EdgePart{
			{Caller: "cart", Callee: "redis", Kind: Database, Calls: 256, Duration: Sum{0, 99}},
			{Caller: "checkout", Callee: "cart", Kind: Call, Calls: 512, Errors: 256, Duration: Sum{0, math.MaxUint64}},
		},
		Sightings: []Sighting{{"pod:1", "cart"}, {"pod:2", "checkout"}},
		Resources: []ResourcePart{
			{Keys: []string{"pod:1", "deployment:shop/cart"}, Metric: 1, Cumulative: true, Points: 2, LastTime: 29_000_000*60e9 + 7, LastStart: 5, LastValue: 1_500_000, LastCount: 3},
			{Keys: []string{"pod:2"}, Service: "checkout", Metric: 2, Points: 1, Total: Sum{0, 1 << 40}, Count: 4},
		},
	}
}

// decodeAll reads all chunks and merges them.
func decodeAll(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, chunks [][]byte) *Partial {
	t.Helper()
	var parts []*Partial
	for i, data := range chunks {
		p, chunk, n, err := DecodePartial(data)
		if err != nil {
			t.Fatal(err)
		}
		if chunk != i || n != len(chunks) {
			t.Fatalf("chunk %d of %d says it is %d of %d", i, len(chunks), chunk, n)
		}
		parts = append(parts, p)
	}
	return mustMerge(t, parts...)
}

func TestPartialRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPartial(t)
		limit := rapid.SampledFrom([]int{0, 1, 120, 200, 1000}).Draw(t, "limit")
		chunks := EncodePartial(p, limit)
		if got := decodeAll(t, chunks); !reflect.DeepEqual(got, p) {
			t.Fatalf("got %+v\nwant %+v", got, p)
		}
		rows := len(p.Nodes) + len(p.Edges) + len(p.Sightings) + len(p.Resources)
		if limit == 1 && len(chunks) != max(rows, 1) {
			t.Fatalf("%d rows are in %d chunks", rows, len(chunks))
		}
		if again := EncodePartial(p, limit); !reflect.DeepEqual(chunks, again) {
			t.Fatal("the same partial gives other bytes")
		}
	})
}

func TestPartialChunksFit(t *testing.T) {
	p := largePartial(2000)
	for _, limit := range []int{4 << 10, 64 << 10, MaxChunk} {
		chunks := EncodePartial(p, limit)
		total := 0
		for _, c := range chunks {
			total += len(c)
			if len(c) > limit {
				t.Errorf("a chunk has %d bytes, the limit is %d", len(c), limit)
			}
		}
		if len(chunks) > 2*total/limit+1 {
			t.Errorf("%d chunks of at most %d bytes for %d", len(chunks), limit, total)
		}
		if got := decodeAll(t, chunks); !reflect.DeepEqual(got, p) {
			t.Error("the chunks hold another partial")
		}
	}
}

func TestPartialRowLargerThanChunk(t *testing.T) {
	p := samplePartial()
	p.Nodes[0].Latency = nil
	for i := range uint16(Buckets) {
		p.Nodes[0].Latency.Add(i, int64(i)<<30)
	}
	p.Sightings[0].Key = strings.Repeat("k", 10_000)
	p.Sightings = distinct(p.Sightings, compareSightings)
	if got := decodeAll(t, EncodePartial(p, 2000)); !reflect.DeepEqual(got, p) {
		t.Error("the chunks hold another partial")
	}
}

func TestPartialGolden(t *testing.T) {
	p := samplePartial()
	chunks := EncodePartial(p, 0)
	if len(chunks) != 1 {
		t.Fatalf("%d chunks", len(chunks))
	}
	golden(t, "partial-v1.golden", chunks[0])
	data, err := os.ReadFile(filepath.Join("testdata", "partial-v1.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if got := decodeAll(t, [][]byte{data}); !reflect.DeepEqual(got, p) {
		t.Errorf("got %+v\nwant %+v", got, p)
	}
}

// marked tells whether an error is what a change of byte n should give.
func marked(err error, n int) bool {
	return errors.Is(err, ErrCorrupt) || n == 4 && errors.Is(err, ErrVersion)
}

func TestPartialDamage(t *testing.T) {
	good := EncodePartial(samplePartial(), 0)[0]
	for n := range good {
		if _, _, _, err := DecodePartial(good[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		bad := bytes.Clone(good)
		bad[n] ^= 0x40
		if _, _, _, err := DecodePartial(bad); !marked(err, n) {
			t.Fatalf("byte %d changed: %v", n, err)
		}
	}
	if _, _, _, err := DecodePartial(sealEnvelope(append(bytes.Clone(good), 0))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestPartialUnsorted(t *testing.T) {
	for name, change := range map[string]func(*Partial){
		"nodes":     func(p *Partial) { p.Nodes[1].Service = p.Nodes[0].Service },
		"edges":     func(p *Partial) { p.Edges[0], p.Edges[1] = p.Edges[1], p.Edges[0] },
		"sightings": func(p *Partial) { p.Sightings[0].Key = "z" },
		"resources": func(p *Partial) { p.Resources[1].Keys[0] = "a" },
		"histogram": func(p *Partial) { p.Nodes[0].Latency[1].Index = p.Nodes[0].Latency[0].Index },
		"kind":      func(p *Partial) { p.Edges[0].Kind = 9 },
	} {
		p := samplePartial()
		change(p)
		if _, _, _, err := DecodePartial(EncodePartial(p, 0)[0]); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodePartial(f *testing.F) {
	for _, c := range EncodePartial(samplePartial(), 0) {
		f.Add(c)
	}
	f.Add(EncodePartial(&Partial{Header: Header{Graph: "g", Width: 1}}, 0)[0])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= envelope { // let changes get past the checksum
			data = sealEnvelope(bytes.Clone(data))
		}
		p, chunk, chunks, err := DecodePartial(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("unmarked error: %v", err)
			}
			return
		}
		if chunk < 0 || chunk >= chunks {
			t.Fatalf("chunk %d of %d", chunk, chunks)
		}
		again := decodeAll(t, EncodePartial(p, 0))
		if !reflect.DeepEqual(again, mustMerge(t, p)) {
			t.Fatalf("got %+v\nwant %+v", again, p)
		}
	})
}
