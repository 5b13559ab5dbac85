package parity

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"presage/model/safetensors"
)

// folderVariable names the folder that holds parity/, instead of the one beside the project.
const folderVariable = "PRESAGE_TESTDATA"

// Fixture is one file of inputs, outputs and gradients, which reports to a test.
type Fixture struct {
	tb      testing.TB
	file    safetensors.File
	largest map[string]float64 // differences met, by kind of value
}

// Open reads a fixture by its name. It skips the test where there are no fixtures at all; a missing one among others
// is an error.
func Open(tb testing.TB, name string) *Fixture {
	tb.Helper()
	folder := filepath.Join(root(tb), "parity")
	if _, err := os.Stat(folder); os.IsNotExist(err) && os.Getenv(folderVariable) == "" {
		tb.Skipf("no fixtures beside the project: %s names the folder that holds parity/", folderVariable)
	}
	return Read(tb, filepath.Join(folder, name+".safetensors"))
}

// root is the folder that holds parity/. It is found from the module's root, so that a test's own depth doesn't matter.
func root(tb testing.TB) string {
	tb.Helper()
	if named := os.Getenv(folderVariable); named != "" {
		return named
	}
	folder, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		up := filepath.Dir(folder)
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return filepath.Join(up, "shared")
		}
		if up == folder {
			tb.Fatal("no go.mod above the test's folder")
		}
		folder = up
	}
}

// Read reads a fixture from a file that has to be there.
func Read(tb testing.TB, path string) *Fixture {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	file, err := safetensors.Read(f)
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return (&Fixture{file: file}).To(tb)
}

// To is the same fixture for another test, such as a subtest. At that test's end the largest differences are logged.
func (f *Fixture) To(tb testing.TB) *Fixture {
	to := &Fixture{tb: tb, file: f.file, largest: map[string]float64{}}
	tb.Cleanup(func() {
		for _, kind := range slices.Sorted(maps.Keys(to.largest)) {
			tb.Logf("%s: largest difference %.2g", kind, to.largest[kind])
		}
	})
	return to
}

// Has says whether there is a tensor of this name.
func (f *Fixture) Has(name string) bool {
	_, ok := f.file.Tensors[name]
	return ok
}

// Shape is a tensor's, empty for a scalar. The tensor has to be there, as for Floats and Ints.
func (f *Fixture) Shape(name string) []int {
	f.tb.Helper()
	return slices.Clone(f.tensor(name).Shape)
}

// Floats are a tensor's elements, the last axis running fastest; float32 is widened.
func (f *Fixture) Floats(name string) []float64 {
	f.tb.Helper()
	v, err := f.tensor(name).Float64()
	if err != nil {
		f.tb.Fatalf("%s: %v", name, err)
	}
	return v
}

// Ints are the elements of a tensor of integers.
func (f *Fixture) Ints(name string) []int64 {
	f.tb.Helper()
	v, err := f.tensor(name).Int64()
	if err != nil {
		f.tb.Fatalf("%s: %v", name, err)
	}
	return v
}

func (f *Fixture) tensor(name string) safetensors.Tensor {
	f.tb.Helper()
	if !f.Has(name) {
		f.tb.Fatalf("the fixture has no %s", name)
	}
	return f.file.Tensors[name]
}
