//go:build amd64 && !noasm

package kernel

type (
	gatesFunc     func(out, h, in, rec, gates *float32, rows, c int)
	gatesBackFunc func(dIn, dRec, dH, dY, h, gates *float32, rows, c int)
)

func gatesBy(f gatesFunc) func(out, h, in, rec, gates []float32, c int) {
	return func(out, h, in, rec, gates []float32, c int) {
		f(&out[0], &h[0], &in[0], &rec[0], first(gates, 0), len(h)/c, c)
	}
}

func gatesBackBy(f gatesBackFunc) func(dIn, dRec, dH, dY, h, gates []float32, c int) {
	return func(dIn, dRec, dH, dY, h, gates []float32, c int) {
		f(&dIn[0], &dRec[0], first(dH, 0), &dY[0], &h[0], &gates[0], len(dY)/c, c)
	}
}
