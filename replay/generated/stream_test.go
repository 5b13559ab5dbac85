package generated

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

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
	if s := g.Stats(); s.Done != 1 || s.Rows != int64(spans+metrics) {
		t.Errorf("stats %+v do not tell of %d spans and %d metrics", s, spans, metrics)
	}
}
