package slice

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sum
		exact := new(big.Int)
		for range rapid.IntRange(0, 20).Draw(t, "products") {
			a, b := rapid.Int64Range(0, math.MaxInt64).Draw(t, "a"), rapid.Int64Range(0, 1<<40).Draw(t, "b")
			s.AddProduct(a, b)
			exact.Add(exact, new(big.Int).Mul(big.NewInt(a), big.NewInt(b)))
		}
		got := new(big.Int).Add(new(big.Int).Lsh(new(big.Int).SetUint64(s.Hi), 64), new(big.Int).SetUint64(s.Lo))
		if got.Cmp(exact) != 0 {
			t.Fatalf("sum is %v, expected %v", got, exact)
		}
		want, _ := new(big.Float).SetInt(exact).Float64()
		if f := s.Float(); math.Abs(f-want) > want*0x1p-52 {
			t.Fatalf("as a float %g, expected %g", f, want)
		}
	})
	var s Sum
	s.AddProduct(-1, 5)
	if s != (Sum{}) {
		t.Errorf("a negative factor adds %v", s)
	}
}
