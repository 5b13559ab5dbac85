package slice

import (
	"fmt"
	"math"
	"slices"
)

// A namedColumn is a measured column of Nodes with the name that it has in Arrow.
type namedColumn struct {
	name string
	*Column
}

// columns lists the measured columns, in the order of the Arrow schema.
func (n *Nodes) columns() []namedColumn {
	return []namedColumn{
		{"requests", &n.Requests},
		{"errors", &n.Errors},
		{"arrivals", &n.Arrivals},
		{"mean_ms", &n.Mean},
		{"p50_ms", &n.P50},
		{"p95_ms", &n.P95},
		{"p99_ms", &n.P99},
		{"cpu", &n.CPU},
		{"memory", &n.Memory},
		{"replicas", &n.Replicas},
		{"unpaired", &n.Unpaired},
	}
}

// columns lists the measured columns, in the order of the Arrow schema.
func (e *Edges) columns() []struct {
	name   string
	values *[]float64
} {
	return []struct {
		name   string
		values *[]float64
	}{{"calls", &e.Calls}, {"errors", &e.Errors}, {"mean_ms", &e.Mean}}
}

// Check tells whether the snapshot is well formed: columns of one length, rows
// sorted and there once, edges that lead to services, numbers that are finite and
// zero where they are missing.
func (s *Snapshot) Check() error {
	if s.Width <= 0 || s.Revision < 1 || s.Segment > s.Index {
		return fmt.Errorf("slice %d of graph %q: width %d ns, revision %d, segment %d: expected a width above 0, a revision above 0 and a segment up to the slice",
			s.Index, s.Graph, s.Width, s.Revision, s.Segment)
	}
	if err := s.Nodes.check(); err != nil {
		return fmt.Errorf("slice %d of graph %q: %w", s.Index, s.Graph, err)
	}
	if err := s.Edges.check(s.Nodes.Len()); err != nil {
		return fmt.Errorf("slice %d of graph %q: %w", s.Index, s.Graph, err)
	}
	for i := 1; i < len(s.Resources); i++ {
		if s.Resources[i-1].Key > s.Resources[i].Key {
			return fmt.Errorf("slice %d of graph %q: resources are not sorted at row %d", s.Index, s.Graph, i)
		}
	}
	return nil
}

func (n *Nodes) check() error {
	rows := n.Len()
	for i := 1; i < rows; i++ {
		if n.Service[i-1] >= n.Service[i] {
			return fmt.Errorf("services are not sorted at row %d, %q", i, n.Service[i])
		}
	}
	if len(n.Virtual) != rows {
		return fmt.Errorf("node column virtual has %d rows, expected %d", len(n.Virtual), rows)
	}
	for _, c := range n.columns() {
		if len(c.Value) != rows || len(c.Valid) != rows {
			return fmt.Errorf("node column %s has %d values and %d validities, expected %d", c.name, len(c.Value), len(c.Valid), rows)
		}
		for i, v := range c.Value {
			if !finite(v) || v != 0 && !c.Valid[i] {
				return fmt.Errorf("node column %s of %q is %g, valid: %t", c.name, n.Service[i], v, c.Valid[i])
			}
		}
	}
	return nil
}

func (e *Edges) check(nodes int) error {
	count := e.Len()
	if len(e.Offset) != nodes+1 || e.Offset[0] != 0 || int(e.Offset[nodes]) != count {
		return fmt.Errorf("edge offsets do not span %d edges of %d services", count, nodes)
	}
	if len(e.Kind) != count {
		return fmt.Errorf("edge column kind has %d rows, expected %d", len(e.Kind), count)
	}
	for _, c := range e.columns() {
		if len(*c.values) != count {
			return fmt.Errorf("edge column %s has %d rows, expected %d", c.name, len(*c.values), count)
		}
		if i := slices.IndexFunc(*c.values, func(v float64) bool { return !finite(v) }); i >= 0 {
			return fmt.Errorf("edge column %s is %g at row %d", c.name, (*c.values)[i], i)
		}
	}
	for i := range nodes {
		first, end := e.Of(i)
		if first > end || end > count {
			return fmt.Errorf("edge offsets fall from %d to %d at service %d", first, end, i)
		}
		for k := first; k < end; k++ {
			if callee := e.Callee[k]; callee < 0 || int(callee) >= nodes || EdgeKind(e.Kind[k]) > Virtual {
				return fmt.Errorf("edge %d leads to service %d of %d with kind %d", k, callee, nodes, e.Kind[k])
			}
			if k > first && (e.Callee[k-1] > e.Callee[k] || e.Callee[k-1] == e.Callee[k] && e.Kind[k-1] >= e.Kind[k]) {
				return fmt.Errorf("edges of service %d are not sorted at row %d", i, k)
			}
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Equal tells whether two snapshots are the same to the bit.
func (s *Snapshot) Equal(o *Snapshot) bool {
	return s.Graph == o.Graph && s.Fingerprint == o.Fingerprint && s.Width == o.Width && s.Index == o.Index &&
		s.Revision == o.Revision && s.Complete == o.Complete && s.Segment == o.Segment &&
		slices.Equal(s.Missing, o.Missing) &&
		s.Nodes.equal(&o.Nodes) && s.Edges.equal(&o.Edges) &&
		slices.Equal(s.Resources, o.Resources)
}

func (n *Nodes) equal(o *Nodes) bool {
	theirs := o.columns()
	for i, c := range n.columns() {
		if !sameFloats(c.Value, theirs[i].Value) || !slices.Equal(c.Valid, theirs[i].Valid) {
			return false
		}
	}
	return slices.Equal(n.Service, o.Service) && slices.Equal(n.Virtual, o.Virtual)
}

func (e *Edges) equal(o *Edges) bool {
	theirs := o.columns()
	for i, c := range e.columns() {
		if !sameFloats(*c.values, *theirs[i].values) {
			return false
		}
	}
	return slices.Equal(e.Offset, o.Offset) && slices.Equal(e.Callee, o.Callee) && slices.Equal(e.Kind, o.Kind)
}

func sameFloats(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}
