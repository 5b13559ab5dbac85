package worlds

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"presage/replay/generated"
)

// The files of a world.
const (
	fileWorld     = "world.json" // written last: without it a folder holds no world
	fileNodes     = "nodes.parquet"
	fileEdges     = "edges.parquet"
	fileFuture    = "future.parquet"
	fileIncidents = "incidents.jsonl"
)

// Options say how a world is written.
type Options struct {
	Workers  int                 // goroutines that measure floor F1; 0: one a core
	Progress func(share float64) // if set, called now and then, by one goroutine at a time
}

// header is what world.json holds.
type header struct {
	World  World     `json:"world"`
	Nodes  []Node    `json:"nodes"`
	Edges  []Edge    `json:"edges"`
	Depths []float64 `json:"depths"` // share of calls by depth below the entry
	Retry  Retries   `json:"retries"`
}

// Retries says how many attempts came on a call that was wanted, by slice, over all edges.
type Retries struct {
	Mean float64 `json:"mean"`
	P99  float64 `json:"p99"`
	Most float64 `json:"most"`
}

// Write runs the world and writes its files below dir: what telemetry shows, the truth beside
// it, incidents, and the floor F1. On an error or when ctx ends no world.json is left.
func (w World) Write(ctx context.Context, dir string, opt Options) error {
	sim, err := w.simulation()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("worlds: make folder: %w", err)
	}
	if err := os.Remove(filepath.Join(dir, fileWorld)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("worlds: replace world: %w", err)
	}
	run := &writing{w: &w, dir: dir, opt: opt, l: newLayout(sim), slicer: generated.NewSlicer(sim)}
	return run.write(ctx, sim.Depths())
}

// writing is a world that is being written.
type writing struct {
	w      *World
	dir    string
	opt    Options
	l      layout
	slicer *generated.Slicer
	retry  []float64

	mutex sync.Mutex // guards done
	done  int        // slices simulated, continuations included
}

// tell reports progress.
func (r *writing) tell(slices int) {
	if r.opt.Progress == nil {
		return
	}
	f := &r.w.Floors
	all := r.w.Slices + len(r.w.origins())*f.Continuations*f.Horizons
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.done += slices
	r.opt.Progress(min(1, float64(r.done)/float64(all)))
}

// write runs and writes everything.
func (r *writing) write(ctx context.Context, depths []float64) (err error) {
	workers := r.opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	nodes, err := createTable(r.dir, fileNodes, nodeFields)
	if err != nil {
		return err
	}
	defer nodes.abandonOn(&err)
	edges, err := createTable(r.dir, fileEdges, edgeFields)
	if err != nil {
		return err
	}
	defer edges.abandonOn(&err)
	f := newFutures(ctx, r.w, &r.l, workers, r.tell)
	incidents, err := r.simulate(ctx, f, nodes, edges)
	if over := f.wait(); err == nil {
		err = over
	}
	if err != nil {
		return err
	}
	if err := nodes.close(); err != nil {
		return err
	}
	if err := edges.close(); err != nil {
		return err
	}
	if err := f.write(r.dir); err != nil {
		return err
	}
	if err := writeIncidents(r.dir, incidents); err != nil {
		return err
	}
	return writeJSON(filepath.Join(r.dir, fileWorld), header{
		World: *r.w, Nodes: r.l.nodes, Edges: r.l.edges, Depths: depths, Retry: summary(r.retry),
	})
}

// simulate runs the world, writes a row group a day, and hands origins to f.
func (r *writing) simulate(ctx context.Context, f *futures, nodes, edges *table) ([]generated.Incident, error) {
	var incidents []generated.Incident
	var seen generated.Observation
	look := generated.NewRand(r.w.Seed, streamSeen)
	b := newBlock(&r.l)
	for k := range r.w.Slices {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		incidents = append(incidents, r.slicer.Run(r.w.ticks())...)
		r.slicer.Observe(&look, r.w.Sampling, r.w.Lost, &seen)
		r.retry = append(r.retry, r.slicer.Amplification())
		f.after(k, r.slicer)
		b.add(k, &seen)
		if b.slices == blockSlices || k == r.w.Slices-1 {
			if err := b.flush(nodes, edges); err != nil {
				return nil, err
			}
		}
		r.tell(1)
	}
	return append(incidents, r.slicer.Unfinished()...), nil
}

// abandonOn removes an unfinished file if there was an error.
func (t *table) abandonOn(err *error) {
	if *err != nil {
		t.abandon()
	}
}

// summary sums up the slices' retry amplification.
func summary(x []float64) Retries {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	sorted := slices.Sorted(slices.Values(x))
	n := len(sorted)
	return Retries{Mean: sum / float64(n), P99: sorted[min(n-1, n*99/100)], Most: sorted[n-1]}
}

