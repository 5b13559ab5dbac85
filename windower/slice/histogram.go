package slice

import (
	"math"
	"math/bits"
	"slices"
)

// Histogram counts values in buckets of 32 linear sub-buckets per power of two:
// a relative width of at most 1/32. Buckets are sparse and sorted by index.
type Histogram []Bucket

// Bucket is one bucket's count.
type Bucket struct {
	Index uint16
	Count int64
}

// Buckets is how many buckets there are: the highest index, of math.MaxInt64, is
// Buckets-1.
const Buckets = 58*32 + 32

// BucketOf gives the bucket of a value; negative values are in bucket 0.
func BucketOf(v int64) uint16 {
	if v < 32 {
		return uint16(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - 6
	return uint16(shift*32 + int(uint64(v)>>shift))
}

// BucketBounds gives the lowest value of a bucket and the lowest of the next. Of
// the last bucket, and of indices beyond it, the upper bound is math.MaxInt64.
func BucketBounds(i uint16) (low, high int64) {
	if i < 64 {
		return int64(i), int64(i) + 1
	}
	i = min(i, Buckets-1)
	shift := int(i)/32 - 1
	low = int64(int(i)-shift*32) << shift
	if i == Buckets-1 {
		return low, math.MaxInt64
	}
	return low, low + 1<<shift
}

// Add counts count more values in the bucket of the given index. It changes the
// histogram in place: do not call it on one that is shared.
func (h *Histogram) Add(index uint16, count int64) {
	at, found := slices.BinarySearchFunc(*h, index, func(b Bucket, i uint16) int { return int(b.Index) - int(i) })
	if found {
		(*h)[at].Count += count
		return
	}
	*h = slices.Insert(*h, at, Bucket{Index: index, Count: count})
}

// MergeHistogram adds two histograms into a new one, which shares no memory with
// either.
func MergeHistogram(a, b Histogram) Histogram {
	sum := slices.Clone(a)
	sum.merge(b)
	return sum
}

// merge adds o in place. It fills the slice from behind, so that it needs memory
// for the buckets that are new only.
func (h *Histogram) merge(o Histogram) {
	into, lacks := len(*h)-1, h.lacks(o)
	*h = slices.Grow(*h, lacks)[:len(*h)+lacks]
	for at, from := len(*h)-1, len(o)-1; from >= 0; at-- {
		switch {
		case into >= 0 && (*h)[into].Index > o[from].Index:
			(*h)[at] = (*h)[into]
			into--
		case into >= 0 && (*h)[into].Index == o[from].Index:
			(*h)[at] = Bucket{o[from].Index, (*h)[into].Count + o[from].Count}
			into, from = into-1, from-1
		default:
			(*h)[at] = o[from]
			from--
		}
	}
}

// lacks counts the buckets of o that h has not.
func (h *Histogram) lacks(o Histogram) int {
	n, at := 0, 0
	for _, b := range o {
		for at < len(*h) && (*h)[at].Index < b.Index {
			at++
		}
		if at == len(*h) || (*h)[at].Index != b.Index {
			n++
		}
	}
	return n
}

// Count is the number of values counted, in the unit of the buckets' counts.
func (h Histogram) Count() int64 {
	var n int64
	for _, b := range h {
		n += b.Count
	}
	return n
}

// Quantile estimates the value below which the share q of the counted values
// lies; ok is false where nothing was counted. Within the bucket of that rank the
// values are taken to be spread evenly, so the estimate is off by at most the
// bucket's width, 1/32 of the value.
func (h Histogram) Quantile(q float64) (ns float64, ok bool) {
	total := h.Count()
	if total <= 0 {
		return 0, false
	}
	rank := float64(min(max(q, 0), 1) * float64(total))
	var below int64
	for _, b := range h {
		if b.Count > 0 && float64(below+b.Count) >= rank {
			low, high := BucketBounds(b.Index)
			share := (rank - float64(below)) / float64(b.Count)
			// The conversion keeps compilers from fusing the product into the
			// sum, which would round otherwise on other processors.
			return float64(low) + float64(float64(high-low)*share), true
		}
		below += b.Count
	}
	// Only counts below zero, which no machine writes, lead here.
	_, high := BucketBounds(h[len(h)-1].Index)
	return float64(high), true
}
