package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrCorrupt marks every error that says the bytes are not a valid file.
var ErrCorrupt = errors.New("corrupt safetensors data")

// DType names the element type of a tensor as the format spells it.
type DType string

// The element types that Read accepts.
const (
	F32 DType = "F32"
	F64 DType = "F64"
	I64 DType = "I64"
)

// size is the number of bytes of one element, 0 for an unknown type.
func (d DType) size() int {
	switch d {
	case F32:
		return 4
	case F64, I64:
		return 8
	}
	return 0
}

// Tensor is one array: row-major, little-endian.
type Tensor struct {
	DType DType
	Shape []int // empty for a scalar
	Data  []byte
}

// File is the whole content: tensors by name and the free-form metadata of the header.
type File struct {
	Tensors  map[string]Tensor
	Metadata map[string]string
}

// FromFloat32 stores data, whose length must be the product of shape.
func FromFloat32(shape []int, data []float32) Tensor {
	b := make([]byte, 4*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return Tensor{DType: F32, Shape: shape, Data: b}
}

// FromFloat64 stores data, whose length must be the product of shape.
func FromFloat64(shape []int, data []float64) Tensor {
	b := make([]byte, 8*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(v))
	}
	return Tensor{DType: F64, Shape: shape, Data: b}
}

// FromInt64 stores data, whose length must be the product of shape.
func FromInt64(shape []int, data []int64) Tensor {
	b := make([]byte, 8*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
	return Tensor{DType: I64, Shape: shape, Data: b}
}

// Float32 returns the elements of an F32 tensor.
func (t Tensor) Float32() ([]float32, error) {
	if t.DType != F32 {
		return nil, fmt.Errorf("tensor holds %s, expected %s", t.DType, F32)
	}
	out := make([]float32, len(t.Data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return out, nil
}

// Float64 returns the elements of an F64 tensor, or those of an F32 tensor widened.
func (t Tensor) Float64() ([]float64, error) {
	switch t.DType {
	case F64:
		out := make([]float64, len(t.Data)/8)
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
		return out, nil
	case F32:
		narrow, err := t.Float32()
		if err != nil {
			return nil, err
		}
		out := make([]float64, len(narrow))
		for i, v := range narrow {
			out[i] = float64(v)
		}
		return out, nil
	}
	return nil, fmt.Errorf("tensor holds %s, expected %s or %s", t.DType, F64, F32)
}

// Int64 returns the elements of an I64 tensor.
func (t Tensor) Int64() ([]int64, error) {
	if t.DType != I64 {
		return nil, fmt.Errorf("tensor holds %s, expected %s", t.DType, I64)
	}
	out := make([]int64, len(t.Data)/8)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return out, nil
}

// bytesOf is the number of bytes that shape needs, or an error if it is negative or
// does not fit.
func bytesOf(d DType, shape []int) (int, error) {
	if d.size() == 0 {
		return 0, fmt.Errorf("unknown dtype %q, expected %s, %s or %s", d, F32, F64, I64)
	}
	n := d.size()
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("negative dimension in shape %v", shape)
		}
		if s > 0 && n > math.MaxInt/s {
			return 0, fmt.Errorf("shape %v overflows", shape)
		}
		n *= s
	}
	return n, nil
}
