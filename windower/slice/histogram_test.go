package slice

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(rapid.Int64Range(0, 1<<20), rapid.Int64Range(0, math.MaxInt64)).Draw(t, "v")
		i := BucketOf(v)
		low, high := BucketBounds(i)
		if i >= Buckets || v < low || v >= high && high != math.MaxInt64 {
			t.Fatalf("%d is in bucket %d, from %d to %d", v, i, low, high)
		}
		if low >= 32 && high-low > low/32 {
			t.Fatalf("bucket %d is %d wide at %d, expected at most 1/32", i, high-low, low)
		}
		if w := rapid.Int64Range(0, math.MaxInt64).Draw(t, "w"); w > v && BucketOf(w) < i {
			t.Fatalf("%d > %d is in a lower bucket", w, v)
		}
	})
	for i := range uint16(Buckets - 1) {
		_, high := BucketBounds(i)
		if low, _ := BucketBounds(i + 1); low != high {
			t.Fatalf("bucket %d ends at %d, the next starts at %d", i, high, low)
		}
	}
	if BucketOf(-1) != 0 || BucketOf(math.MaxInt64) != Buckets-1 {
		t.Errorf("bucket of -1 is %d, of the largest value %d", BucketOf(-1), BucketOf(math.MaxInt64))
	}
}

func TestHistogramLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawHistogram(t), drawHistogram(t), drawHistogram(t)
		left, right := MergeHistogram(MergeHistogram(a, b), c), MergeHistogram(a, MergeHistogram(c, b))
		if !reflect.DeepEqual(left, right) {
			t.Fatalf("%v and %v", left, right)
		}
		added := slices.Clone(a)
		for _, bucket := range b {
			added.Add(bucket.Index, bucket.Count)
		}
		if sum := MergeHistogram(a, b); !slices.Equal(sum, added) {
			t.Fatalf("merged %v, added one by one %v", sum, added)
		}
	})
}

func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 200).Draw(t, "values")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h Histogram
		for _, v := range values {
			h.Add(BucketOf(v), 256)
		}
		slices.Sort(values)
		rank := min(max(int(math.Ceil(q*float64(len(values))))-1, 0), len(values)-1)
		want := float64(values[rank])
		got, ok := h.Quantile(q)
		if !ok || math.Abs(got-want) > want/32+1 {
			t.Fatalf("quantile %g of %v is %g, expected %g give or take 1/32", q, values, got, want)
		}
		if higher, _ := h.Quantile(min(q+0.1, 1)); higher < got {
			t.Fatalf("a higher quantile is lower: %g, %g", got, higher)
		}
	})
	if _, ok := (Histogram{}).Quantile(0.5); ok {
		t.Error("an empty histogram has a quantile")
	}
	spread := Histogram{{BucketOf(6400), 4}}
	if got, _ := spread.Quantile(0.5); got != 6464 {
		t.Errorf("the median of a bucket from 6400 to 6528 is %g, expected 6464", got)
	}
}
