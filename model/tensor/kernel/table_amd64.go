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
	t.axpy, t.scale, t.relu, t.reluMask = axpyAVX2, scaleAVX2, reluAVX2, reluMaskAVX2
	t.add, t.sub, t.mul, t.mulAdd = addAVX2, subAVX2, mulAVX2, mulAddAVX2
	t.reluBack, t.sigmoidBack, t.tanhBack = reluBackAVX2, sigmoidBackAVX2, tanhBackAVX2
	t.sum, t.sumSquares, t.dot, t.colSum = sumAVX2, sumSquaresAVX2, dotAVX2, colSumAVX2
	t.adam = adamWithAVX2
	t.gates, t.gatesBack = gatesBy(gruGatesAVX2), gatesBackBy(gruGatesBackAVX2)
	t.softmax, t.softmaxBack = softmaxBy(softmaxRowsAVX2), softmaxBackBy(softmaxRowsBackAVX2)
	t.layerNorm, t.layerNormBack = layerNormBy(layerNormRowsAVX2), layerNormBackBy(layerNormRowsBackAVX2, colSumAVX2, layerNormGainAVX2)
	t.exp, t.expm1, t.log1p = expAVX2, expm1AVX2, log1pAVX2
	t.sigmoid, t.tanh, t.softplus, t.compress = sigmoidAVX2, tanhAVX2, softplusAVX2, compressAVX2
	return t
}

func avx512() table {
	t := avx2()
	t.name = "avx512"
	t.gemm, t.spmm = gemmAVX512, spmmAVX512
	t.axpy, t.scale, t.relu, t.reluMask = axpyAVX512, scaleAVX512, reluAVX512, reluMaskAVX512
	t.add, t.sub, t.mul, t.mulAdd = addAVX512, subAVX512, mulAVX512, mulAddAVX512
	t.reluBack, t.sigmoidBack, t.tanhBack = reluBackAVX512, sigmoidBackAVX512, tanhBackAVX512
	t.sum, t.sumSquares, t.dot, t.colSum = sumAVX512, sumSquaresAVX512, dotAVX512, colSumAVX512
	t.adam = adamWithAVX512
	t.gates, t.gatesBack = gatesBy(gruGatesAVX512), gatesBackBy(gruGatesBackAVX512)
	t.softmax, t.softmaxBack = softmaxBy(softmaxRowsAVX512), softmaxBackBy(softmaxRowsBackAVX512)
	t.layerNorm, t.layerNormBack = layerNormBy(layerNormRowsAVX512), layerNormBackBy(layerNormRowsBackAVX512, colSumAVX512, layerNormGainAVX512)
	t.exp, t.expm1, t.log1p = expAVX512, expm1AVX512, log1pAVX512
	t.sigmoid, t.tanh, t.softplus, t.compress = sigmoidAVX512, tanhAVX512, softplusAVX512, compressAVX512
	return t
}
