package hostile

import (
	"runtime"
	"strings"
	"testing"
)

// Allowance is what a decoder may allocate for an input of about a kilobyte, whatever
// that claims: a fixed amount for its own tables, far from what a hostile length asks for.
const Allowance = 8 << 20

// Spends fails the test where decode allocates more bytes, counting what it
// frees again. Nothing else may run meanwhile.
func Spends(tb testing.TB, bytes int, decode func()) {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decode()
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(bytes) {
		tb.Errorf("%d bytes were allocated, at most %d are allowed", spent, bytes)
	}
}

// DeepJSON is an array or, with a key, an object nested so many levels deep, whole.
func DeepJSON(key string, levels int) string {
	if key == "" {
		return strings.Repeat("[", levels) + strings.Repeat("]", levels)
	}
	return strings.Repeat(`{"`+key+`":`, levels) + "0" + strings.Repeat("}", levels)
}
