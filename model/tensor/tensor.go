package tensor

import (
	"fmt"
	"slices"

	"presage/model/tensor/kernel"
)

// Float is the element type of everything in this package.
type Float = kernel.Float

// Var is an array in row-major order, with its gradient if one is wanted.
//
// A Var made by a tape, with all its memory, is the tape's and valid until its next
// Reset. Parameters and constants own their memory.
type Var[T Float] struct {
	Shape []int
	Data  []T
	Grad  []T // same length as Data; nil if no gradient is wanted

	// begun says whether Grad holds anything yet; nil means that it does. Gradients of results are
	// not cleared: the first one to come is written, others are added.
	begun *bool
	own   bool // what begun points to, unless memory is shared with another Var
}

// NewParam makes a zero array that collects a gradient.
func NewParam[T Float](shape ...int) *Var[T] {
	n := size(shape)
	return &Var[T]{Shape: shape, Data: make([]T, n), Grad: make([]T, n)}
}

// NewConst wraps data, whose length must be the product of shape, without a gradient.
func NewConst[T Float](data []T, shape ...int) *Var[T] {
	if len(data) != size(shape) {
		bug("%d elements for shape %v", len(data), slices.Clone(shape))
	}
	return &Var[T]{Shape: shape, Data: data}
}

// Cols is the length of the last dimension (1 for a scalar).
func (v *Var[T]) Cols() int {
	if len(v.Shape) == 0 {
		return 1
	}
	return v.Shape[len(v.Shape)-1]
}

// Rows is the product of all dimensions but the last.
func (v *Var[T]) Rows() int {
	if len(v.Shape) == 0 {
		return 1
	}
	return size(v.Shape[:len(v.Shape)-1])
}

// ZeroGrad clears the gradient.
func (v *Var[T]) ZeroGrad() { clear(v.Grad) }

// reached says whether a gradient has come.
func (v *Var[T]) reached() bool { return v.Grad != nil && (v.begun == nil || *v.begun) }

// collect prepares Grad for an operation that writes all of it: add says whether it has to add
// to what is there.
func (v *Var[T]) collect() (add bool) {
	if v.begun == nil || *v.begun {
		return true
	}
	*v.begun = true
	return false
}

// open prepares Grad for an operation that adds to some of it.
func (v *Var[T]) open() {
	if !v.collect() {
		clear(v.Grad)
	}
}

func size(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

func sameShape[T Float](op string, a, b *Var[T]) {
	if !slices.Equal(a.Shape, b.Shape) {
		bug("%s of shapes %v and %v", op, a.Shape, b.Shape)
	}
}

// bug reports a mistake of the network's author, never of the data.
func bug(format string, args ...any) {
	panic("BUG: tensor: " + fmt.Sprintf(format, args...))
}
