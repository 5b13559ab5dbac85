package slice

import "math/bits"

// Histogram counts values in buckets of 32 linear sub-buckets per power of two:
// a relative width of at most 1/32. Buckets are sparse and sorted by index.
type Histogram []Bucket

// Bucket is one bucket's count.
type Bucket struct {
	Index uint16
	Count int64
}

// BucketOf gives the bucket of a value; negative values are in bucket 0.
func BucketOf(v int64) uint16 {
	if v < 32 {
		return uint16(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - 6
	return uint16(shift*32 + int(uint64(v)>>shift))
}

// BucketBounds gives the lowest value of a bucket and the lowest of the next.
func BucketBounds(i uint16) (low, high int64) {
	if i < 64 {
		return int64(i), int64(i) + 1
	}
	shift := int(i)/32 - 1
	low = int64(int(i)-shift*32) << shift
	return low, low + 1<<shift
}
