package chaos

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"presage/ingest"
	"presage/internal/kraft"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // the proxies' own words
	// A slow connection that is closed leaves its toxics waiting for a reader: toxiproxy's own, for as long as the test runs.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*BandwidthToxic).Pipe"),
		goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*LatencyToxic).Pipe"),
		goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"))
}

func TestPlanFollowsFromTheSeed(t *testing.T) {
	all := func(Kind) bool { return true }
	a, b := Plan(7, 100, 3, all), Plan(7, 100, 3, all)
	if !reflect.DeepEqual(a, b) {
		t.Error("two plans of one seed differ")
	}
	if reflect.DeepEqual(a, Plan(8, 100, 3, all)) {
		t.Error("two seeds give one plan")
	}
	kills, kinds := 0, map[Kind]bool{}
	for _, f := range Plan(7, 1000, 3, all) {
		kills += f.kills(3)
		kinds[f.Kind] = true
	}
	if kills < 1000 || kills > 1002 {
		t.Errorf("%d kills, expected 1000 or hardly more", kills)
	}
	if len(kinds) != len(shares) {
		t.Errorf("a long plan has %d of %d kinds of faults", len(kinds), len(shares))
	}
}

// TestChaos is a short run of what make chaos does.
func TestChaos(t *testing.T) {
	kraft.Need(t)
	binary := filepath.Join(t.TempDir(), "presage")
	if out, err := exec.Command("go", "build", "-o", binary, "presage/cmd/presage").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for name, opt := range map[string]Options{
		"keyed":        {Seed: 1, Kills: 12, Windowers: 2},
		"idle_rekeyed": {Seed: 2, Kills: 12, Windowers: 1, Rekey: true, Idle: true, Dedupe: true},
	} {
		t.Run(name, func(t *testing.T) {
			opt.Binary, opt.Libs, opt.Dir, opt.Now = binary, os.Getenv(kraft.Variable), t.TempDir(), time.Now
			opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
			v, err := Run(t.Context(), opt)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(v.String())
			if !v.Clean() {
				t.Errorf("not clean: %s", v.String())
			}
		})
	}
}

// A copy counts once, in order; heartbeats only say how far its source is.
func TestHeard(t *testing.T) {
	h := newHeard()
	for i, c := range []struct {
		source        int
		offset, index int64
		want          arrival
	}{
		{0, -1, ingest.WholeRecord, first},
		{0, 0, 0, first},
		{0, 0, 1, first},
		{1, 7, 0, first},
		{0, 0, 0, again},
		{0, 3, ingest.WholeRecord, first},
		{0, 2, 0, behind},
		{0, 1, ingest.WholeRecord, first},
		{0, 4, 0, first},
		{0, 3, ingest.WholeRecord, again},
		{1, 6, 0, behind},
		{1, 7, 1, first},
	} {
		if got := h.take(copyAt{0, c.source, c.offset, c.index}); got != c.want {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
}
