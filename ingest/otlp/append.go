package otlp

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Protobuf's wire types.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
)

func appendTag(dst []byte, field, wire int) []byte {
	return binary.AppendUvarint(dst, uint64(field)<<3|uint64(wire))
}

// The append functions below leave a zero out, as proto3 does for fields that are
// neither repeated nor part of a oneof; the "set" ones write it.

func appendVarint(dst []byte, field int, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return appendSetVarint(dst, field, v)
}

func appendSetVarint(dst []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(dst, field, wireVarint), v)
}

func appendFixed64(dst []byte, field int, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return appendSetFixed64(dst, field, v)
}

func appendSetFixed64(dst []byte, field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(dst, field, wireFixed64), v)
}

func appendSetDouble(dst []byte, field int, v float64) []byte {
	return appendSetFixed64(dst, field, math.Float64bits(v))
}

func appendString(dst []byte, field int, s string) []byte {
	if s == "" {
		return dst
	}
	return appendSetString(dst, field, s)
}

func appendSetString(dst []byte, field int, s string) []byte {
	dst = binary.AppendUvarint(appendTag(dst, field, wireBytes), uint64(len(s)))
	return append(dst, s...)
}

// appendID writes an identifier, and nothing for the zero one.
func appendID(dst []byte, field int, id []byte) []byte {
	for _, b := range id {
		if b != 0 {
			dst = binary.AppendUvarint(appendTag(dst, field, wireBytes), uint64(len(id)))
			return append(dst, id...)
		}
	}
	return dst
}

// begin opens an embedded message with one byte kept for its length; end closes
// it, and moves the content where the length needs more.
func begin(dst []byte, field int) ([]byte, int) {
	dst = append(appendTag(dst, field, wireBytes), 0)
	return dst, len(dst)
}

func end(dst []byte, start int) []byte {
	size := uint64(len(dst) - start)
	if size < 0x80 {
		dst[start-1] = byte(size)
		return dst
	}
	more := (bits.Len64(size)+6)/7 - 1
	var room [binary.MaxVarintLen64]byte
	dst = append(dst, room[:more]...)
	copy(dst[start+more:], dst[start:len(dst)-more])
	binary.PutUvarint(dst[start-1:], size)
	return dst
}

func appendAttributes(dst []byte, field int, attributes []KeyValue) []byte {
	for i := range attributes {
		var start, value int
		dst, start = begin(dst, field)
		dst = appendString(dst, 1, attributes[i].Key)
		dst, value = begin(dst, 2)
		dst = appendValue(dst, &attributes[i].Value)
		dst = end(end(dst, value), start)
	}
	return dst
}

// appendValue writes an AnyValue: a oneof, so that zeros are written.
func appendValue(dst []byte, v *Value) []byte {
	switch v.Kind {
	case KindString:
		return appendSetString(dst, 1, v.Str)
	case KindBool:
		b := uint64(0)
		if v.Bool {
			b = 1
		}
		return appendSetVarint(dst, 2, b)
	case KindInt:
		return appendSetVarint(dst, 3, uint64(v.Int))
	case KindDouble:
		return appendSetDouble(dst, 4, v.Double)
	}
	return dst
}

func appendResource(dst []byte, attributes []KeyValue) []byte {
	dst, start := begin(dst, 1)
	return end(appendAttributes(dst, 1, attributes), start)
}

func appendRaw64(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }

func doubleBits(v float64) uint64 { return math.Float64bits(v) }
