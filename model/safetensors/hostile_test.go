package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"presage/internal/hostile"
	"presage/model/safetensors"
)

// Lengths and shapes that a file only claims are refused before anything is reserved.
func TestHostileFiles(t *testing.T) {
	length := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	file := func(header, data string) string { return string(raw(header, data)) }
	tests := map[string]string{
		"header of 2^64-1 bytes":      length(1<<64-1) + "{}",
		"header of 100 MB":            length(100<<20) + "{}",
		"a tensor of 2^40 values":     file(`{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, "abcd"),
		"2^62 values":                 file(`{"a":{"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,4]}}`, "abcd"),
		"offsets that end before":     file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, "abcd"),
		"offsets below zero":          file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, "abcd"),
		"100 000 dimensions":          file(`{"a":{"dtype":"F32","shape":[`+strings.Repeat("1,", 100_000)+`2],"data_offsets":[0,4]}}`, "abcd"),
		"a shape 100 000 deep":        file(`{"a":{"dtype":"F32","shape":`+hostile.DeepJSON("", 100_000)+`,"data_offsets":[0,4]}}`, "abcd"),
		"metadata 100 000 deep":       file(`{"__metadata__":`+hostile.DeepJSON("x", 100_000)+`}`, ""),
		"a header that is no object":  file(strings.Repeat("[", 1000), ""),
		"a text that is never closed": file(`{"a`, ""),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			data := []byte(text)
			var err error
			hostile.Spends(t, hostile.Allowance, func() { _, err = safetensors.Read(bytes.NewReader(data)) })
			if !errors.Is(err, safetensors.ErrCorrupt) {
				t.Errorf("error %.200v, want ErrCorrupt", err)
			}
		})
	}
}
