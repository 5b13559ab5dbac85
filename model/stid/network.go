package stid

import (
	"fmt"
	"math"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// daysOfWeek is how many rows the table of days has.
const daysOfWeek = 7

// network holds the weights.
type network[T tensor.Float] struct {
	cfg     Config
	window  *nn.Linear[T]
	service *tensor.Var[T] // [N, ..]; nil for none, as the next two
	slot    *tensor.Var[T] // [Slots, ..]
	day     *tensor.Var[T] // [7, ..]
	layers  []*nn.Residual[T]
	head    *nn.Linear[T]
}

// newNetwork is for rows of inputs numbers and of outputs ones.
func newNetwork[T tensor.Float](cfg Config, services, inputs, outputs int, rng *rand.Rand) *network[T] {
	n := &network[T]{
		cfg: cfg, window: nn.NewLinear[T](inputs, cfg.Window, rng), service: table[T](services, cfg.Service, rng),
		slot: table[T](cfg.Slots, cfg.TimeOfDay, rng), day: table[T](daysOfWeek, cfg.DayOfWeek, rng),
		head: nn.NewLinear[T](cfg.width(), outputs, rng),
	}
	for range cfg.Layers {
		n.layers = append(n.layers, nn.NewResidual[T](cfg.width(), cfg.Dropout, rng))
	}
	return n
}

// table draws vectors by Glorot and Bengio's rule; nil if they have no width.
func table[T tensor.Float](things, width int, rng *rand.Rand) *tensor.Var[T] {
	if width == 0 {
		return nil
	}
	v := tensor.NewParam[T](things, width)
	limit := math.Sqrt(6 / float64(things+width))
	for i := range v.Data {
		v.Data[i] = T((2*rng.Float64() - 1) * limit)
	}
	return v
}

// keys say which rows of the tables belong to the rows of a batch.
type keys struct{ service, slot, day []int32 }

// forward maps windows [R, inputs] to [R, outputs].
func (n *network[T]) forward(t *tensor.Tape[T], x *tensor.Var[T], k keys, rng *rand.Rand) *tensor.Var[T] {
	var parts [4]*tensor.Var[T]
	parts[0] = n.window.Forward(t, x)
	used := 1
	add := func(table *tensor.Var[T], index []int32) {
		if table != nil {
			parts[used] = t.Gather(table, index)
			used++
		}
	}
	add(n.service, k.service)
	add(n.slot, k.slot)
	add(n.day, k.day)
	h := t.Concat(parts[:used]...)
	for _, layer := range n.layers {
		h = layer.Forward(t, h, rng)
	}
	return n.head.Forward(t, h)
}

func (n *network[T]) params() []nn.Param[T] {
	out := n.window.Params("time_series_emb_layer")
	for _, e := range []nn.Param[T]{{Name: "node_emb", Var: n.service, Decay: 1}, {Name: "time_in_day_emb", Var: n.slot, Decay: 1}, {Name: "day_in_week_emb", Var: n.day, Decay: 1}} {
		if e.Var != nil {
			out = append(out, e)
		}
	}
	for i, layer := range n.layers {
		out = append(out, layer.In.Params(fmt.Sprintf("encoder.%d.fc1", i))...)
		out = append(out, layer.Out.Params(fmt.Sprintf("encoder.%d.fc2", i))...)
	}
	return append(out, n.head.Params("regression_layer")...)
}

// slotOf is the slot of a time of day in [0, 1). A slot's beginning, as a number in float32, lies up to
// 1e-4 slots off in a day of 1440; so what ends just before a slot counts to it.
func slotOf(day float32, slots int) int32 {
	const slack = 1e-3
	return int32(min(max(int(float64(day)*float64(slots)+slack), 0), slots-1))
}
