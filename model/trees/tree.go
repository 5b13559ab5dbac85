package trees

import (
	"fmt"

	"presage/model"
)

// node is a branching, or a leaf where column is negative.
type node struct {
	column      int32
	bin         uint8   // the last bin that goes left
	threshold   float32 // the same as a value: x ≤ threshold goes left
	left, right int32   // places among the forest's nodes
	value       float32 // of a leaf
}

// forest is a sum of trees.
type forest struct {
	constant float32
	nodes    []node
	roots    []int32
}

// at is the sum at a row.
func (s *forest) at(x []float32) float64 {
	v := float64(s.constant)
	for _, k := range s.roots {
		n := &s.nodes[k]
		for n.column >= 0 {
			if x[n.column] <= n.threshold {
				n = &s.nodes[n.left]
			} else {
				n = &s.nodes[n.right]
			}
		}
		v += float64(n.value)
	}
	return v
}

// leaf is one tree's value at a row of bins.
func (s *forest) leaf(root int32, row []uint8) float32 {
	n := &s.nodes[root]
	for n.column >= 0 {
		if row[n.column] <= n.bin {
			n = &s.nodes[n.left]
		} else {
			n = &s.nodes[n.right]
		}
	}
	return n.value
}

// first is the sum of the first trees alone.
func (s *forest) first(trees int) forest {
	if trees >= len(s.roots) {
		return *s
	}
	return forest{constant: s.constant, nodes: s.nodes[:s.roots[trees]], roots: s.roots[:trees]}
}

// The tensors of a state: "nodes" is [nodes, 5]: column (−1 a leaf), threshold, left, right, value; places are within
// a forest. "roots" is [trees, 2]: forest and place. "constants" is [forests, 2]: constant and number of nodes.
func pack(forests []forest) map[string]model.Tensor {
	var nodes, roots, constants model.Tensor
	for k, s := range forests {
		constants.Data = append(constants.Data, s.constant, float32(len(s.nodes)))
		for _, r := range s.roots {
			roots.Data = append(roots.Data, float32(k), float32(r))
		}
		for _, n := range s.nodes {
			nodes.Data = append(nodes.Data, float32(n.column), n.threshold, float32(n.left), float32(n.right), n.value)
		}
	}
	nodes.Shape = []int{len(nodes.Data) / 5, 5}
	roots.Shape = []int{len(roots.Data) / 2, 2}
	constants.Shape = []int{len(constants.Data) / 2, 2}
	return map[string]model.Tensor{"nodes": nodes, "roots": roots, "constants": constants}
}

// unpack checks that every walk ends: children lie behind their parent.
func unpack(tensors map[string]model.Tensor, columns int) ([]forest, error) {
	nodes, roots, constants := tensors["nodes"].Data, tensors["roots"].Data, tensors["constants"].Data
	if len(nodes)%5 != 0 || len(roots)%2 != 0 || len(constants)%2 != 0 {
		return nil, fmt.Errorf("tensors \"nodes\", \"roots\" and \"constants\" have %d, %d and %d values, expected multiples of 5, 2 and 2",
			len(nodes), len(roots), len(constants))
	}
	var forests []forest
	for k := 0; k < len(constants); k += 2 {
		s := forest{constant: constants[k]}
		count := int(constants[k+1])
		if count < 0 || 5*count > len(nodes) {
			return nil, fmt.Errorf("tensor \"nodes\" has %d rows left, expected %d", len(nodes)/5, count)
		}
		for i := range count {
			v := nodes[5*i : 5*i+5]
			n := node{column: int32(v[0]), threshold: v[1], left: int32(v[2]), right: int32(v[3]), value: v[4]}
			if n.column >= int32(columns) || n.column >= 0 && (int(n.left) <= i || int(n.right) <= i || int(n.left) >= count || int(n.right) >= count) {
				return nil, fmt.Errorf("tensor \"nodes\": row %d of forest %d branches to nowhere", i, k/2)
			}
			s.nodes = append(s.nodes, n)
		}
		nodes = nodes[5*count:]
		forests = append(forests, s)
	}
	for k := 0; k < len(roots); k += 2 {
		s, root := int(roots[k]), int(roots[k+1])
		if s < 0 || s >= len(forests) || root < 0 || root >= len(forests[s].nodes) {
			return nil, fmt.Errorf("tensor \"roots\": tree %d begins nowhere", k/2)
		}
		forests[s].roots = append(forests[s].roots, int32(root))
	}
	return forests, nil
}
