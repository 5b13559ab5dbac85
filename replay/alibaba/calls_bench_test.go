package alibaba

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// writeCalls writes a call graph of n rows as 2021 has them: ids of 64 digits,
// traces of about 40 rows, both views of most calls, unsorted within five minutes.
func writeCalls(b *testing.B, file string, n int) {
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	services := make([]string, 2000)
	for i := range services {
		services[i] = fmt.Sprintf("%016x%016x%016x%016x", rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64())
	}
	fmt.Fprintln(w, ",traceid,timestamp,rpcid,um,rpctype,dm,interface,rt")
	for i := 0; i < n; i += 2 {
		trace := i / 40
		at := rng.IntN(300_000)
		um, dm := services[(trace+i%40)%2000], services[(trace*7+i%40)%2000]
		rpc := fmt.Sprintf("0.1.%d.%d", i%40/10, i%40)
		for _, rt := range []int{12, -10} {
			fmt.Fprintf(w, "%d,0b133c1915919238193454%08x,%d,%s,%s,rpc,%s,%s,%d\n", i, trace, at, rpc, um, dm, dm, rt)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCalls measures reading a call graph from a plain file to spans: parsing,
// sorting on disk, folding, making spans; not encoding them. One operation is one row.
func BenchmarkCalls(b *testing.B) {
	dir := b.TempDir()
	file := filepath.Join(dir, "MSCallGraph_0.csv")
	writeCalls(b, file, b.N)
	st, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	s, err := Open2021(context.Background(), dir, Options{TempDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	spans := 0
	for {
		_, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		spans++
	}
	b.ReportMetric(float64(spans)/b.Elapsed().Seconds(), "spans/s")
	b.SetBytes(st.Size() / int64(b.N))
}
