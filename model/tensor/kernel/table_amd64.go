//go:build amd64 && !noasm

package kernel

import "golang.org/x/sys/cpu"

// tables lists the implementations that this processor can run, the best one last.
func tables() []table {
	t := []table{generic}
	x := cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return t
	}
	t = append(t, avx2())
	if x.HasAVX512F && x.HasAVX512VL && x.HasAVX512BW && x.HasAVX512DQ {
		t = append(t, avx512())
	}
	return t
}

func avx2() table {
	t := generic // what has no assembly stays Go
	t.name = "avx2"
	t.gemm, t.spmm = gemmAVX2, spmmAVX2
	return t
}

func avx512() table {
	t := avx2()
	t.name = "avx512"
	t.gemm, t.spmm = gemmAVX512, spmmAVX512
	return t
}
