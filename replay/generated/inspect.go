package generated

// Node is a service, database or cache as others see it.
type Node struct {
	Name  string
	Tier  int
	Store bool // it reports nothing itself
}

// Link is a caller-callee pair: indices of Nodes.
type Link struct {
	Caller, Callee int
	Queue          bool
}

// Nodes returns services and stores in the order of Tick.Services.
func (m *Simulation) Nodes() []Node {
	nodes := make([]Node, len(m.w.services))
	for i := range nodes {
		s := &m.w.services[i]
		nodes[i] = Node{Name: s.name, Tier: s.tier, Store: s.kind != kindApp}
	}
	return nodes
}

// Links returns the edges that telemetry shows, in the order of Observation.Edges.
func (m *Simulation) Links() []Link {
	edges := m.w.links()
	links := make([]Link, len(edges))
	for i := range edges {
		links[i] = Link{Caller: edges[i].caller, Callee: edges[i].callee, Queue: edges[i].kind == callQueue}
	}
	return links
}

// Depths returns the share of calls by their depth below the entry, which has depth 0,
// at the mean load.
func (m *Simulation) Depths() []float64 {
	var depths []float64
	sum := 0.0
	for a := range m.w.apis {
		for v := range m.w.apis[a].variants {
			nodes := m.w.apis[a].variants[v].nodes
			depth := make([]int, len(nodes))
			for i := range nodes {
				if p := nodes[i].parent; p >= 0 {
					depth[i] = depth[p] + 1
				}
				for len(depths) <= depth[i] {
					depths = append(depths, 0)
				}
				depths[depth[i]] += m.w.mean[a][v][i]
				sum += m.w.mean[a][v][i]
			}
		}
	}
	for d := range depths {
		depths[d] /= sum
	}
	return depths
}
