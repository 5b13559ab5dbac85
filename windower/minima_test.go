package windower

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMinima compares the least with a search for it, after each change.
func TestMinima(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := slices.Repeat([]int64{1<<63 - 1}, rapid.IntRange(1, 40).Draw(t, "n"))
		m := newMinima(len(all))
		for range rapid.IntRange(1, 200).Draw(t, "changes") {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "i")
			all[i] = rapid.Int64Range(-5, 20).Draw(t, "v")
			m.set(i, all[i])
			if got := m.least(); got != slices.Min(all) {
				t.Fatalf("least %d of %v", got, all)
			}
		}
	})
}
