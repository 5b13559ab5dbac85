package adjacency_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"presage/model/nn/adjacency"
	"presage/model/safetensors"
	"presage/model/tensor"
)

// TestParity holds the normalisations against Graph WaveNet's and T-GCN's own code.
func TestParity(t *testing.T) {
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		t.Skip("PRESAGE_TESTDATA is not set: it names the folder that holds parity/")
	}
	f, err := os.Open(filepath.Join(root, "parity", "graph_norms.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := safetensors.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	array := func(name string) []float32 {
		v, err := file.Tensors[name].Float32()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return v
	}
	const n = 7
	for _, suffix := range []string{"", "_isolated_node"} {
		a := adjacency.FromDense(array("input/adjacency"+suffix), n)
		compare := func(name string, got *tensor.CSR[float32]) {
			t.Helper()
			want := array(name)
			for i, v := range adjacency.Dense(got) {
				if math.Abs(float64(v-want[i])) > 1e-6 {
					t.Errorf("%s, element %d: %v, expected %v", name, i, v, want[i])
				}
			}
		}
		compare("output/asym_adj"+suffix, adjacency.RandomWalk(a))
		compare("output/asym_adj_transpose"+suffix, adjacency.RandomWalk(a.Transposed()))
		compare("output/sym_adj"+suffix, adjacency.SymmetricTransposed(a))
		compare("output/normalized_laplacian"+suffix, adjacency.Laplacian(a))
		compare("output/tgcn_laplacian"+suffix, adjacency.TGCN(a))
		if suffix == "" {
			for name, lambda := range map[string]float64{"lambda2": 2, "lambda_max": 0} {
				l, err := adjacency.ScaledLaplacian(a, lambda)
				if err != nil {
					t.Fatal(err)
				}
				compare("output/scaled_laplacian_"+name, l)
			}
		}
	}
}

func TestSymmetricByHand(t *testing.T) {
	a := adjacency.FromDense([]float64{0, 3, 0, 0}, 2)
	got := adjacency.Dense(adjacency.Symmetric(a)) // A + I = [1 3; 0 1], row sums 4 and 1
	want := []float64{0.25, 1.5, 0, 1}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-15 {
			t.Errorf("%v, expected %v", got, want)
		}
	}
}
