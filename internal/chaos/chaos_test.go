package chaos

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"
	"presage/internal/kraft"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
	v, err := Run(t.Context(), Options{
		Binary: binary, Libs: os.Getenv(kraft.Variable), Dir: t.TempDir(), Seed: 1, Kills: 15, Windowers: 2,
		Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(v.String())
	if !v.Clean() {
		t.Errorf("not clean: %s", v.String())
	}
}
