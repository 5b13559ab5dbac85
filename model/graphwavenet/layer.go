package graphwavenet

import (
	"fmt"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// layer is a gated convolution, the skip connection from it, a diffusion and a batch norm.
type layer[T tensor.Float] struct {
	filter, gate *nn.Linear[T] // [kernel × residual, dilation]
	skip         *nn.Linear[T] // [dilation, skip]; its weights are rows of the network's
	diffusion    *nn.Linear[T] // [(1 + supports × order) × dilation, residual]
	norm         tensor.BatchNormWeights[T]
	dilation     int
}

// newLayer draws a layer's weights.
func newLayer[T tensor.Float](c Config, dilation, supports int, rng *rand.Rand) *layer[T] {
	l := &layer[T]{
		filter:    nn.NewLinear[T](c.Kernel*c.Residual, c.Dilation, rng),
		gate:      nn.NewLinear[T](c.Kernel*c.Residual, c.Dilation, rng),
		skip:      nn.NewLinear[T](c.Dilation, c.Skip, rng),
		diffusion: nn.NewLinear[T]((1+supports*order)*c.Dilation, c.Residual, rng),
		norm: tensor.BatchNormWeights[T]{
			Scale: tensor.NewParam[T](c.Residual), Shift: tensor.NewParam[T](c.Residual),
			Mean: make([]T, c.Residual), Var: make([]T, c.Residual),
		},
		dilation: dilation,
	}
	for i := range c.Residual {
		l.norm.Scale.Data[i], l.norm.Var[i] = 1, 1
	}
	return l
}

// gated is the layer's weights as the convolution wants them.
func (l *layer[T]) gated() tensor.GatedWeights[T] {
	return tensor.GatedWeights[T]{Filter: l.filter.W, FilterBias: l.filter.B, Gate: l.gate.W, GateBias: l.gate.B}
}

// params lists the layer's by the names of layer i. Weight decay would move what gets no gradient: read says
// whether anybody reads the diffusion and the batch norm.
func (l *layer[T]) params(i int, read bool) []nn.Param[T] {
	var out []nn.Param[T]
	for _, p := range []struct {
		name string
		of   *nn.Linear[T]
	}{{"filter_convs.%d", l.filter}, {"gate_convs.%d", l.gate}, {"skip_convs.%d", l.skip}} {
		out = append(out, p.of.Params(fmt.Sprintf(p.name, i))...)
	}
	unread := l.diffusion.Params(fmt.Sprintf("gconv.%d.mlp.mlp", i))
	unread = append(unread, nn.Param[T]{Name: fmt.Sprintf("bn.%d.weight", i), Var: l.norm.Scale, Decay: 1},
		nn.Param[T]{Name: fmt.Sprintf("bn.%d.bias", i), Var: l.norm.Shift, Decay: 1})
	if !read {
		for k := range unread {
			unread[k].Decay = 0
		}
	}
	return append(out, unread...)
}
