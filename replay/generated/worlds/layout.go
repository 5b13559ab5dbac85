package worlds

import (
	"cmp"
	"slices"

	"presage/replay/generated"
)

// Node is a service, or a store that services call and that reports nothing.
type Node struct {
	Name  string `json:"name"`
	Tier  int    `json:"tier"`
	Store bool   `json:"store,omitempty"`
}

// Edge is a caller-callee pair: indices of nodes.
type Edge struct {
	Caller int32 `json:"caller"`
	Callee int32 `json:"callee"`
	Queue  bool  `json:"queue,omitempty"` // the caller does not wait
}

// layout is the order of a world's nodes and edges in its files: nodes by name, edges by
// caller and callee.
type layout struct {
	nodes    []Node
	edges    []Edge
	nodeFrom []int // the generator's number of a node
	edgeFrom []int
	rows     []int32 // nodes that have rows: no stores
}

// newLayout orders what a simulation has, without the stores that nobody calls.
func newLayout(sim *generated.Simulation) layout {
	var l layout
	all, links := sim.Nodes(), sim.Links()
	called := make([]bool, len(all))
	for e, link := range links {
		called[link.Callee] = true
		l.edgeFrom = append(l.edgeFrom, e)
	}
	for i := range all {
		if !all[i].Store || called[i] {
			l.nodeFrom = append(l.nodeFrom, i)
		}
	}
	slices.SortFunc(l.nodeFrom, func(a, b int) int { return cmp.Compare(all[a].Name, all[b].Name) })
	to := make([]int32, len(all))
	for k, i := range l.nodeFrom {
		to[i] = int32(k)
		l.nodes = append(l.nodes, Node{Name: all[i].Name, Tier: all[i].Tier, Store: all[i].Store})
		if !all[i].Store {
			l.rows = append(l.rows, int32(k))
		}
	}
	edge := func(e int) Edge {
		return Edge{Caller: to[links[e].Caller], Callee: to[links[e].Callee], Queue: links[e].Queue}
	}
	slices.SortStableFunc(l.edgeFrom, func(a, b int) int {
		x, y := edge(a), edge(b)
		return cmp.Or(cmp.Compare(x.Caller, y.Caller), cmp.Compare(x.Callee, y.Callee))
	})
	for _, e := range l.edgeFrom {
		l.edges = append(l.edges, edge(e))
	}
	return l
}
