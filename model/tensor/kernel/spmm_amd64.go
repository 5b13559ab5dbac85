//go:build amd64 && !noasm

package kernel

func spmmAVX2(y []float32, ptr, col []int32, val, x []float32, c int, add bool) {
	spmmRows(spmmRowsAVX2, y, ptr, col, val, x, c, add)
}

func spmmAVX512(y []float32, ptr, col []int32, val, x []float32, c int, add bool) {
	spmmRows(spmmRowsAVX512, y, ptr, col, val, x, c, add)
}

func spmmRows(f func(ptr *int32, rows int, col *int32, val *float32, x *float32, ldx int, y *float32, ldy, c, flags int),
	y []float32, ptr, col []int32, val, x []float32, c int, add bool) {
	if len(col) == 0 {
		if !add {
			clear(y[:(len(ptr)-1)*c])
		}
		return
	}
	flags := 0
	if add {
		flags = flagAdd
	}
	f(&ptr[0], len(ptr)-1, &col[0], &val[0], first(x, 0), c, &y[0], c, c, flags)
}