// writeIncidents writes a JSON object a line.
func writeIncidents(dir string, list []generated.Incident) error {
	var text []byte
	for i := range list {
		line, err := json.Marshal(&list[i])
		if err != nil {
			return fmt.Errorf("worlds: write incident %d: %w", list[i].ID, err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, fileIncidents), text, 0o644); err != nil {
		return fmt.Errorf("worlds: write incidents: %w", err)
	}
	return nil
}

// writeJSON writes a value to a file that is there whole or not at all.
func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err == nil {
		err = os.WriteFile(path+".part", append(text, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return fmt.Errorf("worlds: write %s: %w", path, err)
	}
	return nil
}

// blockSlices is how many slices share a row group.
const blockSlices = 1440

// block gathers the rows of a row group: all slices of a node, then the next node's, as
// neighbours in time compress best.
type block struct {
	l      *layout
	first  int
	slices int
	nodes  struct{ response, truth, cpu, memory []float32 } // [row, blockSlices]
	counts struct{ calls, errors, replicas []int32 }
	edges  struct {
		calls, errors []int32
		ms            []float32
	}
}

func newBlock(l *layout) *block {
	b := &block{l: l}
	rows, edges := len(l.rows)*blockSlices, len(l.edges)*blockSlices
	for _, column := range []*[]float32{&b.nodes.response, &b.nodes.truth, &b.nodes.cpu, &b.nodes.memory} {
		*column = make([]float32, rows)
	}
	for _, column := range []*[]int32{&b.counts.calls, &b.counts.errors, &b.counts.replicas} {
		*column = make([]int32, rows)
	}
	b.edges.calls, b.edges.errors, b.edges.ms = make([]int32, edges), make([]int32, edges), make([]float32, edges)
	return b
}

// add takes in a slice.
func (b *block) add(slice int, seen *generated.Observation) {
	if b.slices == 0 {
		b.first = slice
	}
	nan := float32(math.NaN())
	for row, node := range b.l.rows {
		at := row*blockSlices + b.slices
		s := &seen.Services[b.l.nodeFrom[node]]
		b.nodes.truth[at] = rounded(s.TrueMs)
		b.nodes.response[at], b.counts.calls[at], b.counts.errors[at] = nan, missing, missing
		b.nodes.cpu[at], b.nodes.memory[at], b.counts.replicas[at] = nan, nan, missing
		if s.Spans {
			b.nodes.response[at], b.counts.calls[at], b.counts.errors[at] = rounded(s.Ms), int32(s.Calls), int32(s.Errors)
		}
		if s.Metrics {
			b.nodes.cpu[at], b.nodes.memory[at], b.counts.replicas[at] = rounded(s.CPU), rounded(s.Memory), int32(s.Replicas)
		}
	}
	for row, from := range b.l.edgeFrom {
		at := row*blockSlices + b.slices
		e := &seen.Edges[from]
		b.edges.calls[at], b.edges.errors[at], b.edges.ms[at] = int32(e.Calls), int32(e.Errors), rounded(e.Ms)
		if !seen.Services[b.l.nodeFrom[b.l.edges[row].Caller]].Spans {
			b.edges.calls[at], b.edges.errors[at], b.edges.ms[at] = missing, missing, nan
		}
	}
	b.slices++
}

// flush writes the block and begins a new one.
func (b *block) flush(nodes, edges *table) error {
	n := b.slices
	slice, service := b.index(b.l.rows)
	if err := nodes.write(slice, service, cut(b.nodes.response, n), cut(b.nodes.truth, n), cut(b.counts.calls, n), cut(b.counts.errors, n),
		cut(b.nodes.cpu, n), cut(b.nodes.memory, n), cut(b.counts.replicas, n)); err != nil {
		return err
	}
	numbers := make([]int32, len(b.l.edges))
	for i := range numbers {
		numbers[i] = int32(i)
	}
	slice, edge := b.index(numbers)
	b.slices = 0
	return edges.write(slice, edge, cut(b.edges.calls, n), cut(b.edges.errors, n), cut(b.edges.ms, n))
}

// index returns the two columns that say which row is which.
func (b *block) index(rows []int32) (slice, row []int32) {
	for _, r := range rows {
		for k := range b.slices {
			slice, row = append(slice, int32(b.first+k)), append(row, r)
		}
	}
	return slice, row
}

// cut leaves out what a block that is not full has no slices for.
func cut[T any](column []T, n int) []T {
	if n == blockSlices {
		return column
	}
	var out []T
	for from := 0; from < len(column); from += blockSlices {
		out = append(out, column[from:from+n]...)
	}
	return out
}
