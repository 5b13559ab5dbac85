package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"time"
)

// Version names a trained model: the method, a time (Unix nanoseconds) in UTC and
// four digits of the weights' hash, such as stgnn-20260101T000000Z-1a2b. The same
// weights made at the same time have the same version.
func Version(method string, at int64, s State) string {
	return method + "-" + time.Unix(0, at).UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(s.Hash())[:4]
}

// Hash is the SHA-256 of the tensors in the order of their names, and of Meta.
func (s State) Hash() []byte {
	names := make([]string, 0, len(s.Tensors))
	for name := range s.Tensors {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	var word [8]byte
	number := func(v uint64) {
		binary.LittleEndian.PutUint64(word[:], v)
		h.Write(word[:])
	}
	text := func(b []byte) {
		number(uint64(len(b)))
		h.Write(b)
	}
	for _, name := range names {
		t := s.Tensors[name]
		text([]byte(name))
		for _, d := range t.Shape {
			number(uint64(d))
		}
		buf := make([]byte, 0, 4*len(t.Data))
		for _, v := range t.Data {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		text(buf)
	}
	text(s.Meta)
	return h.Sum(nil)
}
