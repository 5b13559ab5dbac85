package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"presage/model/safetensors"
)

func sample() safetensors.File {
	return safetensors.File{
		Tensors: map[string]safetensors.Tensor{
			"b.weight": safetensors.FromFloat32([]int{2, 3}, []float32{1, -2, 3.5, 0, 5, float32(math.Inf(1))}),
			"a":        safetensors.FromFloat64([]int{2}, []float64{math.Pi, -1e300}),
			"index":    safetensors.FromInt64([]int{3}, []int64{-1, 0, math.MaxInt64}),
			"scalar":   safetensors.FromFloat32([]int{}, []float32{7}),
			"empty":    safetensors.FromFloat32([]int{0, 4}, nil),
		},
		Metadata: map[string]string{"format": "presage"},
	}
}

func encode(t *testing.T, f safetensors.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	b := encode(t, sample())
	got, err := safetensors.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, got), b) {
		t.Error("writing what was read gives other bytes")
	}
	want := sample()
	if !reflect.DeepEqual(got.Metadata, want.Metadata) {
		t.Errorf("metadata %v, expected %v", got.Metadata, want.Metadata)
	}
	for name, w := range want.Tensors {
		g := got.Tensors[name]
		if g.DType != w.DType || !reflect.DeepEqual(g.Shape, w.Shape) || !bytes.Equal(g.Data, w.Data) {
			t.Errorf("%s: %v, expected %v", name, g, w)
		}
	}
	v, err := got.Tensors["b.weight"].Float32()
	if err != nil || v[1] != -2 || !math.IsInf(float64(v[5]), 1) {
		t.Errorf("b.weight = %v, %v", v, err)
	}
	wide, err := got.Tensors["b.weight"].Float64()
	if err != nil || wide[2] != 3.5 {
		t.Errorf("b.weight widened = %v, %v", wide, err)
	}
	i, err := got.Tensors["index"].Int64()
	if err != nil || i[0] != -1 || i[2] != math.MaxInt64 {
		t.Errorf("index = %v, %v", i, err)
	}
	if _, err := got.Tensors["index"].Float64(); err == nil {
		t.Error("integers were read as floats")
	}
}

func raw(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		text string
	}{
		{"nothing", nil, "header length"},
		{"huge header", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "at most"},
		{"short header", raw(`{"a":1}`, "")[:12], "of 7 bytes"},
		{"no json", raw(`{"a"`, ""), "header"},
		{"unknown type", raw(`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, "ab"), "F16"},
		{"hole", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, "abcdefgh"), "expected [0, 4]"},
		{"too short", raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, "abcd"), "within 4 bytes"},
		{"trailing", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "abcdefgh"), "4 bytes after"},
		{"negative", raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}`, ""), "negative"},
		{"overflow", raw(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, ""), "overflows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := safetensors.Read(bytes.NewReader(tt.in))
			if !errors.Is(err, safetensors.ErrCorrupt) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, expected ErrCorrupt with %q", err, tt.text)
			}
		})
	}
}

func TestWriteRefusesWrongSize(t *testing.T) {
	f := safetensors.File{Tensors: map[string]safetensors.Tensor{"a": {DType: safetensors.F32, Shape: []int{3}, Data: make([]byte, 8)}}}
	if err := safetensors.Write(&bytes.Buffer{}, f); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("error %v, expected one that names the tensor", err)
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := safetensors.Write(&b, sample()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "abcd"))
	f.Add(raw(`{}`, ""))
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := safetensors.Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := safetensors.Write(&out, file); err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := safetensors.Read(&out)
		if err != nil || len(again.Tensors) != len(file.Tensors) {
			t.Fatalf("round trip: %v", err)
		}
	})
}

func ExampleRead() {
	var b bytes.Buffer
	f := safetensors.File{Tensors: map[string]safetensors.Tensor{"w": safetensors.FromFloat32([]int{2}, []float32{1, 2})}}
	if err := safetensors.Write(&b, f); err != nil {
		fmt.Println(err)
		return
	}
	back, err := safetensors.Read(&b)
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := back.Tensors["w"].Float32()
	fmt.Println(w, err)
	// Output: [1 2] <nil>
}
