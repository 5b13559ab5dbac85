package aggregates

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"presage/model"
)

// The files of a traffic regime.
const (
	petShopMetrics = "noissue/metrics.csv"
	petShopGraph   = "graph.csv"
)

const petShopWidth = 5 * time.Minute

// PetShop reads the normal periods of the PetShop data set (Hardt et al., "The PetShop Dataset:
// Finding Causes of Performance Issues across Microservices", 2024) in time order, a segment a
// regime. dir is the data set, its folder "dataset", or one regime. It fills the response time,
// the requests and the errors.
func PetShop(dir string) ([]*model.Step, error) {
	folders, err := petShopRegimes(dir)
	if err != nil {
		return nil, err
	}
	regimes := make([]*regime, len(folders))
	for i, folder := range folders {
		if regimes[i], err = readRegime(folder); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(regimes, func(a, b *regime) int { return cmp.Compare(a.rows[0].at, b.rows[0].at) })
	var steps []*model.Step
	for i, r := range regimes {
		first := int64(0)
		if i > 0 {
			last := steps[len(steps)-1]
			if r.rows[0].at < last.At+last.Width {
				return nil, fmt.Errorf("%s and %s overlap in time, expected regimes one after the other", regimes[i-1].folder, r.folder)
			}
			first = last.Segment + 1
		}
		steps = append(steps, r.steps(first)...)
	}
	return steps, nil
}

// petShopRegimes lists the folders of the regimes that have a normal period.
func petShopRegimes(dir string) ([]string, error) {
	candidates := []string{dir}
	for _, parent := range []string{dir, filepath.Join(dir, "dataset")} {
		entries, err := os.ReadDir(parent)
		if err != nil && (parent == dir || !errors.Is(err, fs.ErrNotExist)) {
			return nil, fmt.Errorf("aggregates: %w", err)
		}
		for _, e := range entries {
			candidates = append(candidates, filepath.Join(parent, e.Name()))
		}
	}
	var folders []string
	for _, c := range candidates {
		if info, err := os.Stat(filepath.Join(c, petShopMetrics)); err == nil && info.Mode().IsRegular() {
			folders = append(folders, c)
		}
	}
	if len(folders) == 0 {
		return nil, fmt.Errorf("%s: no traffic regime of PetShop with a normal period, expected %s/dataset/<traffic>/%s", dir, dir, petShopMetrics)
	}
	return folders, nil
}

// regime is the normal period of one traffic regime.
type regime struct {
	folder   string
	services []string
	graph    *model.Graph
	rows     []regimeRow
}

// regimeRow is one slice.
type regimeRow struct {
	at    int64
	cells []regimeCell
}

// regimeCell is one observation, in the unit of its channel.
type regimeCell struct {
	service int32
	channel int32
	value   float32
}

func readRegime(folder string) (*regime, error) {
	r := &regime{folder: folder}
	metrics := filepath.Join(folder, petShopMetrics)
	if err := withFile(metrics, func(in io.Reader) error { return r.readMetrics(newTable(in, metrics)) }); err != nil {
		return nil, err
	}
	graph := filepath.Join(folder, petShopGraph)
	if err := withFile(graph, func(in io.Reader) error { return r.readGraph(newTable(in, graph)) }); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *regime) steps(segment int64) []*model.Step {
	s := newSegments(int64(petShopWidth), r.services, r.graph, segment)
	for _, row := range r.rows {
		st := s.add(row.at, r.graph)
		for _, c := range row.cells {
			set(st, int(c.service), int(c.channel), float64(c.value))
		}
	}
	return s.steps
}

// readGraph reads the adjacency: a row a caller, a column a callee, both named. Services
// without metrics of their own are left out.
func (r *regime) readGraph(t *table) error {
	if err := t.need("the names of the callees"); err != nil {
		return err
	}
	place := func(name string) int {
		if i, ok := slices.BinarySearch(r.services, name); ok {
			return i
		}
		return -1
	}
	names := make([]string, t.width) // copied, as the table uses its row again
	callees := make([]int, t.width)
	seen := make([]bool, len(r.services))
	for c := 1; c < t.width; c++ {
		names[c], callees[c] = t.cells[c], place(t.cells[c])
		if callees[c] < 0 {
			continue
		}
		if seen[callees[c]] {
			return t.wrong(c, "callee", "each name once")
		}
		seen[callees[c]] = true
	}
	weights := make([]map[int]float32, len(r.services)) // of caller, by callee
	for {
		ok, err := t.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		caller := place(t.cells[0])
		if caller >= 0 && weights[caller] != nil {
			return t.wrong(0, "caller", "each name once")
		}
		to := map[int]float32{}
		for c := 1; c < t.width; c++ {
			w, err := t.number(c, names[c], maxNumber)
			if err != nil {
				return err
			}
			if float32(w) > 0 && callees[c] >= 0 {
				to[callees[c]] = float32(w)
			}
		}
		if caller >= 0 {
			weights[caller] = to
		}
	}
	r.graph = &model.Graph{RowPtr: make([]int32, 1, len(r.services)+1)}
	for _, to := range weights {
		for _, c := range slices.Sorted(maps.Keys(to)) {
			r.graph.Col, r.graph.Weight = append(r.graph.Col, int32(c)), append(r.graph.Weight, to[c])
		}
		r.graph.RowPtr = append(r.graph.RowPtr, int32(len(r.graph.Col)))
	}
	return nil
}
