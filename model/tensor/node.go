package tensor

// operation names what a node did.
type operation int

const (
	opAdd operation = iota
	opSub
	opMul
	opScale
	opAddRow
	opAddCol
	opMulCol
	opMatMul
	opLinear
	opSpMM
	opReLU
	opSigmoid
	opTanh
	opSoftplus
	opConcat
	opSliceCols
	opGather
	opCumSum
	opDropout
	opGates
	opGRU
	opQuantiles
	opSum
	opLoss
	opBatchMatMul
	opDynamicGRU
	opExtended
)

// node is one operation as the tape remembers it: plain fields in place of a closure, so
// that recording allocates nothing. Which fields are in use, and what for, is the operation's affair.
type node[T Float] struct {
	op      operation
	y       *Var[T]
	a, b, c *Var[T]
	parts   []*Var[T]
	keep    []T
	index   []int32
	graphs  []*CSR[T]
	i, j, k int
	s       T
	gru     gruNode[T]
	more    extended[T]
}

// back adds the derivative of one operation to its inputs' gradients.
func (t *Tape[T]) back(n *node[T]) {
	switch n.op {
	case opAdd, opSub:
		backAdd(n)
	case opMul:
		backMul(n)
	case opScale:
		accumulate(n.a, n.y.Grad, n.s)
	case opAddRow:
		backAddRow(n)
	case opAddCol:
		backAddCol(n)
	case opMulCol:
		backMulCol(n)
	case opMatMul:
		t.backMatMul(n)
	case opLinear:
		t.backLinear(n)
	case opSpMM:
		t.backSpMM(n)
	case opReLU:
		backReLU(n)
	case opSigmoid:
		backSigmoid(n)
	case opTanh:
		backTanh(n)
	case opSoftplus:
		t.backSoftplus(n)
	case opConcat:
		backConcat(n)
	case opSliceCols:
		backSliceCols(n)
	case opGather:
		backGather(n)
	case opCumSum:
		backCumSum(n)
	case opDropout:
		backDropout(n)
	case opGates:
		t.backGates(n)
	case opGRU:
		t.backGRU(n)
	case opQuantiles:
		t.backQuantiles(n)
	case opSum:
		backSum(n)
	case opLoss:
		backLoss(n)
	case opBatchMatMul:
		t.backBatchMatMul(n)
	case opDynamicGRU:
		t.backDynamicGRU(n)
	case opExtended:
		n.more.back(t, n)
	}
}
