package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// goal is what a case should reach; zeros ask for nothing.
type goal struct {
	ratio float64       // PyTorch's time by ours, at least
	limit time.Duration // our time, at most
}

// group is a family of cases with one table in the report.
type group struct {
	bench   string // name of the Go benchmark
	alias   string // its name everywhere else, where another package has a benchmark of the same name
	pkg     string // where it is, from the root
	long    bool   // takes minutes: left out of a quick run that doesn't ask for it
	title   string
	about   string
	geomean float64 // goal of the geometric mean of ratios per number of threads
	cases   []benchCase
}

// benchCase is one of our benchmarks and what it is compared with.
type benchCase struct {
	sizes    string // as in the benchmark's name: "m=200/n=64"
	inName   bool   // whether our benchmark's name ends with the number of threads
	services int    // zero where the size is none of services
	threads  int
	goal     goal
}

// name is the case's in results, and our benchmark's but for an alias.
func (c benchCase) name(g group) string { return c.withThreads(c.torch(g)) }

// benchmark is the name of our Go benchmark.
func (c benchCase) benchmark(g group) string { return c.withThreads(g.bench + "/" + c.sizes) }

// torch is the case's name on the other side.
func (c benchCase) torch(g group) string { return cmp.Or(g.alias, g.bench) + "/" + c.sizes }

func (c benchCase) withThreads(name string) string {
	if c.inName {
		return fmt.Sprintf("%s/threads=%d", name, c.threads)
	}
	return name
}

const (
	tensorPackage = "./model/tensor"
	kernelPackage = "./model/tensor/kernel"
	stgnnPackage  = "./model/stgnn"
)

// groups is the table of everything that is timed.
func groups() []group {
	return slices.Concat([]group{
		gemm(), spmm(),
		function("Exp", goal{}), function("Sigmoid", goal{}), function("Tanh", goal{ratio: 5}),
		gates(),
		{
			bench: "BenchmarkSoftmax", pkg: kernelPackage, title: "Softmax",
			about: "Rows of 64, against `torch.softmax`.",
			cases: []benchCase{{sizes: "rows=1000/cols=64", threads: 1}},
		},
		{
			bench: "BenchmarkLayerNorm", pkg: kernelPackage, title: "Layer normalisation",
			about: "Rows of 64, against `layer_norm`.",
			cases: []benchCase{{sizes: "rows=1000/cols=64", threads: 1}},
		},
		{
			bench: "BenchmarkAdam", pkg: kernelPackage, title: "Adam",
			about: "One clipped step with weight decay, against `clip_grad_norm_` and `optim.Adam`.",
			cases: []benchCase{{sizes: "n=100000", threads: 1}},
		},
		paperForecast(), paperTraining(), forecast(), training(),
	}, rivals())
}

func gemm() group {
	g := group{
		bench: "BenchmarkGemm", pkg: tensorPackage, title: "Dense products",
		about:   "[m, 64] by [64, n], against `torch.mm(out=)`.",
		geomean: 1.1,
	}
	for _, threads := range []int{1, 2} {
		for _, m := range []int{200, 1000, 5000, 20000, 60000} {
			for _, n := range []int{64, 128, 192} {
				g.cases = append(g.cases, benchCase{
					sizes: fmt.Sprintf("m=%d/n=%d", m, n), inName: true, threads: threads, goal: goal{ratio: 0.9},
				})
			}
		}
	}
	return g
}

func spmm() group {
	return group{
		bench: "BenchmarkSpMM", pkg: tensorPackage, title: "Sparse products",
		about: "A normalised graph of five edges a service and the identity by [services, 64], against the faster of " +
			"`torch.sparse.mm` with COO and with CSR.",
		cases: byServices([]int{200, 1000, 5000}, "", func(benchCase) goal { return goal{ratio: 5} }),
	}
}

func function(name string, want goal) group {
	lower := strings.ToLower(name)
	return group{
		bench: "Benchmark" + name, pkg: kernelPackage, title: "Function " + lower,
		about: "65536 values, against `torch." + lower + "(out=)`.",
		cases: []benchCase{{sizes: "n=65536", threads: 1, goal: want}},
	}
}

func gates() group {
	g := group{
		bench: "BenchmarkGRUGates", pkg: kernelPackage, title: "Gates of a GRU",
		about: "From both products [rows, 192] and the state [rows, 64] to the next state, against the fastest of several ways " +
			"to write the gates with PyTorch's pointwise functions.",
	}
	for _, rows := range []int{200, 1000, 5000} {
		g.cases = append(g.cases, benchCase{
			sizes: fmt.Sprintf("rows=%d", rows), services: rows, threads: 1, goal: goal{ratio: 4},
		})
	}
	return g
}

func paperForecast() group {
	return group{
		bench: "BenchmarkPaperForecast", pkg: stgnnPackage, title: "The paper's network: forecast",
		about: "Twelve slices of ten inputs, two graph convolutions to 64, a GRU of 64, an MLP to twelve horizons.",
		cases: byServices([]int{200, 1000, 5000}, "", func(c benchCase) goal {
			if c.threads == 1 {
				return goal{ratio: 2.5}
			}
			return goal{ratio: 3}
		}),
	}
}

func paperTraining() group {
	want := func(benchCase) goal { return goal{ratio: 2.5} }
	return group{
		bench: "BenchmarkPaperTrainStep", pkg: stgnnPackage, title: "The paper's network: training step",
		about: "The same network: a batch of windows, squared error, backward, Adam.",
		cases: append(byServices([]int{200}, "/batch=32", want), byServices([]int{1000}, "/batch=8", want)...),
	}
}

func forecast() group {
	return group{
		bench: "BenchmarkForecast", pkg: stgnnPackage, title: "The default network: forecast",
		about: "A live step: the new slice diffused over the graph, inputs of all services assembled from the last twelve slices, " +
			"the network, quantiles in the target's unit.",
		cases: byServices([]int{1000, 2000, 5000, 10000, 20000}, "", func(c benchCase) goal {
			want := goal{ratio: 3}
			if c.threads == 1 {
				want.limit = map[int]time.Duration{1000: 3 * time.Millisecond, 20000: 80 * time.Millisecond}[c.services]
			}
			return want
		}),
	}
}

func training() group {
	return group{
		bench: "BenchmarkTrainStep", pkg: stgnnPackage, title: "The default network: training step",
		about: "6400 rows that are at hand, dropout, loss of three quantiles, backward, clipped AdamW.",
		cases: byServices([]int{200}, "/batch=32", func(benchCase) goal { return goal{} }),
	}
}

// byServices makes cases of so many services on one thread, then on two.
func byServices(services []int, more string, want func(benchCase) goal) []benchCase {
	var cases []benchCase
	for _, threads := range []int{1, 2} {
		for _, n := range services {
			c := benchCase{sizes: fmt.Sprintf("services=%d%s", n, more), inName: true, services: n, threads: threads}
			c.goal = want(c)
			cases = append(cases, c)
		}
	}
	return cases
}
