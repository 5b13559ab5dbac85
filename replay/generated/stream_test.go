package generated

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"
	"time"

	"presage/ingest/otlp"
	"presage/replay"
)

// items runs a generator to its end.
func items(t testing.TB, opt Options, each func(replay.Item)) *Generator {
	t.Helper()
	g, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	for {
		item, err := g.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		each(item)
	}
	return g
}

// digest is a hash of everything that a run gives.
func digest(t testing.TB, opt Options) string {
	h := sha256.New()
	number := func(x int64) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(x))) }
	attributes := func(list []otlp.KeyValue) {
		for _, a := range list {
			io.WriteString(h, a.Key)
			io.WriteString(h, a.Value.Str)
			number(a.Value.Int)
		}
	}
	items(t, opt, func(i replay.Item) {
		number(i.At)
		if s := i.Span; s != nil {
			h.Write(s.TraceID[:])
			h.Write(s.SpanID[:])
			h.Write(s.ParentID[:])
			io.WriteString(h, s.Name)
			number(s.Start)
			number(s.End)
			number(int64(s.Kind))
			attributes(s.Resource)
			attributes(s.Attributes)
			return
		}
		attributes(i.Metrics.Resource)
		for _, m := range i.Metrics.Metrics {
			number(int64(math.Float64bits(m.Points[0].Value)))
		}
	})
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// TestGoldenDigest has its expectation from amd64; it holds on every platform.
func TestGoldenDigest(t *testing.T) {
	const want = "61beaf78de1ada60e19866e54ce8fef3"
	if got := digest(t, Options{Seed: 42, Services: 20, Rate: 300, Duration: 15 * time.Minute, Incidents: 200, Deployments: 100}); got != want {
		t.Errorf("digest of a run is %s, want %s: if the simulation was changed on purpose, put it here", got, want)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	opt := Options{Seed: 5, Services: 12, Duration: 3 * time.Minute, Incidents: 20, Deployments: 20}
	a, b := digest(t, opt), digest(t, opt)
	if a != b {
		t.Error("two runs of the same options differ")
	}
	opt.Seed = 6
	if digest(t, opt) == a {
		t.Error("another seed gives the same run")
	}
}

func TestStreamRunsAtItsRateToItsEnd(t *testing.T) {
	opt := Options{Seed: 1, Duration: 30 * time.Minute}
	spans, metrics := 0, 0
	g := items(t, opt, func(i replay.Item) {
		if i.Span != nil {
			spans++
		} else {
			metrics++
		}
	})
	if got := float64(spans) / opt.Duration.Seconds(); got < 400 || got > 850 {
		t.Errorf("%.0f spans a second, want about 600", got)
	}
	if metrics == 0 {
		t.Error("no metrics")
	}
	s := g.Stats()
	if s.Done != 1 || s.Rows != int64(spans+metrics) {
		t.Errorf("stats %+v do not tell of %d spans and %d metrics", s, spans, metrics)
	}
	if s.First < defaultStart || s.Last < defaultStart+int64(opt.Duration-time.Minute) {
		t.Errorf("stats run from %d to %d", s.First, s.Last)
	}
}

func TestOrderOfItems(t *testing.T) {
	last, back := int64(0), 0
	g := items(t, Options{Seed: 2, Duration: 10 * time.Minute}, func(i replay.Item) {
		if i.Span != nil && i.At != i.Span.End {
			t.Fatal("an item's time is not its span's end")
		}
		if i.At < last {
			back++
			if last-i.At > int64(4*time.Second) {
				t.Fatalf("an item comes %v late", time.Duration(last-i.At))
			}
		}
		last = max(last, i.At)
	})
	if got := g.Stats().Skipped["straggler"]; got != int64(back) || back == 0 {
		t.Errorf("%d items out of order, %d counted", back, got)
	}
	last = 0
	items(t, Options{Seed: 2, Duration: 5 * time.Minute, LateShare: -1}, func(i replay.Item) {
		if i.At < last {
			t.Fatal("out of order though nothing is late")
		}
		last = i.At
	})
}

func TestSamplingKeepsTheLoad(t *testing.T) {
	traces := map[[16]byte]bool{}
	g := items(t, Options{Seed: 3, Duration: 10 * time.Minute, Sampling: 0.125, Declare: true}, func(i replay.Item) {
		if i.Span != nil {
			traces[i.Span.TraceID] = true
			if i.Span.TraceState != "ot=th:e" {
				t.Fatalf("tracestate %q", i.Span.TraceState)
			}
		}
	})
	recorded := float64(len(traces)) / 600
	if all := g.w.rate; recorded > all/5 || recorded < all/12 {
		t.Errorf("%.1f traces a second recorded of about %.1f", recorded, all)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, opt := range []Options{{Services: 1}, {Rate: -1}, {Duration: -1}, {Tick: time.Hour}, {Sampling: 2}} {
		if _, err := Open(opt); err == nil {
			t.Errorf("%+v is taken", opt)
		}
	}
}

func TestEndlessRunStopsWithItsContext(t *testing.T) {
	g, err := Open(Options{Services: 3, Rate: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	for range 100 {
		if _, err := g.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	for range 1_000_000 {
		if _, err = g.Next(ctx); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := g.Next(context.Background()); !errors.Is(err, io.EOF) {
		t.Errorf("after Close: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole day: left out with -short")
	}
	var stats runtime.MemStats
	n, most := 0, uint64(0)
	items(t, Options{Seed: 8, Services: 5, Rate: 12, Hours: 24, Incidents: 10, Deployments: 10}, func(replay.Item) {
		if n++; n%200_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapAlloc)
		}
	})
	if most > 64<<20 {
		t.Errorf("%d MiB are live in a run of %d items", most>>20, n)
	}
}
